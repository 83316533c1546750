import { type Address, gibOf, type IbGib, isMerge, previousOf } from "../../ibgib/index.js";
import { isBuiltInMerge } from "../../merge/index.js";
import type { CellChange, Space } from "../../space/index.js";
import { cellKinds, newCell, readCell } from "./cells.js";

/**
 * Was this frame made here, by a call of this home's own user? Those frames a peer signs, and no others: that nobody has
 * signed a frame does not mean that it is one's own. The commit that makes frames visible sets the mark, on the last
 * frame of each run, which speaks for those before it. Each receiver gets them signed anew, so a mark stays as long as
 * its frame. Costs one look-up.
 */
export async function isMadeHere(space: Space, frame: Address): Promise<boolean> {
  return (await readCell(space, cellKinds.made, gibOf(frame))).bytes !== undefined;
}

/**
 * The marks that a commit has to set that makes `frames`: a small cell for the last of each run.
 *
 * @param frames Made here, and to be signed: edits by this identity, and merges that need a mark.
 */
export async function madeChanges(space: Space, frames: readonly IbGib[]): Promise<readonly CellChange[]> {
  const goneOnFrom = new Set(frames.filter((frame) => !isMerge(frame)).map(previousOf));
  const marked = frames.filter((frame) => isMerge(frame) || !goneOnFrom.has(frame.address));
  return markEach(space, marked);
}

/** A mark on each of these frames, where there is none yet: nothing speaks for those before it. */
export async function markEach(space: Space, frames: readonly IbGib[]): Promise<readonly CellChange[]> {
  const known = await Promise.all(frames.map(({ address }) => isMadeHere(space, address)));
  return frames.filter((_, at) => !known[at]).map(({ gib }) => newCell(cellKinds.made, gib, {}));
}

/** A built-in merge everybody makes again, so nobody signs it. Another one is signed by the home that made it. */
export function needsMark(frame: IbGib): boolean {
  return isMerge(frame) && !isBuiltInMerge(frame);
}
