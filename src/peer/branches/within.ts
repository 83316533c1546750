import { type Address, type IbGib, ownerOf } from "../../ibgib/index.js";
import type { Space } from "../../space/index.js";

/** Has a timeline the owner of the one that it says it is within? Only then does it belong there. */
export function haveOneOwner(inner: IbGib | undefined, outer: IbGib | undefined): boolean {
  const owner = inner && ownerOf(inner);
  return owner !== undefined && outer !== undefined && ownerOf(outer) === owner;
}

/** The timelines directly within these that have their owners. Costs two look-ups for each. */
export async function directlyWithin(space: Space, outer: readonly Address[]): Promise<readonly Address[]> {
  const inner = await space.within(outer);
  const [firsts, outers] = await Promise.all([
    space.getMany(inner.map(({ tjp }) => tjp)),
    space.getMany(inner.map((each) => each.outer)),
  ]);
  return inner.flatMap(({ tjp }, at) => (haveOneOwner(firsts[at], outers[at]) ? [tjp] : []));
}

/** The same, with those within them, and so on. */
export async function allWithin(space: Space, outer: readonly Address[]): Promise<readonly Address[]> {
  const all = new Set<Address>();
  for (let open = outer; open.length > 0; ) {
    open = (await directlyWithin(space, open)).filter((timeline) => !all.has(timeline));
    for (const timeline of open) all.add(timeline);
  }
  return [...all];
}
