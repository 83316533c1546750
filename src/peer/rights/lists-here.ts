import { type Address, gibOf, isTjp, ownerOf, withinOf } from "../../ibgib/index.js";
import { type ListKind, listKinds } from "../../lists/index.js";
import type { Look, Space, Tip } from "../../space/index.js";
import { cellKinds } from "../home/cells.js";
import { listsRuling, type Ruling, rulingOf } from "../home/rulings.js";

/** A list that rules timelines, and where it stands here. */
export interface ListHere {
  readonly kind: ListKind;
  readonly owner: Address;
  /** The timeline that it is a list of. */
  readonly of: Address;
  readonly tip: Tip;
}

/** The lists that rule these timelines, as far as they are here, each once. Costs a few look-ups for each timeline. */
export async function listsHere(space: Space, timelines: readonly Address[]): Promise<readonly ListHere[]> {
  const ruling = await space.look((look) => {
    const found = new Map<Address, Omit<ListHere, "tip">>();
    /** What timelines say that they are within, with their owners, where the same lists rule all of these. */
    const looked = new Set<string>();
    for (const timeline of timelines) {
      const first = look.record(timeline);
      if (first === undefined || !isTjp(first)) continue;
      const place = `${withinOf(first)} ${ownerOf(first)}`;
      const ruling = looked.has(place) ? undefined : rulingOf(first, look);
      if (ruling === undefined) continue;
      if (ruling.timeline !== timeline) looked.add(place);
      for (const [list, said] of listsOf(ruling, look)) found.set(list, said);
    }
    return [...found];
  });
  const tips = await space.tips(ruling.map(([list]) => list));
  return ruling.flatMap(([, said], at) => (tips[at] ? [{ ...said, tip: tips[at] }] : []));
}

/** Of most timelines there is no list: that takes one look-up for each kind, and no hash twice. */
function listsOf(ruling: Ruling, look: Look): readonly (readonly [Address, Omit<ListHere, "tip">])[] {
  const lists = listsRuling(ruling);
  const here = listKinds.filter((kind) => look.cell(cellKinds.listSize.prefix + gibOf(lists[kind])));
  return here.map((kind) => [lists[kind], { kind, owner: ruling.owner, of: ruling.timeline }] as const);
}
