import type { Address } from "../../ibgib/index.js";
import { type FrameReader, framesBeyond, type MergeOptions } from "../../merge/index.js";
import type { SendPlan } from "../../saga/index.js";
import type { Space } from "../../space/index.js";

type Stretch = SendPlan["timelines"][number];
type Branch = SendPlan["branches"][number];

/** What of a timeline has to travel: a stretch of the tip's chain, or frames that are singled out. */
export type Newer = Stretch | Branch;

/** A tip of a timeline, by its number where it stands. */
export interface NumberedTip {
  readonly tip: Address;
  readonly n: number;
}

/** A tip that this space has or had. */
export interface OwnTip extends NumberedTip {
  readonly tjp: Address;
}

/**
 * What a tip of this space has beyond one that it holds: the stretch of its chain behind it where it lies on that, from
 * the index; else what a walk finds, merged branches included.
 */
export async function newerFrames(
  space: Space,
  own: OwnTip,
  held: NumberedTip | undefined,
  options: MergeOptions,
): Promise<Newer> {
  const { tjp, tip, n } = own;
  if (held === undefined) return { tjp, after: -1, tip, n };
  if (await isOnChain(space, held, own)) return { tjp, after: held.n, tip, n };
  return branchBeyond(space, tjp, tip, [held.tip], options);
}

export async function branchBeyond(
  reader: FrameReader,
  tjp: Address,
  tip: Address,
  known: readonly Address[],
  options: MergeOptions,
): Promise<Branch> {
  return { tjp, frames: await framesBeyond(tip, known, reader, options) };
}

/** Does a tip that this space has or had have this frame in its history? By one look-up where it lies on its chain. */
export async function isInHistory(
  space: Space,
  frame: NumberedTip,
  own: OwnTip,
  options: MergeOptions,
): Promise<boolean> {
  if (await isOnChain(space, frame, own)) return true;
  if ((await space.get(frame.tip)) === undefined) return false;
  return (await framesBeyond(frame.tip, [own.tip], space, options)).length === 0;
}

/** Does this frame lie on the `past` chain of a tip, wherever others have moved the timeline since that was read? */
export async function isOnChain(space: Space, { tip, n }: NumberedTip, own: OwnTip): Promise<boolean> {
  const [frame] = await space.frames(own.tjp, n, n, own.tip);
  return frame?.address === tip;
}

/** A plan of all that has to travel; a timeline of which nothing does is left out. */
export function planOf({
  held,
  newer,
  stones,
}: {
  readonly held: SendPlan["held"];
  readonly newer: readonly Newer[];
  readonly stones: readonly Address[];
}): SendPlan {
  const timelines = newer.filter((each) => "tip" in each);
  const branches = newer.filter((each) => "frames" in each).filter(({ frames }) => frames.length > 0);
  return { held, timelines, branches, stones };
}
