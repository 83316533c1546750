import { isLimit, KeysagaError } from "../../base/index.js";
import {
  type Address,
  type IbGib,
  isFrame,
  isMerge,
  isStandIn,
  makerOf,
  nOf,
  ownerOf,
} from "../../ibgib/index.js";
import { compareTips, type FrameReader, mergeTips } from "../../merge/index.js";
import {
  type CountedFrame,
  type FinalTip,
  type LeftRoot,
  type ReceiverSagaEffect,
  type RootMove,
  type RootStatus,
  statusesByRoot,
} from "../../saga/index.js";
import type { CellChange, SagaId, Space } from "../../space/index.js";
import {
  type AddedFrames,
  addedFrames,
  isInItsPlace,
  proverOf,
  tipsStoodFor,
} from "../branches/added-frames.js";
import { type Carriers, carriersAmong } from "../branches/carriers.js";
import { type Merging, walkLimits } from "../branches/merging.js";
import { checkTip } from "../branches/taking.js";
import { comparedWith } from "../home/filing.js";
import { needsMark } from "../home/made.js";
import type { CheckedEvidence } from "../rights/attestations.js";
import { headIsCounted, isLetIn, ListedHeads } from "../rights/head-judge.js";
import { foundTimeline } from "../rights/rights.js";
import type { Standing } from "../rights/standing.js";
import { useOf } from "../rights/uses.js";

/** What a saga asks to have committed, and what it has staged. */
export type CommitEffect = Extract<ReceiverSagaEffect, { kind: "commitSpace" }> & { readonly stage: SagaId };

/** The tips of a commit, as far as the sender may move them, and what that rests on. */
export interface JudgedMoves {
  readonly taken: readonly RootMove[];
  /** Stones, and first frames of timelines that the sender may not write: what has no tip to move. */
  readonly records: readonly Address[];
  /** What the receiver has, towards this sender, of the tips that it does not take. */
  readonly refused: readonly FinalTip[];
  /** Merges that it makes in the place of those that nobody answers for who may write. */
  readonly made: readonly IbGib[];
  /** Roots that stay as they were for a limit of the receiver's; nothing of them is kept. */
  readonly left: readonly LeftRoot[];
  /** Frames that the sender has made, as this commit proves. */
  readonly own: ReadonlySet<Address>;
  /** Frames that others have made, as what came with the commit proves. */
  readonly proved: ReadonlySet<Address>;
  /** What has to be unchanged, or changes, for this to be so. */
  readonly cells: readonly CellChange[];
  /** Heads that the sender may write by an entry whose uses are counted here. */
  readonly counted: readonly CountedFrame[];
  /** Frames beside tips that what counts rests on, by timeline: to be kept, and found again. */
  readonly carriers: ReadonlyMap<Address, readonly Address[]>;
}

/** Who sends a commit, and who has signed the frames in it. */
export interface Answered {
  readonly standing: Standing;
  /** What came to prove frames, checked. */
  readonly evidence: CheckedEvidence;
  /** Timelines whose tips do not have in their histories all that counts here. */
  readonly apart: ReadonlySet<Address>;
  /** Roots that do not fit. */
  readonly overQuota: ReadonlySet<Address>;
  /** Was not all that came staged, for want of room? Then roots that lack something are over a quota as well. */
  readonly isCut: boolean;
}

/**
 * Judges the moves of a commit. Each frame that is new has to be proved by the maker that it names, and the makers of the
 * heads have to be ones who may write the timeline: now where that is the sender itself, by the lists that are here where
 * it is somebody else. A merge of such heads that everybody can compute needs nobody's word; for another one somebody has
 * to answer who may write, else its heads are taken in its place. A timeline that does not hold to this is left as it was.
 * All of it is judged on what the sender knows of: a timeline that it may not read is not looked into, and is to it what it
 * has sent of it. A merge is computed again only once all of this holds.
 *
 * @throws KeysagaError `not_closed` where a tip is none that the sender knows of; `wrong_context`, `merge_refused` and
 *   what else `checkMerge` throws.
 */
export async function judgeMoves(
  space: Space,
  effect: CommitEffect,
  merging: Merging,
  answered: Answered,
): Promise<JudgedMoves> {
  const judgement = new Judgement(space, effect, merging, answered);
  const { moves, final } = effect;
  const named = new Map(final.map((tip) => [tip.address, tip]));
  const reader = space.view(effect.stage, answered.standing.sight);
  const [firsts, tips] = [
    await reader.getMany(moves.map(({ address }) => address)),
    await reader.getMany(moves.map(({ to }) => to)),
  ];
  for (const [at, move] of moves.entries()) {
    const [first, tip, told] = [firsts[at], tips[at], named.get(move.address)];
    const isLacking = answered.isCut && (!first || !tip);
    if (isLacking || answered.overQuota.has(move.address)) judgement.leave(move, "over_quota");
    else if (!first || answered.apart.has(move.address)) judgement.refuse(move, first);
    else if (!tip || !told) throw new KeysagaError("not_closed", { missing: "a tip" });
    else {
      checkTip(tip, told);
      if (isFrame(first)) await judgement.judge(move, first, tip);
      else judgement.records.push(first.address);
    }
  }
  return {
    taken: judgement.taken,
    records: judgement.records,
    refused: judgement.refused,
    made: judgement.made,
    left: judgement.left,
    own: judgement.own,
    proved: judgement.proved,
    cells: comparedWith([...judgement.cells.values()], answered.standing.relied),
    counted: judgement.counted,
    carriers: judgement.carriers,
  };
}

class Judgement {
  readonly taken: RootMove[] = [];
  readonly records: Address[] = [];
  readonly refused: FinalTip[] = [];
  readonly made: IbGib[] = [];
  readonly left: LeftRoot[] = [];
  readonly own = new Set<Address>();
  readonly proved = new Set<Address>();
  readonly cells = new Map<string, CellChange>();
  /** The same for the move that is being judged: they count once it is taken. */
  #rests: CellChange[] = [];
  readonly counted: CountedFrame[] = [];
  readonly carriers = new Map<Address, readonly Address[]>();
  readonly #reader: FrameReader;
  readonly #said: ReadonlySet<Address>;
  readonly #statusOf: ReadonlyMap<Address, RootStatus>;

  constructor(
    private readonly space: Space,
    effect: CommitEffect,
    private readonly merging: Merging,
    private readonly answered: Answered,
  ) {
    this.#reader = space.view(effect.stage, answered.standing.sight);
    this.#said = new Set(effect.made.entries.map(({ frame }) => frame));
    this.#statusOf = statusesByRoot(effect.roots, effect.statuses);
  }

  /** What takes a longer walk than a root may is left, and with it what the walk has found out. */
  async judge(move: RootMove, first: IbGib, tip: IbGib): Promise<void> {
    try {
      await this.#judge(move, first, tip);
    } catch (thrown) {
      if (!isLimit(thrown, walkLimits)) throw thrown;
      this.leave(move, "too_long");
    }
  }

  async #judge(move: RootMove, first: IbGib, tip: IbGib): Promise<void> {
    const { standing } = this.answered;
    this.#rests = [];
    if (ownerOf(first) !== undefined && !(await standing.reads(first))) return this.refuse(move, first);
    const added = await addedFrames(tip, first, move.from, this.#reader, this.merging);
    const others = needsMark(tip) ? [tip] : [];
    const bySelf = await this.#proversOf([...others, ...added.toProve], first);
    const carriers = await this.#carriersOf(added, first, tip, bySelf);
    const provers = new Map([...bySelf, ...carriers.proved]);
    const isMoved = (await this.#mayMove(move, first, added, provers)) && !(await this.#stepsBack(move, tip));
    if (!isMoved) return this.refuse(move, first);
    const isAnswered = () => this.#isAnswered(tip, first, provers.get(tip.address));
    const stoodFor = await tipsStoodFor(tip, isAnswered, this.#reader, this.merging);
    const isTaken = stoodFor[0] === tip.address;
    if (isTaken) this.taken.push(move);
    else await this.#takeHeads(move, stoodFor);
    for (const cell of this.#rests) this.cells.set(cell.key, cell);
    this.#carry(move.address, carriers.frames);
    await this.#count(first, isTaken ? [...others, ...added.heads] : added.heads);
    for (const address of bySelf.keys())
      if (isTaken || address !== tip.address) (this.#said.has(address) ? this.own : this.proved).add(address);
  }

  /** The heads of a merge, in its place. */
  async #takeHeads(move: RootMove, heads: readonly Address[]): Promise<void> {
    const { address, from } = move;
    const { functions, options } = this.merging;
    const tips = from === undefined ? heads : [from, ...heads];
    const merged = await mergeTips(tips, this.#reader, functions, options);
    if ("frame" in merged) this.made.push(merged.frame);
    const to = "frame" in merged ? merged.frame.address : merged.same;
    const [record] = "frame" in merged ? [merged.frame] : await this.#reader.getMany([to]);
    if (to !== from) this.taken.push({ address, from, to });
    if (to !== move.to) this.refused.push({ address, tip: to, n: (record && nOf(record)) ?? -1 });
  }

  /** Is it a stand-in for what is merged here? */
  async #stepsBack({ from }: RootMove, tip: IbGib): Promise<boolean> {
    if (from === undefined || !isStandIn(tip)) return false;
    const [record] = await this.#reader.getMany([from]);
    if (!record || !isMerge(record) || isStandIn(record)) return false;
    return (await compareTips(from, tip.address, this.#reader, this.merging.options)) === "same";
  }

  async #mayMove(
    move: RootMove,
    first: IbGib,
    { heads, toProve }: AddedFrames,
    provers: ReadonlyMap<Address, Address>,
  ): Promise<boolean> {
    const { standing } = this.answered;
    if (standing.isOpen) return true;
    if (ownerOf(first) === undefined) return this.#mayMoveUnowned(move, first);
    if (!toProve.every(({ address }) => provers.has(address)) || !(await isInItsPlace(first, this.#reader)))
      return false;
    const listed = this.#listed(first);
    for (const head of heads) if (!(await this.#counts(head, first, listed))) return false;
    this.#rests.push(...listed.relied.values());
    return true;
  }

  #listed(first: IbGib): ListedHeads {
    const { standing, evidence } = this.answered;
    return new ListedHeads(this.space, first, standing.authorize, (_, frame, entry) =>
      this.#said.has(frame) ? standing.countsFor(entry) : isLetIn(evidence.letIn, frame, entry),
    );
  }

  /**
   * May who has signed a merge that others cannot compute write? The sender now, somebody else by the lists that are here.
   */
  async #isAnswered(merge: IbGib, first: IbGib, signer: Address | undefined): Promise<boolean> {
    if (this.answered.standing.isOpen || ownerOf(first) === undefined) return true;
    if (signer === undefined || (this.#said.has(merge.address) && !(await this.#mayWrite(first))))
      return false;
    const listed = this.#listed(first);
    const isGood = await listed.countsBy(signer, merge.address, false);
    this.#rests.push(...listed.relied.values());
    return isGood;
  }

  #carriersOf(
    { toProve }: AddedFrames,
    first: IbGib,
    { address: tip }: IbGib,
    provers: ReadonlyMap<Address, Address>,
  ): Promise<Carriers> {
    const bare = new Set(toProve.map(({ address }) => address).filter((address) => !provers.has(address)));
    const named = () => new ListedHeads(this.space, first).named();
    const place = { first, tip, bare };
    const beside = this.answered.evidence.attested.get(first.address) ?? [];
    return carriersAmong(beside, place, named, this.#reader, this.merging.options);
  }

  #carry(timeline: Address, frames: readonly Address[]): void {
    if (frames.length === 0) return;
    this.carriers.set(timeline, frames);
    this.records.push(...frames);
    for (const frame of frames) this.proved.add(frame);
  }

  /** The receipt names each head that an entry lets in whose uses are counted here: that is part of its proof. */
  async #count(first: IbGib, heads: readonly IbGib[]): Promise<void> {
    const { standing } = this.answered;
    if (standing.isOpen || ownerOf(first) === undefined) return;
    const { entry } = await standing.writes(first);
    if (entry?.uses === undefined) return;
    for (const { address: frame } of heads)
      if (this.#said.has(frame)) this.counted.push({ tjp: first.address, frame, entry: entry.key });
  }

  /** By the lists that are here; and what the sender has made itself, it has to be let in to write, now. */
  async #counts(head: IbGib, first: IbGib, listed: ListedHeads): Promise<boolean> {
    if (this.#said.has(head.address) && !(await this.#mayWrite(first))) return false;
    return headIsCounted(head, listed, this.#reader, this.merging.options);
  }

  /** Who proves each frame, as far as somebody does: the sender by this very commit, others by what came with it. */
  async #proversOf(toProve: readonly IbGib[], first: IbGib): Promise<ReadonlyMap<Address, Address>> {
    const { standing, evidence } = this.answered;
    const provers = new Map<Address, Address>();
    for (const frame of toProve) {
      const prover = this.#said.has(frame.address)
        ? standing.identity
        : await proverOf(frame, first, evidence.attesters, this.space);
      if (prover !== undefined && prover === (makerOf(frame, first) ?? prover))
        provers.set(frame.address, prover);
    }
    return provers;
  }

  /** Who brings a timeline that has no owner is its owner here, unless local policy says otherwise. */
  async #mayMoveUnowned({ from, address }: RootMove, first: IbGib): Promise<boolean> {
    const { standing } = this.answered;
    if ((await standing.writes(first)).may) return true;
    if (from !== undefined || (await this.space.tip(address)) !== undefined) return false;
    this.#rests.push(foundTimeline(standing.identity, address));
    return true;
  }

  async #mayWrite(first: IbGib): Promise<boolean> {
    const { standing } = this.answered;
    const { may, entry } = await standing.writes(first);
    if (!may || !entry || standing.hasClaimed(entry.key)) return may;
    const uses = await useOf(this.space, entry);
    this.#rests.push(...(uses ?? []));
    return uses !== undefined;
  }

  leave({ address }: RootMove, left: LeftRoot["left"]): void {
    this.left.push({ address, left });
  }

  /**
   * The receiver keeps what the sender was told; of a timeline that it was told nothing of, the first frame it has sent. Where
   * there is no other, the sender could not tell from its address that it is no tip here, so it is told.
   */
  refuse(move: RootMove, first: IbGib | undefined): void {
    const told = toldOf(move, this.#statusOf.get(move.address));
    if (told !== undefined) {
      this.refused.push(told);
      return;
    }
    if (first === undefined) throw new KeysagaError("not_closed", { missing: "a first frame" });
    this.records.push(move.address);
    if (move.to === move.address) this.leave(move, "not_taken");
    else this.refused.push({ address: move.address, tip: move.address, n: nOf(first) ?? -1 });
  }
}

function toldOf({ address, from }: RootMove, status: RootStatus | undefined): FinalTip | undefined {
  if (from === undefined || !status || !("tip" in status)) return undefined;
  return { address, tip: status.tip, n: status.n };
}
