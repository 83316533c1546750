/** What the sender lacks, where it has to come behind what the sender asks for. */

import { expect, test } from "vitest";
import { createTimeline } from "../../src/ibgib/index.js";
import {
  awaitSaga,
  type Direction,
  nothingToSend,
  type RootStatus,
  sessionLimits,
  startSenderSaga,
  stepReceiverSaga,
  stepSenderSaga,
} from "../../src/saga/index.js";

const { address } = createTimeline({ ib: "note", uuid: "1" });
const root = { address, tip: address, n: 0 };
const changed: RootStatus = { status: "diverged", tip: address, n: 1 };

const said = (message: object) => ({ message: { saga: "00", turn: 1, ...message } }) as never;

/** A receiver that has answered, and what it does when the sender says a turn. */
function receiverTold(later: boolean, turn: "ask" | "commit") {
  const init = said({ type: "init", direction: "both", entries: [root] });
  const begun = stepReceiverSaga(awaitSaga(sessionLimits, 0), { kind: "init", turn: init, now: 0 });
  const nothing = { found: [], made: [], open: [], evidence: [], plan: nothingToSend };
  const compared = {
    kind: "compared",
    statuses: [changed],
    kept: 0,
    later,
    full: false,
    more: false,
    ...nothing,
    now: 0,
  } as const;
  const answered = stepReceiverSaga(begun.state, compared);
  const entries = turn === "commit" ? { entries: [{ ...root, n: 1 }] } : {};
  const { state, effects } = stepReceiverSaga(answered.state, {
    kind: turn,
    turn: said({ type: turn, ...entries }),
  });
  return state.kind === "failed" ? state.error.code : effects.map(({ kind }) => kind);
}

test("is read where the sender asks for nothing else, and not where nothing waits", () => {
  expect(receiverTold(true, "ask")).toEqual(["readBranches"]);
  expect(receiverTold(false, "ask")).toBe("malformed_message");
});

test("is asked for before the commit", () => {
  expect(receiverTold(true, "commit")).toBe("out_of_turn");
  expect(receiverTold(false, "commit")).toEqual(["commitSpace"]);
});

test("a push has no limit on what comes down", () => {
  const init = said({ type: "init", direction: "push", linkedMax: 1, entries: [root] });
  const { state } = stepReceiverSaga(awaitSaga(sessionLimits, 0), { kind: "init", turn: init, now: 0 });
  expect(state).toMatchObject({ kind: "failed", error: { code: "malformed_message" } });
});

/** A sender that is told so, and what it does. */
function senderTold(direction: Direction, status: RootStatus, later: boolean) {
  let { state } = startSenderSaga("00", [address], direction, sessionLimits);
  state = stepSenderSaga(state, {
    kind: "planned",
    roots: [root],
    linkedMax: undefined,
    sets: [],
    evidence: [],
    now: 0,
  }).state;
  const ack = said({ type: "ack", entries: [status], ...(later && { later }) });
  state = stepSenderSaga(state, { kind: "ack", turn: ack }).state;
  const { effects, ...end } = stepSenderSaga(state, { kind: "compared", asks: [], now: 0 });
  return end.state.kind === "failed" ? end.state.error.code : effects;
}

test("a sender that lacks nothing else asks for it", () => {
  expect(senderTold("both", changed, true)).toEqual([{ kind: "sendTurn", draft: { type: "ask" } }]);
  expect(senderTold("both", changed, false)).toMatchObject([{ kind: "resolve" }]);
});

test("nothing waits where nothing is asked for, or a push was", () => {
  expect(senderTold("both", { status: "same" }, true)).toBe("malformed_message");
  expect(senderTold("push", changed, true)).toBe("malformed_message");
});
