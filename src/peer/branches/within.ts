import { type Address, type IbGib, ownerOf } from "../../ibgib/index.js";
import type { Space } from "../../space/index.js";

/** Has a timeline the owner of the one that it says it is within? Only then does it belong there. */
export function haveOneOwner(inner: IbGib | undefined, outer: IbGib | undefined): boolean {
  const owner = inner && ownerOf(inner);
  return owner !== undefined && outer !== undefined && ownerOf(outer) === owner;
}

/** The timelines directly within these that have their owners. Costs a look-up for each. */
export function directlyWithin(space: Space, outer: readonly Address[]): Promise<readonly Address[]> {
  return space.look((look) =>
    outer.flatMap((timeline) => {
      const first = look.record(timeline);
      return look.within(timeline).filter((inner) => haveOneOwner(look.record(inner), first));
    }),
  );
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
