import type { Address } from "../ibgib/index.js";
import { ColouredWalk } from "./coloured-walk.js";
import { type FrameReader, History, type MergeOptions } from "./history.js";

const wanted = 1;
const held = 2;

/**
 * The frames of the history of `tip` that the histories of `known` do not have, oldest first: what someone who has
 * those lacks. Frames that were merged in count as well.
 *
 * Reads the frames between the newest and the oldest that differ, and no older ones.
 *
 * @throws KeysagaError `record_missing`, `limit_exceeded`, `merge_refused` (`timeline`, `not_a_frame`).
 */
export async function framesBeyond(
  tip: Address,
  known: readonly Address[],
  reader: FrameReader,
  options?: MergeOptions,
): Promise<readonly Address[]> {
  const history = new History(reader, options);
  const walk = new ColouredWalk();
  walk.reach(await history.frame(tip), wanted);
  for (const frame of await history.frames(known)) walk.reach(frame, held);
  const beyond: Address[] = [];
  while (walk.waits(wanted)) {
    const { frame, colours } = walk.take();
    if (colours === wanted) beyond.push(frame.address);
    const handedOn = colours === wanted ? wanted : held;
    for (const parent of await history.parents(frame)) walk.reach(parent, handedOn);
  }
  return beyond.reverse();
}
