import type { KeysagaError, Moment } from "../base/index.js";
import type { Address, IbGib } from "../ibgib/index.js";
import type { SessionLimits } from "./limits.js";
import type { Pace, PayloadMovement } from "./pace.js";
import type { RangeSet } from "./range-set.js";
import type { Alike, Answering } from "./ranges.js";
import type { RootMove, SendPlan } from "./roots.js";
import type { TurnDraft, Verified } from "./turn.js";
import type {
  Ask,
  AskBody,
  CommitBody,
  DeltaBody,
  Direction,
  Evidence,
  FinalTip,
  InitBody,
  MadeFrame,
  OfferBody,
  OpenReference,
  RangesBody,
  Root,
  RootStatus,
} from "./turn-bodies.js";

export interface Saga {
  readonly limits: SessionLimits;
  readonly saga: string;
  readonly direction: Direction;
  /** Those that were named; behind them those that are alike. */
  readonly roots: readonly Root[];
  /** What both sides have alike, as comparing sets has shown: named in no turn. */
  readonly alike: Alike;
}

/** Ahead of a saga, sets are compared. */
export interface Comparing {
  readonly limits: SessionLimits;
  readonly saga: string;
  /** The sets that the sender has begun with. */
  readonly sets: readonly Address[];
  /** Of the sets before this one. */
  readonly alike: Alike;
}

export interface Answered extends Saga {
  readonly statuses: readonly RootStatus[];
  /** Timelines beyond the roots that were sent along. */
  readonly found: readonly FinalTip[];
  /** Does what the sender lacks wait for what it asks for? */
  readonly later: boolean;
  /** Payload frames that are being staged. */
  readonly staging: number;
  /** Turns that come at most once, or a few times, in a saga. */
  readonly asked: boolean;
  readonly offered: boolean;
  /** Commits that others came before. */
  readonly overtaken: number;
  /** Have records come that no turn covers yet? */
  readonly uncovered: boolean;
}

export type ReceiverSagaState =
  | { readonly kind: "awaitingInit"; readonly limits: SessionLimits; readonly deadline: Moment }
  | (Comparing & { readonly kind: "loadingSet"; readonly of: Address; readonly root: string })
  /** More ranges may follow, another set, or the saga itself. */
  | (Comparing & {
      readonly kind: "awaitingRanges";
      readonly deadline: Moment;
      readonly answering: Answering;
    })
  | (Saga & { readonly kind: "comparing" })
  /** Records are on their way out; `turn` closes them. */
  | (Answered & { readonly kind: "sending"; readonly turn: TurnDraft })
  | (Answered & Pace & { readonly kind: "awaitingCommit" })
  | (Answered & { readonly kind: "readingBranches" })
  | (Answered & { readonly kind: "choosing" })
  /** A turn covers what has come, and not all of that is staged. */
  | (Answered & { readonly kind: "covering" })
  /** The commit has come, and not all it covers is staged. */
  | (Answered & {
      readonly kind: "settling";
      readonly final: readonly FinalTip[];
      readonly made: SignedFrames;
    })
  | (Answered & { readonly kind: "committing" })
  | { readonly kind: "failed"; readonly error: KeysagaError };

/** The frames that a commit's sender says it has made, and its signature over them: none where there are none. */
export interface SignedFrames {
  readonly entries: readonly MadeFrame[];
  readonly signature: string | undefined;
}

/** What both sides have said of a saga's timelines so far. */
export type Told = Pick<Answered, "roots" | "statuses" | "found" | "later">;

/** What the sender lacks, and the timelines beyond the roots that belong to it. */
export interface Found {
  readonly found: readonly FinalTip[];
  readonly plan: SendPlan;
  /** What proves who made the frames among it, and those that this home has made: its turn attests them. */
  readonly evidence: readonly Evidence[];
  readonly made: readonly MadeFrame[];
}

export type ReceiverSagaEvent =
  | { readonly kind: "ranges"; readonly turn: Verified<RangesBody>; readonly now: Moment }
  | { readonly kind: "setLoaded"; readonly set: RangeSet; readonly now: Moment }
  | { readonly kind: "init"; readonly turn: Verified<InitBody>; readonly now: Moment }
  | ({
      readonly kind: "compared";
      readonly statuses: readonly RootStatus[];
      /** Links of roots that are references here, and whose targets the sender may have. */
      readonly open: readonly OpenReference[];
      readonly later: boolean;
      /** Is there no room left for what the sender brings? */
      readonly full: boolean;
      /** Is what the sender lacks more than comes in this saga? */
      readonly more: boolean;
      /** Records of a lost connection that count as staged. */
      readonly kept: number;
      readonly now: Moment;
    } & Found)
  | { readonly kind: "recordsSent"; readonly now: Moment }
  | PayloadMovement
  | { readonly kind: "payloadStaged"; readonly now: Moment }
  | { readonly kind: "ask"; readonly turn: Verified<AskBody> }
  | ({ readonly kind: "branchesRead"; readonly now: Moment } & Found)
  | { readonly kind: "offer"; readonly turn: Verified<OfferBody> }
  | { readonly kind: "chosen"; readonly wanted: readonly boolean[]; readonly now: Moment }
  | { readonly kind: "delta"; readonly turn: Verified<DeltaBody>; readonly now: Moment }
  | { readonly kind: "commit"; readonly turn: Verified<CommitBody> }
  | { readonly kind: "spaceCommitted"; readonly now: Moment }
  /** Others moved some of the tips first, to these; nothing was changed. */
  | ({ readonly kind: "spaceMoved"; readonly tips: readonly FinalTip[]; readonly now: Moment } & Found)
  | { readonly kind: "failed"; readonly error: KeysagaError }
  | { readonly kind: "tick"; readonly now: Moment };

export type ReceiverSagaEffect =
  /** What there is of a set, as far as the sender may read it; ends in `setLoaded`. */
  | { readonly kind: "loadSet"; readonly of: Address }
  /** Takes over what a lost connection has left, and holds each root against the space; ends in `compared`. */
  | {
      readonly kind: "compareRoots";
      readonly roots: readonly Root[];
      readonly alike: Alike;
      readonly direction: Direction;
      readonly linkedMax: number | undefined;
    }
  | { readonly kind: "sendRecords"; readonly plan: SendPlan; readonly known: readonly Address[] }
  | { readonly kind: "sendTurn"; readonly draft: TurnDraft }
  /** Ends in `payloadStaged`. */
  | { readonly kind: "stage"; readonly saga: string; readonly records: readonly IbGib[] }
  /** What the tips that were told have beyond the frames that the sender names; ends in `branchesRead`. */
  | ({ readonly kind: "readBranches"; readonly asks: readonly Ask[] } & Told)
  /** Which of these are not there; ends in `chosen`. */
  | { readonly kind: "choose"; readonly offered: readonly Address[] }
  /**
   * Makes the saga's graph visible and durable with its proofs, in one transaction and one flush, in which the
   * receipt is signed; then the receipt is written. Ends in `spaceCommitted` or `spaceMoved`.
   */
  | ({
      readonly kind: "commitSpace";
      readonly saga: string;
      readonly moves: readonly RootMove[];
      readonly final: readonly FinalTip[];
      readonly made: SignedFrames;
      readonly alike: Alike;
    } & Told);

export interface ReceiverSagaStep {
  readonly state: ReceiverSagaState;
  readonly effects: readonly ReceiverSagaEffect[];
}

export const sagaOf = ({ limits, saga, direction, roots, alike }: Saga): Saga => ({
  limits,
  saga,
  direction,
  roots,
  alike,
});

export const toldOf = ({ roots, statuses, found, later }: Answered): Told => ({
  roots,
  statuses,
  found,
  later,
});

export const answeredOf = ({
  statuses,
  found,
  later,
  staging,
  asked,
  offered,
  overtaken,
  uncovered,
  ...saga
}: Answered): Answered => ({
  ...sagaOf(saga),
  statuses,
  found,
  later,
  staging,
  asked,
  offered,
  overtaken,
  uncovered,
});
