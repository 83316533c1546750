import { groupBy, isLimit, KeysagaError } from "../../base/index.js";
import { type Address, type IbGib, isTjp, nOf, ownerOf, shortAddress, tjpOf } from "../../ibgib/index.js";
import { isListAddress } from "../../lists/index.js";
import {
  type Direction,
  directionOf,
  type FinalTip,
  type Root,
  type RootMove,
  type RootStatus,
  type SenderSagaEffect,
  type SenderSagaEvent,
  type SendPlan,
} from "../../saga/index.js";
import type { CellChange, Space } from "../../space/index.js";
import type { PartEnds } from "../session/part.js";
import type { ShownParts } from "../rights/proof-parts.js";
import { unsureStones } from "../session/stones.js";
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
import { carriersHere, withCarriers } from "./carriers.js";
import { type Merging, walkLimits } from "./merging.js";
import { checkTip, type Left, type Resolving, Taking } from "./taking.js";
import { type Different, isDifferent } from "./tips-to-ask.js";
import { type AddedTip, framesToProve, proofsThere, type ToProve } from "./to-prove.js";

type Moving = Extract<RootStatus, { tip: Address }>;

/** Has the receiver a tip that is not this side's? */
function isMoving(status: RootStatus): status is Moving {
  return "tip" in status;
}

type Resolve = Extract<SenderSagaEffect, { kind: "resolve" }>;
type Resolved = Omit<Extract<SenderSagaEvent, { kind: "resolved" }>, "kind" | "now">;

/** What is to be said. */
export interface Resolution {
  readonly resolved: Resolved;
  /** The frames among what came that their makers have proved. */
  readonly proved: ReadonlySet<Address>;
  /** Merges that were made here meanwhile, and that this side signs: to be marked as such when they are committed. */
  readonly made: readonly IbGib[];
  /** What the receiver is shown of proofs. */
  readonly shown: ShownParts;
  readonly left: readonly Left[];
  /** Timelines that came along and stay here as they were. */
  readonly unmoved: ReadonlySet<Address>;
  /** Heads that came and do not count, by timeline: they stay stored, and an owner can adopt them. */
  readonly apart: ReadonlyMap<Address, readonly Address[]>;
  /** First frames that came, of timelines of which nothing counts. */
  readonly tipless: ReadonlySet<Address>;
  /** What of lists each root was judged by. */
  readonly relied: ReadonlyMap<Address, readonly CellChange[]>;
  /** Has this side something to bring that only another saga can? */
  readonly isMore: boolean;
}

/** What becomes of one root. */
interface Outcome {
  /** The tip that the receiver is to have, where that is the sender's to say. */
  readonly chosen?: FinalTip;
  readonly move?: RootMove;
  readonly newer?: Newer;
  readonly stone?: Address;
  readonly held?: SendPlan["held"][number];
  readonly added?: AddedTip;
  /** The frames of it that have to be proved there. */
  readonly toProve?: readonly ToProve[];
}

/**
 * Brings together what both sides have: checks the tips that come in, merges what counts of both, and plans what the
 * receiver lacks then. A root that an honest receiver cannot help is left as it was, and named. A new merge frame is
 * staged with the saga; nothing is committed.
 *
 * @param ends How far roots go up, where all of them are more than one saga carries.
 * @throws KeysagaError `merge_refused`, `merge_failed`, `record_missing` or `limit_exceeded`; `attestation_refused` where
 *   this side is said to have made a first frame that it has not; `diverged` for a push, which takes nothing from the
 *   receiver. Whatever it throws, both sides are as they were.
 */
export async function resolveRoots(
  resolving: Resolving,
  resolve: Resolve,
  ends: PartEnds = new Map(),
): Promise<Resolution> {
  const { saga, direction, roots, statuses, kept, found, open, full, overtaken } = resolve;
  const { space } = resolving.identity;
  const taking = new Taking(resolving, space.view(saga));
  const resolution = new Resolver(resolving, taking, direction, overtaken);
  const unmoved = await resolution.unmovable(found.map(({ address }) => address));
  const along: RootMove[] = [];
  for (const tip of found) if (!unmoved.has(tip.address)) along.push(...(await resolution.along(tip)));
  const outcomes: Outcome[] = [];
  for (const [at, root] of roots.entries()) {
    const [end, status] = [ends.get(root.address), statuses[at]!];
    const outcome = await resolution.inPart(root, status, end);
    outcomes.push(full ? resolution.withoutUp(root, status, outcome) : outcome);
  }
  const plan = planOf({
    held: outcomes.flatMap(({ held }) => held ?? []),
    newer: outcomes.flatMap(({ newer }) => newer ?? []),
    stones: [
      ...outcomes.flatMap(({ stone }) => stone ?? []),
      ...(direction === "pull" || full ? [] : await resolving.stonesFor(open)),
    ],
  });
  const { shown, ...answered } = await proofsThere(
    resolving,
    outcomes.flatMap(({ toProve }) => toProve ?? []),
    resolution.carriers,
  );
  const resolved = {
    chosen: new Map(outcomes.flatMap(({ chosen }) => (chosen ? [[chosen.address, chosen]] : []))),
    moves: [...outcomes.flatMap(({ move }) => move ?? []), ...along],
    plan,
    ...(overtaken.length > 0
      ? { unsure: [], shared: 0 }
      : await unsureStones({ space, reader: taking.reader }, plan, kept > 0)),
    ...answered,
  };
  const { proved, made, left, apart, tipless } = taking;
  const lists = { made: [...made.values()], left: [...left.values()] };
  const relied = taking.relied();
  return { resolved, proved, ...lists, shown, unmoved, apart, tipless, relied, isMore: resolution.isMore };
}

class Resolver {
  /** By root: tips of commits that came second. What they need is at the receiver already. */
  readonly #sent: ReadonlyMap<Address, readonly FinalTip[]>;
  readonly #space: Space;
  readonly #merging: Merging;
  /** Frames that go along beside tips: see `carriersHere`. */
  readonly carriers: Address[] = [];
  /** Has this side something to bring that only another saga can? */
  isMore = false;

  constructor(
    private readonly resolving: Resolving,
    private readonly taking: Taking,
    private readonly direction: Direction,
    overtaken: readonly (readonly FinalTip[])[],
  ) {
    this.#space = resolving.identity.space;
    this.#merging = resolving.merging;
    this.#sent = groupBy(overtaken.flat(), ({ address }) => address);
  }

  /** Timelines that are here, that nobody owns and that were not asked for by name: none of them is moved by what comes. */
  async unmovable(timelines: readonly Address[]): Promise<ReadonlySet<Address>> {
    const unnamed = timelines.filter((timeline) => !this.resolving.named.has(timeline));
    const [firsts, tips] = [await this.taking.reader.getMany(unnamed), await this.#space.tips(unnamed)];
    const isUnowned = (first: IbGib | undefined) => first !== undefined && ownerOf(first) === undefined;
    return new Set(unnamed.filter((_, at) => isUnowned(firsts[at]) && tips[at] !== undefined));
  }

  /** What becomes of a root in a part that it goes up in as far as `end`. What comes down does in any case. */
  inPart(root: Root, status: RootStatus, end: NumberedTip | "later" | undefined): Promise<Outcome> {
    if (end !== "later") return this.#orTooLong({ ...root, ...end }, status);
    const goesUp = status.status === "unknown" || isDifferent(status);
    return goesUp ? this.#later(root, status) : this.#orTooLong(root, status);
  }

  /** What takes a longer walk than one root may is left as it was, on both sides. */
  async #orTooLong(root: Root, status: RootStatus): Promise<Outcome> {
    try {
      const outcome = await this.#of(root, status);
      const { added } = outcome;
      if (added === undefined) return outcome;
      return { ...outcome, toProve: await framesToProve(this.taking, this.resolving, added) };
    } catch (thrown) {
      const [move] = await this.#tooLong(thrown, root.address, root.tip);
      return { ...(isMoving(status) && this.#leave(root, status)), ...(move && { move }) };
    }
  }

  /** A timeline that came along, likewise. */
  async along(found: FinalTip): Promise<readonly RootMove[]> {
    try {
      return await this.taking.along(found);
    } catch (thrown) {
      return this.#tooLong(thrown, found.address, await this.#space.tip(found.address));
    }
  }

  async #tooLong(thrown: unknown, address: Address, now: unknown): Promise<readonly RootMove[]> {
    if (!isLimit(thrown, walkLimits)) throw thrown;
    this.taking.left.set(address, { address, reason: "too_long" });
    return this.taking.firstAlone(address, now);
  }

  /** What becomes of a root where the receiver has no room for what would go up: it keeps what it has. Lists go up. */
  withoutUp(root: Root, status: RootStatus, outcome: Outcome): Outcome {
    const { newer, stone, chosen: _, toProve: __, ...rest } = outcome;
    const { address } = root;
    if ((newer ?? stone) === undefined || isListAddress(address)) return outcome;
    this.taking.left.set(address, { address, reason: "over_quota", by: this.resolving.receiver });
    return { ...rest, ...(isMoving(status) && this.#leave(root, status)) };
  }

  async #of(root: Root, status: RootStatus): Promise<Outcome> {
    if (isListAddress(root.address)) return this.#list(root, status);
    const { address, tip, n } = root;
    const way = directionOf(root, this.direction);
    if (isMoving(status) && (await this.unmovable([address])).has(address)) return this.#leave(root, status);
    switch (status.status) {
      case "same":
      case "waiting":
        return heldAt(root);
      case "ahead":
        return { ...heldAt(root), ...(way === "push" ? {} : await this.#ahead(root, status)) };
      case "unknown":
        return tip === undefined || n === undefined || way === "pull"
          ? {}
          : this.#unknown({ address, tip, n }, status.kept);
      case "behind":
      case "diverged":
        return tip === undefined || n === undefined ? {} : this.#different({ address, tip, n }, status, way);
    }
  }

  /** Nothing of it goes up in this part. */
  async #later({ address, tip = address, n = 0 }: Root, status: RootStatus): Promise<Outcome> {
    if (!isDifferent(status)) return {};
    const isHeld = await isOnChain(this.#space, status, { tjp: address, tip, n });
    return isHeld ? { held: { tjp: address, tip: status.tip, n: status.n } } : {};
  }

  async #ahead({ address, tip }: Root, status: NumberedTip): Promise<Outcome> {
    const to = await this.taking.taken({ address, tip: status.tip, n: status.n }, tip, tip !== undefined);
    if (to !== undefined) {
      const told = await this.taking.outward(address, to, status.tip);
      if (told !== undefined && !this.taking.apart.has(address)) this.isMore = true;
      return to === tip ? {} : { move: this.#moveOf(address, tip, to) };
    }
    const [move] = await this.taking.firstAlone(address, tip);
    return move ? { move } : {};
  }

  /** Where this home shows something that does not count, what is taken is merged with that. */
  #moveOf(address: Address, tip: Address | undefined, to: Address): RootMove {
    return { address, from: this.taking.apart.has(address) ? undefined : tip, to };
  }

  /**
   * What the receiver has of a list came ahead, in any direction, and is here: what is left is what it lacks. Nothing goes
   * up where a pull was asked for.
   */
  async #list({ address, tip, n }: Root, status: RootStatus): Promise<Outcome> {
    const now = await this.#space.tip(address);
    if (!now || tip === undefined || n === undefined) return {};
    if (status.status === "unknown")
      return this.direction === "pull" ? {} : this.#unknown({ address, tip, n }, status.kept);
    if (!isDifferent(status)) return { held: { tjp: address, tip, n } };
    if (this.direction === "pull") return {};
    const [ours, theirs] = [
      { address, tip: now.address, n: now.n },
      { address, tip: status.tip, n: status.n },
    ];
    const own = { tjp: address, tip: now.address, n: now.n };
    const isOurs =
      now.address === status.tip || !(await isInHistory(this.#space, status, own, this.#merging.options));
    if (isOurs) return chosenAt(theirs);
    const newer = await this.#newer(ours, status, undefined);
    return { chosen: ours, newer, added: { tip: ours.tip, from: status.tip } };
  }

  /** Each side keeps its own tip. */
  #leave(root: Root, { tip, n }: Moving): Outcome {
    return { chosen: { address: root.address, tip, n }, ...heldAt(root) };
  }

  async #unknown(ours: FinalTip, kept: Address | undefined): Promise<Outcome> {
    const { address, tip, n } = ours;
    const chosen = ours;
    if (this.#sentOf(address).includes(tip)) return { chosen, added: { tip, from: undefined } };
    const record = await this.#space.get(address);
    if (record === undefined || !isTjp(record))
      return kept === address ? { chosen } : { chosen, stone: address };
    if (!(await this.taking.isShown(address, tip))) return {};
    const held = await this.#keptFrame(ours, kept);
    const own = { tjp: address, tip, n };
    const newer = await this.#carrying(
      await newerFrames(this.#space, own, held, this.#merging.options),
      tip,
      held ? [held.tip] : [],
    );
    return { chosen, ...travelling(ours, newer, held), added: { tip, from: undefined } };
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
    if (theirs.tip === tip) return chosenAt(ours);
    const own = { tjp: address, tip, n };
    const isCounted = await this.taking.counts(address, tip);
    if (isCounted && (await isInHistory(this.#space, theirs, own, options))) {
      if (way === "pull") return {};
      const kept = await this.#keptFrame(ours, theirs.kept);
      const newer = await this.#carrying(await this.#newer(ours, theirs, kept), tip, [
        theirs.tip,
        ...(kept ? [kept.tip] : []),
      ]);
      return { chosen: ours, ...travelling(ours, newer, kept), added: { tip, from: theirs.tip } };
    }
    if (way === "push") {
      const now = isCounted ? undefined : await this.#space.tip(address);
      // A list that came ahead has moved this side's tip.
      if (now && now.address !== tip)
        return this.#different({ address, tip: now.address, n: now.n }, theirs, way);
      if (isCounted && !(await this.#hasMovedOn(own, theirs)))
        throw new KeysagaError("diverged", { timeline: shortAddress(address) });
      return chosenAt({ address, tip: theirs.tip, n: theirs.n });
    }
    const to = await this.taking.taken({ address, tip: theirs.tip, n: theirs.n }, tip, false);
    if (to === undefined) return chosenAt({ address, tip: theirs.tip, n: theirs.n });
    return this.#bringTogether(ours, theirs, to, way);
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
    return branchBeyond(this.taking.reader, tjp, tip, [theirs.tip, held.tip, ...sent], options);
  }

  async #bringTogether(
    { address, tip, n }: FinalTip,
    theirs: Different,
    to: Address,
    way: Direction,
  ): Promise<Outcome> {
    const { options } = this.#merging;
    const { reader } = this.taking;
    const move = to === tip ? {} : { move: this.#moveOf(address, tip, to) };
    if (way === "pull") return move;
    const told = await this.taking.outward(address, to, theirs.tip);
    if (told === undefined) return { ...move, chosen: { address, tip: theirs.tip, n: theirs.n } };
    const [record] = await reader.getMany([told]);
    const chosen = { address, tip: told, n: (record && nOf(record)) ?? -1 };
    const kept = await this.#keptFrame({ address, tip, n }, theirs.kept);
    const known = [theirs.tip, ...this.#sentOf(address), ...(kept ? [kept.tip] : [])];
    const branch = await branchBeyond(reader, address, told, known, options);
    const newer = await this.#carrying(branch, told, known);
    return { ...move, chosen, newer, added: { tip: told, from: theirs.tip } };
  }

  /** What goes out of a timeline, with what goes along beside its tip. */
  async #carrying(newer: Newer, tip: Address, known: readonly Address[]): Promise<Newer> {
    const { reader } = this.taking;
    const [first] = await reader.getMany([newer.tjp]);
    if (!first || ownerOf(first) === undefined) return newer;
    const here = await carriersHere(this.#space, first, tip, known, reader, this.#merging);
    this.carriers.push(...here);
    return withCarriers(newer, here, known, reader, this.#merging.options);
  }

  #sentOf(root: Address): readonly Address[] {
    return (this.#sent.get(root) ?? []).map(({ tip }) => tip);
  }
}

/** What travels of a tip; nothing does where the receiver has kept the very tip. */
function travelling(
  ours: FinalTip,
  newer: Newer,
  kept: NumberedTip | undefined,
): Pick<Outcome, "newer" | "held"> {
  return kept?.tip === ours.tip ? heldAt(ours) : { newer };
}

/** Nothing of it travels: the receiver has it up to this tip. */
function heldAt({ address: tjp, tip, n }: Pick<Root, "address" | "tip" | "n">): Pick<Outcome, "held"> {
  return tip === undefined || n === undefined ? {} : { held: { tjp, tip, n } };
}

/** The receiver has that tip, and keeps it. */
function chosenAt(chosen: FinalTip): Outcome {
  return { chosen, ...heldAt(chosen) };
}
