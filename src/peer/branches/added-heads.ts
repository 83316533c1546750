import type { Address, IbGib } from "../../ibgib/index.js";
import { checkMerge, type FrameReader, framesBeyond, headsOf, isMerge } from "../../merge/index.js";
import type { Merging } from "./merging.js";

/**
 * The heads that somebody has to answer for where a tip moves: an edit itself; of a merge that was computed again the
 * heads it brings together, as far as the tip before had them not. A merge by a function that is not built in is what its
 * author says it is, so it is a head of its own.
 *
 * @param from The tip before; undefined where there was none.
 * @throws KeysagaError `merge_refused` and what else `checkMerge` throws.
 */
export async function addedHeads(
  tip: IbGib,
  from: Address | undefined,
  reader: FrameReader,
  { functions, options }: Merging,
): Promise<readonly Address[]> {
  if (!isMerge(tip)) return [tip.address];
  const { heads, isRecomputed } = await checkMerge(tip, reader, functions, options);
  if (!isRecomputed) return [tip.address];
  if (from === undefined) return heads;
  const beyond = new Set(await framesBeyond(tip.address, [from], reader, options));
  return heads.filter((head) => beyond.has(head));
}

/** The heads of a tip that something may be kept of who added them. */
export async function headsToProve(
  tip: IbGib,
  reader: FrameReader,
  { options }: Merging,
): Promise<readonly Address[]> {
  return isMerge(tip) ? [tip.address, ...(await headsOf(tip.address, reader, options))] : [tip.address];
}
