import {
  type Address,
  hashOf,
  holderOf,
  type IbGib,
  isBinAddress,
  isMerge,
  linksOf,
  previousOf,
  tjpHashOf,
  tjpOf,
} from "../../ibgib/index.js";
import type { FrameReader } from "../../merge/index.js";
import type { SendPlan } from "../../saga/index.js";
import type { Space } from "../../space/index.js";

/** Records read at once. */
const readAtOnce = 128;
/** Where what goes out is read: a space, and where a saga has staged what it sends, a view of both. */
export interface Source {
  readonly space: Space;
  readonly reader: FrameReader;
}

/** Does the address alone say that this is a frame of the timeline? */
export function isFrameOf(address: Address, tjp: Address | undefined): boolean {
  return tjp !== undefined && (address === tjp || tjpHashOf(address) === hashOf(tjp));
}

export function targetsOf(record: IbGib): ReadonlySet<Address> {
  const targets = new Set<Address>();
  for (const { target } of linksOf(record)) targets.add(target);
  return targets;
}

/** How much of trees is read: records, and addresses that are remembered. */
export class WalkBudget {
  constructor(
    private records = 4_096,
    private addresses = 131_072,
  ) {}

  /** For trees of one's own, which cost what they are. */
  static unlimited(): WalkBudget {
    return new WalkBudget(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
  }

  get isSpent(): boolean {
    return this.records <= 0 || this.addresses <= 0;
  }

  spend(records: number, addresses: number): void {
    this.records -= records;
    this.addresses -= addresses;
  }
}

/**
 * The stones that `now` leads to and `before` as well. Trees of which one was made from the other are held against each
 * other level by level, so that what they share is not walked, however large it is. Cheap, and allowed to miss some.
 *
 * @param before What the other side has, and so has what that leads to, but for what is filed as a reference here, and what it
 *   has said that it lacks.
 * @returns The topmost ones: what these lead to is shared as well.
 */
export async function sharedStones(
  source: Source,
  now: readonly Address[],
  before: readonly Address[],
  lacks: ReadonlySet<Address> = new Set(),
): Promise<ReadonlySet<Address>> {
  const budget = new WalkBudget();
  const shared = new Set<Address>();
  const had = (addresses: readonly Address[]) => addresses.filter((address) => !lacks.has(address));
  let [ours, theirs] = [now, had(before)];
  const [seen, met] = [new Set(ours), new Set(theirs)];
  while (ours.length > 0 && met.size > 0 && !budget.isSpent) {
    const below = await descend(source, ours, budget, (stone) => !met.has(stone));
    for (const stone of below.stones) if (met.has(stone)) shared.add(stone);
    theirs = unmet(had((await descend(source, theirs, budget)).targets), met);
    ours = unmet(below.targets, seen);
    for (const address of ours) if (isBinAddress(address) && met.has(address)) shared.add(address);
  }
  return shared;
}

/**
 * Those of `wanted` that are stones and that these frames lead to, by stones alone, without what is filed as a reference. Ends
 * when all are found. Memory for the addresses of nodes on the way.
 *
 * @param frames By their addresses; what is no frame leads to nothing.
 */
export async function stonesBehind(
  source: Source,
  frames: readonly Address[],
  wanted: ReadonlySet<Address>,
  budget: WalkBudget = new WalkBudget(),
): Promise<ReadonlySet<Address>> {
  const [found, met] = [new Set<Address>(), new Set(frames)];
  if (wanted.size === 0) return found;
  let { targets } = await descend(source, frames, budget, undefined, "frames");
  for (;;) {
    for (const address of targets) if (isBinAddress(address) && wanted.has(address)) found.add(address);
    const level = unmet(
      targets.filter((address) => !isBinAddress(address)),
      met,
    );
    if (level.length === 0 || found.size === wanted.size || budget.isSpent) return found;
    const below = await descend(source, level, budget);
    for (const stone of below.stones) if (wanted.has(stone)) found.add(stone);
    targets = below.targets;
  }
}

/** Those that were not met before; from now on they are. */
function unmet(addresses: readonly Address[], met: Set<Address>): Address[] {
  const fresh = [...new Set(addresses)].filter((address) => !met.has(address));
  for (const address of fresh) met.add(address);
  return fresh;
}

/**
 * One level down, as far as the budget goes: which of these are stones (or frames) that may link to something, and what they
 * link to, without what is filed to stay away from them. A page of records is in memory at a time.
 *
 * @param isOpened Is what this one links to of interest?
 */
async function descend(
  { space, reader }: Source,
  level: readonly Address[],
  budget: WalkBudget,
  isOpened: (address: Address) => boolean = () => true,
  of: "stones" | "frames" = "stones",
): Promise<{ readonly stones: readonly Address[]; readonly targets: readonly Address[] }> {
  const due = level.filter((address) => !isBinAddress(address));
  const [stones, targets]: [Address[], Address[]] = [[], []];
  for (let at = 0; at < due.length && !budget.isSpent; at += readAtOnce) {
    const read = await reader.getMany(due.slice(at, at + readAtOnce));
    const page = read.flatMap((record) =>
      record && (tjpOf(record) === undefined) === (of === "stones") ? [record] : [],
    );
    const opened = page.filter(({ address }) => isOpened(address));
    const away = await openReferences(space, opened);
    const next = opened.flatMap((record) => [...targetsOf(record)]).filter((target) => !away.has(target));
    stones.push(...page.map(({ address }) => address));
    targets.push(...next);
    budget.spend(read.length, next.length);
  }
  return { stones, targets };
}

/** What the other side is asked about before it is sent. */
export interface Unsure {
  /** Stones, dependencies last; behind them the frames that `shared` rests on. */
  readonly unsure: readonly Address[];
  /** How many of them are stones that the frames before lead to as well, or such frames: without an answer all is sent. */
  readonly shared: number;
}

/**
 * Stones of which it is not known whether the other side has them: what the plan's tips link to that their bases do
 * not, and what that links to. Where the bases lead to some of it by other stones, these are named as well, with the bases: a side
 * that may read those has all of it. Cheap, and allowed to miss some: those are sent unasked.
 *
 * @param isResumed A connection was lost before: what the first frames that go out link to may have arrived without them.
 */
export async function unsureStones(source: Source, plan: SendPlan, isResumed: boolean): Promise<Unsure> {
  const { space, reader } = source;
  const unsure = new Set<Address>(plan.stones);
  const [there, bases] = [new Set<Address>(), new Set<Address>()];
  const addNew = async (tip: Address, base: Address | undefined) => {
    const [newest, held] = await reader.getMany(base ? [tip, base] : [tip]);
    if (newest === undefined) return;
    const [after, before] = [targetsOf(newest), held ? targetsOf(held) : new Set<Address>()];
    const away = await openReferences(space, [newest]);
    const fresh = [...after].filter(
      (target) => !isFrameOf(target, tjpOf(newest)) && !before.has(target) && !away.has(target),
    );
    const isMerged = isMerge(newest); // it has the links of both
    const old = [...before].filter((target) => (isMerged || !after.has(target)) && !away.has(target));
    const shared = fresh.length === 0 ? new Set<Address>() : await sharedStones(source, fresh, old);
    if (base !== undefined && shared.size > 0) bases.add(base);
    for (const address of shared) there.add(address);
    for (const target of fresh) unsure.add(target);
  };
  for (const { tjp, after, tip } of plan.timelines) {
    const base = after >= 0 ? await space.frameAt(tjp, after) : undefined;
    const next = isResumed ? await space.frameAt(tjp, after + 1) : undefined;
    if (next) await addNew(next, base);
    await addNew(tip, base);
  }
  for (const { frames } of plan.branches) {
    const [first, tip] = [frames[0], frames.at(-1)];
    const [record] = first ? await reader.getMany([first]) : [];
    const base = record && previousOf(record);
    if (isResumed && first) await addNew(first, base);
    if (tip) await addNew(tip, base);
  }
  const named = new Set(plan.stones);
  const stones = (await stonesBelow(source, unsure, there)).filter((stone) => !named.has(stone));
  return { unsure: [...stones, ...there, ...bases], shared: there.size + bases.size };
}

/** The targets of links that these records' timelines, or they themselves, have only as references. */
async function openReferences(space: Space, records: readonly IbGib[]): Promise<ReadonlySet<Address>> {
  const filed = await space.references(records.map(holderOf));
  return new Set(filed.filter(({ isOpen }) => isOpen).map(({ target }) => target));
}

/** The stones among `addresses` and all that they lead to, without what is there. */
async function stonesBelow(
  source: Source,
  addresses: ReadonlySet<Address>,
  there: ReadonlySet<Address>,
): Promise<readonly Address[]> {
  const [found, stones]: [Set<Address>, Address[]] = [new Set(there), []];
  const budget = WalkBudget.unlimited();
  for (let level = unmet([...addresses], found); level.length > 0; ) {
    const below = await descend(source, level, budget);
    stones.push(...level.filter(isBinAddress), ...below.stones);
    level = unmet(below.targets, found);
  }
  return stones;
}
