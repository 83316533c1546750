import type { Address, IbGib } from "../../ibgib/index.js";
import type { Space } from "../../space/index.js";
import { isMadeHere, needsMark } from "../home/made.js";
import { signerOf } from "./attestations.js";
import type { ListedHeads } from "./head-judge.js";

/**
 * Does a tip of this space stand for what it says? A merge that others cannot compute does where who has signed it here may
 * write; who has made it here, signs it. Else its heads are asked in its place.
 */
export async function stands(
  { space, self }: { readonly space: Space; readonly self: Address },
  tip: IbGib,
  judge: ListedHeads,
): Promise<boolean> {
  if (!needsMark(tip)) return true;
  const isOwn = await isMadeHere(space, tip.address);
  const signer = (await signerOf(space, tip.address)) ?? (isOwn ? self : undefined);
  return signer !== undefined && judge.countsBy(signer, tip.address, false);
}
