/** What a receiver may say of timelines that it has found alike: nothing more in this saga. */
import { expect, test } from "vitest";
import { createTimeline, mutate } from "../../src/ibgib/index.js";
import {
  nothingToSend,
  RangeSet,
  sessionLimits,
  startSenderSaga,
  stepSenderSaga,
} from "../../src/saga/index.js";

const firsts = ["folder", "note", "found"].map((uuid) => createTimeline({ ib: "note", uuid }));
const [folder, note, other] = firsts.map(({ address }) => ({ address, tip: address, n: 0 }));
const further = (at: number) => ({
  address: firsts[at]!.address,
  tip: mutate(firsts[at]!, { further: true }).address,
  n: 1,
});

const said = (message: object) => ({ message: { saga: "00", turn: 1, ...message } }) as never;

/** A sender of a folder, which is alike, and a note, which it pushes; both ways. */
async function committed(ack: readonly object[] = []) {
  const sets = [{ of: folder!.address, set: await RangeSet.of([folder!]) }];
  const planned = { linkedMax: undefined, roots: [folder!, note!], evidence: [], sets, now: 0 };
  let { state } = startSenderSaga("00", [folder!.address, note!.address], "both", sessionLimits);
  state = stepSenderSaga(state, { kind: "planned", ...planned }).state;
  state = stepSenderSaga(state, { kind: "alike", turn: said({ type: "alike", alike: "01" }), now: 0 }).state;
  const entries = [{ status: "unknown" }, ...ack];
  state = stepSenderSaga(state, { kind: "ack", turn: said({ type: "ack", entries }) }).state;
  const chosen = new Map([[note!.address, note!]]);
  const nothing = { moves: [], made: [], evidence: [], plan: nothingToSend, unsure: [], shared: 0 };
  return stepSenderSaga(state, { kind: "resolved", chosen, ...nothing, now: 0 });
}

test("a tip that is alike is moved by nobody: the commit does not name it", async () => {
  const { state, effects } = await committed();
  expect(effects).toMatchObject([{ draft: { entries: [note], alike: [{ of: folder!.address, count: 1 }] } }]);
  const moved = (...entries: readonly object[]) =>
    stepSenderSaga(state, { kind: "moved", turn: said({ type: "moved", entries }) }).state;
  expect(moved(further(1), further(2)).kind).toBe("resolving");
  for (const tips of [[further(0)], [further(1), further(0)]])
    expect(moved(...tips)).toMatchObject({ kind: "failed", error: { code: "malformed_message" } });
});

test("what comes along is no root, whether it was named or is alike", async () => {
  const { state } = await committed([further(0), further(1), other!]);
  expect(state).toMatchObject({ kind: "awaitingReceipt", found: [other] });
});
