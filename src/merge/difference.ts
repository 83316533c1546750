import { type Address, type IbGib, previousOf } from "../ibgib/index.js";
import { ColouredWalk } from "./coloured-walk.js";
import { type Frame, type FrameReader, History, type MergeOptions } from "./history.js";

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
  const beyond: Address[] = [];
  for await (const { address } of walkBeyond(tip, known, reader, options)) beyond.push(address);
  return beyond.reverse();
}

/**
 * The last frames of runs among the frames that `framesBeyond` finds, newest first. A run is frames by one maker, each
 * directly after the other; merges belong to none. Whoever proves the last frame of a run has proved the run: its maker
 * has gone on from each frame before.
 *
 * @param tip Of a timeline with an owner: its frames name their makers.
 * @throws KeysagaError as `framesBeyond`.
 */
export async function runEndsBeyond(
  tip: Address,
  known: readonly Address[],
  reader: FrameReader,
  options?: MergeOptions,
): Promise<readonly IbGib[]> {
  const ends: IbGib[] = [];
  const continued = new Set<string>();
  for await (const { address, isMerge, record } of walkBeyond(tip, known, reader, options)) {
    if (isMerge) continue;
    const by = record.member("by") ?? ""; // of one timeline: the owner's frames name nobody
    if (!continued.delete(`${address} ${by}`)) ends.push(record);
    continued.add(`${previousOf(record)} ${by}`);
  }
  return ends;
}

/** Newest first: a frame comes after all that go on from it. */
async function* walkBeyond(
  tip: Address,
  known: readonly Address[],
  reader: FrameReader,
  options?: MergeOptions,
): AsyncGenerator<Frame> {
  const history = new History(reader, options);
  const walk = new ColouredWalk();
  walk.reach(await history.frame(tip), wanted);
  for (const frame of await history.frames(known)) walk.reach(frame, held);
  while (walk.waits(wanted)) {
    const { frame, colours } = walk.take();
    if (colours === wanted) yield frame;
    const handedOn = colours === wanted ? wanted : held;
    for (const parent of await history.parents(frame)) walk.reach(parent, handedOn);
  }
}
