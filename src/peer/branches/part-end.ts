import { type IbGib, isMerge, makerOf, nOf, ownerOf, tjpOf } from "../../ibgib/index.js";
import type { Identity } from "../home/identity.js";
import { isMadeHere } from "../home/made.js";
import { signerOf } from "../rights/attestations.js";

/**
 * May a part of a saga end with this frame, so that a tip is there meanwhile? It has to be proved by itself, and to count by
 * itself. A few look-ups.
 *
 * @param counts Asked of a frame that somebody's rights decide about.
 */
export async function mayEndAt(
  { space, address: self }: Pick<Identity, "space" | "address">,
  frame: IbGib,
  counts: (frame: IbGib, first: IbGib) => Promise<boolean>,
): Promise<boolean> {
  const tjp = tjpOf(frame) ?? frame.address;
  if ((await space.frameAt(tjp, nOf(frame) ?? 0)) !== frame.address) return false; // of a branch that was merged
  const first = await space.get(tjp);
  if (!first || ownerOf(first) === undefined) return true;
  if (isMerge(frame)) return false; // nobody proves a merge: its heads are proved, one by one
  const maker = makerOf(frame, first);
  const isOwn = (maker ?? self) === self && (await isMadeHere(space, frame.address));
  const isProved = isOwn || (await signerOf(space, frame.address)) === maker;
  return isProved && counts(frame, first);
}
