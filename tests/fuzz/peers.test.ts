import "./spies.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signsTwice } from "../one-time/ledger.js";
import { judgeAftermath } from "./aftermath.js";
import { type Attack, planAttack } from "./attacks.js";
import { type Corpus, gather } from "./corpus.js";
import { growthOver } from "./heap.js";
import { expectNoFault, expectWords, undergo } from "./ordeal.js";
import { CaseFailed, casesOf, seed, Tally } from "./plan.js";
import { Choices } from "./random.js";
import { stories } from "./stories.js";

/** Of spaces in which all looks as it should, so many are walked through all the same. */
const sampledEvery = 100;

let corpus: Corpus;
let tally: Tally;
const unhandled: unknown[] = [];
const note = (reason: unknown) => void unhandled.push(reason);

beforeAll(async () => {
  corpus = await gather(seed);
  process.on("unhandledRejection", note).on("uncaughtException", note);
  tally = new Tally();
});

afterAll(() => {
  process.off("unhandledRejection", note).off("uncaughtException", note);
  tally.tell("peers", "each a session with a real peer");
});

describe.each(Object.keys(stories))("%s: what was recorded, said again word for word,", (name) => {
  test.each(["sender", "receiver"] as const)("is a whole saga to the %s", async (on) => {
    const recording = corpus.recordings.find((each) => each.name === name)!;
    const lines = recording.lines.filter(({ to }) => to === on);
    const outcome = await undergo({
      ...{ what: "nothing", recording, on, lines, at: lines.length, instead: [] },
      ...{ isEarly: false, isSigned: false, live: undefined, exit: "closes" },
    });
    const durable = outcome.victim.events.filter(({ kind }) => kind === "durable");
    expect(durable).toHaveLength(recording.wishes.length);
    expect(await judgeAftermath(outcome, true)).toBe("as honest people left it");
  });
});

const cases = casesOf("peers");

test(`${cases.length} attackers with messages gone wrong, before real peers of both sides (threat 23)`, {
  timeout: 3_600_000,
}, async () => {
  // An attacker who holds keys signs with them whatever it likes.
  const growth = await signsTwice(() => growthOver(cases, runCase));
  expect(growth).toBeLessThan(cases.length > 1_000 ? 1.1 : 2);
  expect(unhandled).toEqual([]);
});

async function runCase(at: number): Promise<void> {
  const attack = planAttack(corpus, new Choices(seed, at));
  try {
    const outcome = await undergo(attack);
    expectWords(outcome);
    expectNoFault(outcome);
    if (unhandled.length > 0) throw unhandled[0];
    const trace = await judgeAftermath(outcome, at % sampledEvery === 0);
    tally.add(`${attack.what}: ${trace}`);
  } catch (wrong) {
    throw new CaseFailed("peers", at, describeAttack(attack), wrong);
  }
}

const describeAttack = ({ what, recording, on, at, exit, isEarly }: Attack) =>
  `${recording.name}, ${what} in place of line ${at} to the ${on}${isEarly ? ", early" : ""}, then ${exit}`;
