import { groupBy, KeysagaError } from "../../base/index.js";
import {
  type Address,
  type IbGib,
  isTjp,
  makerOf,
  mutate,
  nOf,
  ownerOf,
  shortAddress,
  tjpOf,
} from "../../ibgib/index.js";
import { type FrameReader, mergeTips } from "../../merge/index.js";
import {
  type Ask,
  type Direction,
  directionOf,
  type FinalTip,
  type HeadEntry,
  type OpenReference,
  type Root,
  type RootMove,
  type RootStatus,
  type SenderSagaEffect,
  type SenderSagaEvent,
  type SendPlan,
} from "../../saga/index.js";
import type { Space } from "../../space/index.js";
import type { Identity } from "../home/identity.js";
import { isMadeHere, needsMark } from "../home/made.js";
import { evidenceFor } from "../rights/attestations.js";
import { loadAuthors } from "../rights/authors.js";
import type { AccessPolicy } from "../rights/standing.js";
import { unsureStones } from "../session/outgoing.js";
import {
  branchBeyond,
  isInHistory,
  isOnChain,
  type Newer,
  type NumberedTip,
  newerFrames,
  type OwnTip,
  planOf,
} from "../session/send-plan.js";
import { type AddedFrames, addedFrames, isInItsPlace, proverOf } from "./added-frames.js";
import { locatorOf } from "./locator.js";
import type { Merging } from "./merging.js";

/** Which of the receiver's tips does this space not hold? With what it takes the receiver to find what both have. */
export async function tipsToAsk(
  space: Space,
  roots: readonly Root[],
  statuses: readonly RootStatus[],
  { options }: Merging,
): Promise<readonly Ask[]> {
  const asks = roots.map(async ({ address, tip, n }, at) => {
    const status = statuses[at]!;
    if (tip === undefined || n === undefined || !isDifferent(status)) return [];
    const own = { tjp: address, tip, n };
    if (await isInHistory(space, status, own, options)) return [];
    return [{ address, locator: [...(await locatorOf(space, own))] }];
  });
  return (await Promise.all(asks)).flat();
}

type Different = Extract<RootStatus, { status: "behind" | "diverged" }>;

type Moving = Extract<RootStatus, { tip: Address }>;

/** Has the receiver a tip that is not this side's? */
function isMoving(status: RootStatus): status is Moving {
  return "tip" in status;
}

function isDifferent(status: RootStatus): status is Different {
  return status.status === "behind" || status.status === "diverged";
}

type Resolve = Extract<SenderSagaEffect, { kind: "resolve" }>;
type Resolved = Omit<Extract<SenderSagaEvent, { kind: "resolved" }>, "kind" | "now">;

/** What is to be said. */
export interface Resolution {
  readonly resolved: Resolved;
  /** The frames among what came that their makers have proved. */
  readonly proved: ReadonlySet<Address>;
  /** Frames that were made here meanwhile, and that this side signs: to be marked as such when they are committed. */
  readonly made: readonly IbGib[];
  /** Timelines that came along and stay here as they were. */
  readonly left: ReadonlySet<Address>;
}

/** What a sender brings together with, and what it goes by. */
export interface Resolving {
  readonly identity: Identity;
  /** Who answers, and is believed about its own timelines. */
  readonly receiver: Address;
  readonly merging: Merging;
  readonly access: AccessPolicy;
  /** What the caller asked for by name. */
  readonly named: ReadonlySet<Address>;
  /** The stones that go in the place of references of the receiver. */
  readonly stonesFor: (open: readonly OpenReference[]) => Promise<readonly Address[]>;
  /** Take over what somebody has added to timelines of this identity's own who may not, or may not any more. */
  readonly adopt: boolean;
  /** Stages a frame that was made here with the saga. */
  readonly stage: (frame: IbGib) => Promise<void>;
  /** Frames that came with what proves who has signed them. */
  readonly attesters: ReadonlyMap<Address, Address>;
}

/** What becomes of one root. */
interface Outcome {
  /** The tip that the receiver is to have, where that is the sender's to say. */
  readonly chosen?: FinalTip;
  readonly move?: RootMove;
  readonly newer?: Newer;
  readonly stone?: Address;
  readonly held?: SendPlan["held"][number];
  /** A tip that the receiver gets, and what it replaces there. */
  readonly added?: { readonly tip: Address; readonly from: Address | undefined };
}

/**
 * Brings together what both sides have: checks the tips that come in, merges where both have changed a timeline, and
 * plans what the receiver lacks then. A new merge frame is staged with the saga; nothing is committed.
 *
 * @throws KeysagaError `merge_refused`, `merge_failed`, `record_missing` or `limit_exceeded`; `attestation_refused` where
 *   a frame is not proved by its maker; `author_not_permitted` where the maker of a head may not write; `diverged` for a
 *   push, which takes nothing from the receiver. Whatever it throws, both sides are as they were.
 */
export async function resolveRoots(resolving: Resolving, resolve: Resolve): Promise<Resolution> {
  const { saga, direction, roots, statuses, kept, found, open, overtaken } = resolve;
  const { space } = resolving.identity;
  const resolution = new Resolver(resolving, space.view(saga), direction, overtaken);
  const coming = direction === "push" ? [] : tipsAhead(roots, statuses); // a push takes nothing
  for (const tip of coming) await resolution.check(tip, tip.from);
  for (const tip of found) await resolution.checkFound(tip);
  const left = await resolution.unmovable(found.map(({ address }) => address));
  const taken = found.filter(({ address }) => !left.has(address));
  const outcomes: Outcome[] = [];
  for (const [at, root] of roots.entries()) outcomes.push(await resolution.of(root, statuses[at]!));
  const plan = planOf({
    held: outcomes.flatMap(({ held }) => held ?? []),
    newer: outcomes.flatMap(({ newer }) => newer ?? []),
    stones: [
      ...outcomes.flatMap(({ stone }) => stone ?? []),
      ...(direction === "pull" ? [] : await resolving.stonesFor(open)),
    ],
  });
  const resolved = {
    chosen: new Map(outcomes.flatMap(({ chosen }) => (chosen ? [[chosen.address, chosen]] : []))),
    moves: [
      ...outcomes.flatMap(({ move }) => move ?? []),
      ...taken.map(({ address, tip }) => ({ address, from: undefined, to: tip })),
    ],
    plan,
    unsure:
      overtaken.length > 0 ? [] : await unsureStones({ space, reader: resolution.reader }, plan, kept > 0),
    ...(await resolution.answered(outcomes.flatMap(({ added }) => added ?? []))),
  };
  return { resolved, proved: resolution.proved, made: [...resolution.made.values()], left };
}

function tipsAhead(roots: readonly Root[], statuses: readonly RootStatus[]) {
  return roots.flatMap(({ address, tip: from }, at) => {
    const status = statuses[at]!;
    return status.status === "ahead" ? [{ address, tip: status.tip, n: status.n, from }] : [];
  });
}

class Resolver {
  readonly proved = new Set<Address>();
  readonly made = new Map<Address, IbGib>();
  /** Own timelines with heads of somebody who may not write them: an edit of ours on top answers for them. */
  readonly #adopted = new Set<Address>();
  /** By root: tips of commits that came second. What they need is at the receiver already. */
  readonly #sent: ReadonlyMap<Address, readonly FinalTip[]>;
  readonly #space: Space;
  readonly #merging: Merging;

  constructor(
    private readonly resolving: Resolving,
    /** What is committed, with what the saga has staged. */
    readonly reader: FrameReader,
    private readonly direction: Direction,
    overtaken: readonly (readonly FinalTip[])[],
  ) {
    this.#space = resolving.identity.space;
    this.#merging = resolving.merging;
    this.#sent = groupBy(overtaken.flat(), ({ address }) => address);
  }

  /**
   * A tip that comes in is what it is said to be, or a merge that holds; its maker proves each frame that is new; and the
   * makers of its heads may write. A first frame alone is taken for what it says, unless it says that it is this side's.
   */
  async check({ address, tip, n }: FinalTip, from: Address | undefined): Promise<void> {
    const [record, first] = await this.reader.getMany([tip, address]);
    if (!record || !first) throw new KeysagaError("record_missing", { what: "a tip that was told" });
    checkTip(record, { address, tip, n });
    if (!isTjp(first)) return;
    const added = await addedFrames(record, first, from, this.reader, this.#merging);
    const { identity, receiver, access } = this.resolving;
    const owner = ownerOf(first);
    if (access === "open" || owner === undefined) return;
    const isFirstAlone = tip === address && makerOf(first, first) !== identity.address;
    const makers = await this.#makersOf(added, first, isFirstAlone);
    if (!(await isInItsPlace(first, this.reader)))
      throw new KeysagaError("chain_refused", { rule: "within", timeline: shortAddress(address) });
    // What a first frame says is what its address stands for; a receiver says who may write what is its own.
    if (isFirstAlone || owner === receiver) return;
    for (const head of added.heads) await this.#checkAuthor(first, head.address, makers.get(head.address));
  }

  /** What came along may be here already, and further than the receiver has it. */
  async checkFound(found: FinalTip): Promise<void> {
    const { address: tjp } = found;
    const own = await this.#space.tip(tjp);
    const isHere =
      own !== undefined &&
      (await isInHistory(this.#space, found, { tjp, tip: own.address, n: own.n }, this.#merging.options));
    if (!isHere) await this.check(found, own?.address);
  }

  /** Who has made each frame, proved. @param isLenient Pass over those that nobody proves. */
  async #makersOf(
    { toProve }: AddedFrames,
    first: IbGib,
    isLenient: boolean,
  ): Promise<ReadonlyMap<Address, Address>> {
    const { attesters } = this.resolving;
    const makers = new Map<Address, Address>();
    for (const frame of toProve) {
      const { address } = frame;
      const prover = await proverOf(frame, first, attesters, this.#space);
      if (prover !== undefined) this.proved.add(address);
      const maker = prover ?? (await this.#saidHere(frame, first));
      if (maker !== undefined) makers.set(address, maker);
      else if (!isLenient) throw new KeysagaError("attestation_refused", { rule: "not proved by its maker" });
    }
    return makers;
  }

  /** The maker of a frame that speaks for itself: it was made here, or is the receiver's, in a timeline of its own. */
  async #saidHere(frame: IbGib, first: IbGib): Promise<Address | undefined> {
    const { identity, receiver } = this.resolving;
    const maker = makerOf(frame, first);
    if (ownerOf(first) === receiver && (maker ?? receiver) === receiver) return receiver;
    return (await this.#isOwn(frame, first)) ? identity.address : undefined;
  }

  /** Was it made here, by this side's own user? No other frame is ever signed. */
  async #isOwn(frame: IbGib, first: IbGib): Promise<boolean> {
    const self = this.resolving.identity.address;
    if ((makerOf(frame, first) ?? self) !== self) return false;
    return this.made.has(frame.address) || (await isMadeHere(this.#space, frame.address));
  }

  async #checkAuthor(first: IbGib, head: Address, maker: Address | undefined): Promise<void> {
    const { access } = this.resolving;
    const mayWrite =
      maker !== undefined &&
      ((typeof access === "function" ? access(maker, "write", first) : undefined) ??
        (await (await loadAuthors(this.#space, first)).wrote(maker, head, this.reader)));
    if (mayWrite) return;
    const { identity, adopt } = this.resolving;
    if (!adopt || ownerOf(first) !== identity.address)
      throw new KeysagaError("author_not_permitted", { timeline: shortAddress(first.address) });
    this.#adopted.add(first.address);
  }

  /**
   * What proves at the receiver who has made the frames that it gets: what was made here this side signs, anew to each
   * receiver; for the rest it passes on what their makers have signed. What nobody has signed goes without.
   */
  async answered(
    added: readonly { readonly tip: Address; readonly from: Address | undefined }[],
  ): Promise<Pick<Resolved, "heads" | "evidence">> {
    const own: HeadEntry[] = [];
    const others: Address[] = [];
    for (const { tip, from } of added) {
      const [record] = await this.reader.getMany([tip]);
      const tjp = record && tjpOf(record);
      if (!record || tjp === undefined) continue;
      const [first] = await this.reader.getMany([tjp]);
      if (!first || ownerOf(first) === undefined) continue;
      const { toProve } = await addedFrames(record, first, from, this.reader, this.#merging);
      for (const frame of toProve) {
        const { address: head } = frame;
        if (await this.#isOwn(frame, first))
          own.push({ tjp, head, ...(from !== undefined && { from }), to: tip });
        else others.push(head);
      }
    }
    return { heads: own, evidence: await evidenceFor(this.#space, others) };
  }

  /** Timelines that are here, that nobody owns and that were not asked for by name: none of them is moved by what comes. */
  async unmovable(timelines: readonly Address[]): Promise<ReadonlySet<Address>> {
    const unnamed = timelines.filter((timeline) => !this.resolving.named.has(timeline));
    const [firsts, tips] = [await this.reader.getMany(unnamed), await this.#space.tips(unnamed)];
    const isUnowned = (first: IbGib | undefined) => first !== undefined && ownerOf(first) === undefined;
    return new Set(unnamed.filter((_, at) => isUnowned(firsts[at]) && tips[at] !== undefined));
  }

  async of(root: Root, status: RootStatus): Promise<Outcome> {
    const { address, tip, n } = root;
    const way = directionOf(root, this.direction);
    if (isMoving(status) && (await this.unmovable([address])).has(address)) return this.#leave(root, status);
    switch (status.status) {
      case "same":
        return n === undefined ? {} : { held: { tjp: address, n } };
      case "ahead":
        if (way === "push") return n === undefined ? {} : { held: { tjp: address, n } };
        return {
          ...(n !== undefined && { held: { tjp: address, n } }),
          move: { address, from: tip, to: await this.#answeredFor(address, status.tip) },
        };
      case "unknown":
        return tip === undefined || n === undefined || way === "pull"
          ? {}
          : this.#unknown({ address, tip, n }, status.kept);
      case "behind":
      case "diverged":
        return tip === undefined || n === undefined ? {} : this.#different({ address, tip, n }, status, way);
    }
  }

  /** Each side keeps its own tip. */
  #leave({ address, n = -1 }: Root, { tip, n: theirs }: Moving): Outcome {
    return { chosen: { address, tip, n: theirs }, held: { tjp: address, n } };
  }

  async #unknown(ours: FinalTip, kept: Address | undefined): Promise<Outcome> {
    const { address, tip, n } = ours;
    if (this.#sentOf(address).includes(tip)) return { added: { tip, from: undefined } };
    const record = await this.#space.get(address);
    if (record === undefined || !isTjp(record)) return kept === address ? {} : { stone: address };
    const held = await this.#keptFrame(ours, kept);
    const own = { tjp: address, tip, n };
    const newer = await newerFrames(this.#space, own, held, this.#merging.options);
    return { ...travelling(ours, newer, held), added: { tip, from: undefined } };
  }

  /**
   * A frame of this side's own that the receiver has kept, with all that it needs; what it says of any other is passed over.
   * At the worst the commit is refused there: nothing is signed for it.
   */
  async #keptFrame(
    { address: tjp, tip, n }: FinalTip,
    kept: Address | undefined,
  ): Promise<NumberedTip | undefined> {
    const record = kept && (await this.#space.get(kept));
    if (!record || tjpOf(record) !== tjp) return undefined;
    const frame = { tip: record.address, n: nOf(record) ?? -1 };
    return (await isInHistory(this.#space, frame, { tjp, tip, n }, this.#merging.options))
      ? frame
      : undefined;
  }

  async #different(ours: FinalTip, theirs: Different, way: Direction): Promise<Outcome> {
    const { address, tip, n } = ours;
    const { options } = this.#merging;
    // Another process of this home came first, with the very same frames.
    if (theirs.tip === tip) return { chosen: ours, held: { tjp: address, n } };
    const own = { tjp: address, tip, n };
    if (await isInHistory(this.#space, theirs, own, options)) {
      if (way === "pull") return {};
      const kept = await this.#keptFrame(ours, theirs.kept);
      const newer = await this.#newer(ours, theirs, kept);
      return { chosen: ours, ...travelling(ours, newer, kept), added: { tip, from: theirs.tip } };
    }
    if (way === "push") {
      if (!(await this.#hasMovedOn(own, theirs)))
        throw new KeysagaError("diverged", { timeline: shortAddress(address) });
      return { chosen: { address, tip: theirs.tip, n: theirs.n }, held: { tjp: address, n: theirs.n } };
    }
    await this.check({ address, tip: theirs.tip, n: theirs.n }, tip);
    return this.#merged(ours, theirs, way);
  }

  /** Has another process of this home gone on from this tip, and brought the receiver there? */
  async #hasMovedOn(own: OwnTip, { tip, n }: Different): Promise<boolean> {
    const record = await this.#space.get(tip);
    if (record === undefined) return false;
    checkTip(record, { address: own.tjp, tip, n });
    return isInHistory(this.#space, own, { tjp: own.tjp, tip, n }, this.#merging.options);
  }

  /** What the receiver lacks of a tip that has its own in its history. */
  async #newer(
    { address: tjp, tip, n }: FinalTip,
    theirs: NumberedTip,
    kept: NumberedTip | undefined,
  ): Promise<Newer> {
    const { options } = this.#merging;
    const sent = this.#sentOf(tjp);
    const held = kept ?? theirs;
    const isAhead = held.n > theirs.n && (await isOnChain(this.#space, theirs, { tjp, ...held }));
    if (sent.length === 0 && (held === theirs || isAhead))
      return newerFrames(this.#space, { tjp, tip, n }, held, options);
    return branchBeyond(this.reader, tjp, tip, [theirs.tip, held.tip, ...sent], options);
  }

  async #merged({ address, tip, n }: FinalTip, theirs: Different, way: Direction): Promise<Outcome> {
    const { functions, options } = this.#merging;
    const merged = await mergeTips([tip, theirs.tip], this.reader, functions, options);
    if ("frame" in merged) await this.#stage(merged.frame, needsMark(merged.frame));
    const to = await this.#answeredFor(address, "frame" in merged ? merged.frame.address : merged.same);
    const [record] = await this.reader.getMany([to]);
    const move = to === tip ? {} : { move: { address, from: tip, to } };
    if (way === "pull") return move;
    const chosen = { address, tip: to, n: (record && nOf(record)) ?? -1 };
    if (to === theirs.tip) return { ...move, chosen };
    const kept = await this.#keptFrame({ address, tip, n }, theirs.kept);
    const known = [theirs.tip, ...this.#sentOf(address), ...(kept ? [kept.tip] : [])];
    const newer = await branchBeyond(this.reader, address, to, known, options);
    return { ...move, chosen, newer, added: { tip: to, from: theirs.tip } };
  }

  #sentOf(root: Address): readonly Address[] {
    return (this.#sent.get(root) ?? []).map(({ tip }) => tip);
  }

  /** The tip itself; of an adopted timeline an edit on it that changes nothing, by which its owner answers for all of it. */
  async #answeredFor(timeline: Address, tip: Address): Promise<Address> {
    const [record] = this.#adopted.has(timeline) ? await this.reader.getMany([tip]) : [];
    if (record === undefined) return tip;
    const edit = mutate(record, {});
    await this.#stage(edit, true);
    return edit.address;
  }

  async #stage(frame: IbGib, isSigned: boolean): Promise<void> {
    await this.resolving.stage(frame);
    if (isSigned) this.made.set(frame.address, frame);
  }
}

/** What travels of a tip; nothing does where the receiver has kept the very tip. */
function travelling(
  { address: tjp, tip, n }: FinalTip,
  newer: Newer,
  kept: NumberedTip | undefined,
): Pick<Outcome, "newer" | "held"> {
  return kept?.tip === tip ? { held: { tjp, n } } : { newer };
}

/** @throws KeysagaError `wrong_context` where a tip belongs to another timeline or has another number. */
export function checkTip(record: IbGib, { address, n }: FinalTip): void {
  const isStone = record.address === address && n === 0;
  if (!isStone && (tjpOf(record) !== address || (nOf(record) ?? -1) !== n))
    throw new KeysagaError("wrong_context", { in: "tips", rule: "a frame of its timeline, by its number" });
}
