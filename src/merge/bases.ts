import type { Address } from "../ibgib/index.js";
import { ColouredWalk } from "./coloured-walk.js";
import { FrameQueue } from "./frame-queue.js";
import { type Frame, type History, newestFirst } from "./history.js";

/** Who reaches a frame: the histories folded so far, the next head, or a common ancestor that was found above it. */
const folded = 1;
const next = 2;
const below = 4;
const common = folded | next;

/**
 * The lowest common ancestors of `head` and of the union of the histories of `others`, all of them, in fold order:
 * the common ancestors that are not ancestors of common ancestors. Merge frames count like any other.
 *
 * Reads no frame once nothing new can be found: what lies before a recent divergence is not touched.
 *
 * @throws KeysagaError `record_missing`, `limit_exceeded`.
 */
export async function lowestCommonAncestors(
  others: readonly Frame[],
  head: Frame,
  history: History,
): Promise<readonly Frame[]> {
  const walk = new ColouredWalk();
  for (const other of others) walk.reach(other, folded);
  walk.reach(head, next);
  const found: Frame[] = [];
  // A lowest common ancestor is waiting, or may still be found where both colours go on.
  while (walk.waits(common) || (walk.waits(folded) && walk.waits(next))) {
    const { frame, colours } = walk.take();
    if (colours === common) found.push(frame);
    // What a common ancestor reaches is common, and not lowest.
    const handedOn = (colours & common) === common ? common | below : colours;
    for (const parent of await history.parents(frame)) walk.reach(parent, handedOn);
  }
  return found.sort(newestFirst);
}

/** The newest frame that lies on the `past` chains of all `frames`: the first frame of the timeline at the latest. */
export async function nearestSharedPast(frames: readonly Frame[], history: History): Promise<Frame> {
  const queue = new FrameQueue();
  const met = new Set<Address>();
  const add = (frame: Frame) => {
    if (!met.has(frame.address)) queue.add(frame);
    met.add(frame.address);
  };
  frames.forEach(add);
  for (;;) {
    const newest = queue.take()!;
    if (queue.size === 0) return newest;
    add(await history.frame(newest.parents[0]!)); // it is not the oldest, so it has a frame before it
  }
}
