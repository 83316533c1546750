/** What a receipt may say of roots that the receiver has left for a limit of its own. */

import { expect, test } from "vitest";
import { createTimeline } from "../../src/ibgib/index.js";
import {
  nothingToSend,
  type RootStatus,
  sessionLimits,
  startSenderSaga,
  stepSenderSaga,
} from "../../src/saga/index.js";

const roots = ["1", "2"].map((uuid) => {
  const { address } = createTimeline({ ib: "note", uuid });
  return { address, tip: address, n: 0 };
});
const [first, second] = roots.map(({ address }) => address);
const held = { ...roots[0]!, n: 7 };

const said = (message: object) => ({ message: { saga: "00", turn: 1, ...message } }) as never;

/** A sender that has committed both roots, of which the receiver had these, and what it makes of a receipt. */
function told(statuses: readonly RootStatus[], ...entries: readonly object[]) {
  let { state } = startSenderSaga(
    "00",
    roots.map(({ address }) => address),
    "both",
    sessionLimits,
  );
  state = stepSenderSaga(state, {
    kind: "planned",
    sets: [],
    linkedMax: undefined,
    roots,
    evidence: [],
    now: 0,
  }).state;
  state = stepSenderSaga(state, { kind: "ack", turn: said({ type: "ack", entries: statuses }) }).state;
  if (state.kind === "comparing") state = stepSenderSaga(state, { kind: "compared", asks: [], now: 0 }).state;
  const chosen = new Map(roots.map((root) => [root.address, root]));
  const nothing = { moves: [], made: [], evidence: [], plan: nothingToSend, unsure: [], shared: 0 };
  state = stepSenderSaga(state, { kind: "resolved", chosen, ...nothing, now: 0 }).state;
  const step = stepSenderSaga(state, { kind: "receipt", turn: said({ type: "receipt", entries }) });
  if (step.state.kind === "failed") return step.state.error.code;
  const [effect] = step.effects;
  return effect?.kind === "commitSpace" ? [effect.final, effect.left] : undefined;
}

const unknown: RootStatus = { status: "unknown" };
const left = (address = second) => ({ address, left: "over_quota" });

test("a root that was left is there as it was, or not at all", () => {
  const behind: RootStatus = { status: "behind", tip: held.tip, n: 7 };
  expect(told([unknown, unknown], roots[0]!, left())).toEqual([[roots[0]], [left()]]);
  expect(told([behind, unknown], roots[1]!, left(first))).toEqual([[roots[1], held], [left(first)]]);
  expect(told([unknown, unknown], left(first), left())).toEqual([[], [left(first), left()]]);
});

test("no other root is left, and none twice or beside its tip", () => {
  const wrong = "wrong_context";
  const third = createTimeline({ ib: "note", uuid: "3" }).address;
  expect(told([unknown, unknown], roots[0]!)).toBe(wrong);
  expect(told([unknown, unknown], roots[0]!, left(third))).toBe(wrong);
  expect(told([unknown, unknown], left(), left())).toBe(wrong);
  expect(told([unknown, unknown], ...roots, left())).toBe(wrong);
});
