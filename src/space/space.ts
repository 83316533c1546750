import type { Address, IbGib } from "../ibgib/index.js";

/** In whose name a record is held: an identity's address (the local owner's, or a peer's). */
export type Holder = Address;

/**
 * Whose eyes a call looks with: what counts as present to it. Presence is not permission: of the committed records
 * that a sight does not count, it learns nothing. Calls also take `"anyone"`: everything committed counts.
 */
export interface Sight {
  /** Records held in one of these names count, */
  readonly holders: readonly Holder[];
  /**
   * and, whoever holds them, the committed frames of every timeline whose first frame this is true of. Where it is
   * false, a link to that first frame means the very record: it needs no tip, and no walk follows it to one.
   *
   * Quick, and a function of its arguments: it is called inside a transaction, for every timeline that is met. Pass the
   * same function while it says the same: what was staged with another one is checked again when it is committed.
   */
  readonly reads?: (first: IbGib, look: Look) => boolean;
  /**
   * Committed stones that count as well, whoever holds them: those that such frames lead to. One set for all calls of a saga,
   * which may grow: what was staged with another one is checked again.
   */
  readonly stones?: ReadonlySet<Address>;
}

/** A space as it stands on one snapshot, for a rule that decides inside of it. Each call costs one look-up. */
export interface Look {
  cell(key: string): Uint8Array | undefined;
  /** Cells whose key starts with `prefix`, in no order. */
  cells(prefix: string): Iterable<readonly [key: string, value: Uint8Array]>;
  /** A committed domain record, whoever holds it; in a sight, one of its stage too. */
  record(address: Address): IbGib | undefined;
  /**
   * The timelines that have, or had, a tip and whose first frames say that they are within this one, of any owner; of an
   * identity, those that it owns and that are within nothing.
   */
  within(outer: Address): readonly Inner[];
}

/** A timeline that says that it is within another one, and its owner. */
export interface Inner {
  readonly timeline: Address;
  readonly owner: Address | undefined;
}

/** Names a saga, for what it has staged. */
export type SagaId = string;

/** The newest committed frame of a timeline. */
export interface Tip {
  readonly tjp: Address;
  readonly address: Address;
  /** -1 for a first frame by other software that has no number: it stands before number 0. */
  readonly n: number;
}

/**
 * Moves a tip, if it still is `from` (`undefined`: the timeline is not there yet), forward: `past` leads from `to` to
 * `from`. Where both are the same, it only compares.
 */
export interface TipMove {
  readonly tjp: Address;
  readonly from: Address | undefined;
  /** Undefined, and `isBack`, where nothing counts any more: then it has no tip, and its frames stay stored. */
  readonly to: Address | undefined;
  /** Heads of `from` may be left out: what counts is not what it was. They stay stored. */
  readonly isBack?: boolean;
}

/** Replaces a small named value, if its bytes still are `from` (`undefined`: absent). `to: undefined` removes it. */
export interface CellChange {
  readonly key: string;
  readonly from: Uint8Array | undefined;
  readonly to: Uint8Array | undefined;
}

/**
 * Keystone frames and contexts, filed under what they belong to (an identity's, lane's or session's first address),
 * so that a retention rule can drop a group as a whole.
 */
export interface ProofPut {
  readonly group: Address;
  readonly record: IbGib;
}

/** A link whose target was declared to stay away: the timeline or stone that has it, and the target. */
export interface ReferenceTo {
  readonly holder: Address;
  readonly target: Address;
}

export interface Reference extends ReferenceTo {
  /** The record that first had the link. */
  readonly by: Address;
  /** False once the target has come for it. */
  readonly isOpen: boolean;
}

/**
 * Counts for somebody what a commit adds to the disk: rows with their keys, and each of its records as if nobody else had
 * it, so that what it costs tells nothing of others. Negative where more is taken out. Called inside the transaction.
 */
export interface Charge {
  /** Before anything is signed. Refuses the commit by what it throws. */
  admit(bytes: number, look: Pick<Look, "cell">): void;
  /** With what was signed, which is not refused any more: gives the cells that say it. */
  count(bytes: number, look: Pick<Look, "cell">): readonly CellChange[];
}

/** Everything that has to become true at once. */
export interface Commit {
  /** Take what this saga has staged. What of it lies outside the closure of `tips` and `roots` is dropped. */
  readonly saga?: SagaId;
  /** In whose name `puts` and the staged records are held from now on: the one they were staged for. */
  readonly holder: Holder;
  /** What counts as present when closure is judged; what `holder` holds always does. */
  readonly sight: Sight | "anyone";
  /**
   * Domain records that were not staged, dependencies first. Those that tips and roots do not lead to, through what is
   * given, are dropped like staged ones.
   */
  readonly puts?: readonly IbGib[];
  readonly tips?: readonly TipMove[];
  /** Records to keep although no tip leads to them; a link to a first frame among them needs no tip. */
  readonly roots?: readonly Address[];
  /** Timelines that get no tip: where something links one of them, its first frame is kept, and a link to it needs none. */
  readonly tipless?: readonly Address[];
  /**
   * Targets that were declared to stay away: where `puts` bring a link to one, it is filed as a reference. What was staged
   * brings those it was staged with.
   */
  readonly references?: ReadonlySet<Address>;
  /** Of references that are filed: those whose targets have come for them. Others are passed over. */
  readonly settled?: readonly ReferenceTo[];
  readonly proofs?: readonly ProofPut[];
  /** Before `proofs` are put. */
  readonly dropProofGroups?: readonly Address[];
  readonly cells?: readonly CellChange[];
  /**
   * Called once every check has passed, inside the transaction: proofs that can only be made now, such as a signature
   * over the outcome, and cells that rest on them, which replace what is there. What they sign is stored with what it
   * speaks of, and no signature is made for a commit that does not happen. Synchronous; has to give the same when a store
   * runs its transaction again.
   */
  readonly attest?: () => { readonly proofs: readonly ProofPut[]; readonly cells?: readonly CellChange[] };
  readonly charge?: Charge;
}

export type CommitResult =
  | { readonly kind: "committed" }
  /** A compare-and-set failed, nothing was changed: the tips (as they are) or cells (by key) that had moved. */
  | { readonly kind: "moved"; readonly tips: readonly TipNow[]; readonly cells: readonly string[] }
  /** Links that would dangle; nothing was changed. At most `limits.missingReportedMax` of them. */
  | { readonly kind: "notClosed"; readonly missing: readonly Address[] };

export interface TipNow {
  readonly tjp: Address;
  readonly tip: Tip | undefined;
}

/**
 * What a saga has staged so far. Staging is checked as it goes: records come dependencies first, every link must be
 * present to the sight or staged before by the same saga, and frames must continue their chain; so a stage is closed
 * at any moment and a commit costs by its tips, not by its records.
 *
 * What a frame links to that the sight reads is readable. So frames after it may carry the link on: where a frame
 * before (by `past` or `graftorphan`) is present and has it too, a committed target will do, whoever holds it. Of
 * stones that only stones link to, those that are held count. Likewise, a link to a timeline that a frame before has
 * too asks for no tip a second time.
 */
export interface StageTotals {
  readonly records: number;
  readonly bytes: number;
}

/** A record that a saga has staged, and what it takes on a disk where nobody else has it. */
export interface StagedRecord {
  readonly record: IbGib;
  readonly bytes: number;
}

/** What a saga has taken over of what another one had staged. */
export interface TakenOver extends StageTotals {
  /** Of each timeline the newest of those frames that is no merge. */
  readonly tips: readonly Tip[];
}

/** Reads records, in the order asked; `undefined` where one is not there. */
export interface SpaceView {
  getMany(addresses: readonly Address[]): Promise<(IbGib | undefined)[]>;
  hasMany(addresses: readonly Address[]): Promise<boolean[]>;
}

/**
 * What a scan yields: every stored thing, staged ones excepted, tips before records; a proof once for each of its
 * groups. `gib` is the key a record is stored under; its bytes are as they lie, not looked at (`decodeRecord` does).
 */
export type Scanned =
  | { readonly kind: "tip"; readonly tip: Tip }
  | { readonly kind: "reference"; readonly reference: Reference }
  | { readonly kind: "cell"; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: "proof"; readonly gib: string; readonly group: Address; readonly bytes: Uint8Array }
  | { readonly kind: "record"; readonly gib: string; readonly bytes: Uint8Array }
  /** A row that cannot be read. */
  | { readonly kind: "damaged"; readonly table: string; readonly key: string };

/**
 * A store of records plus the tip of each timeline.
 *
 * The closure invariant: what is visible is closed; a link that is filed as a reference needs no target. Only `commit`
 * makes domain records visible, all or nothing, and once it has resolved they are flushed and survive kill -9 and power
 * loss. Compare-and-set is the only coordination; no call holds a lock while it waits for another.
 *
 * Every method rejects with KeysagaError `store_failed` or `store_damaged` when the store does; after `close` with
 * `store_failed`, reason `closed`.
 */
export interface Space {
  /** Committed domain records, in the order asked; `undefined` where absent or not present to `sight` (`"anyone"`). */
  getMany(addresses: readonly Address[], sight?: Sight | "anyone"): Promise<(IbGib | undefined)[]>;
  get(address: Address, sight?: Sight | "anyone"): Promise<IbGib | undefined>;
  hasMany(addresses: readonly Address[], sight?: Sight | "anyone"): Promise<boolean[]>;
  /** What is committed and present to `sight` (`"anyone"`), with what `saga` has staged laid over it. */
  view(saga: SagaId, sight?: Sight | "anyone"): SpaceView;

  tip(tjp: Address): Promise<Tip | undefined>;
  /** Many tips on one snapshot, in the order asked. */
  tips(tjps: readonly Address[]): Promise<(Tip | undefined)[]>;
  /** The frame number `n` on the `past` chain of the committed tip. Cost: at most one index step and 32 frames. */
  frameAt(tjp: Address, n: number): Promise<Address | undefined>;
  /**
   * The frames `from..to` (inclusive) on the committed tip's `past` chain, oldest first; or on that of `of`, which was the
   * tip when it was read. Cost: as `frameAt`, and one step for each frame; where a merge has led the tip's chain past `of`,
   * one for each frame above `to` as well.
   */
  frames(tjp: Address, from: number, to: number, of?: Address): Promise<IbGib[]>;
  /**
   * The timelines that belong to the closure of `roots` (timelines by first address, stones by address), themselves
   * included, with their tips, on one snapshot. From an index: for anyone, no record is read.
   *
   * To a sight (`"anyone"`), roots count where they are present. A timeline that its `reads` denies, or that has no tip, is
   * left out, with what only it leads to.
   */
  reachableTips(roots: readonly Address[], sight?: Sight | "anyone"): Promise<Tip[]>;
  /**
   * Addresses that the closure of `roots` needs and that are neither present to `sight` nor linked to by what it
   * reads, nor filed as references. A timeline is followed at its tip where that is present and not denied, else it is its
   * first record alone. A full walk, without a pause.
   */
  missing(roots: readonly Address[], sight: Sight | "anyone"): Promise<Address[]>;

  /**
   * Adds admitted records, dependencies first, to what `saga` has staged for `holder`. Invisible to everyone else.
   * All or nothing. Nothing of it survives a crash; it is durable with the commit. Records that `holder` holds
   * already are not counted.
   *
   * @param references Targets that were declared to stay away. A link to one needs nothing, whether the target is here or
   *   not, and is filed with the commit where no frame before has it. No link of a frame's chain is ever such a link.
   * @throws KeysagaError `record_missing` (a link is present neither to `sight` nor in this stage),
   *   `chain_refused`, `reserved_record`, `limit_exceeded` (staged records or bytes, per holder and in all).
   */
  stage(
    saga: SagaId,
    holder: Holder,
    sight: Sight | "anyone",
    records: readonly IbGib[],
    references?: ReadonlySet<Address>,
  ): Promise<StageTotals>;
  /** What `saga` has staged, in no order. All of it is held in memory. */
  readStage(saga: SagaId): Promise<StagedRecord[]>;
  /**
   * Ends a saga whose records may be of use to another one: what it had staged when `stage` answered `upTo` is moved to
   * the store, the rest is dropped. It stays counted for its holder until it is taken over or dropped; nobody sees it, it
   * cannot be committed, and it does not survive a crash or `close`. Where this rejects, all of it is dropped.
   *
   * @returns false where there is nothing to keep.
   */
  keep(saga: SagaId, upTo: StageTotals): Promise<boolean>;
  /**
   * Has `saga`, which has staged nothing, stage what `kept` has kept, for the same holder. It is checked once more, with
   * this `sight`; where any of it would be refused now, all of it is dropped. It lies where it lay: nothing is stored
   * again. Where nothing is kept under that name, nothing happens.
   */
  takeOver(saga: SagaId, kept: SagaId, sight: Sight | "anyone"): Promise<TakenOver>;
  /**
   * Forgets what `saga` has staged or kept. Idempotent. Calls that name one saga take effect in the order they are made, so
   * nothing staged before a `drop` outlives it.
   */
  drop(saga: SagaId): Promise<void>;
  /**
   * See `Commit`. Where it rejects, nothing was changed.
   *
   * A tip moves only to a frame whose heads are, or descend from, all heads of the tip as it is: by `past`, or by a
   * merge that takes other branches in (src/merge); unless it is said to go back. Nothing committed is lost.
   *
   * @throws KeysagaError `chain_refused`: of `puts`, or where a tip would not move forward like that.
   */
  commit(commit: Commit): Promise<CommitResult>;

  /** What `ask` makes of the space as it stands, on one snapshot. Synchronous, and quick. */
  look<Answer>(ask: (look: Look) => Answer): Promise<Answer>;

  /** The references that are filed for these timelines, by their first frames, and stones. */
  references(holders: readonly Address[]): Promise<Reference[]>;
  /** The same, with those of the stones that their links lead to: from an index. */
  referencesFrom(roots: readonly Address[]): Promise<Reference[]>;

  cell(key: string): Promise<Uint8Array | undefined>;
  /** Cells whose key starts with `prefix`, by key. */
  cells(prefix: string): Promise<{ key: string; value: Uint8Array }[]>;

  proof(address: Address): Promise<IbGib | undefined>;
  /**
   * All of a group, in the order they were put; or those from place `from` (the first is 0) up to place `to`, that one left
   * out. Only what is given is read.
   */
  proofs(group: Address, from?: number, to?: number): Promise<IbGib[]>;

  /** For verification. Things committed while it runs may be left out. */
  scan(): AsyncIterable<Scanned>;
  /**
   * Calls `listener` after each commit through this object that moved tips, with all of them, and with the timelines that
   * have none any more. Returns the function that stops it.
   */
  watch(listener: (tips: readonly Tip[], gone: readonly Address[]) => void): () => void;
  /**
   * Where what is stored lies on a disk: is there room for a record of the largest size? Costs a look at the disk.
   *
   * @throws KeysagaError `disk_full`
   */
  checkRoom?(): void;
  /** Waits for what is under way, then closes. Idempotent. */
  close(): Promise<void>;
}
