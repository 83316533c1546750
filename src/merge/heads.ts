import type { Address } from "../ibgib/index.js";
import { FrameQueue } from "./frame-queue.js";
import { type Frame, type FrameReader, History, type MergeOptions, newestFirst } from "./history.js";

/** How the first of two tips stands to the second. */
export type TipRelation = "same" | "behind" | "ahead" | "diverged";

/**
 * The heads of a tip: its newest frames that are not merges, in fold order. One, unless the tip is a merge.
 *
 * @throws KeysagaError `record_missing`, `limit_exceeded`, `merge_refused` (`not_a_frame`).
 */
export async function headsOf(
  tip: Address,
  reader: FrameReader,
  options?: MergeOptions,
): Promise<readonly Address[]> {
  return (await tipHeads(tip, new History(reader, options))).map(({ address }) => address);
}

/**
 * Compares two tips of one timeline by their heads: `a` is behind `b` when each head of `a` is a head of `b` or an
 * ancestor of one. Tips with the same heads are one state, whichever functions merged them.
 *
 * Reads the frames between the newest and the oldest head, and no older ones.
 *
 * @throws KeysagaError as `headsOf`, and `merge_refused` (`timeline`).
 */
export async function compareTips(
  a: Address,
  b: Address,
  reader: FrameReader,
  options?: MergeOptions,
): Promise<TipRelation> {
  if (a === b) return "same";
  const history = new History(reader, options);
  const [ours, theirs] = [await tipHeads(a, history), await tipHeads(b, history)];
  const union = await withoutAncestors([...ours, ...theirs], history);
  const [holdsAll, isHeld] = [isSameSet(union, ours), isSameSet(union, theirs)];
  if (holdsAll) return isHeld ? "same" : "ahead";
  return isHeld ? "behind" : "diverged";
}

/** As `headsOf`, on frames that were read before. */
export async function tipHeads(tip: Address, history: History): Promise<readonly Frame[]> {
  const heads = new Map<Address, Frame>();
  const seen = new Set<Address>([tip]);
  for (let level = [await history.frame(tip)]; level.length > 0; ) {
    const below = new Set<Address>();
    for (const frame of level) {
      if (!frame.isMerge) heads.set(frame.address, frame);
      else for (const parent of await history.parents(frame)) below.add(parent.address);
    }
    const unseen = [...below].filter((address) => !seen.has(address));
    for (const address of unseen) seen.add(address);
    history.checkHeads(heads.size + unseen.length);
    level = [...(await history.frames(unseen))];
  }
  return withoutAncestors([...heads.values()], history);
}

/** The frames less those that are ancestors of others, in fold order. Walks down to the oldest of them. */
export async function withoutAncestors(
  frames: readonly Frame[],
  history: History,
): Promise<readonly Frame[]> {
  const byAddress = new Map(frames.map((frame) => [frame.address, frame]));
  if (byAddress.size < 2) return [...byAddress.values()];
  const oldest = Math.min(...frames.map(({ n }) => n));
  const queue = new FrameQueue();
  const met = new Set(byAddress.keys());
  for (const frame of byAddress.values()) queue.add(frame);
  for (let frame = queue.take(); frame && frame.n > oldest; frame = queue.take()) {
    for (const parent of await history.parents(frame)) {
      byAddress.delete(parent.address);
      if (!met.has(parent.address)) queue.add(parent);
      met.add(parent.address);
    }
  }
  return [...byAddress.values()].sort(newestFirst);
}

/** Both are in fold order. */
export function isSameSet(a: readonly Frame[], b: readonly Frame[]): boolean {
  return a.length === b.length && a.every(({ address }, at) => address === b[at]?.address);
}
