import { utf8 } from "../base/index.js";
import { decodeText, type IbGib, type RecordText } from "../ibgib/index.js";

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

/** A chain that is being checked, a slice at a time. */
export interface Walk<State> {
  /** As the frames that were checked have left it; undefined where the chain begins with the first one shown. */
  readonly state: State | undefined;
  /** Not looked at yet, oldest first. */
  readonly left: readonly RecordText[];
  /** Checked, and not held by the store. */
  readonly fresh: readonly IbGib[];
}

/** How frames of one kind of chain are taken in. */
export interface Walker<State> {
  /** Frames that the store holds were checked when they came. */
  isKnown(frame: IbGib): boolean;
  /** Throws where `frame` does not come next, or cannot be the first. */
  next(state: State | undefined, frame: IbGib): State;
}

export function startWalk<State>(state: State | undefined, left: readonly RecordText[]): Walk<State> {
  return { state, left, fresh: [] };
}

/** Admits and checks as many frames as a slice may, and at least one. @throws What admission and `next` throw. */
export function walkSlice<State>(walk: Walk<State>, { isKnown, next }: Walker<State>): Walk<State> {
  const frames = sliceOf(walk.left).map(decodeText);
  const fresh = frames.filter((frame) => !isKnown(frame));
  return {
    state: fresh.reduce<State | undefined>(next, walk.state),
    left: walk.left.slice(frames.length),
    fresh: [...walk.fresh, ...fresh],
  };
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
