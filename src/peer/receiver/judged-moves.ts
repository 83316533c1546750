import { KeysagaError } from "../../base/index.js";
import { type Address, type IbGib, isFrame, makerOf, nOf, ownerOf } from "../../ibgib/index.js";
import type { FrameReader } from "../../merge/index.js";
import {
  type FinalTip,
  type ReceiverSagaEffect,
  type RootMove,
  type RootStatus,
  statusesByRoot,
} from "../../saga/index.js";
import type { CellChange, Space } from "../../space/index.js";
import { type AddedFrames, addedFrames, isInItsPlace, proverOf } from "../branches/added-frames.js";
import type { Merging } from "../branches/merging.js";
import { checkTip } from "../branches/resolution.js";
import { loadAuthors } from "../rights/authors.js";
import { foundTimeline } from "../rights/rights.js";
import type { Standing } from "../rights/standing.js";
import { loadStated } from "../rights/stated.js";
import { useOf } from "../rights/uses.js";

type CommitEffect = Extract<ReceiverSagaEffect, { kind: "commitSpace" }>;

/** The tips of a commit, as far as the sender may move them, and what that rests on. */
export interface JudgedMoves {
  readonly taken: readonly RootMove[];
  /** Stones, and first frames of timelines that the sender may not write: what has no tip to move. */
  readonly records: readonly Address[];
  /** What the receiver has, towards this sender, of the tips that it does not take. */
  readonly refused: readonly FinalTip[];
  /** Frames that the sender has made, as this commit proves. */
  readonly own: ReadonlySet<Address>;
  /** Frames that others have made, as what came with the commit proves. */
  readonly proved: ReadonlySet<Address>;
  /** What has to be unchanged, or changes, for this to be so. */
  readonly cells: readonly CellChange[];
}

/** Who sends a commit, and who has signed the frames in it. */
export interface Answered {
  readonly standing: Standing;
  /** Frames that came with what proves who has signed them. */
  readonly attesters: ReadonlyMap<Address, Address>;
}

/**
 * Judges the moves of a commit. Each frame that is new has to be proved by the maker that it names, and the makers of the
 * heads have to be ones who may write the timeline: now where that is the sender itself, by what is known of grants where
 * it is somebody else. A merge of such heads needs nobody's word. A timeline that does not hold to this is left as it
 * was. All of it is judged on what the sender knows of: a timeline that it may not read is not looked into, and is to it
 * what it has sent of it.
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
  const reader = space.view(effect.saga, answered.standing.sight);
  const [firsts, tips] = [
    await reader.getMany(moves.map(({ address }) => address)),
    await reader.getMany(moves.map(({ to }) => to)),
  ];
  for (const [at, move] of moves.entries()) {
    const [first, tip, told] = [firsts[at], tips[at], named.get(move.address)];
    if (!first) judgement.refuse(move, first);
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
    own: judgement.own,
    proved: judgement.proved,
    cells: [...judgement.cells.values()],
  };
}

class Judgement {
  readonly taken: RootMove[] = [];
  readonly records: Address[] = [];
  readonly refused: FinalTip[] = [];
  readonly own = new Set<Address>();
  readonly proved = new Set<Address>();
  readonly cells = new Map<string, CellChange>();
  readonly #reader: FrameReader;
  readonly #said: ReadonlySet<Address>;
  readonly #statusOf: ReadonlyMap<Address, RootStatus>;

  constructor(
    private readonly space: Space,
    effect: CommitEffect,
    private readonly merging: Merging,
    private readonly answered: Answered,
  ) {
    this.#reader = space.view(effect.saga, answered.standing.sight);
    this.#said = new Set(effect.made.entries.map(({ frame }) => frame));
    this.#statusOf = statusesByRoot(effect.roots, effect.statuses);
    for (const cell of answered.standing.rights.unmoved) this.cells.set(cell.key, cell);
  }

  async judge(move: RootMove, first: IbGib, tip: IbGib): Promise<void> {
    if (ownerOf(first) !== undefined && !this.answered.standing.reads(first)) return this.refuse(move, first);
    const added = await addedFrames(tip, first, move.from, this.#reader, this.merging);
    const provers = await this.#proversOf(added, first);
    if (!(await this.#mayMove(move, first, added, provers))) return this.refuse(move, first);
    this.taken.push(move);
    for (const address of provers.keys()) (this.#said.has(address) ? this.own : this.proved).add(address);
  }

  async #mayMove(
    move: RootMove,
    first: IbGib,
    { heads, toProve }: AddedFrames,
    provers: ReadonlyMap<Address, Address>,
  ): Promise<boolean> {
    const { standing } = this.answered;
    if (standing.isOpen) return true;
    const owner = ownerOf(first);
    if (owner === undefined) return this.#mayMoveUnowned(move, first);
    if (!toProve.every(({ address }) => provers.has(address)) || !(await isInItsPlace(first, this.#reader)))
      return false;
    for (const { address } of heads) {
      const isAllowed = this.#said.has(address)
        ? await this.#mayWrite(first)
        : await this.#mayHaveWritten(first, owner, provers.get(address), address);
      if (!isAllowed) return false;
    }
    return true;
  }

  /** Who proves each frame, as far as somebody does: the sender by this very commit, others by what came with it. */
  async #proversOf({ toProve }: AddedFrames, first: IbGib): Promise<ReadonlyMap<Address, Address>> {
    const { standing, attesters } = this.answered;
    const provers = new Map<Address, Address>();
    for (const frame of toProve) {
      const prover = this.#said.has(frame.address)
        ? standing.identity
        : await proverOf(frame, first, attesters, this.space);
      if (prover !== undefined && prover === (makerOf(frame, first) ?? prover))
        provers.set(frame.address, prover);
    }
    return provers;
  }

  /** Who brings a timeline that has no owner is its owner here, unless local policy says otherwise. */
  async #mayMoveUnowned({ from, address }: RootMove, first: IbGib): Promise<boolean> {
    const { standing } = this.answered;
    if (standing.rights.writes(first)) return true;
    if (from !== undefined || (await this.space.tip(address)) !== undefined) return false;
    const founds = foundTimeline(standing.identity, address);
    this.cells.set(founds.key, founds);
    return true;
  }

  async #mayWrite(first: IbGib): Promise<boolean> {
    const { rights, hasClaimed } = this.answered.standing;
    if (!rights.writes(first)) return false;
    const grant = rights.grantFor(first, "write");
    if (!grant || hasClaimed(grant.address)) return true;
    const uses = await useOf(this.space, grant);
    for (const use of uses ?? []) this.cells.set(use.key, use);
    return uses !== undefined;
  }

  /** Somebody else, who may not be here: the owner, or a grantee as far as its grants are known. */
  async #mayHaveWritten(
    first: IbGib,
    owner: Address,
    maker: Address | undefined,
    head: Address,
  ): Promise<boolean> {
    if (maker === undefined) return false;
    if (maker === owner) return true;
    if (!(await (await loadAuthors(this.space, first)).wrote(maker, head, this.#reader))) return false;
    const { unmoved } = await loadStated(this.space, owner);
    this.cells.set(unmoved.key, unmoved);
    return true;
  }

  /** The receiver keeps what the sender was told; of a timeline that it was told nothing of, the first frame it has sent. */
  refuse({ address, from }: RootMove, first: IbGib | undefined): void {
    const status = this.#statusOf.get(address);
    if (from !== undefined && status && "tip" in status) {
      this.refused.push({ address, tip: status.tip, n: status.n });
      return;
    }
    if (first === undefined) throw new KeysagaError("not_closed", { missing: "a first frame" });
    this.records.push(address);
    this.refused.push({ address, tip: address, n: nOf(first) ?? -1 });
  }
}

/** A cell that has to be as it is; what a commit changes anyway is compared by that. */
export function comparedWith(
  changed: readonly CellChange[],
  compared: readonly CellChange[],
): readonly CellChange[] {
  const keys = new Set(changed.map(({ key }) => key));
  return [...changed, ...compared.filter(({ key }) => !keys.has(key))];
}
