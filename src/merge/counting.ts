import type { Address, IbGib } from "../ibgib/index.js";
import { ColouredWalk } from "./coloured-walk.js";
import { type Frame, type FrameReader, History, type MergeOptions, newestFirst } from "./history.js";

/** Who says which heads of a timeline count. */
export interface HeadJudge {
  /**
   * Does this frame count as a head? It is no merge.
   *
   * @param isNamed Is it one of `named`, or does one of those go on from it?
   */
  counts(frame: IbGib, isNamed: boolean): Promise<boolean>;
  /** Frames that go on counting with all that they go on from. Asked only where a frame does not count without. */
  named(): Promise<readonly Address[]>;
}

/** Colours of the walk: a frame is asked, lies below one that counts, or is named. */
const asked = 1;
const below = 2;
const named = 4;

/**
 * The heads of a timeline that count: where one does not, the frames below it are asked in its place. A merge is asked
 * for the frames it brings together. None of those it finds is an ancestor of another.
 *
 * Costs, where all count, a step for each of `tops`; else a walk down to those that do, and to the frames that are named.
 *
 * @param tops Frames, merges or not, below which lies all that is here of the timeline and may count.
 * @returns In fold order.
 * @throws KeysagaError `record_missing`, `limit_exceeded`, `merge_refused` (`timeline`, `not_a_frame`).
 */
export async function countingHeads(
  tops: readonly Address[],
  judge: HeadJudge,
  reader: FrameReader,
  options?: MergeOptions,
): Promise<readonly Address[]> {
  const history = new History(reader, options);
  const found =
    (await walkDown(tops, undefined, judge, history)) ?? (await askNamed(tops, judge, reader, history));
  return found.sort(newestFirst).map(({ address }) => address);
}

async function askNamed(
  tops: readonly Address[],
  judge: HeadJudge,
  reader: FrameReader,
  history: History,
): Promise<Frame[]> {
  const names = await judge.named();
  const records = await reader.getMany(names);
  const here = await history.frames(names.filter((_, at) => records[at] !== undefined));
  // A set of frames that are no merges: another name names nothing.
  const found = await walkDown(
    tops,
    here.filter(({ isMerge }) => !isMerge),
    judge,
    history,
  );
  return found ?? [];
}

/** @returns undefined where it takes the names to say what counts, and they are not at hand. */
async function walkDown(
  tops: readonly Address[],
  names: readonly Frame[] | undefined,
  judge: HeadJudge,
  history: History,
): Promise<Frame[] | undefined> {
  const walk = new ColouredWalk();
  for (const frame of await history.frames(tops)) walk.reach(frame, asked);
  for (const frame of names ?? []) walk.reach(frame, asked | named);
  const found: Frame[] = [];
  while (walk.waits(asked) || walk.waits(asked | named)) {
    const { frame, colours } = walk.take();
    let handedOn = colours;
    if ((colours & below) === 0 && !frame.isMerge) {
      if (await judge.counts(frame.record, (colours & named) !== 0)) {
        found.push(frame);
        handedOn = colours | below;
      } else if (names === undefined) return undefined;
    }
    for (const parent of await history.parents(frame)) walk.reach(parent, handedOn);
  }
  return found;
}
