import { groupBy, KeysagaError } from "../../base/index.js";
import {
  type Address,
  type IbGib,
  isStandIn,
  isTjp,
  makerOf,
  nOf,
  ownerOf,
  tjpOf,
} from "../../ibgib/index.js";
import {
  compareTips,
  countingHeads,
  type FrameReader,
  framesBeyond,
  headsOf,
  mergeOf,
  mergeTips,
  standInFor,
} from "../../merge/index.js";
import type { FinalTip, OpenReference, RootMove } from "../../saga/index.js";
import type { CellChange, Space } from "../../space/index.js";
import type { Identity } from "../home/identity.js";
import { isMadeHere, needsMark } from "../home/made.js";
import type { CheckedEvidence } from "../rights/attestations.js";
import { isLetIn, ListedHeads } from "../rights/head-judge.js";
import type { AccessPolicy } from "../rights/standing.js";
import type { LeftReason } from "../session/events.js";
import { addedFrames, isInItsPlace, proverOf, tipsStoodFor } from "./added-frames.js";
import { type Carriers, carriersAmong } from "./carriers.js";
import type { Merging } from "./merging.js";

/** What a sender brings together with, and what it goes by. */
export interface Resolving {
  readonly identity: Identity;
  /** Who answers, and says who may write its own timelines. */
  readonly receiver: Address;
  /** The lane between both sides. */
  readonly lane: Address;
  readonly merging: Merging;
  readonly access: AccessPolicy;
  /** What the caller asked for by name. */
  readonly named: ReadonlySet<Address>;
  /** The stones that go in the place of references of the receiver. */
  readonly stonesFor: (open: readonly OpenReference[]) => Promise<readonly Address[]>;
  /** Stages a frame that was made here with the saga. */
  readonly stage: (frame: IbGib) => Promise<void>;
  /** What came to prove frames, checked. */
  readonly evidence: CheckedEvidence;
}

/** What was left of a root, and whose doing that is. */
export interface Left {
  /** The root. */
  readonly address: Address;
  readonly reason: LeftReason;
  /** The frame that it is about. */
  readonly head?: Address;
  /** Who has made that; where it is for a limit of the receiver's, the receiver. */
  readonly by?: Address;
}

/** What a sender takes of the tips that come in. */
export class Taking {
  /** The frames among what came that their makers have proved. */
  readonly proved = new Set<Address>();
  /** Merges that were made here meanwhile, and that this side signs. */
  readonly made = new Map<Address, IbGib>();
  readonly left = new Map<Address, Left>();
  /** Heads that came and do not count, by timeline. */
  readonly apart = new Map<Address, readonly Address[]>();
  /** First frames that came, of timelines of which nothing counts: links to them hold, and they have no tip. */
  readonly tipless = new Set<Address>();
  readonly #judges: { readonly root: Address; readonly listed: ListedHeads }[] = [];
  readonly #space: Space;
  readonly #merging: Merging;

  constructor(
    private readonly resolving: Resolving,
    /** What is committed, with what the saga has staged. */
    readonly reader: FrameReader,
  ) {
    this.#space = resolving.identity.space;
    this.#merging = resolving.merging;
  }

  /**
   * The tip that a timeline has here once what came in is taken: the merge of what counts of both. Each frame that is new
   * has to be proved by its maker, else the timeline is left as it was.
   *
   * @param own This side's tip, where it has one that counts.
   * @param isAhead Has what came in that tip in its history?
   * @returns undefined where it is left.
   * @throws KeysagaError `wrong_context`, `merge_refused` and what else only a receiver that does not keep to the rules
   *   can cause.
   */
  async taken(
    { address, tip, n }: FinalTip,
    own: Address | undefined,
    isAhead: boolean,
  ): Promise<Address | undefined> {
    const [record, first] = await this.reader.getMany([tip, address]);
    if (!record || !first) throw new KeysagaError("record_missing", { what: "a tip that was told" });
    checkTip(record, { address, tip, n });
    if (!isTjp(first)) return tip;
    const added = await addedFrames(record, first, own, this.reader, this.#merging);
    const { identity, access } = this.resolving;
    const tips = async (isAnswered: () => Promise<boolean>) => {
      const came = await tipsStoodFor(record, isAnswered, this.reader, this.#merging);
      return own === undefined || (isAhead && came[0] === tip) ? came : [own, ...came];
    };
    if (access === "open" || ownerOf(first) === undefined) return this.#merged(await tips(async () => true));
    // What a first frame says is what its address stands for, unless it says that it is this side's.
    const isFirstAlone = tip === address && makerOf(first, first) !== identity.address;
    const { unproved: bare, proved } = await this.#proofsOf(added.toProve, first);
    if (needsMark(record)) proved.push(...(await this.#proofsOf([record], first)).proved);
    const carriers = await this.#carriersOf(first, tip, bare);
    const unproved = bare.find((frame) => !carriers.proved.has(frame.address));
    if (isFirstAlone) {
      if (!(await this.#firstCounts(first))) return this.#leaveHead(first, first);
      for (const frame of proved) this.proved.add(frame);
      return this.#merged(await tips(async () => true));
    }
    if (unproved) return this.#leave(first, "not_proved", unproved);
    if (!(await isInItsPlace(first, this.reader))) return this.#leave(first, "out_of_place", first);
    const to = await this.#counted(first, await tips(() => this.#isAnswered(record, first)));
    if (to !== undefined && carriers.frames.length > 0)
      this.apart.set(address, [...(this.apart.get(address) ?? []), ...carriers.frames]);
    await this.#keepProofs(
      [...proved, ...carriers.frames],
      [...(to === undefined ? [] : [to]), ...(this.apart.get(address) ?? [])],
    );
    return to;
  }

  /**
   * Does a timeline still show this tip, and does all of it count? Lists that came in this saga may have taken that back:
   * then it is left, and named.
   */
  async isShown(timeline: Address, tip: Address): Promise<boolean> {
    const isHere = (await this.#space.tip(timeline)) !== undefined;
    if (isHere && (await this.counts(timeline, tip))) return true;
    const [first, head] = await this.reader.getMany([timeline, tip]);
    if (first && head) await this.#leaveHead(first, head);
    return false;
  }

  /** Does all of a tip of this side count? By the lists that are here now: some may have come in this saga. */
  async counts(timeline: Address, tip: Address): Promise<boolean> {
    const { identity, receiver, access } = this.resolving;
    const [first] = await this.reader.getMany([timeline]);
    const owner = first && ownerOf(first);
    const isGiven = owner === undefined || owner === identity.address || owner === receiver;
    if (!first || isGiven || access === "open") return true;
    const { options } = this.#merging;
    const shown = await headsOf(tip, this.reader, options);
    const heads = await countingHeads([tip], this.#listed(first), this.reader, options);
    return shown.every((head) => heads.includes(head));
  }

  /** Has somebody who may write signed a merge that others cannot compute? Who has made it here, signs it. */
  async #isAnswered(merge: IbGib, first: IbGib): Promise<boolean> {
    const { identity, evidence } = this.resolving;
    const isOwn = await this.isOwn(merge, first);
    const signer =
      (await proverOf(merge, first, evidence.attesters, this.#space)) ??
      (isOwn ? identity.address : undefined);
    return signer !== undefined && this.#listed(first).countsBy(signer, merge.address, false);
  }

  /**
   * What the receiver is to have of a tip of this side, in the place of its own: a stand-in for a merge that nobody answers
   * for who may write.
   *
   * @returns undefined where the receiver's stays: what only stands in takes the place of no merge of the same heads.
   */
  async outward(timeline: Address, tip: Address, theirs: Address): Promise<Address | undefined> {
    const { options } = this.#merging;
    const [first, record] = await this.reader.getMany([timeline, tip]);
    const isBare = first && record && needsMark(record) && this.resolving.access !== "open";
    const isAnswered = !isBare || (await this.#isAnswered(record, first));
    const told = isAnswered ? tip : await this.#standIn(await headsOf(tip, this.reader, options));
    if (told === theirs) return undefined;
    const standsIn = !isAnswered || (record !== undefined && isStandIn(record));
    const isSame = standsIn && (await compareTips(told, theirs, this.reader, options)) === "same";
    return isSame ? undefined : told;
  }

  async #standIn(heads: readonly Address[]): Promise<Address> {
    const merged = await standInFor(heads, this.reader, this.#merging.options);
    return "frame" in merged ? this.#made(merged.frame) : merged.same;
  }

  #listed(first: IbGib): ListedHeads {
    const { access, identity, receiver, evidence } = this.resolving;
    const authorize = typeof access === "function" ? access : undefined;
    // What this side has made, the receiver that counts its uses has to be asked to let in.
    const listed = new ListedHeads(this.#space, first, authorize, (maker, frame, entry) =>
      maker === identity.address ? entry.receiver === receiver : isLetIn(evidence.letIn, frame, entry),
    );
    this.#judges.push({ root: first.address, listed });
    return listed;
  }

  /** What was looked at of lists to judge each root. */
  relied(): ReadonlyMap<Address, readonly CellChange[]> {
    const judges = groupBy(this.#judges, ({ root }) => root);
    return new Map(
      [...judges].map(([root, all]) => [root, all.flatMap(({ listed }) => [...listed.relied.values()])]),
    );
  }

  /** The frames that their makers have proved, and those that have to be and are not. */
  async #proofsOf(
    toProve: readonly IbGib[],
    first: IbGib,
  ): Promise<{ readonly proved: Address[]; readonly unproved: readonly IbGib[] }> {
    const { attesters } = this.resolving.evidence;
    const proved: Address[] = [];
    const unproved: IbGib[] = [];
    for (const frame of toProve) {
      const prover = await proverOf(frame, first, attesters, this.#space);
      if (prover !== undefined) proved.push(frame.address);
      else if (!(await this.isOwn(frame, first))) unproved.push(frame);
    }
    return { proved, unproved };
  }

  #carriersOf(first: IbGib, tip: Address, unproved: readonly IbGib[]): Promise<Carriers> {
    const bare = new Set(unproved.map(({ address }) => address));
    const beside = this.resolving.evidence.attested.get(first.address) ?? [];
    const named = () => this.#listed(first).named();
    return carriersAmong(beside, { first, tip, bare }, named, this.reader, this.#merging.options);
  }

  /** The merge of what counts of tips. What does not count of them stays apart. */
  async #counted(first: IbGib, tips: readonly Address[]): Promise<Address | undefined> {
    if (ownerOf(first) === this.resolving.receiver) return this.#merged(tips); // it says who may write what is its own
    const { options, functions } = this.#merging;
    const listed = this.#listed(first);
    const heads = await countingHeads(tips, listed, this.reader, options);
    const shown = new Map<Address, readonly Address[]>();
    for (const tip of tips) shown.set(tip, await headsOf(tip, this.reader, options));
    const apart = [...new Set([...shown.values()].flat())].filter((head) => !heads.includes(head));
    if (apart.length === 0) return this.#merged(tips);
    const out: Address[] = [];
    for (const head of apart) if (heads.length === 0 || !(await this.#isBelow(head, heads))) out.push(head);
    if (out.length > 0) {
      this.apart.set(first.address, await this.#keptApart(first, out, listed));
      const [head] = await this.reader.getMany(out.slice(0, 1));
      await this.#leaveHead(first, head ?? first);
    }
    if (heads.length === 0) return undefined;
    const merged = await mergeOf(heads, tips, this.reader, functions, options);
    return "frame" in merged ? this.#made(merged.frame) : merged.same;
  }

  /** Proofs are kept of what is kept. */
  async #keepProofs(proved: readonly Address[], kept: readonly Address[]): Promise<void> {
    for (const frame of proved)
      if (kept.length > 0 && (await this.#isBelow(frame, kept))) this.proved.add(frame);
  }

  /** What a stranger has made is not kept: only what is by somebody whom the list of writers ever named. */
  async #keptApart(
    first: IbGib,
    heads: readonly Address[],
    listed: ListedHeads,
  ): Promise<readonly Address[]> {
    const records = await this.reader.getMany(heads);
    const kept: Address[] = [];
    for (const record of records) {
      const maker = record && makerOf(record, first);
      if (record && maker !== undefined && (await listed.wasNamed(maker))) kept.push(record.address);
    }
    return kept;
  }

  async #isBelow(head: Address, heads: readonly Address[]): Promise<boolean> {
    return (await framesBeyond(head, heads, this.reader, this.#merging.options)).length === 0;
  }

  async #merged(tips: readonly Address[]): Promise<Address> {
    const { functions, options } = this.#merging;
    const merged = await mergeTips(tips, this.reader, functions, options);
    return "frame" in merged ? this.#made(merged.frame) : merged.same;
  }

  async #made(frame: IbGib): Promise<Address> {
    await this.#stage(frame, needsMark(frame));
    return frame.address;
  }

  /** @param at The frame that it is about. */
  #leave(first: IbGib, reason: LeftReason, at: IbGib): undefined {
    const by = makerOf(at, first);
    // Who has set it aside need not be told.
    if (reason === "set_aside" && ownerOf(first) === this.resolving.identity.address) return undefined;
    this.left.set(first.address, { address: first.address, reason, head: at.address, ...(by && { by }) });
    return undefined;
  }

  async #leaveHead(first: IbGib, head: IbGib): Promise<undefined> {
    const isSetAside = await this.#listed(first).isSetAside(head.address);
    return this.#leave(first, isSetAside ? "set_aside" : "may_not_write", head);
  }

  /** Does it count by itself? That of its owner always does. */
  async #firstCounts(first: IbGib): Promise<boolean> {
    const { access, receiver } = this.resolving;
    if (access === "open" || ownerOf(first) === receiver) return true;
    const { options } = this.#merging;
    return (await countingHeads([first.address], this.#listed(first), this.reader, options)).length > 0;
  }

  /**
   * A timeline that came along, and is not there yet or not at this tip. Where it cannot be taken, its first frame is what
   * links to it mean; it has no tip where that does not count.
   *
   * @throws KeysagaError `attestation_refused` where that frame says that this side has made it, which it has not.
   */
  async along(found: FinalTip): Promise<readonly RootMove[]> {
    const { address } = found;
    const now = await this.#space.tip(address);
    const to = await this.taken(found, now?.address, false);
    if (to !== undefined) return [{ address, from: undefined, to }];
    return this.firstAlone(address, now);
  }

  async firstAlone(address: Address, now: unknown): Promise<readonly RootMove[]> {
    if (now !== undefined) return [];
    const [first] = await this.reader.getMany([address]);
    const isMine = first !== undefined && makerOf(first, first) === this.resolving.identity.address;
    if (isMine && !(await isMadeHere(this.#space, address)))
      throw new KeysagaError("attestation_refused", { rule: "not proved by its maker" });
    if (first === undefined || !isTjp(first) || (await this.#firstCounts(first)))
      return [{ address, from: undefined, to: address }];
    this.tipless.add(address);
    this.apart.set(address, await this.#keptApart(first, [address], this.#listed(first)));
    return [];
  }

  /** Was it made here, by this side's own user? No other frame is ever signed. */
  async isOwn(frame: IbGib, first: IbGib): Promise<boolean> {
    const self = this.resolving.identity.address;
    if ((makerOf(frame, first) ?? self) !== self) return false;
    return this.made.has(frame.address) || (await isMadeHere(this.#space, frame.address));
  }

  async #stage(frame: IbGib, isSigned: boolean): Promise<void> {
    await this.resolving.stage(frame);
    if (isSigned) this.made.set(frame.address, frame);
  }
}

/** @throws KeysagaError `wrong_context` where a tip belongs to another timeline or has another number. */
export function checkTip(record: IbGib, { address, n }: FinalTip): void {
  const isStone = record.address === address && n === 0;
  if (!isStone && (tjpOf(record) !== address || (nOf(record) ?? -1) !== n))
    throw new KeysagaError("wrong_context", { in: "tips", rule: "a frame of its timeline, by its number" });
}
