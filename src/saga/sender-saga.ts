import { KeysagaError, type Moment } from "../base/index.js";
import { type Address, hashOf, shortAddress, tjpHashOf } from "../ibgib/index.js";
import {
  type Alike,
  alikeSets,
  askOn,
  askWhole,
  countAlike,
  type NamedSet,
  tipsOf,
  withAlike,
} from "./ranges.js";
import type { SessionLimits } from "./limits.js";
import {
  type AckBody,
  type AckEntry,
  type Direction,
  type FinalTip,
  type ReceiptBody,
  type Root,
  RootStatus,
  type ToldEntry,
} from "./turn-bodies.js";
import { moveOn, type Pace, startPace } from "./pace.js";
import {
  finalTips,
  fromBitmap,
  isEmpty,
  isSameList,
  isSameTip,
  sameOnBoth,
  type SendPlan,
  statusesAfter,
  statusesByRoot,
} from "./roots.js";
import {
  type Answered,
  answeredOf,
  base,
  type Resolved,
  resolvedOf,
  type Saga,
  type SenderSagaEvent,
  type SenderSagaState,
  type SenderSagaStep,
} from "./sender-saga-states.js";
import { readReceiptEntries } from "./receipt.js";
import type { Entry, TurnDraft, Verified } from "./turn.js";

/** Opens a saga over `wanted` (timelines by first address, stones by address). `saga` is a fresh random id. */
export function startSenderSaga(
  saga: string,
  wanted: readonly Address[],
  direction: Direction,
  limits: SessionLimits,
): SenderSagaStep {
  return {
    state: { kind: "planning", saga, direction, limits, staging: 0, wanted },
    effects: [{ kind: "planRoots", wanted }],
  };
}

/** Advances the sender's saga by one event. No clock, no randomness, no I/O, no mutation; never throws. */
export function stepSenderSaga(state: SenderSagaState, event: SenderSagaEvent): SenderSagaStep {
  if (state.kind === "committed" || state.kind === "failed") return stay(state);
  switch (event.kind) {
    case "failed":
      return fail(event.error);
    case "tick":
      return onTick(state, event.now);
    case "payload":
      return onPayload(state, event);
    case "credit":
      return stay(isPaced(state) ? moveOn(state, event) : state);
    case "payloadStaged":
      return onPayloadStaged(state);
    default:
      return onProgress(state, event);
  }
}

type Running = Exclude<SenderSagaState, { kind: "committed" | "failed" }>;
type Progress = Exclude<
  SenderSagaEvent,
  { kind: "failed" | "tick" | "payload" | "credit" | "payloadStaged" }
>;
type In<Kind> = Extract<SenderSagaState, { kind: Kind }>;
type On<Kind> = Extract<SenderSagaEvent, { kind: Kind }>;

function onProgress(state: Running, event: Progress): SenderSagaStep {
  if (state.kind === "planning" && event.kind === "planned") return onPlanned(state, event);
  if (state.kind === "awaitingAlike" && event.kind === "alike") return onAlike(state, event);
  if (state.kind === "awaitingAck" && event.kind === "ack") return onAck(state, event.turn.message);
  if (state.kind === "comparing" && event.kind === "compared") return onCompared(state, event);
  if (state.kind === "awaitingBranch" && event.kind === "branch")
    return onBranch(state, event.turn.message.entries);
  if (state.kind === "resolving" && event.kind === "resolved") return onResolved(state, event);
  if (state.kind === "awaitingWants" && event.kind === "wants")
    return onWants(state, event.turn.message.wants);
  if (state.kind === "sending" && event.kind === "portionSent") return onPortionSent(state, event.now);
  if (state.kind === "awaitingStaged" && event.kind === "staged") return sendOn(state);
  if (state.kind === "sending" && event.kind === "recordsSent") return commit(state, event.now);
  if (state.kind === "awaitingReceipt" && event.kind === "receipt") return onReceipt(state, event.turn);
  if (state.kind === "awaitingReceipt" && event.kind === "moved")
    return onMoved(state, event.turn.message.entries);
  if (state.kind === "committing" && event.kind === "spaceCommitted")
    return stay({ kind: "committed", saga: state.saga, receipt: state.receipt });
  return fail(new KeysagaError("out_of_turn", { got: event.kind, during: state.kind }));
}

/** Where there are sets to compare, they come first. */
function onPlanned(state: In<"planning">, { sets, now, kind: _, ...planned }: On<"planned">): SenderSagaStep {
  return compareNext({ ...base(state), wanted: state.wanted, planned }, sets, [], now);
}

/** A saga that begins as soon as it is known what both sides have alike. */
type Beginning = Saga & Pick<In<"awaitingAlike">, "wanted" | "planned">;

function compareNext(
  beginning: Beginning,
  [next, ...sets]: readonly NamedSet[],
  alike: Alike,
  now: Moment,
): SenderSagaStep {
  if (next === undefined) return begin(beginning, alike, now);
  const { saga, limits } = beginning;
  const draft = { type: "ranges", saga, of: next.of, root: next.set.fingerprint("") };
  const asking = askWhole(next);
  return {
    state: { ...beginning, ...startPace(now, limits), kind: "awaitingAlike", sets, asking, alike },
    effects: [{ kind: "sendTurn", draft }],
  };
}

function onAlike(state: In<"awaitingAlike">, { turn, now }: On<"alike">): SenderSagaStep {
  const same = fromBitmap(turn.message.alike, state.asking.asked.length);
  if (!same)
    return fail(new KeysagaError("malformed_message", { in: "alike", rule: "one bit for each fingerprint" }));
  const { asking, ranges } = askOn(state.asking, same, turn.message.count);
  const { wanted, planned, sets, alike } = state;
  if (ranges.length === 0)
    return compareNext({ ...base(state), wanted, planned }, sets, withAlike(alike, asking), now);
  return {
    state: { ...state, ...startPace(now, state.limits), asking },
    effects: [{ kind: "sendTurn", draft: { type: "ranges", entries: ranges } }],
  };
}

/** What is alike is not named. */
function begin({ wanted, planned, ...saga }: Beginning, alike: Alike, now: Moment): SenderSagaStep {
  const { linkedMax, evidence } = planned;
  const others = tipsOf(alike);
  const areAlike = new Set(others.map(({ address }) => address));
  const named = planned.roots.filter(({ address }) => !areAlike.has(address));
  const said = { saga: saga.saga, direction: saga.direction, linkedMax, ...listOf(named), evidence };
  return {
    state: {
      ...base(saga),
      ...startPace(now, saga.limits),
      kind: "awaitingAck",
      wanted,
      roots: [...named, ...others],
      alike,
    },
    effects: [{ kind: "sendTurn", draft: { type: "init", ...said } }],
  };
}

/** A list of a turn, where there is anything in it. */
const listOf = (entries: readonly Entry[]): Pick<TurnDraft, "entries"> =>
  entries.length > 0 ? { entries } : {};

/**
 * Records come ahead of a turn that answers with what this side lacks, and are staged, where nobody sees them; parts of a
 * list come ahead of any turn that has one.
 */
function onPayload(state: Running, event: On<"payload">): SenderSagaStep {
  const { records } = event;
  const isAwaited =
    state.kind === "awaitingAck" || state.kind === "awaitingBranch" || state.kind === "awaitingReceipt";
  if (!isAwaited || (records.length > 0 && state.direction === "push"))
    return fail(new KeysagaError("out_of_turn", { got: "payload", during: state.kind }));
  if (records.length === 0) return stay(state);
  return {
    state: { ...moveOn(state, event), staging: state.staging + 1 },
    effects: [{ kind: "stage", saga: state.saga, records }],
  };
}

function onAck(state: In<"awaitingAck">, ack: AckBody): SenderSagaStep {
  const { roots, alike, direction } = state;
  const wanted = new Set(state.wanted);
  const entries = ack.entries ?? [];
  const named = roots.slice(0, roots.length - countAlike(alike));
  const each = entries.slice(0, named.length).map((entry) => RootStatus.safeParse(entry).data);
  const behind = entries.slice(named.length);
  const open = behind.filter((entry) => "target" in entry);
  const found = tipsIn(behind.slice(0, behind.length - open.length));
  if (!isComplete(each, named.length) || !found)
    return fail(new KeysagaError("malformed_message", { in: "ack", rule: "one status for each root" }));
  const wrong = named.findIndex((root, at) => !isPossible(root, each[at]!, direction, wanted));
  if (wrong >= 0) return fail(new KeysagaError("unknown_root", { status: each[wrong]!.status }));
  const statuses = [...each, ...sameOnBoth(countAlike(alike))];
  const { kept = 0, later = false, full = false } = ack;
  const isDifferent = statuses.some(({ status }) => status === "behind" || status === "diverged");
  if (later && (direction === "push" || !isDifferent))
    return fail(new KeysagaError("malformed_message", { in: "ack", rule: "later than what is asked for" }));
  const told = { ...base(state), roots, statuses, alike, kept, found: [], open, later, full, overtaken: [] };
  const answered = withFound(told, found);
  if (!isDifferent) return gather(answered);
  return {
    state: { ...answered, kind: "comparing" },
    effects: [{ kind: "compare", roots, statuses, direction }],
  };
}

/** The tips that a turn tells, where the frames that its speaker has made come behind them and nothing else does. */
function tipsIn(entries: readonly AckEntry[]): readonly FinalTip[] | undefined {
  const tips = entries.filter((entry) => "tip" in entry && "address" in entry);
  const isInOrder = entries.slice(tips.length).every((entry) => "frame" in entry);
  return isInOrder && tips.every((tip, at) => tip === entries[at]) ? tips : undefined;
}

function onBranch(state: In<"awaitingBranch">, entries: readonly ToldEntry[] = []): SenderSagaStep {
  const found = tipsIn(entries);
  return found ? gather(withFound(state, found)) : fail(disordered("branch"));
}

function disordered(turn: string): KeysagaError {
  return new KeysagaError("malformed_message", { in: turn, rule: "tips, then frames" });
}

function isComplete<Entry>(list: (Entry | undefined)[], length: number): list is Entry[] {
  return list.length === length && !list.includes(undefined);
}

/**
 * Only a root that one side holds can end with a tip; only a pull can bring what this side has nothing of, and it is to
 * bring what was wanted: what that merely leads to may be unknown to the receiver, or not for this side's eyes any more.
 */
function isPossible(
  root: Root,
  { status }: RootStatus,
  direction: Direction,
  wanted: ReadonlySet<Address>,
): boolean {
  if (status === "waiting") return direction !== "push";
  if (root.tip === undefined)
    return (
      direction !== "push" && (status === "ahead" || (status === "unknown" && !wanted.has(root.address)))
    );
  return status !== "unknown" || direction !== "pull" || !wanted.has(root.address);
}

/** A push takes nothing from the receiver, so it cannot bring together what both have changed. */
function onCompared(state: In<"comparing">, { asks, now }: On<"compared">): SenderSagaStep {
  const [first] = asks;
  if (first === undefined && !state.later) return gather(state);
  if (first !== undefined && state.direction === "push")
    return fail(new KeysagaError("diverged", { timeline: shortAddress(first.address) }));
  return {
    state: { ...answeredOf(state), ...startPace(now, state.limits), kind: "awaitingBranch" },
    effects: [{ kind: "sendTurn", draft: { type: "ask", ...(first && { entries: asks }) } }],
  };
}

/** Nothing is resolved before everything that came in is staged. */
function gather(state: Answered): SenderSagaStep {
  const answered = answeredOf(state);
  if (answered.staging > 0) return stay({ ...answered, kind: "gathering" });
  const { limits: _limits, staging: _staging, ...asked } = answered;
  return { state: { ...answered, kind: "resolving" }, effects: [{ kind: "resolve", ...asked }] };
}

function onResolved(state: In<"resolving">, event: On<"resolved">): SenderSagaStep {
  const { plan, unsure, shared, moves, made, evidence, chosen, now } = event;
  const final = finalTips(state.roots, state.statuses, state.direction, chosen);
  const resolved: Resolved = { ...answeredOf(state), final, moves, made, evidence };
  if (isEmpty(plan)) return commit(resolved, now);
  if (shared === 0 && unsure.length <= unaskedMax(resolved)) return send(resolved, plan, unsure, []);
  return {
    state: {
      ...resolved,
      ...startPace(now, state.limits),
      kind: "awaitingWants",
      plan,
      offered: unsure,
    },
    effects: [{ kind: "sendTurn", draft: { type: "offer", entries: unsure } }],
  };
}

/** Where a lost connection has left something there, whatever may be among it is asked for. */
function unaskedMax({ kept, limits }: Answered): number {
  return kept > 0 ? 0 : limits.unaskedMax;
}

function onWants(state: In<"awaitingWants">, bitmap: string): SenderSagaStep {
  const wanted = fromBitmap(bitmap, state.offered.length);
  if (!wanted)
    return fail(new KeysagaError("malformed_message", { in: "wants", rule: "one bit for each offer" }));
  return send(
    state,
    state.plan,
    state.offered,
    state.offered.filter((_, at) => !wanted[at]),
  );
}

function send(
  state: Resolved,
  plan: SendPlan,
  unsure: readonly Address[],
  known: readonly Address[],
): SenderSagaStep {
  return {
    state: { ...resolvedOf(state), kind: "sending" },
    effects: [{ kind: "sendRecords", plan, known, unsure, roots: state.roots }],
  };
}

/** What has gone out is covered in between, so that a lost connection keeps it; then the rest follows. */
function onPortionSent(state: In<"sending">, now: Moment): SenderSagaStep {
  return {
    state: { ...resolvedOf(state), ...startPace(now, state.limits), kind: "awaitingStaged" },
    effects: [{ kind: "sendTurn", draft: { type: "delta" } }],
  };
}

function sendOn(state: In<"awaitingStaged">): SenderSagaStep {
  return { state: { ...resolvedOf(state), kind: "sending" }, effects: [{ kind: "sendMore" }] };
}

function commit(state: Resolved, now: Moment): SenderSagaStep {
  const { made, evidence, alike } = state;
  const sets = alike.length > 0 ? { alike: alikeSets(alike) } : {};
  const draft = { type: "commit", ...sets, ...listOf([...namedIn(state), ...made]), evidence };
  return {
    state: { ...resolvedOf(state), ...startPace(now, state.limits), kind: "awaitingReceipt" },
    effects: [{ kind: "sendTurn", draft }],
  };
}

/** The tips that a commit names: behind them stand those of what is alike. */
const namedIn = ({ final, alike }: Resolved): readonly FinalTip[] =>
  final.slice(0, final.length - countAlike(alike));

/** Others came first: what they made is here or on its way, and the next commit goes out from there. */
function onMoved(state: In<"awaitingReceipt">, entries: readonly ToldEntry[] = []): SenderSagaStep {
  const tips = tipsIn(entries);
  if (!tips) return fail(disordered("moved"));
  const overtaken = [...state.overtaken, state.final];
  if (overtaken.length >= state.limits.commitsMax)
    return fail(new KeysagaError("tip_moved", { commits: overtaken.length }));
  const named = new Set(namedIn(state).map(({ address }) => address));
  const roots = new Set(state.roots.map(({ address }) => address));
  const moved = tips.filter(({ address }) => roots.has(address));
  if (moved.length === 0 || !moved.every(({ address }) => named.has(address)))
    return fail(new KeysagaError("malformed_message", { in: "moved", rule: "tips of the commit" }));
  const statuses = statusesAfter(state.roots, state.statuses, tips);
  return gather({ ...withFound(state, tips), statuses, overtaken });
}

function onPayloadStaged(state: Running): SenderSagaStep {
  if (state.staging === 0)
    return fail(new KeysagaError("out_of_turn", { got: "payloadStaged", during: state.kind }));
  const settled = { ...state, staging: state.staging - 1 };
  return settled.kind === "gathering" ? gather(settled) : stay(settled);
}

/**
 * A receipt names the tips of the commit; where the receiver did not take one, what it has instead. Of what it left, it has
 * what it had.
 */
function onReceipt(state: In<"awaitingReceipt">, receipt: Verified<ReceiptBody>): SenderSagaStep {
  const { saga, roots, statuses, final, found, moves, made } = state;
  const { tips: told, left = [], alike = [], counted = [] } = readReceiptEntries(receipt.message.entries);
  const own = new Set(made.map(({ frame }) => frame));
  const areLeft = new Set(left.map(({ address }) => address));
  const said = namedIn(state);
  const named = said.filter(({ address }) => !areLeft.has(address));
  const refused = told.filter((tip, at) => !isSameTip(tip, named[at]));
  const statusOf = statusesByRoot(roots, statuses);
  const isRight =
    told.length === named.length &&
    told.every(({ address }, at) => address === named[at]?.address) &&
    areLeft.size === left.length &&
    named.length + left.length === said.length &&
    counted.every(({ frame }) => own.has(frame)) &&
    isSameList(alike, alikeSets(state.alike)) &&
    refused.every((tip) => isRefusal(tip, statusOf.get(tip.address)));
  if (!isRight || state.staging > 0)
    return fail(new KeysagaError("wrong_context", { in: "receipt", rule: "the tips of the commit" }));
  return {
    state: { ...resolvedOf(state), kind: "committing", receipt },
    effects: [
      {
        kind: "commitSpace",
        saga,
        moves,
        final: [
          ...told,
          ...left.flatMap(({ address }) => tipBefore(address, statusOf.get(address))),
          ...final.slice(said.length),
        ],
        named: final,
        made,
        refused,
        left,
        found,
        receipt,
      },
    ],
  };
}

/**
 * A receiver that does not let this side move a tip has it as it was, or knows its first frame alone; or it has taken the
 * heads in the place of a merge, and has come further than it was by that.
 */
function isRefusal(tip: FinalTip, status: RootStatus | undefined): boolean {
  const isAsItWas = status !== undefined && "tip" in status && status.tip === tip.tip && status.n === tip.n;
  if (isAsItWas || (status?.status === "unknown" && tip.tip === tip.address)) return true;
  const before = status !== undefined && "n" in status ? status.n : -1;
  return tjpHashOf(tip.tip) === hashOf(tip.address) && tip.n >= before;
}

/** The tip that the receiver has of a root which it left, where it has said that it has one. */
function tipBefore(address: Address, status: RootStatus | undefined): readonly FinalTip[] {
  return status !== undefined && "tip" in status ? [{ address, tip: status.tip, n: status.n }] : [];
}

/** What waits for the receiver, whose time runs while no payload moves. */
type Paced = Extract<Running, Pace>;

function isPaced(state: Running): state is Paced {
  return "deadline" in state;
}

function onTick(state: Running, now: Moment): SenderSagaStep {
  if (!isPaced(state) || now < state.deadline) return stay(state);
  return fail(new KeysagaError("turn_timeout", { during: state.kind }));
}

/** With timelines that came along, each at its newest tip; roots are none of them. */
function withFound(state: Answered, tips: readonly FinalTip[] = []): Answered {
  const roots = new Set(state.roots.map(({ address }) => address));
  const all = new Map([...state.found, ...tips].map((tip) => [tip.address, tip]));
  return { ...answeredOf(state), found: [...all.values()].filter(({ address }) => !roots.has(address)) };
}

const stay = (state: SenderSagaState): SenderSagaStep => ({ state, effects: [] });

function fail(error: KeysagaError): SenderSagaStep {
  return { state: { kind: "failed", error }, effects: [] };
}
