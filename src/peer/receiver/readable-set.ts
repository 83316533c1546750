import { type Address, isIdentityAddress } from "../../ibgib/index.js";
import type { FinalTip } from "../../saga/index.js";
import type { Space } from "../../space/index.js";
import { membersOf } from "../branches/within.js";
import type { Standing } from "../rights/standing.js";
import { finalTipOf } from "./outset.js";

/** What a timeline takes in a set: its address, its tip's, its key and fingerprint. */
export const setItemBytes = 768;

/**
 * The timelines of a set (`RangesBody`) with their tips, as far as the sender may read them. Of a set that it may not read
 * there is nothing, as of one that is not here. What is read by a counted entry uses that.
 */
export async function readableSet(
  space: Space,
  standing: Standing,
  of: Address,
): Promise<readonly FinalTip[]> {
  if (isIdentityAddress(of) ? of !== standing.identity : !(await mayRead(space, standing, of))) return [];
  const members = await membersOf(space, of);
  const firsts = await space.getMany(members);
  await standing.claim(firsts, "read");
  const readable = await standing.readsAll(firsts);
  const tips = await space.tips(members);
  return tips.flatMap((tip, at) => (tip && readable[at] ? [finalTipOf(tip)] : []));
}

async function mayRead(space: Space, standing: Standing, timeline: Address): Promise<boolean> {
  const first = await space.get(timeline);
  return first !== undefined && (await standing.reads(first));
}
