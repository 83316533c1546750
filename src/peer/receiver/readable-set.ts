import { type Address, isIdentityAddress } from "../../ibgib/index.js";
import type { FinalTip } from "../../saga/index.js";
import type { Space } from "../../space/index.js";
import type { Pause } from "../../merge/index.js";
import { membersOf, pagesOf } from "../branches/within.js";
import type { Standing } from "../rights/standing.js";
import { finalTipOf } from "./outset.js";

/** What a timeline takes in a set: its address, its tip's, its key and fingerprints, and what was found of rights to it. */
export const setItemBytes = 1024;

/**
 * The timelines of a set (`RangesBody`) with their tips, as far as the sender may read them. Of a set that it may not read
 * there is nothing, as of one that is not here. What is read by a counted entry uses that.
 *
 * @param hold Is there room for so many? Else there is nothing, and nothing more is read.
 */
export async function readableSet(
  space: Space,
  standing: Standing,
  of: Address,
  { hold, pause }: { readonly hold: (timelines: number) => boolean; readonly pause?: Pause | undefined },
): Promise<readonly FinalTip[]> {
  if (isIdentityAddress(of) ? of !== standing.identity : !(await mayRead(space, standing, of))) return [];
  const members = await membersOf(space, of, pause);
  if (!hold(members.length)) return [];
  const set: FinalTip[] = [];
  for await (const page of pagesOf(members, pause)) {
    const firsts = await space.getMany(page);
    await standing.claim(firsts, "read");
    const readable = await standing.readsAll(firsts);
    const tips = await space.tips(page);
    for (const [at, tip] of tips.entries()) if (tip && readable[at]) set.push(finalTipOf(tip));
  }
  return set;
}

async function mayRead(space: Space, standing: Standing, timeline: Address): Promise<boolean> {
  const first = await space.get(timeline);
  return first !== undefined && (await standing.reads(first));
}
