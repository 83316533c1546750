import { type Address, type IbGib, isMerge, makerOf, previousOf } from "../../ibgib/index.js";
import { type FrameReader, framesBeyond, type MergeOptions } from "../../merge/index.js";
import type { AttestedFrame } from "../../saga/index.js";
import type { Space } from "../../space/index.js";
import { rulingOf } from "../home/rulings.js";
import { signerOf } from "../rights/attestations.js";
import { branchBeyond, type Newer } from "../session/send-plan.js";
import { framesToProve } from "./added-frames.js";
import type { Merging } from "./merging.js";
import { ListedHeads } from "../rights/head-judge.js";
import { leftIn } from "../rights/list-commit.js";

/*
 * A frame is proved by a later one of the same run, and counts by a later one that a list names. Where such a later frame is
 * set aside, it is no part of the tip any more, and goes along beside it: a carrier.
 */

/** Steps that one call follows runs down, over all of them: their writers choose how long they are. */
const stepsMax = 100_000;

/**
 * The frames of this space beside a tip's history that have to go along with it: those that are named, and those that prove
 * a frame which the other side lacks; with all that they go on from, oldest first. Costs a look-up where nothing of the
 * timeline is left out.
 *
 * @param known Frames that the other side has.
 * @param reader Has the tip's history.
 */
export async function carriersHere(
  space: Space,
  first: IbGib,
  tip: Address,
  known: readonly Address[],
  reader: FrameReader,
  merging: Merging,
): Promise<readonly Address[]> {
  const { options } = merging;
  const left = await space.look((look) => {
    const ruling = rulingOf(first, look);
    return ruling ? leftIn(look, ruling.timeline, first.address) : [];
  });
  const [record] = left.length > 0 ? await reader.getMany([tip]) : [];
  if (record === undefined) return [];
  const named = new Set(await new ListedHeads(space, first).named());
  const bare = new Set<Address>();
  for (const { address } of await framesToProve(record, first, known, reader, merging))
    if ((await signerOf(space, address)) === undefined) bare.add(address);
  const runs = new Runs(first, bare, space);
  const isCarrier = async (address: Address) =>
    named.has(address) ||
    ((await signerOf(space, address)) !== undefined && (await runs.below(address)) !== undefined);
  const beside = (head: Address) => framesBeyond(head, [tip], reader, options);
  const carriers = new Set<Address>();
  for (const head of left)
    for (const address of (await beside(head)).toReversed())
      if (!carriers.has(address) && (await isCarrier(address)))
        for (const each of await beside(address)) carriers.add(each);
  return [...carriers];
}

/** What goes out of a timeline, with its carriers. @param known Frames that the other side has. */
export async function withCarriers(
  newer: Newer,
  carriers: readonly Address[],
  known: readonly Address[],
  reader: FrameReader,
  options: MergeOptions,
): Promise<Newer> {
  if (carriers.length === 0) return newer;
  const { tjp } = newer;
  const { frames } = "frames" in newer ? newer : await branchBeyond(reader, tjp, newer.tip, known, options);
  return { tjp, frames: [...frames, ...carriers] };
}

/** What came beside a tip that its timeline rests on. */
export interface Carriers {
  /** These frames, to be kept though they are no part of the tip. */
  readonly frames: readonly Address[];
  /** Frames of the tip's history that they prove, with who has made them. */
  readonly proved: ReadonlyMap<Address, Address>;
}

/**
 * Finds them among what came proved of the timeline. What nothing rests on is none.
 *
 * @param bare Frames of the tip's history that have to be proved and are not by themselves.
 */
export async function carriersAmong(
  beside: readonly AttestedFrame[],
  { first, tip, bare }: { readonly first: IbGib; readonly tip: Address; readonly bare: ReadonlySet<Address> },
  namedNow: () => Promise<readonly Address[]>,
  reader: FrameReader,
  options: MergeOptions,
): Promise<Carriers> {
  const frames: Address[] = [];
  const proved = new Map<Address, Address>();
  const named = new Set(beside.length > 0 ? await namedNow() : []);
  const runs = new Runs(first, bare, reader);
  for (const { frame, identity } of beside) {
    const [record] = await reader.getMany([frame]);
    if (!record || makerOf(record, first) !== identity) continue;
    const below = await runs.below(frame);
    if (below !== undefined) proved.set(below, identity);
    if (below !== undefined || (named.has(frame) && (await isBeside(frame, tip, reader, options))))
      frames.push(frame);
  }
  return { frames, proved };
}

async function isBeside(
  frame: Address,
  tip: Address,
  reader: FrameReader,
  options: MergeOptions,
): Promise<boolean> {
  return (await framesBeyond(frame, [tip], reader, options)).length > 0;
}

/** Runs of one timeline, as far as they lead down to frames that are not proved by themselves. */
class Runs {
  #steps = 0;

  constructor(
    private readonly first: IbGib,
    private readonly bare: ReadonlySet<Address>,
    private readonly reader: FrameReader,
  ) {}

  /** The first such frame that the run which ends with `end` leads down to. */
  async below(end: Address): Promise<Address | undefined> {
    if (this.bare.size === 0) return undefined;
    let [frame] = await this.reader.getMany([end]);
    const maker = frame && makerOf(frame, this.first);
    while (frame !== undefined && this.#steps++ < stepsMax) {
      const previous: Address | undefined = previousOf(frame);
      [frame] = previous === undefined ? [] : await this.reader.getMany([previous]);
      if (!frame || isMerge(frame) || makerOf(frame, this.first) !== maker) return undefined;
      if (this.bare.has(frame.address)) return frame.address;
    }
    return undefined;
  }
}
