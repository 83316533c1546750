import { type Instant, KeysagaError } from "../base/index.js";
import { type Address, type IbGib, isFrame, shortAddress } from "../ibgib/index.js";
import type { SessionLimits } from "./limits.js";
import {
  type AckBody,
  type Direction,
  FinalTip,
  type ReceiptBody,
  type Root,
  RootStatus,
  type WantsBody,
} from "./messages.js";
import { finalTips, fromBitmap, isEmpty, movesOfSender, type RootMove, type SendPlan } from "./roots.js";
import type { TurnDraft, Verified } from "./turn.js";

/** What every state of a saga under way knows. */
interface Saga {
  readonly saga: string;
  readonly direction: Direction;
  readonly limits: SessionLimits;
  /** Payload frames that are being staged; the commit waits until there are none. */
  readonly staging: number;
  /** Of the roots that this side has nothing of: those that came and are stones. */
  readonly stones: readonly Address[];
}

/** Once the receiver has answered: what it said of each root, and what follows from it. */
interface Answered extends Saga {
  readonly roots: readonly Root[];
  readonly statuses: readonly RootStatus[];
  /** Timelines beyond the roots that came along, with their tips. */
  readonly found: readonly FinalTip[];
}

export type SenderSagaState =
  | (Saga & { readonly kind: "planning"; readonly wanted: readonly Address[] })
  | (Saga & { readonly kind: "awaitingAck"; readonly roots: readonly Root[]; readonly deadline: Instant })
  | (Answered & { readonly kind: "comparing" })
  | (Answered & {
      readonly kind: "awaitingWants";
      readonly plan: SendPlan;
      readonly offered: readonly Address[];
      readonly deadline: Instant;
    })
  | (Answered & { readonly kind: "sending" })
  | (Answered & { readonly kind: "settling" })
  | (Answered & {
      readonly kind: "awaitingReceipt";
      readonly final: readonly FinalTip[];
      readonly deadline: Instant;
    })
  | (Answered & { readonly kind: "committing"; readonly receipt: Verified<ReceiptBody> })
  | { readonly kind: "committed"; readonly saga: string; readonly receipt: Verified<ReceiptBody> }
  | { readonly kind: "failed"; readonly error: KeysagaError };

export type SenderSagaEvent =
  /** The roots and all timelines of their closure, as this side holds them. */
  | { readonly kind: "planned"; readonly roots: readonly Root[]; readonly now: Instant }
  | { readonly kind: "payload"; readonly records: readonly IbGib[]; readonly now: Instant }
  | { readonly kind: "staged"; readonly now: Instant }
  | { readonly kind: "ack"; readonly turn: Verified<AckBody> }
  /** What the receiver lacks, and of what else it is not known whether it has it. */
  | {
      readonly kind: "compared";
      readonly plan: SendPlan;
      readonly unsure: readonly Address[];
      readonly now: Instant;
    }
  | { readonly kind: "wants"; readonly turn: Verified<WantsBody> }
  | { readonly kind: "recordsSent"; readonly now: Instant }
  | { readonly kind: "receipt"; readonly turn: Verified<ReceiptBody> }
  | { readonly kind: "spaceCommitted" }
  | { readonly kind: "failed"; readonly error: KeysagaError }
  | { readonly kind: "tick"; readonly now: Instant };

export type SenderSagaEffect =
  /** Ends in `planned`. */
  | { readonly kind: "planRoots"; readonly wanted: readonly Address[] }
  /** The outbox signs and writes, first in, first out. */
  | { readonly kind: "sendTurn"; readonly draft: TurnDraft }
  /** Ends in `staged`. */
  | { readonly kind: "stage"; readonly saga: string; readonly records: readonly IbGib[] }
  /** Holds the receiver's bases against the own chains; ends in `compared`, or `failed` with `diverged`. */
  | {
      readonly kind: "compare";
      readonly roots: readonly Root[];
      readonly statuses: readonly RootStatus[];
      readonly direction: Direction;
    }
  /** Sends what the plan names, dependencies first, without `known`; ends in `recordsSent`. */
  | { readonly kind: "sendRecords"; readonly plan: SendPlan; readonly known: readonly Address[] }
  /** Takes over what was pulled, keeps proofs and receipt: one transaction, one flush; ends in `spaceCommitted`. */
  | {
      readonly kind: "commitSpace";
      readonly saga: string;
      readonly moves: readonly RootMove[];
      readonly stones: readonly Address[];
      readonly final: readonly FinalTip[];
      readonly found: readonly FinalTip[];
      readonly receipt: Verified<ReceiptBody>;
    };

export interface SenderSagaStep {
  readonly state: SenderSagaState;
  readonly effects: readonly SenderSagaEffect[];
}

/** Opens a saga over `wanted` (timelines by first address, stones by address). `saga` is a fresh random id. */
export function startSenderSaga(
  saga: string,
  wanted: readonly Address[],
  direction: Direction,
  limits: SessionLimits,
): SenderSagaStep {
  return {
    state: { kind: "planning", saga, direction, limits, staging: 0, stones: [], wanted },
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
      return onPayload(state, event.records, event.now);
    case "staged":
      return onStaged(state, event.now);
    default:
      return onProgress(state, event);
  }
}

type Running = Exclude<SenderSagaState, { kind: "committed" | "failed" }>;
type Progress = Exclude<SenderSagaEvent, { kind: "failed" | "tick" | "payload" | "staged" }>;
type In<Kind> = Extract<SenderSagaState, { kind: Kind }>;

function onProgress(state: Running, event: Progress): SenderSagaStep {
  if (state.kind === "planning" && event.kind === "planned") return onPlanned(state, event.roots, event.now);
  if (state.kind === "awaitingAck" && event.kind === "ack") return onAck(state, event.turn.message);
  if (state.kind === "comparing" && event.kind === "compared") return onCompared(state, event);
  if (state.kind === "awaitingWants" && event.kind === "wants")
    return onWants(state, event.turn.message.wants);
  if (state.kind === "sending" && event.kind === "recordsSent") return onRecordsSent(state, event.now);
  if (state.kind === "awaitingReceipt" && event.kind === "receipt") return onReceipt(state, event.turn);
  if (state.kind === "committing" && event.kind === "spaceCommitted")
    return stay({ kind: "committed", saga: state.saga, receipt: state.receipt });
  return fail(new KeysagaError("out_of_turn", { got: event.kind, during: state.kind }));
}

function onPlanned(state: In<"planning">, roots: readonly Root[], now: Instant): SenderSagaStep {
  const draft = { type: "init", saga: state.saga, direction: state.direction, entries: roots };
  return {
    state: { ...base(state), kind: "awaitingAck", roots, deadline: now + state.limits.turnTimeoutMs },
    effects: [{ kind: "sendTurn", draft }],
  };
}

/**
 * Records come ahead of an `ack` that answers a pull, and are staged, where nobody sees them; parts of a list come
 * ahead of any turn that has one.
 */
function onPayload(state: Running, records: readonly IbGib[], now: Instant): SenderSagaStep {
  const mayHoldList = state.kind === "awaitingAck" || state.kind === "awaitingReceipt";
  if (mayHoldList && records.length === 0)
    return stay({ ...state, deadline: now + state.limits.turnTimeoutMs });
  if (state.kind !== "awaitingAck" || state.direction === "push")
    return fail(new KeysagaError("out_of_turn", { got: "payload", during: state.kind }));
  const asked = new Set(state.roots.filter(({ tip }) => tip === undefined).map(({ address }) => address));
  const stones = records.filter((record) => asked.has(record.address) && !isFrame(record));
  return {
    state: {
      ...state,
      staging: state.staging + 1,
      stones: [...state.stones, ...stones.map(({ address }) => address)],
      deadline: now + state.limits.turnTimeoutMs,
    },
    effects: [{ kind: "stage", saga: state.saga, records }],
  };
}

function onAck(state: In<"awaitingAck">, ack: AckBody): SenderSagaStep {
  const { roots, direction } = state;
  const entries = ack.entries ?? [];
  const statuses = entries.slice(0, roots.length).map((entry) => RootStatus.safeParse(entry).data);
  const found = entries.slice(roots.length).map((entry) => FinalTip.safeParse(entry).data);
  if (!isComplete(statuses, roots.length) || !isComplete(found, found.length))
    return fail(new KeysagaError("malformed_message", { in: "ack", rule: "one status for each root" }));
  const wrong = roots.findIndex((root, at) => !isPossible(root, statuses[at]!, direction));
  if (wrong >= 0) return fail(new KeysagaError("unknown_root", { status: statuses[wrong]!.status }));
  const diverged = roots.find((_, at) => statuses[at]?.status === "diverged");
  if (diverged) return fail(new KeysagaError("diverged", { timeline: shortAddress(diverged.address) }));
  return {
    state: { ...base(state), kind: "comparing", roots, statuses, found },
    effects: [{ kind: "compare", roots, statuses, direction }],
  };
}

function isComplete<Entry>(list: (Entry | undefined)[], length: number): list is Entry[] {
  return list.length === length && !list.includes(undefined);
}

/** Only a root that one side holds can end with a tip; only a pull can bring what this side has nothing of. */
function isPossible(root: Root, { status }: RootStatus, direction: Direction): boolean {
  if (root.tip === undefined) return status === "ahead" && direction !== "push";
  return status !== "unknown" || direction !== "pull";
}

function onCompared(
  state: In<"comparing">,
  { plan, unsure, now }: Extract<SenderSagaEvent, { kind: "compared" }>,
): SenderSagaStep {
  if (isEmpty(plan)) return settle({ ...state, kind: "settling" }, now);
  if (unsure.length <= state.limits.unaskedMax) return send(state, plan, []);
  return {
    state: {
      ...state,
      kind: "awaitingWants",
      plan,
      offered: unsure,
      deadline: now + state.limits.turnTimeoutMs,
    },
    effects: [{ kind: "sendTurn", draft: { type: "offer", entries: unsure } }],
  };
}

function onWants(state: In<"awaitingWants">, bitmap: string): SenderSagaStep {
  const wanted = fromBitmap(bitmap, state.offered.length);
  if (!wanted)
    return fail(new KeysagaError("malformed_message", { in: "wants", rule: "one bit for each offer" }));
  return send(
    state,
    state.plan,
    state.offered.filter((_, at) => !wanted[at]),
  );
}

function send(state: Answered, plan: SendPlan, known: readonly Address[]): SenderSagaStep {
  return { state: { ...answered(state), kind: "sending" }, effects: [{ kind: "sendRecords", plan, known }] };
}

function onRecordsSent(state: In<"sending">, now: Instant): SenderSagaStep {
  return settle({ ...state, kind: "settling" }, now);
}

/** The commit goes out once everything that came in is staged. */
function settle(state: In<"settling">, now: Instant): SenderSagaStep {
  if (state.staging > 0) return stay(state);
  const final = finalTips(state.roots, state.statuses, state.direction);
  const deadline = now + state.limits.turnTimeoutMs;
  return {
    state: { ...answered(state), kind: "awaitingReceipt", final, deadline },
    effects: [{ kind: "sendTurn", draft: { type: "commit", entries: final } }],
  };
}

function onStaged(state: Running, now: Instant): SenderSagaStep {
  if (state.staging === 0)
    return fail(new KeysagaError("out_of_turn", { got: "staged", during: state.kind }));
  const settled = { ...state, staging: state.staging - 1 };
  return settled.kind === "settling" ? settle(settled, now) : stay(settled);
}

function onReceipt(state: In<"awaitingReceipt">, receipt: Verified<ReceiptBody>): SenderSagaStep {
  const told = JSON.stringify(receipt.message.entries ?? []);
  if (told !== JSON.stringify(state.final))
    return fail(new KeysagaError("wrong_context", { in: "receipt", rule: "the tips of the commit" }));
  const { saga, stones, final, found } = state;
  const moves = movesOfSender(state.roots, state.statuses, found, state.direction);
  return {
    state: { ...answered(state), kind: "committing", receipt },
    effects: [{ kind: "commitSpace", saga, moves, stones, final, found, receipt }],
  };
}

function onTick(state: Running, now: Instant): SenderSagaStep {
  if (!("deadline" in state) || now < state.deadline) return stay(state);
  return fail(new KeysagaError("turn_timeout", { during: state.kind }));
}

const base = ({ saga, direction, limits, staging, stones }: Saga): Saga => ({
  saga,
  direction,
  limits,
  staging,
  stones,
});

const answered = ({ roots, statuses, found, ...saga }: Answered): Answered => ({
  ...base(saga),
  roots,
  statuses,
  found,
});

const stay = (state: SenderSagaState): SenderSagaStep => ({ state, effects: [] });

function fail(error: KeysagaError): SenderSagaStep {
  return { state: { kind: "failed", error }, effects: [] };
}
