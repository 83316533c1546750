import type { KeysagaError, Moment } from "../base/index.js";
import type { Address, IbGib } from "../ibgib/index.js";
import type { Alike, Asking, NamedSet } from "./ranges.js";
import type { SessionLimits } from "./limits.js";
import type {
  AckBody,
  Ask,
  BranchBody,
  AlikeBody,
  Direction,
  Evidence,
  FinalTip,
  LeftRoot,
  MadeFrame,
  MovedBody,
  OpenReference,
  ReceiptBody,
  Root,
  RootStatus,
  StagedBody,
  WantsBody,
} from "./turn-bodies.js";
import type { Pace, PayloadMovement } from "./pace.js";
import type { RootMove, SendPlan } from "./roots.js";
import type { TurnDraft, Verified } from "./turn.js";

/** What every state of a saga under way knows. */
export interface Saga {
  readonly saga: string;
  readonly direction: Direction;
  readonly limits: SessionLimits;
  /** Payload frames that are being staged; nothing is resolved before there are none. */
  readonly staging: number;
}

/** Once the receiver has answered: what it said of each root, and what follows from it. */
export interface Answered extends Saga {
  /** Those that were named; behind them those that are alike. */
  readonly roots: readonly Root[];
  readonly statuses: readonly RootStatus[];
  /** What both sides have alike, as comparing sets has shown: named in no turn. */
  readonly alike: Alike;
  /** Records of a lost connection that count as staged there, as the receiver says. */
  readonly kept: number;
  /** Timelines beyond the roots that came along, with their tips. */
  readonly found: readonly FinalTip[];
  /** Links of roots whose targets the receiver lacks. */
  readonly open: readonly OpenReference[];
  /** Does what this side lacks wait for what it asks for? */
  readonly later: boolean;
  /** Has the receiver no room left for what this side has? Then nothing but lists goes up. */
  readonly full: boolean;
  /** What each commit so far has named that others came before: its records are staged at the receiver. */
  readonly overtaken: readonly (readonly FinalTip[])[];
}

/** Once both branches of everything are brought together. */
export interface Resolved extends Answered {
  /** What the commit names: the tips that the receiver has when this is done. */
  readonly final: readonly FinalTip[];
  /** The own tips that change. */
  readonly moves: readonly RootMove[];
  /** The frames among what goes to the receiver that this side has made, and signs. */
  readonly made: readonly MadeFrame[];
  /** What proves who made the others. */
  readonly evidence: readonly Evidence[];
}

/** What a saga begins with. */
export interface Planned {
  /** The roots and all timelines of their closure, as this side holds them. */
  readonly roots: readonly Root[];
  /** How many timelines may come that links alone lead to; undefined: any number. */
  readonly linkedMax: number | undefined;
  /** Lists that the receiver has to know of before it answers, with what proves them. */
  readonly evidence: readonly Evidence[];
}

export type SenderSagaState =
  | (Saga & { readonly kind: "planning"; readonly wanted: readonly Address[] })
  | (Saga &
      Pace & {
        readonly kind: "awaitingAlike";
        readonly wanted: readonly Address[];
        readonly planned: Planned;
        /** Sets that are still to be compared. */
        readonly sets: readonly NamedSet[];
        readonly asking: Asking;
        /** Of the sets before. */
        readonly alike: Alike;
      })
  | (Saga &
      Pace & {
        readonly kind: "awaitingAck";
        readonly wanted: readonly Address[];
        readonly roots: readonly Root[];
        readonly alike: Alike;
      })
  | (Answered & { readonly kind: "comparing" })
  | (Answered & Pace & { readonly kind: "awaitingBranch" })
  /** Everything has come, and not all of it is staged. */
  | (Answered & { readonly kind: "gathering" })
  | (Answered & { readonly kind: "resolving" })
  | (Resolved &
      Pace & {
        readonly kind: "awaitingWants";
        readonly plan: SendPlan;
        readonly offered: readonly Address[];
      })
  | (Resolved & { readonly kind: "sending" })
  /** So many records have gone out that a turn covers them; there are more. */
  | (Resolved & Pace & { readonly kind: "awaitingStaged" })
  | (Resolved & Pace & { readonly kind: "awaitingReceipt" })
  | (Resolved & { readonly kind: "committing"; readonly receipt: Verified<ReceiptBody> })
  | { readonly kind: "committed"; readonly saga: string; readonly receipt: Verified<ReceiptBody> }
  | { readonly kind: "failed"; readonly error: KeysagaError };

export type SenderSagaEvent =
  | (Planned & { readonly kind: "planned"; readonly sets: readonly NamedSet[]; readonly now: Moment })
  | { readonly kind: "alike"; readonly turn: Verified<AlikeBody>; readonly now: Moment }
  | PayloadMovement
  | { readonly kind: "payloadStaged" }
  | { readonly kind: "ack"; readonly turn: Verified<AckBody> }
  /** Roots whose tip at the receiver this side does not hold. */
  | { readonly kind: "compared"; readonly asks: readonly Ask[]; readonly now: Moment }
  | { readonly kind: "branch"; readonly turn: Verified<BranchBody> }
  /** Both branches are one: what becomes of each root, what the receiver lacks for it, and what it may have. */
  | {
      readonly kind: "resolved";
      readonly chosen: ReadonlyMap<Address, FinalTip>;
      readonly moves: readonly RootMove[];
      readonly made: readonly MadeFrame[];
      readonly evidence: readonly Evidence[];
      readonly plan: SendPlan;
      readonly unsure: readonly Address[];
      /** How many of these are asked about in any case: there may be much below them. */
      readonly shared: number;
      readonly now: Moment;
    }
  | { readonly kind: "wants"; readonly turn: Verified<WantsBody> }
  | { readonly kind: "moved"; readonly turn: Verified<MovedBody> }
  | { readonly kind: "portionSent"; readonly now: Moment }
  | { readonly kind: "staged"; readonly turn: Verified<StagedBody> }
  | { readonly kind: "recordsSent"; readonly now: Moment }
  | { readonly kind: "receipt"; readonly turn: Verified<ReceiptBody> }
  | { readonly kind: "spaceCommitted" }
  | { readonly kind: "failed"; readonly error: KeysagaError }
  | { readonly kind: "tick"; readonly now: Moment };

export type SenderSagaEffect =
  /** Ends in `planned`. */
  | { readonly kind: "planRoots"; readonly wanted: readonly Address[] }
  /** The outbox signs and writes, first in, first out. */
  | { readonly kind: "sendTurn"; readonly draft: TurnDraft }
  /** Ends in `payloadStaged`. */
  | { readonly kind: "stage"; readonly saga: string; readonly records: readonly IbGib[] }
  /** Which of the receiver's tips does this side not hold? Ends in `compared`. */
  | {
      readonly kind: "compare";
      readonly roots: readonly Root[];
      readonly statuses: readonly RootStatus[];
      readonly direction: Direction;
    }
  /** Checks what came, brings branches together, and plans what the receiver lacks; ends in `resolved`. */
  | ({ readonly kind: "resolve" } & Pick<
      Answered,
      "saga" | "direction" | "roots" | "statuses" | "kept" | "found" | "open" | "full" | "overtaken"
    >)
  /**
   * Sends what the plan names, dependencies first, without `known`. Ends in `portionSent` after `deltaBytes` where there
   * is more, else in `recordsSent`. Of `unsure`, which the plan needs, the receiver wants what is not `known`.
   */
  | {
      readonly kind: "sendRecords";
      readonly plan: SendPlan;
      readonly known: readonly Address[];
      readonly unsure: readonly Address[];
      readonly roots: readonly Root[];
    }
  /** Sends on from there; ends likewise. */
  | { readonly kind: "sendMore" }
  /** Takes over what was pulled, keeps proofs and receipt: one transaction, one flush; ends in `spaceCommitted`. */
  | {
      readonly kind: "commitSpace";
      readonly saga: string;
      readonly moves: readonly RootMove[];
      /** The tips as the receiver has them now, and those among them that it did not take. */
      readonly final: readonly FinalTip[];
      readonly refused: readonly FinalTip[];
      /** The roots that it left as they were, for a limit of its own. */
      readonly left: readonly LeftRoot[];
      /** The tips that the commit named, and the frames that this side has signed in it. */
      readonly named: readonly FinalTip[];
      readonly made: readonly MadeFrame[];
      readonly found: readonly FinalTip[];
      readonly receipt: Verified<ReceiptBody>;
    };

export interface SenderSagaStep {
  readonly state: SenderSagaState;
  readonly effects: readonly SenderSagaEffect[];
}

export const base = ({ saga, direction, limits, staging }: Saga): Saga => ({
  saga,
  direction,
  limits,
  staging,
});

/** Without what only its state knows. */
export const answeredOf = ({
  roots,
  statuses,
  alike,
  kept,
  found,
  open,
  later,
  full,
  overtaken,
  ...saga
}: Answered): Answered => ({
  ...base(saga),
  roots,
  statuses,
  alike,
  kept,
  found,
  open,
  later,
  full,
  overtaken,
});

export const resolvedOf = ({ final, moves, made, evidence, ...answered }: Resolved): Resolved => ({
  ...answeredOf(answered),
  final,
  moves,
  made,
  evidence,
});
