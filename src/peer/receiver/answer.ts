import { KeysagaError } from "../../base/index.js";
import {
  type Address,
  gibOf,
  holderOf,
  type IbGib,
  isFrame,
  isTjp,
  linksOf,
  makerOf,
  tjpHashOf,
  tjpOf,
} from "../../ibgib/index.js";
import { isListAddress } from "../../lists/index.js";
import {
  type Ask,
  type Direction,
  type FinalTip,
  type Found,
  type MadeFrame,
  nothingToSend,
  type OpenReference,
  type Root,
  type RootStatus,
  type SendPlan,
  statusesByRoot,
  type Told,
} from "../../saga/index.js";
import type { Space, Tip } from "../../space/index.js";
import { framesToProve } from "../branches/added-frames.js";
import type { Merging } from "../branches/merging.js";
import { type ShownList, showLists } from "../branches/show-lists.js";
import type { Identity } from "../home/identity.js";
import { allWithin } from "../branches/within.js";
import { isMadeHere } from "../home/made.js";
import { proofsFor } from "../rights/attestations.js";
import { listsHere } from "../rights/lists-here.js";
import { joinShown, type ShownParts } from "../rights/proof-parts.js";
import type { Standing } from "../rights/standing.js";
import { branchBeyond, isInHistory, newerFrames, planOf } from "../session/send-plan.js";

/** The receiver's answer to an `init`. */
export interface Answer extends Found {
  readonly statuses: readonly RootStatus[];
  /** References of roots that are open here. */
  readonly open: readonly OpenReference[];
}

/** Open references that one answer names at most. */
const openMax = 10_000;

/**
 * What a receiver answers to one sender: statuses, and what the sender lacks. It knows only what that sender may read or
 * has itself sent: of everything else it answers as if there was nothing.
 */
export class Answers {
  readonly #space: Space;
  /** Frames of lists whose histories the sender has, or was sent: by list. */
  readonly #heldLists = new Map<Address, readonly Address[]>();
  #shown: ShownParts = new Map();

  constructor(
    private readonly self: Pick<Identity, "space" | "address">,
    private readonly standing: Standing,
    private readonly merging: Merging,
    /** The lane between both sides. */
    private readonly lane: Address,
  ) {
    this.#space = self.space;
  }

  /** What the sender was shown of proofs, to be remembered once the saga is committed. */
  get shown(): ShownParts {
    return this.#shown;
  }

  /** Holds the sender's roots against the space, and plans what the sender lacks, where it asked for that. */
  async roots(roots: readonly Root[], direction: Direction): Promise<Answer> {
    const addresses = roots.map(({ address }) => address);
    const firsts = await this.#space.getMany(addresses);
    await this.standing.claim(firsts, "read");
    const [tips, present] = await Promise.all([this.#space.tips(addresses), this.#arePresent(roots, firsts)]);
    const statuses = await Promise.all(
      roots.map((root, at) => this.#statusOf(root, firsts[at], tips[at], present[at] === true)),
    );
    for (const { address, tip, locator = tip ? [tip] : [] } of roots)
      if (isListAddress(address)) this.#heldLists.set(address, locator);
    const lists = await this.#lists(addresses);
    const ahead = roots.flatMap((root, at) => {
      const status = statuses[at]!;
      // Of a list what the sender lacks goes ahead of all else.
      if (status.status !== "ahead" || isListAddress(root.address)) return [];
      return [{ root, now: { tjp: root.address, address: status.tip, n: status.n } }];
    });
    const mayRead = await this.standing.readsAll(firsts);
    const readable = addresses.filter((_, at) => mayRead[at]);
    const open = direction === "pull" ? [] : await this.#openReferences(readable);
    // What is within a root may link what comes of that in a later turn: it waits for it.
    const isSettled = (at: number) => ["same", "ahead"].includes(statuses[at]!.status);
    const settled = addresses.filter((_, at) => mayRead[at] && isSettled(at));
    const within = direction === "push" ? [] : await this.#withinBeyond(roots, settled);
    if (direction === "push" || ahead.length + within.length === 0)
      return { statuses, open, found: [], plan: nothingToSend, ...(await this.#proved(lists, [])) };
    return { statuses, open, ...(await this.#whatLacks(roots, statuses, ahead, within, lists)) };
  }

  async #openReferences(timelines: readonly Address[]): Promise<readonly OpenReference[]> {
    const filed = (await this.#space.references(timelines)).filter(({ isOpen }) => isOpen);
    return filed.slice(0, openMax).map(({ holder, target }) => ({ holder, target }));
  }

  /**
   * What the tips that were told have beyond the frames that the sender names of its own.
   *
   * @throws KeysagaError `unknown_root` where it may not read one of them any more.
   */
  async branches(told: Told, asks: readonly Ask[]): Promise<Found> {
    const statusOfRoot = statusesByRoot(told.roots, told.statuses);
    const tips: Shown[] = [];
    const branches: SendPlan["branches"][number][] = [];
    if (!(await this.areReadable(asks.map(({ address }) => address)))) throw new KeysagaError("unknown_root");
    for (const { address, locator } of asks) {
      const status = statusOfRoot.get(address);
      if (!status || !("tip" in status)) continue;
      const named = locator.filter((frame) => isFrameOf(frame, address));
      const present = await this.#space.hasMany(named);
      const known = named.filter((_, at) => present[at]);
      branches.push(await this.#branchBeyond(address, status.tip, known));
      tips.push({ tip: { address, tip: status.tip, n: status.n }, known });
    }
    return this.#withFound(told, tips, branches);
  }

  /** What others have made of tips of roots since the sender was told of them. */
  async moved(told: Told, moved: readonly Tip[]): Promise<Found> {
    const statusOfRoot = statusesByRoot(told.roots, told.statuses);
    const tips: Shown[] = [];
    const branches: SendPlan["branches"][number][] = [];
    for (const now of moved) {
      const status = statusOfRoot.get(now.tjp);
      const known = status && "tip" in status ? [status.tip] : [];
      branches.push(await this.#branchBeyond(now.tjp, now.address, known));
      tips.push({ tip: finalTipOf(now), known });
    }
    return this.#withFound(told, tips, branches);
  }

  /** May the sender read all of these timelines? */
  async areReadable(timelines: readonly Address[]): Promise<boolean> {
    const firsts = await this.#space.getMany(timelines);
    return (await this.standing.readsAll(firsts)).every(Boolean);
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
        const isLinked = by !== undefined && record !== undefined && !isFrame(record);
        return present[at] === true || (isLinked && (await this.#mayHave(address, by)));
      }),
    );
  }

  /**
   * A stone goes to whoever may read a record that links it; where this side has that link as a reference, the stone is here
   * for another reason, and does not.
   */
  async #mayHave(stone: Address, by: Address): Promise<boolean> {
    const [[record], [isPresent]] = await Promise.all([
      this.#space.getMany([by]),
      this.#space.hasMany([by], this.standing.sight),
    ]);
    if (record === undefined || ![...linksOf(record)].some(({ target }) => target === stone)) return false;
    if (isPresent !== true && !(isFrame(record) && (await this.mayRead(record)))) return false;
    const filed = await this.#space.references([holderOf(record)]);
    return !filed.some(({ target, isOpen }) => isOpen && target === stone);
  }

  /** May the sender read the timeline of this frame? */
  async mayRead(frame: IbGib): Promise<boolean> {
    const tjp = tjpOf(frame);
    const first = tjp === undefined || tjp === frame.address ? frame : await this.#space.get(tjp);
    return first !== undefined && (await this.standing.reads(first));
  }

  async #statusOf(
    { address, tip: theirs, n }: Root,
    first: IbGib | undefined,
    ours: Tip | undefined,
    isPresent: boolean,
  ): Promise<RootStatus> {
    if (first !== undefined && !isFrame(first) && isPresent)
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
   * What the sender lacks of the roots that this space is ahead on, with the timelines that belong to them. Of a root that is
   * what the sender is told: others may have moved it since.
   */
  async #whatLacks(
    roots: readonly Root[],
    statuses: readonly RootStatus[],
    ahead: readonly { readonly root: Root; readonly now: Tip }[],
    within: readonly Address[],
    lists: readonly ShownList[],
  ): Promise<Found> {
    const reachable = await this.#reachable([...ahead.map(({ root }) => root.address), ...within]);
    const timelines = new Set(reachable.map(({ tjp }) => tjp));
    const stones = ahead.map(({ root }) => root.address).filter((address) => !timelines.has(address));
    const grown = ahead.filter(({ root }) => timelines.has(root.address));
    const newer = grown.map(({ root: { tip, n }, now }) => {
      const theirs = tip === undefined || n === undefined ? undefined : { tip, n };
      return newerFrames(this.#space, numbered(now), theirs, this.merging.options);
    });
    const found = foundBeyond(roots, reachable);
    return {
      found: found.map(finalTipOf),
      plan: planOf({
        held: heldBySender(roots, statuses),
        newer: [...(await Promise.all(newer)), ...found.filter(hasMore).map(wholeOf)],
        stones: [...stones, ...firstsOf(found)],
      }),
      ...(await this.#proofs(
        [
          ...grown.map(({ root: { tip }, now }) => ({ tip: finalTipOf(now), known: tip ? [tip] : [] })),
          ...found.map(shownWhole),
        ],
        lists,
      )),
    };
  }

  /** Timelines that a branch relates and the sender has not come along: whole, or what is new since they were sent. */
  async #withFound(told: Told, tips: readonly Shown[], branches: SendPlan["branches"]): Promise<Found> {
    const sent = new Map(told.found.map((tip) => [tip.address, tip]));
    const branched = branches.map(({ tjp }) => tjp);
    const within = await this.#withinBeyond(told.roots, branched);
    const reachable = await this.#reachable([...branched, ...within]);
    const found = foundBeyond(told.roots, reachable).filter(
      ({ tjp, address }) => sent.get(tjp)?.tip !== address,
    );
    const newer = found
      .filter(hasMore)
      .map((tip) => newerFrames(this.#space, numbered(tip), sent.get(tip.tjp), this.merging.options));
    const held = [
      ...heldBySender(told.roots, told.statuses),
      ...told.found.map(({ address, n }) => ({ tjp: address, n })),
    ];
    const plan = planOf({ held, newer: await Promise.all(newer), stones: firstsOf(found) });
    return {
      found: found.map(finalTipOf),
      plan: { ...plan, branches: [...branches.filter(({ frames }) => frames.length > 0), ...plan.branches] },
      ...(await this.#proofs([...tips, ...found.map(shownWhole)], [])),
    };
  }

  /** What is within these timelines and no root: what is a root is answered for itself. */
  async #withinBeyond(roots: readonly Root[], outer: readonly Address[]): Promise<readonly Address[]> {
    const known = new Set(roots.map(({ address }) => address));
    return (await allWithin(this.#space, outer)).filter((timeline) => !known.has(timeline));
  }

  /** The timelines in the closure of roots that the sender may read. */
  async #reachable(roots: readonly Address[]): Promise<readonly Tip[]> {
    for (;;) {
      const reachable = await this.#space.reachableTips(roots, this.standing.sight);
      const firsts = await this.#space.getMany(reachable.map(({ tjp }) => tjp));
      if (!(await this.standing.claim(firsts, "read"))) return reachable; // else some were used up meanwhile
    }
  }

  #branchBeyond(tjp: Address, tip: Address, known: readonly Address[]) {
    return branchBeyond(this.#space, tjp, tip, known, this.merging.options);
  }

  /**
   * What proves who has made the frames that go out, behind the lists that rule them. None of bare first frames.
   *
   * @param before Lists that go out with it anyway.
   */
  async #proofs(all: readonly Shown[], before: readonly ShownList[]): Promise<Proofs> {
    const timelines = all.map(({ tip }) => tip.address);
    const firsts = await this.#space.getMany(timelines);
    const readable = await this.standing.readsAll(firsts);
    const records = await this.#space.getMany(all.map(({ tip }) => tip.tip));
    const toProve: ToProve[] = [];
    for (const [at, { known }] of all.entries()) {
      const [first, record] = [firsts[at], records[at]];
      if (!first || !record || !readable[at]) continue;
      const frames = await framesToProve(record, first, known, this.#space, this.merging);
      toProve.push(...frames.map((frame) => ({ frame, first })));
    }
    return this.#proved([...before, ...(await this.#lists(timelines))], toProve);
  }

  /** Lists, and what proves them and these frames: those of this home's own making are attested by the very turn. */
  async #proved(lists: readonly ShownList[], frames: readonly ToProve[]): Promise<Proofs> {
    const made: MadeFrame[] = [];
    const others: Address[] = [];
    const ofLists = lists.flatMap(({ first, toProve }) => toProve.map((frame) => ({ frame, first })));
    for (const { frame, first } of [...ofLists, ...frames]) {
      if (await this.#isOwn(frame, first)) made.push({ tjp: first.address, frame: frame.address });
      else others.push(frame.address);
    }
    const { evidence, shown } = await proofsFor(this.#space, others, {
      lane: this.lane,
      identity: this.standing.identity,
    });
    this.#shown = joinShown(this.#shown, shown);
    return { made, evidence: [...lists.flatMap((list) => list.frames), ...evidence] };
  }

  /** Was it made here, by this home's own user? No other frame is ever attested. */
  async #isOwn(frame: IbGib, first: IbGib): Promise<boolean> {
    const self = this.self.address;
    return (makerOf(frame, first) ?? self) === self && (await isMadeHere(this.#space, frame.address));
  }

  /**
   * What the sender lacks of the lists that rule these timelines, and of the lists that it has named itself, each once in a
   * saga. It is shown the writers of what it may read, and of whatever once named it; its own readers alone.
   */
  async #lists(timelines: readonly Address[]): Promise<readonly ShownList[]> {
    const ruling = await listsHere(this.#space, timelines);
    const lists = [...new Set([...ruling.map(({ tip }) => tip.tjp), ...timelines.filter(isListAddress)])];
    const firsts = await this.#space.getMany(lists);
    const readable = await this.standing.readsAll(firsts);
    const toShow = lists.filter((_, at) => readable[at] && firsts[at]);
    const tips = await this.#space.tips(toShow);
    const shown = await showLists(
      this.#space,
      toShow.map((list) => ({ list, known: this.#heldLists.get(list) ?? [] })),
      this.merging,
    );
    for (const tip of tips) if (tip) this.#heldLists.set(tip.tjp, [tip.address]);
    return shown;
  }
}

type Proofs = Pick<Found, "evidence" | "made">;

/** A frame that goes out and has to be proved, and the first one of its timeline. */
interface ToProve {
  readonly frame: IbGib;
  readonly first: IbGib;
}

/** A tip that goes out, and frames of it whose histories the sender has. */
interface Shown {
  readonly tip: FinalTip;
  readonly known: readonly Address[];
}

const shownWhole = (tip: Tip): Shown => ({ tip: finalTipOf(tip), known: [] });

/** How far on the chains of this space the sender has its roots, or has been sent them. */
function heldBySender(roots: readonly Root[], statuses: readonly RootStatus[]): SendPlan["held"] {
  return roots.flatMap(({ address, n }, at) => {
    const status = statuses[at]!;
    if ("tip" in status) return [{ tjp: address, n: status.n }];
    return status.status === "same" && n !== undefined ? [{ tjp: address, n }] : [];
  });
}

function foundBeyond(roots: readonly Root[], reachable: readonly Tip[]): readonly Tip[] {
  const named = new Set(roots.map(({ address }) => address));
  return reachable.filter(({ tjp }) => !named.has(tjp));
}

/** A first frame alone travels like a stone. */
const hasMore = ({ tjp, address }: Tip): boolean => address !== tjp;

function firstsOf(tips: readonly Tip[]): readonly Address[] {
  return tips.filter((tip) => !hasMore(tip)).map(({ tjp }) => tjp);
}

const finalTipOf = ({ tjp, address, n }: Tip): FinalTip => ({ address: tjp, tip: address, n });

const numbered = ({ tjp, address, n }: Tip) => ({ tjp, tip: address, n });

const wholeOf = (tip: Tip) => ({ ...numbered(tip), after: -1 });

function isFrameOf(tip: Address, tjp: Address): boolean {
  return tip === tjp || tjpHashOf(tip) === gibOf(tjp);
}
