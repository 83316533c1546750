import { type Address, decodeText, type IbGib, nOf } from "../src/ibgib/index.js";
import { cellKinds, readCell } from "../src/peer/home/cells.js";
import type { Space } from "../src/space/index.js";

/** How far a receiver has followed a lane: the newest frame, and the numbers of those that have brought no session. */
export async function followedAt(
  space: Space,
  lane: Address,
): Promise<{ readonly newest: IbGib; readonly n: number; readonly unused: readonly number[] }> {
  const { value } = await readCell(space, cellKinds.lane, lane);
  if (!value) throw new Error(`the receiver does not follow ${lane}`);
  const newest = decodeText(value.newest);
  return { newest, n: nOf(newest) ?? -1, unused: value.unused.map(({ n }) => n) };
}
