import { type Address, toText } from "../../ibgib/index.js";
import { framesBeyond } from "../../merge/index.js";
import type { Evidence } from "../../saga/index.js";
import type { Space } from "../../space/index.js";
import { evidenceFor } from "../rights/attestations.js";
import { framesToProve } from "./added-frames.js";
import type { Merging } from "./merging.js";

/** A list that the other side may lack frames of, and frames whose histories it has. */
export interface ListToShow {
  readonly list: Address;
  readonly known: readonly Address[];
}

/**
 * The frames of lists that the other side lacks, with what proves them: they go ahead of all else, since what counts of
 * other timelines follows from them.
 */
export async function showLists(
  space: Space,
  lists: readonly ListToShow[],
  merging: Merging,
): Promise<readonly Evidence[]> {
  const shown = await Promise.all(lists.map((list) => showList(space, list, merging)));
  return shown.flat();
}

async function showList(
  space: Space,
  { list, known }: ListToShow,
  merging: Merging,
): Promise<readonly Evidence[]> {
  const tip = await space.tip(list);
  if (!tip || known.includes(tip.address)) return [];
  const present = await space.hasMany(known);
  const held = known.filter((_, at) => present[at]);
  const beyond = await framesBeyond(tip.address, held, space, merging.options);
  const [first, newest, ...frames] = await space.getMany([list, tip.address, ...beyond]);
  if (!first || !newest || beyond.length === 0) return [];
  const proving = await framesToProve(newest, first, held, space, merging);
  return [
    ...frames.flatMap((frame) => (frame ? [toText(frame)] : [])),
    ...(await evidenceFor(space, proving)),
  ];
}
