/**
 * Replay: every message of every recorded session, said in every state of every other one. Of the same two peers, of
 * others, and in another saga of the same session.
 */
import "./spies.js";
import { beforeAll, describe, expect, test } from "vitest";
import type { ReceiverSelf } from "../../src/saga/index.js";
import type { TapSide } from "../../src/testing/index.js";
import { judgeAftermath } from "./aftermath.js";
import type { Cast } from "./cast.js";
import { type Corpus, gather } from "./corpus.js";
import { Ear, isOurFault, keepsTurns, selfOf } from "./ear.js";
import type { Moment } from "./notes.js";
import { expectNoFault, expectWords, undergo } from "./ordeal.js";
import { seed } from "./plan.js";
import { isNamed, isTurn, type Line, type Recording, recordTwice } from "./recording.js";

/** Stories whose messages are so long that each counts for many: they say nothing that the others do not. */
const isLong = ({ story }: Recording) => story.weight < 1;

let corpus: Corpus;
let twice: readonly [Recording, Recording];
const selves = new Map<Cast, ReceiverSelf>();

beforeAll(async () => {
  corpus = await gather(seed);
  twice = await recordTwice(String(seed));
  for (const { cast } of [...corpus.recordings, ...twice]) selves.set(cast, await selfOf(cast));
});

/** How often what was said once is taken a second time, by what it was taken as. */
function takenOf(messages: readonly Line[], by: Recording): ReadonlyMap<string, number> {
  const taken = new Map<string, number>();
  for (const moment of by.moments)
    for (const { to, message } of messages) {
      if (to !== moment.side) continue;
      const ear = new Ear(moment, selves.get(by.cast)!, by.cast.rita.stand.clock.now());
      const verdict = ear.hear(message);
      if (verdict.kind === "refused" && isOurFault(verdict.error.code)) throw verdict.error;
      if (verdict.kind === "taken" && !isUnread(moment, verdict.as))
        taken.set(verdict.as, (taken.get(verdict.as) ?? 0) + 1);
    }
  return taken;
}

/**
 * What is taken without a proof is nobody's word for anything: first words, frames and a turn that are kept unread
 * until a proof comes, payload until a turn covers it. Credit is only ever a number.
 */
function isUnread({ handshake }: Moment, as: string): boolean {
  if (["hello", "open", "frames", "payload", "credit"].includes(as)) return true;
  return as === "turn" && keepsTurns.includes(handshake.kind);
}

const nothing = new Map();

test("what is said in its own session is taken, so that what follows means something", () => {
  const taken = takenOf(twice[0].lines, twice[0]);
  expect([...taken.keys()].sort()).toEqual(["challenge", "connect", "ready", "turn"]);
});

test("nothing of any session is taken in another of other peers: 0 accepted (threat 1)", () => {
  const short = corpus.recordings.filter((recording) => !isLong(recording));
  for (const by of short)
    for (const { lines } of short.filter((other) => other !== by))
      expect(takenOf(lines, by)).toEqual(nothing);
});

test("nothing of a session is taken in a later, or an earlier, one of the same two: 0 accepted (threat 1)", () => {
  const [first, second] = twice;
  expect(takenOf(first.lines, second)).toEqual(nothing);
  expect(takenOf(second.lines, first)).toEqual(nothing);
});

test("nothing of a saga is taken in the next one of the same session: 0 accepted (threat 1)", () => {
  const recording = corpus.recordings.find(({ name }) => name === "two sagas")!;
  const { lines, moments } = recording;
  const second = lines.findLastIndex(({ message }) => isTurn(message, "init"));
  const turns = (part: readonly Line[]) => part.filter(({ message }) => isNamed(message, "turn"));
  const [earlier, later] = [turns(lines.slice(0, second)), turns(lines.slice(second))];
  const heardBefore = (side: TapSide) => lines.slice(0, second).filter(({ to }) => to === side).length;
  const isLater = ({ side, heard }: Moment) => heard > heardBefore(side);
  expect(later).toHaveLength(4);
  expect(takenOf(earlier, { ...recording, moments: moments.filter(isLater) })).toEqual(nothing);
  const isEarlier = ({ side, heard }: Moment) => heard < heardBefore(side);
  expect(takenOf(later, { ...recording, moments: moments.filter(isEarlier) })).toEqual(nothing);
});

describe("before real peers: each message of the first session, in place of each of the second", () => {
  test.each(["sender", "receiver"] as const)("to the %s", async (on) => {
    const [first, second] = twice;
    const lines = second.lines.filter(({ to }) => to === on);
    for (const [at] of lines.entries())
      for (const old of first.lines.filter(({ to }) => to === on)) {
        const outcome = await undergo({
          ...{ what: "an old message", recording: second, on, lines, at, instead: [old.message] },
          ...{ isEarly: false, isSigned: false, live: undefined, exit: "closes" },
        });
        expectWords(outcome);
        expectNoFault(outcome);
        const durable = outcome.victim.events.some(({ kind }) => kind === "durable");
        // Where the very same was said in both sessions, nothing was replaced.
        expect(durable).toBe(old.message === lines[at]?.message);
        await judgeAftermath(outcome, false);
      }
  });
});
