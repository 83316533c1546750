import { type Address, type IbGib, isMerge, makerOf, previousOf } from "../../ibgib/index.js";
import { type FrameReader, framesBeyond, type MergeOptions } from "../../merge/index.js";
import type { Space } from "../../space/index.js";
import { rulingOf } from "../home/rulings.js";
import { signerOf } from "../rights/attestations.js";
import { branchBeyond, type Newer } from "../session/send-plan.js";
import { framesToProve } from "./added-frames.js";
import type { Merging } from "./merging.js";
import { ListedHeads } from "../rights/head-judge.js";
import { leftOf } from "../rights/list-commit.js";

/*
 * A frame is proved by a later one of the same run, and counts by a later one that a list names. Where such a later frame is
 * set aside, it is no part of the tip any more, and goes along beside it: a carrier.
 */

/** A frame that came with what proves who has made it. */
export interface ProvedFrame {
  readonly tjp: Address;
  readonly frame: Address;
  readonly identity: Address;
}

/** Frames of a run that are followed down from one that is proved. */
const runMax = 10_000;

/**
 * The frames of this space beside a tip's history that have to go along with it, oldest first: those that are named, and those
 * that prove one of `toProve`; with what lies between. Costs a look-up where nothing of the timeline is left out.
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
  const ruling = await space.look((look) => rulingOf(first, look));
  const left = ruling ? await leftOf(space, ruling.timeline, first.address) : [];
  const [record] = left.length > 0 ? await reader.getMany([tip]) : [];
  if (record === undefined) return [];
  const named = new Set(await new ListedHeads(space, first).named());
  const bare = new Set<Address>();
  for (const { address } of await framesToProve(record, first, known, reader, merging))
    if ((await signerOf(space, address)) === undefined) bare.add(address);
  const carriers = new Set<Address>();
  for (const head of left) {
    const beside = await framesBeyond(head, [tip], reader, options);
    for (const address of beside) {
      const isSigned = (await signerOf(space, address)) !== undefined;
      const isCarrier =
        named.has(address) || (isSigned && (await provedBelow(address, first, bare, space)) !== undefined);
      if (isCarrier)
        for (const each of await framesBeyond(address, [tip], reader, options)) carriers.add(each);
    }
  }
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
 * Finds them among what came proved. What came beside a tip and nothing rests on is none.
 *
 * @param bare Frames of the tip's history that have to be proved and are not by themselves.
 */
export async function carriersAmong(
  came: readonly ProvedFrame[],
  { first, tip, bare }: { readonly first: IbGib; readonly tip: Address; readonly bare: ReadonlySet<Address> },
  namedNow: () => Promise<readonly Address[]>,
  reader: FrameReader,
  options: MergeOptions,
): Promise<Carriers> {
  const frames: Address[] = [];
  const proved = new Map<Address, Address>();
  const beside = came.filter(({ tjp }) => tjp === first.address);
  const named = new Set(beside.length > 0 ? await namedNow() : []);
  for (const { frame, identity } of beside) {
    const [record] = await reader.getMany([frame]);
    if (!record || makerOf(record, first) !== identity) continue;
    const below = await provedBelow(frame, first, bare, reader);
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

/** The first of `bare` that a run leads down to from the frame that ends it. */
async function provedBelow(
  end: Address,
  first: IbGib,
  bare: ReadonlySet<Address>,
  reader: FrameReader,
): Promise<Address | undefined> {
  if (bare.size === 0) return undefined;
  let [frame] = await reader.getMany([end]);
  const maker = frame && makerOf(frame, first);
  for (let steps = 0; frame !== undefined && steps < runMax; steps++) {
    const previous: Address | undefined = previousOf(frame);
    [frame] = previous === undefined ? [] : await reader.getMany([previous]);
    if (!frame || isMerge(frame) || makerOf(frame, first) !== maker) return undefined;
    if (bare.has(frame.address)) return frame.address;
  }
  return undefined;
}
