import { KeysagaError } from "../../base/index.js";
import {
  type Address,
  hashOf,
  holderOf,
  type IbGib,
  isFrame,
  isTjp,
  linksOf,
  tjpHashOf,
  tjpOf,
} from "../../ibgib/index.js";
import { isListAddress } from "../../lists/index.js";
import {
  type Ask,
  countAlike,
  type Found,
  isEmpty,
  nothingToSend,
  type OpenReference,
  type ReceiverSagaEffect,
  type Root,
  type RootStatus,
  type SendPlan,
  sameOnBoth,
  statusesByRoot,
  type Told,
} from "../../saga/index.js";
import type { Space, Tip } from "../../space/index.js";
import { carriersHere, withCarriers } from "../branches/carriers.js";
import type { Merging } from "../branches/merging.js";
import type { ShownList } from "../branches/show-lists.js";
import { mayEndAt } from "../branches/part-end.js";
import { allWithin } from "../branches/within.js";
import type { Identity } from "../home/identity.js";
import type { ShownParts } from "../rights/proof-parts.js";
import type { Standing } from "../rights/standing.js";
import type { Departure } from "../session/outflow.js";
import { type GoingAlong, outgoing } from "../session/outgoing.js";
import {
  branchBeyond,
  isInHistory,
  type Newer,
  newerFrames,
  type NumberedTip,
  planOf,
} from "../session/send-plan.js";
import { type PartEnds, type PartLimit, partOf } from "../session/part.js";
import { ListedHeads } from "../rights/head-judge.js";
import { AnswerProofs, type Shown } from "./answer-proofs.js";
import { Linked } from "./linked.js";
import {
  type Ahead,
  aheadOf,
  finalTipOf,
  foundBeyond,
  heldBySender,
  isFrameOf,
  numbered,
  type Outset,
  rootsAnswered,
} from "./outset.js";

type Compare = Extract<ReceiverSagaEffect, { kind: "compareRoots" }>;

/** The receiver's answer to an `init`. */
export interface Answer extends Found {
  readonly statuses: readonly RootStatus[];
  /** References of roots that are open here. */
  readonly open: readonly OpenReference[];
  /** Does what the sender lacks wait for what it asks for? */
  readonly later: boolean;
  /** Is what the sender lacks more than this part? */
  readonly more: boolean;
}

/** Open references that one answer names at most. */
const openMax = 10_000;

/**
 * What a receiver answers to one sender: statuses, and what the sender lacks. It knows only what that sender may read or
 * has itself sent: of everything else it answers as if there was nothing.
 */
export class Answers {
  /** Targets of open references, as the sender has named them. */
  readonly lacks: ReadonlySet<Address>;
  readonly #space: Space;
  readonly #proofs: AnswerProofs;

  #linked: Linked;

  /**
   * @param lane The lane between both sides.
   * @param limit What one answer may carry.
   */
  constructor(
    private readonly self: Pick<Identity, "space" | "address">,
    private readonly standing: Standing,
    private readonly merging: Merging,
    lane: Address,
    asked: Compare,
    private readonly limit: PartLimit,
  ) {
    this.#space = self.space;
    this.lacks = new Set(asked.roots.flatMap(({ by, address }) => (by === undefined ? [] : [address])));
    this.#linked = Linked.of(asked, self.space, standing);
    this.#proofs = new AnswerProofs(self, standing, merging, lane);
  }

  /** What the sender was shown of proofs, to be remembered once the saga is committed. */
  get shown(): ShownParts {
    return this.#proofs.shown;
  }

  /**
   * Holds the sender's roots against the space, and plans what the sender lacks, where it asked for that. What is alike is as
   * it was when that was found, whatever others have done since: the next saga brings that.
   */
  async roots({ roots, alike, direction }: Compare): Promise<Answer> {
    const isAlike = countAlike(alike);
    const named = await this.#statusesOf(roots.slice(0, roots.length - isAlike));
    const statuses = [...named, ...sameOnBoth(isAlike)];
    const told = { roots, statuses, found: [] };
    const answered = rootsAnswered(told);
    this.#proofs.hold(roots);
    const lists = await this.#proofs.lists(answered);
    const open = direction === "pull" ? [] : await this.#openReferences(await this.#readable(answered));
    if (direction === "push")
      return { statuses, open, later: false, more: false, ...(await this.#proved(nothingLacking, lists)) };
    const linked = this.#linked.copy();
    const within = await this.#within(told, roots);
    const lacking = await this.#beyond(told, [], within, aheadOf(told));
    const later = await this.#leadsToUnsettled(told, lacking.plan);
    const ends = later ? undefined : await this.#partOf(lacking.plan);
    if (later || ends) this.#linked = linked; // what comes now is counted when it is known
    if (!ends) {
      const proved = await this.#proved(later ? nothingLacking : lacking, lists);
      return { statuses, open, later, more: false, ...proved };
    }
    const now = {
      ...told,
      statuses: roots.map(({ address }, at) => statusUpTo(statuses[at]!, ends.get(address))),
    };
    const part = await this.#beyond(now, [], within, aheadOf(now), ends);
    return { statuses: now.statuses, open, later, more: true, ...(await this.#proved(part, lists)) };
  }

  async #statusesOf(roots: readonly Root[]): Promise<readonly RootStatus[]> {
    const addresses = roots.map(({ address }) => address);
    const firsts = await this.#space.getMany(addresses);
    await this.standing.claim(firsts, "read");
    const [tips, present] = await Promise.all([this.#space.tips(addresses), this.#arePresent(roots, firsts)]);
    const compared = roots.map((root, at) =>
      this.#statusOf(root, firsts[at], tips[at], present[at] === true),
    );
    return this.#linked.statuses(roots, await Promise.all(compared));
  }

  /** The part of a plan that goes out now, where it is more than one saga carries. */
  #partOf(plan: SendPlan): Promise<PartEnds | undefined> {
    const counts = async (frame: IbGib, first: IbGib) =>
      this.standing.isOpen || new ListedHeads(this.#space, first).counts(frame, false);
    return partOf(plan, this.#outgoing(plan), this.limit, (frame) => mayEndAt(this.self, frame, counts));
  }

  /**
   * Does anything of a plan link a frame of a root that both sides may have changed? It has to come behind that frame, and
   * what the sender lacks of such a root this side knows once it is asked. Where one has surely been changed the sender
   * asks in any case; else all that would go out is read for it.
   */
  async #leadsToUnsettled({ roots, statuses }: Outset, plan: SendPlan): Promise<boolean> {
    if (isEmpty(plan)) return false;
    const are = (kind: RootStatus["status"]) =>
      roots.filter(({ address }, at) => statuses[at]!.status === kind && !isListAddress(address));
    if (are("diverged").length > 0) return true;
    const behind = are("behind");
    const unsettled = new Set(behind.map(({ address }) => hashOf(address)));
    if (unsettled.size === 0) return false;
    for await (const { record } of this.#outgoing(plan))
      for (const { target } of linksOf(record)) if (unsettled.has(tjpHashOf(target) ?? "")) return true;
    return false;
  }

  /** What would go out. */
  #outgoing(plan: SendPlan): AsyncIterable<Departure> {
    const source = { space: this.#space, reader: this.#space };
    return outgoing(source, plan, { known: [], lacks: this.lacks }, this.along(plan), {
      pass: () => undefined,
    });
  }

  /** What of that which is linked goes to the sender. */
  along({ stones }: SendPlan): GoingAlong {
    const alone = new Set(stones);
    return {
      // A first frame goes with its timeline, which the plan names, or stays away.
      frame: async (frame) =>
        (alone.has(frame.address) || (!isTjp(frame) && this.#linked.hasFrame(frame.address))) &&
        (await this.#mayRead(frame)),
      referred: async () => false,
    };
  }

  async #openReferences(timelines: readonly Address[]): Promise<readonly OpenReference[]> {
    const filed = (await this.#space.references(timelines)).filter(({ isOpen }) => isOpen);
    return filed.slice(0, openMax).map(({ holder, target }) => ({ holder, target }));
  }

  /**
   * What the tips that were told have beyond the frames that the sender names of its own; and what had to wait for that.
   *
   * @throws KeysagaError `unknown_root` where it may not read one of them any more.
   */
  async branches(told: Told, asks: readonly Ask[]): Promise<Found> {
    const statusOfRoot = statusesByRoot(told.roots, told.statuses);
    const branches: Departing[] = [];
    if (!(await this.areReadable(asks.map(({ address }) => address)))) throw new KeysagaError("unknown_root");
    for (const { address, locator } of asks) {
      const status = statusOfRoot.get(address);
      if (!status || !("tip" in status)) continue;
      const named = locator.filter((frame) => isFrameOf(frame, address));
      const present = await this.#space.hasMany(named);
      const known = named.filter((_, at) => present[at]);
      branches.push(await this.#branched({ tjp: address, address: status.tip, n: status.n }, known));
    }
    const outer = told.later ? told.roots : asks;
    const within = await this.#within(told, outer);
    return this.#proved(await this.#beyond(told, branches, within, told.later ? aheadOf(told) : []), []);
  }

  /** What others have made of tips of roots since the sender was told of them. */
  async moved(told: Told, moved: readonly Tip[]): Promise<Found> {
    const statusOfRoot = statusesByRoot(told.roots, told.statuses);
    const branches: Departing[] = [];
    for (const now of moved) {
      const status = statusOfRoot.get(now.tjp);
      branches.push(await this.#branched(now, status && "tip" in status ? [status.tip] : []));
    }
    const outer = moved.map(({ tjp }) => ({ address: tjp }));
    return this.#proved(await this.#beyond(told, branches, await this.#within(told, outer), []), []);
  }

  async #readable(timelines: readonly Address[]): Promise<readonly Address[]> {
    const mayRead = await this.standing.readsAll(await this.#space.getMany(timelines));
    return timelines.filter((_, at) => mayRead[at]);
  }

  /** May the sender read all of these timelines? */
  async areReadable(timelines: readonly Address[]): Promise<boolean> {
    return (await this.#readable(timelines)).length === timelines.length;
  }

  /** Does the sender know of these, or may it have them because a record that it may read links them? */
  async #arePresent(
    roots: readonly Root[],
    records: readonly (IbGib | undefined)[],
  ): Promise<readonly boolean[]> {
    const present = await this.#space.hasMany(
      roots.map(({ address }) => address),
      this.standing.sight,
    );
    return Promise.all(
      roots.map(async ({ by, address }, at) => {
        const record = records[at];
        const isLinked = by !== undefined && record !== undefined && !isTjp(record);
        return present[at] === true || (isLinked && (await this.#mayHave(address, by)));
      }),
    );
  }

  /**
   * A stone, or a frame that is meant by itself, goes to whoever may read a record that links it; where this side has that
   * link as a reference, it is here for another reason, and does not.
   */
  async #mayHave(target: Address, by: Address): Promise<boolean> {
    const [[record], [isPresent]] = await Promise.all([
      this.#space.getMany([by]),
      this.#space.hasMany([by], this.standing.sight),
    ]);
    if (record === undefined || !linksOf(record).some((link) => link.target === target)) return false;
    if (isPresent !== true && !(isFrame(record) && (await this.#mayRead(record)))) return false;
    const filed = await this.#space.references([holderOf(record)]);
    return !filed.some((reference) => reference.isOpen && reference.target === target);
  }

  /** May the sender read the timeline of this frame? */
  async #mayRead(frame: IbGib): Promise<boolean> {
    const tjp = tjpOf(frame);
    const first = tjp === undefined || tjp === frame.address ? frame : await this.#space.get(tjp);
    return first !== undefined && (await this.standing.reads(first));
  }

  async #statusOf(
    { address, tip: theirs, n, by }: Root,
    first: IbGib | undefined,
    ours: Tip | undefined,
    isPresent: boolean,
  ): Promise<RootStatus> {
    const isAlone = first !== undefined && (by === undefined ? !isFrame(first) : !isTjp(first));
    if (isAlone && isPresent && (!isFrame(first) || (await this.#mayRead(first))))
      return theirs === undefined ? { status: "ahead", tip: address, n: 0 } : { status: "same" };
    if (first === undefined || !isTjp(first) || !(await this.standing.reads(first)))
      return this.#asRecord(address, theirs);
    if (!ours) return { status: "unknown" };
    const held = { tip: ours.address, n: ours.n };
    if (theirs === undefined || n === undefined) return { status: "ahead", ...held };
    if (theirs === ours.address) return { status: "same" };
    const own = { tjp: address, ...held };
    const mayBeBehind = isFrameOf(theirs, address);
    if (mayBeBehind && (await isInHistory(this.#space, { tip: theirs, n }, own, this.merging.options)))
      return { status: "ahead", ...held };
    return { status: n > ours.n ? "behind" : "diverged", ...held };
  }

  /**
   * What the sender may not read is to it what it has sent of it, whether it is here or not: its tip, and its first record,
   * which is what links to it mean.
   */
  async #asRecord(address: Address, theirs: Address | undefined): Promise<RootStatus> {
    if (theirs === undefined || !isFrameOf(theirs, address)) return { status: "unknown" };
    const sent = await this.#space.hasMany([address, theirs], this.standing.sight);
    return { status: sent.every(Boolean) ? "same" : "unknown" };
  }

  /**
   * What the sender lacks: these branches, of the roots that this space is ahead on what it was told of them (others may
   * have moved them since), and the timelines that belong to these or are within, whole, or what is new since they were
   * sent. The index of what they lead to knows them as they are now: where one was moved meanwhile, what it was then tells it.
   */
  async #beyond(
    told: Outset,
    branches: readonly Departing[],
    within: readonly Address[],
    ahead: readonly Ahead[],
    ends: PartEnds = new Map(),
  ): Promise<Lacking> {
    const starts = [...ahead.map(({ now }) => now.tjp), ...branches.map(({ newer }) => newer.tjp)];
    const lacking = (reached: readonly Tip[]) => this.#lacking(told, branches, ahead, reached, ends);
    if (!this.#linked.isLimited) {
      const reachable = await this.#reachable([...starts, ...within]);
      const then = new Map(ahead.map(({ now }) => [now.tjp, now.address]));
      for (const { shown } of branches) then.set(shown.tip.address, shown.tip.tip);
      if (reachable.every(({ tjp, address }) => (then.get(tjp) ?? address) === address))
        return lacking(reachable);
    }
    const reached = (await this.#space.tips(starts)).flatMap((tip) => tip ?? []);
    reached.push(...(await this.#linked.admit(within)).tips);
    const met = new Set([...told.roots.map(({ address }) => address), ...within]);
    for (let { plan } = await lacking(reached); !isEmpty(plan); ) {
      const linked = (await this.#linkedFrom(plan)).filter((target) => !met.has(target));
      for (const target of linked) met.add(target);
      const { tips, frames } = await this.#linked.admit(linked);
      reached.push(...tips);
      const next = await this.#lacking(told, [], [], tips, ends);
      plan = { ...next.plan, stones: [...next.plan.stones, ...frames] };
    }
    return lacking(reached);
  }

  /** What links lead to from what would go out, and would not go itself: by address. */
  async #linkedFrom(plan: SendPlan): Promise<readonly Address[]> {
    const targets = new Set<Address>();
    for await (const { references } of this.#outgoing(plan))
      for (const target of references) targets.add(target);
    return [...targets].sort((a, b) => (a < b ? -1 : 1));
  }

  async #lacking(
    told: Outset,
    branches: readonly Departing[],
    ahead: readonly Ahead[],
    reachable: readonly Tip[],
    ends: PartEnds,
  ): Promise<Lacking> {
    const timelines = new Set(reachable.map(({ tjp }) => tjp));
    const stones = ahead.map(({ now }) => now.tjp).filter((address) => !timelines.has(address));
    const grown = ahead.filter(({ now }) => timelines.has(now.tjp));
    const sent = new Map(told.found.map((tip) => [tip.address, tip]));
    const beyond = foundBeyond(told.roots, reachable).filter(
      ({ tjp, address }) => sent.get(tjp)?.tip !== address,
    );
    const found = beyond.flatMap((tip) => tipUpTo(tip, ends.get(tip.tjp)) ?? []);
    const came = await Promise.all(grown.map(({ now, theirs }) => this.#newerThan(now, theirs)));
    const along = await Promise.all(found.map((tip) => this.#newerThan(tip, sent.get(tip.tjp))));
    const alone = new Set(along.filter(({ newer }) => isFirstAlone(newer)));
    const all = [...branches, ...came, ...along];
    return {
      found: found.map(finalTipOf),
      plan: planOf({
        held: [...heldBySender(told), ...told.found.map(({ address, tip, n }) => ({ tjp: address, tip, n }))],
        newer: all.filter((each) => !alone.has(each)).map(({ newer }) => newer),
        stones: [...stones, ...Array.from(alone, ({ newer }) => newer.tjp)],
      }),
      toShow: all.map(({ shown }) => shown),
    };
  }

  async #proved({ toShow, ...lacking }: Lacking, lists: readonly ShownList[]): Promise<Found> {
    return { ...lacking, ...(await this.#proofs.ofTips(toShow, lists)) };
  }

  /** What is within these roots and none itself: what is a root is answered for itself. */
  async #within(told: Outset, outer: readonly Pick<Root, "address">[]): Promise<readonly Address[]> {
    const known = new Set(told.roots.map(({ address }) => address));
    const answered = new Set(rootsAnswered(told));
    const asked = outer.map(({ address }) => address).filter((address) => answered.has(address));
    const readable = await this.#readable(asked);
    return (await allWithin(this.#space, readable, this.merging.options.pause)).filter(
      (timeline) => !known.has(timeline),
    );
  }

  /** The timelines in the closure of roots that the sender may read. */
  async #reachable(roots: readonly Address[]): Promise<readonly Tip[]> {
    for (;;) {
      const reachable = await this.#space.reachableTips(roots, this.standing.sight);
      const firsts = await this.#space.getMany(reachable.map(({ tjp }) => tjp));
      if (!(await this.standing.claim(firsts, "read"))) return reachable; // else some were used up meanwhile
    }
  }

  async #branched(now: Tip, known: readonly Address[]): Promise<Departing> {
    const branch = await branchBeyond(this.#space, now.tjp, now.address, known, this.merging.options);
    return this.#departing(now, known, branch);
  }

  async #newerThan(tip: Tip, theirs: NumberedTip | undefined): Promise<Departing> {
    const newer = await newerFrames(this.#space, numbered(tip), theirs, this.merging.options);
    return this.#departing(tip, theirs ? [theirs.tip] : [], newer);
  }

  async #departing(tip: Tip, known: readonly Address[], newer: Newer): Promise<Departing> {
    const { merging } = this;
    const first = await this.#space.get(tip.tjp);
    const beside = first
      ? await carriersHere(this.#space, first, tip.address, known, this.#space, merging)
      : [];
    return {
      newer: await withCarriers(newer, beside, known, this.#space, merging.options),
      shown: { tip: finalTipOf(tip), known, beside },
    };
  }
}

/** What goes out of a timeline. */
interface Departing {
  readonly newer: Newer;
  readonly shown: Shown;
}

/** What the sender lacks, and the tips among it whose frames are proved. */
interface Lacking extends Pick<Found, "found" | "plan"> {
  readonly toShow: readonly Shown[];
}

const nothingLacking: Lacking = { found: [], plan: nothingToSend, toShow: [] };

/** A root, as far as it comes in a part. */
function statusUpTo(status: RootStatus, end: NumberedTip | "later" | undefined): RootStatus {
  if (end === undefined || status.status !== "ahead") return status;
  return end === "later" ? { status: "waiting" } : { status: "ahead", ...end };
}

function tipUpTo(tip: Tip, end: NumberedTip | "later" | undefined): Tip | undefined {
  if (end === undefined) return tip;
  return end === "later" ? undefined : { tjp: tip.tjp, address: end.tip, n: end.n };
}

/** Then it travels like a stone. */
const isFirstAlone = (newer: Newer): boolean => "tip" in newer && newer.tip === newer.tjp;
