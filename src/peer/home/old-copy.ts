import type { Address, IbGib } from "../../ibgib/index.js";
import { delegationIn, startLane } from "../../keystone/index.js";
import type { Space } from "../../space/index.js";
import { cellKinds, readCell, readCells } from "./cells.js";

/*
 * A home that was put back from a backup. What a receiver shows to be signed with its keys, and is not known here, was signed
 * by the home before, or by another copy. From then on this home knows what it is: a lane whose keys were used is `spent`, and
 * the frames of the identity that came from elsewhere lie before its own. Both are durable, and both end with the next frame
 * that the identity signs; which needs to know that nobody has seen a newer one.
 */

/** Has this home a lane to anybody? */
export async function hasMetReceivers(space: Space): Promise<boolean> {
  return (await readCells(space, cellKinds.laneTo, "")).length > 0;
}

/** Is a lane spent that nothing has replaced yet? */
export async function hasSpentLane(space: Space): Promise<boolean> {
  return (await readCells(space, cellKinds.laneTo, "")).some(({ value }) => value.spent === true);
}

/**
 * How often the home of a space was found to be behind what a receiver knows of its identity, as after it was put back from a
 * backup. An app that keeps files beside the space sees by it that they may be newer than what the space says of them.
 */
export async function timesBehind(space: Space): Promise<number> {
  return (await readCell(space, cellKinds.behind, "")).value?.times ?? 0;
}

/**
 * The receivers that an identity has delegated lanes to: whoever knows a frame of it that is not known here is among them,
 * or was met behind the newest of these frames. Undefined for a lane whose genesis is not here.
 *
 * @param frames All of the identity's.
 */
export async function receiversOf(
  space: Space,
  frames: readonly IbGib[],
): Promise<readonly (Address | undefined)[]> {
  const lanes = frames.flatMap((frame) => {
    const said = delegationIn(frame);
    return said && "lane" in said ? [said.lane] : [];
  });
  const firsts = await Promise.all(lanes.map((lane) => space.proof(lane)));
  return firsts.map((first) => first && startLane(first).receiver);
}
