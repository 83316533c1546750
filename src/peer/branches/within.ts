import { type Address, type IbGib, isIdentityAddress, ownerOf, withinOf } from "../../ibgib/index.js";
import { isListAddress, listLimits } from "../../lists/index.js";
import type { FrameReader, Pause } from "../../merge/index.js";
import type { Root } from "../../saga/index.js";
import type { Space } from "../../space/index.js";

/** Has a timeline the owner of the one that it says it is within? Only then does it belong there. */
export function haveOneOwner(inner: IbGib | undefined, outer: IbGib | undefined): boolean {
  const owner = inner && ownerOf(inner);
  return owner !== undefined && outer !== undefined && ownerOf(outer) === owner;
}

/** The roots that a sender names. Targets of references are what links lead to. */
export function namedBy(roots: readonly Root[]): ReadonlySet<Address> {
  return new Set(roots.filter(({ by }) => by === undefined).map(({ address }) => address));
}

/** Is a timeline within one of these, each with the owner of the one around it, and no deeper than lists reach? */
export async function isWithin(
  first: IbGib,
  outer: ReadonlySet<Address>,
  reader: FrameReader,
): Promise<boolean> {
  let inner = first;
  for (let depth = 0; depth < listLimits.withinDepthMax; depth++) {
    const address = withinOf(inner);
    const [around] = address === undefined ? [] : await reader.getMany([address]);
    if (around === undefined || !haveOneOwner(inner, around)) return false;
    if (outer.has(around.address)) return true;
    inner = around;
  }
  return false;
}

/** Those of these timelines that are within none of `outer`. */
export async function outermostOf(
  timelines: readonly Address[],
  outer: ReadonlySet<Address>,
  reader: FrameReader,
): Promise<readonly Address[]> {
  const outermost: Address[] = [];
  for (const first of await reader.getMany(timelines))
    if (first !== undefined && !(await isWithin(first, outer, reader))) outermost.push(first.address);
  return outermost;
}

/** The timelines directly within these that have their owners: from an index. */
export function directlyWithin(space: Space, outer: readonly Address[]): Promise<readonly Address[]> {
  return space.look((look) =>
    outer.flatMap((timeline) => {
      const inner = look.within(timeline);
      const first = inner.length > 0 ? look.record(timeline) : undefined;
      const owner = first && ownerOf(first);
      return inner.flatMap((each) => (owner !== undefined && each.owner === owner ? [each.timeline] : []));
    }),
  );
}

/** Timelines that are looked at without a pause, and whose first frames are in memory at a time. */
const pageTimelines = 64;

/** @param pause Lets others have their turn, in front of every page. */
export async function* pagesOf<Item>(
  items: readonly Item[],
  pause: Pause = async () => undefined,
): AsyncGenerator<readonly Item[]> {
  for (let at = 0; at < items.length; at += pageTimelines) {
    await pause();
    yield items.slice(at, at + pageTimelines);
  }
}

/** The same, with those within them, and so on. */
export async function allWithin(
  space: Space,
  outer: readonly Address[],
  pause?: Pause,
): Promise<readonly Address[]> {
  const all = new Set<Address>();
  for (let open = outer; open.length > 0; ) {
    const next: Address[] = [];
    for await (const page of pagesOf(open, pause)) {
      for (const timeline of await directlyWithin(space, page)) {
        if (!all.has(timeline)) next.push(timeline);
        all.add(timeline);
      }
    }
    open = next;
  }
  return [...all];
}

/**
 * The timelines of a set that two sides may compare: `of` and all that is within it; or, where that is an identity, all that
 * it owns. Without lists, which have a way of their own. Costs a look-up for each.
 */
export async function membersOf(space: Space, of: Address, pause?: Pause): Promise<readonly Address[]> {
  const outer = isIdentityAddress(of)
    ? await space.look((look) => look.within(of).map(({ timeline }) => timeline))
    : [of];
  return [...outer, ...(await allWithin(space, outer, pause))].filter((timeline) => !isListAddress(timeline));
}
