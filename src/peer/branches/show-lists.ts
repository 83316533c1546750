import { type Address, type IbGib, toText } from "../../ibgib/index.js";
import { framesBeyond } from "../../merge/index.js";
import type { Evidence } from "../../saga/index.js";
import type { Space } from "../../space/index.js";
import { framesToProve } from "./added-frames.js";
import type { Merging } from "./merging.js";

/** A list that the other side may lack frames of, and frames whose histories it has. */
export interface ListToShow {
  readonly list: Address;
  readonly known: readonly Address[];
}

/** What the other side lacks of a list. */
export interface ShownList {
  readonly first: IbGib;
  /** The newest of its frames: with these the other side has all up to there. */
  readonly tip: Address;
  /** Its frames as text. */
  readonly frames: readonly Evidence[];
  /** Those of them whose makers have to be proved. */
  readonly toProve: readonly IbGib[];
}

/**
 * The frames of lists that the other side lacks: they go ahead of all else, since what counts of other timelines follows
 * from them. What proves them goes along.
 */
export async function showLists(
  space: Space,
  lists: readonly ListToShow[],
  merging: Merging,
): Promise<readonly ShownList[]> {
  const shown = await Promise.all(lists.map((list) => showList(space, list, merging)));
  return shown.flatMap((list) => list ?? []);
}

async function showList(
  space: Space,
  { list, known }: ListToShow,
  merging: Merging,
): Promise<ShownList | undefined> {
  const tip = await space.tip(list);
  if (!tip || known.includes(tip.address)) return undefined;
  const present = await space.hasMany(known);
  const held = known.filter((_, at) => present[at]);
  const beyond = await framesBeyond(tip.address, held, space, merging.options);
  const [first, newest, ...frames] = await space.getMany([list, tip.address, ...beyond]);
  if (!first || !newest || beyond.length === 0) return undefined;
  return {
    first,
    tip: tip.address,
    frames: frames.flatMap((frame) => (frame ? [toText(frame)] : [])),
    toProve: await framesToProve(newest, first, held, space, merging),
  };
}
