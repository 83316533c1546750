/**
 * kill -9 of a sender and of a receiver, at each named step and at random times: nothing that was acknowledged is lost,
 * no one-time key signs twice, every store opens. What an operating system that fails would lose on top of that, the
 * simulation forgets.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { temporaryDirectory } from "../cli/directories.js";
import { bundleSide } from "./bundle.js";
import { type Role, type Step, said, storeSteps } from "./steps.js";
import { type Kill, Story, type StoryOptions } from "./story.js";

/** Deaths in all, about. Those at named steps are 73; the more there are in all, the more often each. */
const kills = Number(process.env["KEYSAGA_KILLS"] ?? 200);
const repeats = Math.max(1, Math.round(kills / 200));
const randomKills = Math.max(0, kills - 73 * repeats);
/** A busy machine takes its time to start a process. */
const timeout = 600_000 + 3_000 * kills;

let program: string;
beforeAll(async () => {
  const bundle = await bundleSide();
  program = bundle.path;
  return bundle.remove;
});

async function tell(
  deaths: readonly Kill[],
  options: Pick<StoryOptions, "isFirstMeeting"> = {},
): Promise<Story> {
  const story = await Story.begin({ program, dir: await temporaryDirectory(), ...options });
  try {
    for (const kill of deaths) await story.kill(kill);
    await story.end();
  } finally {
    await story.close();
  }
  console.info(`kill -9: ${story.summary}`);
  return story;
}

const named = (victim: Role, steps: readonly Step[], at: (index: number) => number): Kill[] =>
  steps.map((step, index) => ({ victims: [victim], death: { step, at: at(index) } }));

/** Frames go ahead of a message only where the other side lacks many. */
const messageSteps = (role: Role) =>
  said[role].filter((name) => name !== "frames").flatMap((name) => [`before ${name}`, `after ${name}`]);

describe.each(["sender", "receiver"] as const)("a %s that is killed (threat 5)", (victim) => {
  test.each(Array.from({ length: repeats }, (_, repeat) => repeat))(
    "at each step of a write and of a message loses nothing and signs nothing twice (%i)",
    { timeout },
    async (repeat) => {
      const steps = [...storeSteps, ...messageSteps(victim)];
      const { ledger } = await tell(named(victim, steps, (index) => 1 + ((index + repeat) % 3)));
      expect(ledger.acknowledged).toBeGreaterThan(steps.length);
    },
  );
});

test("a first meeting that is cut off at each of its steps, again and again, comes about (threat 5)", {
  timeout,
}, async () => {
  const [once, twice] = [() => 1, () => 2];
  const { ledger } = await tell(
    [
      // A receiver certifies its host key with its second write, when it starts for the first time.
      ...named("receiver", storeSteps, twice).map((kill) => ({ ...kill, whileOpening: true })),
      ...named("sender", storeSteps, once).map((kill) => ({ ...kill, whileOpening: true })),
      ...named("sender", ["before open", "after open"], once),
      ...named("receiver", ["before frames", "after frames", "before challenge"], once),
      // A round's first write is the edit, the second reserves what `connect` shows.
      ...named("sender", storeSteps, twice),
      ...named("sender", ["before frames", "before connect"], once),
      ...named("receiver", storeSteps, once),
    ],
    { isFirstMeeting: true },
  );
  expect(ledger.keys).toBeGreaterThan(100);
});

test(`${randomKills} deaths at random times, of either side or both at once (threats 5, 26)`, {
  timeout,
}, async () => {
  const victims: readonly (readonly Role[])[] = [["sender"], ["receiver"], ["sender", "receiver"]];
  for (let left = randomKills; left > 0; left -= storyKills) {
    const count = Math.min(left, storyKills);
    await tell(Array.from({ length: count }, (_, at) => ({ victims: victims[at % victims.length] ?? [] })));
  }
});

const storyKills = 100;
