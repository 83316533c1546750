import { utf8 } from "../base/index.js";
import { decodeText, type IbGib, type RecordText } from "../ibgib/index.js";
import { type FollowedIdentity, followIdentity } from "../keystone/index.js";

/**
 * What one step may check of a chain whose owner has proved nothing yet. Every frame of pinned pools costs one signature
 * and at most twelve hashes, so that a slice costs at most 64 signatures, 768 hashes and 256 KiB.
 */
export const sliceLimits = {
  framesMax: 64,
  bytesMax: 256 * 1024,
  /** Frames that a step checks without waiting for its turn: what nearly every connect brings. */
  atOnceMax: 8,
} as const;

/** An identity's chain that is being checked, a slice at a time. */
export interface Walk {
  readonly followed: FollowedIdentity;
  /** Not looked at yet, oldest first. */
  readonly left: readonly RecordText[];
}

/**
 * Admits and checks as many frames as a slice may, and at least one.
 *
 * @param checkFirst Called with the genesis of one that is not held. Throws for another's.
 * @throws What admission, `followIdentity` and `checkFirst` throw.
 */
export function walkSlice({ followed, left }: Walk, checkFirst: (first: IbGib) => void): Walk {
  const frames = sliceOf(left).map(decodeText);
  if (!followed.state && frames[0]) checkFirst(frames[0]);
  return { followed: followIdentity(followed, frames), left: left.slice(frames.length) };
}

/** The frames of the next slice, measured before anything of them is read. */
function sliceOf(left: readonly RecordText[]): readonly RecordText[] {
  const { framesMax, bytesMax } = sliceLimits;
  let bytes = 0;
  const end = left.slice(0, framesMax).findIndex((frame, at) => {
    for (const part of frame) bytes += utf8(part).length;
    return at > 0 && bytes > bytesMax;
  });
  return left.slice(0, end < 0 ? framesMax : end);
}
