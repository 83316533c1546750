import { KeysagaError, limitExceeded, type Moment } from "../base/index.js";
import { type SessionLimits, sagaLimits } from "./limits.js";
import { moveOn, startPace } from "./pace.js";
import {
  type Alike,
  type Answering,
  alikeSets,
  answer,
  countAlike,
  fingerprintsOf,
  mayAsk,
  type Said,
  startAnswering,
  tipsOf,
  withAlike,
} from "./ranges.js";
import {
  type Answered,
  answeredOf,
  type Comparing,
  type Found,
  type ReceiverSagaEvent,
  type ReceiverSagaState,
  type ReceiverSagaStep,
  sagaOf,
  toldOf,
} from "./receiver-saga-states.js";
import { areFinalTips, isEmpty, isSameList, movesOfReceiver, statusesAfter, toBitmap } from "./roots.js";
import type { TurnDraft } from "./turn.js";
import type { AskBody, InitBody, OfferBody, Root, RootStatus } from "./turn-bodies.js";

/** A receiver that is ready for the first, or the next, saga of a session. */
export function awaitSaga(limits: SessionLimits, now: Moment): ReceiverSagaState {
  return { kind: "awaitingInit", limits, deadline: now + limits.idleTimeoutMs };
}

/** Advances the receiver's saga by one event. No clock, no randomness, no I/O, no mutation; never throws. */
export function stepReceiverSaga(state: ReceiverSagaState, event: ReceiverSagaEvent): ReceiverSagaStep {
  if (state.kind === "failed") return stay(state);
  switch (event.kind) {
    case "failed":
      return fail(event.error);
    case "tick":
      return onTick(state, event.now);
    case "payload":
      return onPayload(state, event);
    case "credit":
      return stay(state.kind === "awaitingCommit" ? moveOn(state, event) : state);
    case "payloadStaged":
      return onPayloadStaged(state, event.now);
    default:
      return onProgress(state, event);
  }
}

type Running = Exclude<ReceiverSagaState, { kind: "failed" }>;
type Progress = Exclude<
  ReceiverSagaEvent,
  { kind: "failed" | "tick" | "payload" | "credit" | "payloadStaged" }
>;
type In<Kind> = Extract<ReceiverSagaState, { kind: Kind }>;
type On<Kind> = Extract<ReceiverSagaEvent, { kind: Kind }>;

function onProgress(state: Running, event: Progress): ReceiverSagaStep {
  if (event.kind === "ranges" && isBetween(state)) return onRanges(state, event);
  if (state.kind === "loadingSet" && event.kind === "setLoaded") return onSetLoaded(state, event);
  if (event.kind === "init" && isBetween(state)) return onInit(state, event.turn.message);
  if (state.kind === "comparing" && event.kind === "compared") return onCompared(state, event);
  if (state.kind === "sending" && event.kind === "recordsSent") return say(state, state.turn, event.now);
  if (state.kind === "awaitingCommit" && event.kind === "ask") return onAsk(state, event.turn.message);
  if (state.kind === "readingBranches" && event.kind === "branchesRead")
    return tell(state, event, { type: "branch", entries: [...event.found, ...event.made] }, event.now);
  if (state.kind === "awaitingCommit" && event.kind === "offer") return onOffer(state, event.turn.message);
  if (state.kind === "choosing" && event.kind === "chosen") return onChosen(state, event);
  if (state.kind === "awaitingCommit" && event.kind === "delta") return onDelta(state, event.now);
  if (state.kind === "awaitingCommit" && event.kind === "commit") return onCommit(state, event);
  if (state.kind === "committing" && event.kind === "spaceCommitted")
    return stay(awaitSaga(state.limits, event.now));
  if (state.kind === "committing" && event.kind === "spaceMoved") return onMoved(state, event);
  return fail(new KeysagaError("out_of_turn", { got: event.kind, during: state.kind }));
}

/** Has no saga begun? Then one may, or what is compared ahead of it goes on. */
type Between = In<"awaitingInit" | "awaitingRanges">;

const isBetween = (state: Running): state is Between =>
  state.kind === "awaitingInit" || state.kind === "awaitingRanges";

/** A turn that goes on with something has to come in its place. */
const isInPlace = (state: Between, turn: number): boolean => (state.kind === "awaitingInit") === (turn === 1);

function onRanges(state: Between, { turn, now }: On<"ranges">): ReceiverSagaStep {
  const { saga, of, root, entries = [], turn: place } = turn.message;
  if (!isInPlace(state, place)) return fail(new KeysagaError("out_of_turn", { got: "ranges" }));
  if (of !== undefined && root !== undefined && entries.length === 0) {
    const before = state.kind === "awaitingRanges" ? state.sets : [];
    const sets = [...new Set([...before, of])];
    if (sets.length > sagaLimits.setsMax) return fail(limitExceeded("setsMax", sagaLimits.setsMax));
    if (sets.length === before.length)
      return fail(new KeysagaError("malformed_message", { in: "ranges", rule: "each set once" }));
    const { limits } = state;
    return {
      state: { kind: "loadingSet", limits, saga, sets, alike: alikeIn(state), of, root },
      effects: [{ kind: "loadSet", of }],
    };
  }
  const isOther = of !== undefined || root !== undefined || state.kind !== "awaitingRanges";
  if (isOther || !mayAsk(state.answering, entries))
    return fail(new KeysagaError("malformed_message", { in: "ranges", rule: "a set, or ranges of it" }));
  return sayAlike(state, state.answering, fingerprintsOf(entries), now);
}

function onSetLoaded(
  { of, root, ...state }: In<"loadingSet">,
  { set, now }: On<"setLoaded">,
): ReceiverSagaStep {
  return sayAlike(state, startAnswering({ of, set }), [["", root]], now, { count: set.count("") });
}

function sayAlike(
  { limits, saga, sets, alike }: Comparing,
  so: Answering,
  said: Said,
  now: Moment,
  beside: { readonly count?: number } = {},
): ReceiverSagaStep {
  const { answering, same } = answer(so, said);
  const deadline = now + limits.turnTimeoutMs;
  return {
    state: { kind: "awaitingRanges", limits, saga, sets, alike, answering, deadline },
    effects: [{ kind: "sendTurn", draft: { type: "alike", alike: toBitmap(same), ...beside } }],
  };
}

const alikeIn = (state: Between): Alike =>
  state.kind === "awaitingRanges" ? withAlike(state.alike, state.answering) : [];

/** What is alike counts as named. */
function onInit(state: Between, init: InitBody): ReceiverSagaStep {
  const { limits } = state;
  const { saga, turn, direction, linkedMax, entries: named = [] } = init;
  const alike = alikeIn(state);
  const roots = [...named, ...tipsOf(alike)];
  if (!isInPlace(state, turn)) return fail(new KeysagaError("out_of_turn", { got: "init" }));
  if (roots.length === 0 || new Set(roots.map(({ address }) => address)).size < roots.length)
    return fail(new KeysagaError("malformed_message", { in: "init", rule: "roots, each once" }));
  if (named.some(({ tip, n }) => (tip === undefined) !== (n === undefined)))
    return fail(new KeysagaError("malformed_message", { in: "init", rule: "tip and n together" }));
  if (direction === "push" && (linkedMax !== undefined || named.some(({ down, by }) => down || by)))
    return fail(new KeysagaError("malformed_message", { in: "init", rule: "a push brings nothing down" }));
  return {
    state: { kind: "comparing", limits, saga, direction, roots, alike },
    effects: [{ kind: "compareRoots", roots, alike, direction, linkedMax }],
  };
}

function onCompared(state: In<"comparing">, event: On<"compared">): ReceiverSagaStep {
  const { statuses, found, made, open, later, full, more, kept, now } = event;
  const answered: Answered = {
    ...sagaOf(state),
    statuses,
    found: [],
    later,
    staging: 0,
    asked: false,
    offered: false,
    overtaken: 0,
    uncovered: false,
  };
  const named = statuses.slice(0, statuses.length - countAlike(state.alike));
  const entries = [...named, ...found, ...made, ...open];
  const flags = { ...(later && { later }), ...(full && { full }), ...(more && { more }) };
  const ack = { type: "ack", ...(kept > 0 && { kept }), ...flags, ...(entries.length > 0 && { entries }) };
  return tell(answered, event, ack, now);
}

/** Sends what the sender lacks, then the turn that covers it. */
function tell(before: Answered, more: Found, said: TurnDraft, now: Moment): ReceiverSagaStep {
  const found = new Map([...before.found, ...more.found].map((tip) => [tip.address, tip]));
  const state = { ...answeredOf(before), found: [...found.values()] };
  const { plan, evidence } = more;
  const turn = { ...said, evidence };
  if (isEmpty(plan)) return say(state, turn, now);
  return {
    state: { ...state, kind: "sending", turn },
    effects: [{ kind: "sendRecords", plan, known: [] }],
  };
}

function say(state: Answered, draft: TurnDraft, now: Moment): ReceiverSagaStep {
  return {
    state: {
      ...answeredOf(state),
      ...startPace(now, state.limits),
      kind: "awaitingCommit",
      uncovered: false,
    },
    effects: [{ kind: "sendTurn", draft }],
  };
}

/** Only of roots whose tip here the sender was told and may not hold; of none for what comes `later` alone. */
function onAsk(state: In<"awaitingCommit">, { entries = [] }: AskBody): ReceiverSagaStep {
  if (state.asked || state.direction === "push")
    return fail(new KeysagaError("out_of_turn", { got: "ask", rule: "once in a saga that pulls" }));
  const unsettled = new Set(
    state.roots.filter((_, at) => isUnsettled(state.statuses[at]!)).map(({ address }) => address),
  );
  const asked = new Set(entries.map(({ address }) => address));
  const isForNothing = asked.size === 0 && !state.later;
  if (asked.size !== entries.length || isForNothing || ![...asked].every((root) => unsettled.has(root)))
    return fail(new KeysagaError("malformed_message", { in: "ask", rule: "roots that differ, each once" }));
  return {
    state: { ...answeredOf(state), kind: "readingBranches", asked: true },
    effects: [{ kind: "readBranches", asks: entries, ...toldOf(state) }],
  };
}

function isUnsettled({ status }: RootStatus): boolean {
  return status === "behind" || status === "diverged";
}

function onPayload(state: Running, event: On<"payload">): ReceiverSagaStep {
  const { records } = event;
  if (records.length === 0 && isBetween(state)) return stay(state);
  const expected = state.kind === "awaitingCommit" && (records.length === 0 || state.direction !== "pull");
  if (!expected) return fail(new KeysagaError("out_of_turn", { got: "payload", during: state.kind }));
  if (records.length === 0) return stay(state);
  return {
    state: {
      ...moveOn(state, event),
      staging: state.staging + 1,
      uncovered: true,
    },
    effects: [{ kind: "stage", saga: state.saga, records }],
  };
}

function onPayloadStaged(state: Running, now: Moment): ReceiverSagaStep {
  if (!("staging" in state) || state.staging === 0)
    return fail(new KeysagaError("out_of_turn", { got: "payloadStaged", during: state.kind }));
  const settled = { ...state, staging: state.staging - 1 };
  if (settled.kind === "covering") return cover(settled, now);
  return settled.kind === "settling" ? settle(settled) : stay(settled);
}

/** A turn costs both sides a signature: there has to be something for it to cover. */
function onDelta(state: In<"awaitingCommit">, now: Moment): ReceiverSagaStep {
  if (!state.uncovered)
    return fail(new KeysagaError("out_of_turn", { got: "delta", rule: "behind records" }));
  return cover({ ...answeredOf(state), kind: "covering" }, now);
}

function cover(state: In<"covering">, now: Moment): ReceiverSagaStep {
  return state.staging > 0 ? stay(state) : say(state, { type: "staged" }, now);
}

/** One offer a saga: what is wanted can be asked of the space once. */
function onOffer(state: In<"awaitingCommit">, { entries }: OfferBody): ReceiverSagaStep {
  if (state.offered) return fail(new KeysagaError("out_of_turn", { got: "offer", rule: "once in a saga" }));
  return {
    state: { ...answeredOf(state), kind: "choosing", offered: true },
    effects: [{ kind: "choose", offered: entries ?? [] }],
  };
}

function onChosen(state: In<"choosing">, { wanted, now }: On<"chosen">): ReceiverSagaStep {
  return say(state, { type: "wants", wants: toBitmap(wanted) }, now);
}

function onCommit(state: In<"awaitingCommit">, { turn }: On<"commit">): ReceiverSagaStep {
  if (state.later && !state.asked)
    return fail(new KeysagaError("out_of_turn", { got: "commit", rule: "behind what comes later" }));
  const { entries = [] } = turn.message;
  const final = entries.filter((entry) => "tip" in entry);
  const made = entries.filter((entry) => "frame" in entry);
  const isInOrder = entries.slice(0, final.length).every((entry) => "tip" in entry);
  if (!isInOrder || !areFinalTips(final, ...namedIn(state), state.direction))
    return fail(
      new KeysagaError("malformed_message", { in: "commit", rule: "the tips that follow from init and ack" }),
    );
  if (!isSameList(turn.message.alike ?? [], alikeSets(state.alike)))
    return fail(new KeysagaError("malformed_message", { in: "commit", rule: "the sets that were compared" }));
  const moves = movesOfReceiver(state.roots, state.statuses, final);
  const moving = new Set(moves.map(({ address }) => address));
  const isEachOnce = new Set(made.map(({ frame }) => frame)).size === made.length;
  if (!isEachOnce || !made.every(({ tjp }) => moving.has(tjp)))
    return fail(new KeysagaError("malformed_message", { in: "commit", rule: "frames of tips that move" }));
  const signed = { entries: made, signature: turn.message.attested };
  return settle({ ...answeredOf(state), kind: "settling", final, made: signed });
}

/** The roots that were named, with what was said of each. */
function namedIn({ roots, statuses, alike }: Answered): [readonly Root[], readonly RootStatus[]] {
  const named = roots.length - countAlike(alike);
  return [roots.slice(0, named), statuses.slice(0, named)];
}

/** The commit waits until everything that came in is staged. */
function settle(state: In<"settling">): ReceiverSagaStep {
  if (state.staging > 0) return stay(state);
  const { saga, final, made, alike } = state;
  const moves = movesOfReceiver(state.roots, state.statuses, final);
  return {
    state: { ...answeredOf(state), kind: "committing" },
    effects: [{ kind: "commitSpace", saga, moves, final, made, alike, ...toldOf(state) }],
  };
}

/** The sender is told what others made of the tips, and commits again from there. */
function onMoved(state: In<"committing">, event: On<"spaceMoved">): ReceiverSagaStep {
  const { tips, found, made, now } = event;
  const overtaken = state.overtaken + 1;
  if (overtaken >= state.limits.commitsMax)
    return fail(new KeysagaError("tip_moved", { commits: overtaken }));
  const statuses = statusesAfter(state.roots, state.statuses, tips);
  const moved = { ...answeredOf(state), statuses, overtaken };
  // A push takes no records: it is told of the tips, and ends as one onto what had moved before.
  if (state.direction === "push") return say(moved, { type: "moved", entries: tips }, now);
  const turn = { type: "moved", entries: [...tips, ...found, ...made] };
  return tell(moved, event, turn, now);
}

function onTick(state: Running, now: Moment): ReceiverSagaStep {
  if (!("deadline" in state) || now < state.deadline) return stay(state);
  return fail(new KeysagaError("turn_timeout", { during: state.kind }));
}

const stay = (state: ReceiverSagaState): ReceiverSagaStep => ({ state, effects: [] });

function fail(error: KeysagaError): ReceiverSagaStep {
  return { state: { kind: "failed", error }, effects: [] };
}
