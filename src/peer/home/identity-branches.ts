import { lengthPrefixed, sha256, toHex } from "../../base/index.js";
import { type Address, addressOf, type IbGib, nOf, previousOf, tjpOf } from "../../ibgib/index.js";
import { type IdentityState, readIdentity, readIdentityFrames } from "../../keystone/index.js";
import type { Space } from "../../space/index.js";
import { cellKinds, changeCell, readCell } from "./cells.js";
import { type Filing, nothingFiled } from "./filing.js";

/*
 * Frames of an identity in places that others had taken here, as they come where somebody runs two copies of one home. What
 * they say proves as much as what was seen first, so they are kept, in a group of their own. A receiver that keeps some lets
 * in no lane that was delegated in one of these places, or behind one.
 */

/** The ib of the groups below. */
export const branchesIb = "identity-branches";

/** Where an identity's branches lie, each frame behind the one that it goes on from. */
export function branchesGroup(identity: Address): Address {
  const hash = sha256(lengthPrefixed("keysaga/identity-branches/1", identity));
  return addressOf(branchesIb, toHex(hash).toUpperCase());
}

/** What a commit takes in to keep frames that are not stored yet, in places that others have taken. */
export async function fileBranches(
  space: Space,
  identity: Address,
  frames: readonly IbGib[],
): Promise<Filing> {
  if (frames.length === 0) return nothingFiled;
  const cell = await readCell(space, cellKinds.branches, identity);
  const { n, frames: kept } = cell.value ?? { n: Number.POSITIVE_INFINITY, frames: 0 };
  const lowest = frames.reduce((min, frame) => Math.min(min, nOf(frame) ?? min), n);
  const group = branchesGroup(identity);
  return {
    proofs: frames.map((record) => ({ group, record })),
    cells: [changeCell(cell, { n: lowest, frames: kept + frames.length })],
  };
}

/**
 * The identity at each of these frames, as far as they are stored. A fork may begin anywhere: the frames from the genesis up
 * to there are read, each of them once.
 *
 * @param tips In the order of their numbers.
 */
export async function identityAt(
  space: Space,
  identity: Address,
  tips: Iterable<Address>,
): Promise<ReadonlyMap<Address, IdentityState>> {
  const states = new Map<Address, IdentityState>();
  for (const tip of tips) {
    const path: IbGib[] = [];
    let at: Address | undefined = tip;
    while (at !== undefined && !states.has(at)) {
      const frame: IbGib | undefined = await space.proof(at);
      if (!frame || (tjpOf(frame) ?? frame.address) !== identity) break;
      path.push(frame);
      at = previousOf(frame);
    }
    const before = at && states.get(at);
    const frames = path.reverse();
    const state = before ? readIdentityFrames(before, frames) : at === undefined && readIdentity(frames);
    if (state) states.set(tip, state);
  }
  return states;
}

/** Frames of a branch up to this one, oldest first: none where it lies with those that were seen first. */
export async function branchTo(space: Space, identity: Address, newest: Address): Promise<readonly IbGib[]> {
  const branch: IbGib[] = [];
  for (let at: Address | undefined = newest; at !== undefined; ) {
    const frame: IbGib | undefined = await space.proof(at);
    const n = frame && nOf(frame);
    const [first] = n === undefined ? [] : await space.proofs(identity, n, n + 1);
    if (!frame || first?.address === at) break;
    branch.push(frame);
    at = previousOf(frame);
  }
  return branch.reverse();
}
