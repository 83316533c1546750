import { type Address, gibOf, type IbGib, isTjp } from "../../ibgib/index.js";
import { type ListKind, listKinds } from "../../lists/index.js";
import type { Look, Space, Tip } from "../../space/index.js";
import { cellKinds } from "../home/cells.js";
import { listsRuling, rulingOf } from "../home/rulings.js";

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
    for (const timeline of timelines) {
      const first = look.record(timeline);
      for (const [list, said] of first && isTjp(first) ? listsFor(first, look) : []) found.set(list, said);
    }
    return [...found];
  });
  const tips = await space.tips(ruling.map(([list]) => list));
  return ruling.flatMap(([, said], at) => (tips[at] ? [{ ...said, tip: tips[at] }] : []));
}

/** Of most timelines there is no list: that takes one look-up for each kind, and no hash twice. */
function listsFor(first: IbGib, look: Look): readonly (readonly [Address, Omit<ListHere, "tip">])[] {
  const ruling = rulingOf(first, look);
  if (ruling === undefined) return [];
  const lists = listsRuling(ruling);
  const here = listKinds.filter((kind) => look.cell(cellKinds.listSize.prefix + gibOf(lists[kind])));
  return here.map((kind) => [lists[kind], { kind, owner: ruling.owner, of: ruling.timeline }] as const);
}
