import { KeysagaError } from "../../base/index.js";
import {
  type Address,
  type IbGib,
  isMerge,
  isWithinOwners,
  makerOf,
  ownerOf,
  tjpOf,
  withinOf,
} from "../../ibgib/index.js";
import { isListAddress } from "../../lists/index.js";
import { checkMerge, type FrameReader, headsOf, runEndsBeyond } from "../../merge/index.js";
import type { Space } from "../../space/index.js";
import { needsMark } from "../home/made.js";
import { signerOf } from "../rights/attestations.js";
import type { Merging } from "./merging.js";

/** What a tip that moves brings into a timeline. */
export interface AddedFrames {
  /** The newest frames that are no merges: their makers have to have the right to write. */
  readonly heads: readonly IbGib[];
  /** The frames that have to be proved by their makers: the last of each run, below other frames as well. */
  readonly toProve: readonly IbGib[];
}

/**
 * The frames that are new where a tip moves. A merge is nobody's: its heads are asked in its place, as far as the tip
 * before had them not. Of a timeline without an owner nothing is proved.
 *
 * Reads every frame that is new, and computes no merge: a tip is what it says only once `checkTipMerge` has agreed, which
 * is to be called where the rights of those who made the frames are known.
 *
 * @param first The first frame of the timeline.
 * @param from The tip before; undefined where there was none.
 * @throws KeysagaError `record_missing`, `limit_exceeded`, `merge_refused` (`timeline`, `not_a_frame`).
 */
export async function addedFrames(
  tip: IbGib,
  first: IbGib,
  from: Address | undefined,
  reader: FrameReader,
  { options }: Merging,
): Promise<AddedFrames> {
  if (ownerOf(first) === undefined) return { heads: [tip], toProve: [] };
  const ends = await runEndsBeyond(tip.address, from === undefined ? [] : [from], reader, options);
  if (!isMerge(tip)) return { heads: [tip], toProve: ends };
  const merged = new Set(await headsOf(tip.address, reader, options));
  return { heads: ends.filter(({ address }) => merged.has(address)), toProve: ends };
}

/**
 * Computes again what a tip says that is a merge, which can cost much more than to receive it.
 *
 * @throws KeysagaError as `checkMerge`.
 */
export async function checkTipMerge(
  tip: IbGib,
  reader: FrameReader,
  { functions, options }: Merging,
): Promise<void> {
  if (isMerge(tip)) await checkMerge(tip, reader, functions, options);
}

/**
 * The tips that one which came stands for: itself; or, in the place of a merge that others cannot compute, its heads. Such a
 * merge is what somebody says it is, who has to have the right to write. Whoever has passed it on may not have had its
 * function: that it comes to something else here is no fault of theirs.
 *
 * @param isAnswered Has somebody who may write signed this merge?
 * @throws KeysagaError as `checkMerge`.
 */
export async function tipsStoodFor(
  tip: IbGib,
  isAnswered: () => Promise<boolean>,
  reader: FrameReader,
  merging: Merging,
): Promise<readonly Address[]> {
  const isAnybodys = !needsMark(tip) || isListAddress(tjpOf(tip)!);
  const inItsPlace = () => headsOf(tip.address, reader, merging.options);
  if (!isAnybodys && !(await isAnswered())) return inItsPlace();
  try {
    await checkTipMerge(tip, reader, merging);
    return [tip.address];
  } catch (error) {
    const isRefused = error instanceof KeysagaError && error.code === "merge_refused";
    if (isAnybodys || !isRefused || error.facts["rule"] !== "content") throw error;
    return inItsPlace();
  }
}

/**
 * The frames of a tip that something may be kept of who made them, as far as the histories of `known` have them not. None
 * in a timeline without an owner.
 */
export async function framesToProve(
  tip: IbGib,
  first: IbGib,
  known: readonly Address[],
  reader: FrameReader,
  { options }: Merging,
): Promise<readonly IbGib[]> {
  if (ownerOf(first) === undefined) return [];
  const ends = await runEndsBeyond(tip.address, known, reader, options);
  return [...(isMerge(tip) ? [tip] : []), ...ends];
}

/**
 * The identity that proves a frame: its maker, where that one has signed it; of a merge, who has signed that. Undefined
 * where nobody proves it: what another has signed than the maker that the frame names says nothing.
 *
 * @param attesters Who has signed which frames, by what came and was checked; what is kept here counts as well.
 */
export async function proverOf(
  frame: IbGib,
  first: IbGib,
  attesters: ReadonlyMap<Address, Address>,
  space: Space,
): Promise<Address | undefined> {
  const maker = makerOf(frame, first);
  const isProver = (signer: Address | undefined) => signer !== undefined && signer === (maker ?? signer);
  const came = attesters.get(frame.address);
  if (isProver(came)) return came;
  const kept = await signerOf(space, frame.address);
  return isProver(kept) ? kept : undefined;
}

/**
 * Is a first frame where it may be? One that was made for another owner has to be within a timeline of that owner. Where
 * that one is not known here, that is not for this peer to say: its maker has no right there, and nobody else has.
 */
export async function isInItsPlace(first: IbGib, reader: FrameReader): Promise<boolean> {
  const within = withinOf(first);
  const [outer] = within === undefined ? [] : await reader.getMany([within]);
  return outer === undefined || isWithinOwners(first, outer);
}
