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
/** Records that are read to find what is shared, and addresses that are met, at about the most: what lies beyond is not found. */
const compared: WalkLimit = { recordsMax: 4_096, addressesMax: 131_072 };

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

/**
 * The stones that `now` leads to and `before` as well. Trees of which one was made from the other are held against each
 * other level by level, so that what they share is not walked, however large it is. Cheap, and allowed to miss some.
 *
 * @param before What the other side has, and so has what that leads to, but for what is filed as a reference.
 * @returns The topmost ones: what these lead to is shared as well.
 */
export async function sharedStones(
  source: Source,
  now: readonly Address[],
  before: readonly Address[],
): Promise<ReadonlySet<Address>> {
  const shared = new Set<Address>();
  let [ours, theirs] = [now, before];
  const [seen, met] = [new Set(ours), new Set(theirs)];
  for (let read = 0; ours.length > 0 && met.size > 0 && isWithin(read, seen.size + met.size); ) {
    const [stones, old] = [await stonesAt(source, ours), await stonesAt(source, theirs)];
    read += stones.length + old.length;
    const away = await openReferences(source.space, old);
    theirs = unmet(
      targetsOfAll(old).filter((address) => !away.has(address)),
      met,
    );
    for (const { address } of stones) if (met.has(address)) shared.add(address);
    ours = unmet(targetsOfAll(stones.filter(({ address }) => !met.has(address))), seen);
    for (const address of ours) if (isBinAddress(address) && met.has(address)) shared.add(address);
  }
  return shared;
}

/** How much of trees is read. */
export interface WalkLimit {
  readonly recordsMax: number;
  readonly addressesMax: number;
}

/** For trees of one's own, which cost what they are. */
export const wholeTrees: WalkLimit = {
  recordsMax: Number.POSITIVE_INFINITY,
  addressesMax: Number.POSITIVE_INFINITY,
};

/**
 * Those of `wanted` that are stones and that these frames lead to, by stones alone, without what is filed as a reference. Ends
 * when all are found. Memory for the nodes on the way.
 */
export async function stonesBehind(
  source: Source,
  frames: readonly IbGib[],
  wanted: ReadonlySet<Address>,
  limit: WalkLimit = compared,
): Promise<ReadonlySet<Address>> {
  const [found, met] = [new Set<Address>(), new Set<Address>()];
  let above = frames;
  for (let read = 0; above.length > 0 && found.size < wanted.size && read < limit.recordsMax; ) {
    const away = await openReferences(source.space, above);
    const targets = targetsOfAll(above).filter((address) => !away.has(address));
    for (const address of targets) if (isBinAddress(address) && wanted.has(address)) found.add(address);
    const level = targets.filter((address) => !isBinAddress(address)).slice(0, limit.addressesMax - met.size);
    above = await stonesAt(source, unmet(level, met));
    read += above.length;
    for (const { address } of above) if (wanted.has(address)) found.add(address);
  }
  return found;
}

function isWithin(records: number, addresses: number): boolean {
  return records < compared.recordsMax && addresses < compared.addressesMax;
}

/** Those that were not met before; from now on they are. */
function unmet(addresses: readonly Address[], met: Set<Address>): Address[] {
  const fresh = [...new Set(addresses)].filter((address) => !met.has(address));
  for (const address of fresh) met.add(address);
  return fresh;
}

function targetsOfAll(records: readonly IbGib[]): Address[] {
  return records.flatMap((record) => [...targetsOf(record)]);
}

/** The stones among what stands at these addresses that may link to something. */
async function stonesAt({ reader }: Source, addresses: readonly Address[]): Promise<IbGib[]> {
  const due = addresses.filter((address) => !isBinAddress(address));
  const stones: IbGib[] = [];
  for (let at = 0; at < due.length; at += readAtOnce)
    for (const record of await reader.getMany(due.slice(at, at + readAtOnce)))
      if (record && tjpOf(record) === undefined) stones.push(record);
  return stones;
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
 * not, and what that links to. Where the bases lead to some of it by other stones, these are named as well, with the bases: whoever
 * may read them has all of it. Cheap, and allowed to miss some: those are sent unasked.
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
  for (let level = unmet([...addresses], found); level.length > 0; ) {
    const page = await stonesAt(source, level);
    stones.push(...level.filter(isBinAddress), ...page.map(({ address }) => address));
    const away = await openReferences(source.space, page);
    level = unmet(
      targetsOfAll(page).filter((address) => !away.has(address)),
      found,
    );
  }
  return stones;
}
