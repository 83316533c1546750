import { type Address, previousOf } from "../../ibgib/index.js";
import { type FrameReader, framesBeyond, type MergeOptions } from "../../merge/index.js";
import type { SendPlan } from "../../saga/index.js";
import type { Space } from "../../space/index.js";

type Stretch = SendPlan["timelines"][number];
type Branch = SendPlan["branches"][number];

/** Frames of a chain that are read at once. */
const pageFrames = 128;

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

/**
 * The last frame that the chain of a timeline shares with that of a tip it had: where a merge has led past that tip, the
 * other side lacks frames below its number. A tip that is not here is taken at its number.
 */
export async function sharedUpTo(space: Space, { tjp, tip, n }: OwnTip): Promise<number> {
  let last: Address | undefined = tip;
  for (let to = n; last !== undefined && to >= 0; to -= pageFrames) {
    if ((await space.frameAt(tjp, to)) === last) return to;
    const from = Math.max(0, to - pageFrames + 1);
    const theirs = await space.frames(tjp, from, to, last);
    if (theirs.length === 0) return n;
    const ours = new Set((await space.frames(tjp, from, to)).map(({ address }) => address));
    const shared = theirs.findLastIndex(({ address }) => ours.has(address));
    if (shared >= 0) return from + shared;
    last = previousOf(theirs[0]!);
  }
  return -1;
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
