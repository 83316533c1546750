import {
  type Address,
  type IbGib,
  isMerge,
  linksOf,
  makerOf,
  nOf,
  ownerOf,
  previousOf,
} from "../../ibgib/index.js";
import { framesBeyond, type MergeOptions } from "../../merge/index.js";
import type { Space, Tip } from "../../space/index.js";
import type { Identity } from "../home/identity.js";
import { isMadeHere } from "../home/made.js";
import { attestationOf } from "../rights/attestations.js";

/** Frames read at once. */
const pageFrames = 128;

/** Targets of links, and whether each means that very record: where links of several names lead to one, none has to. */
export type LinkTargets = ReadonlyMap<Address, boolean>;

/** A frame of one's own that changes links: what it has and the frames before have not, and the other way round. */
interface LinkChange {
  readonly frame: IbGib;
  readonly added: LinkTargets;
  readonly removed: readonly Address[];
}

/**
 * The links that this identity has put in frames of a timeline and has not taken away since. A frame counts that was made
 * here or is proved to be this identity's; in a timeline without an owner, one that was made here. Merges put no link.
 *
 * Reads the whole history of the timeline.
 */
export async function linksPut(
  { space, address: self }: Pick<Identity, "space" | "address">,
  tip: Tip,
  options: MergeOptions,
): Promise<LinkTargets> {
  const [first] = await space.getMany([tip.tjp]);
  if (first === undefined) return new Map();
  const changes: LinkChange[] = [];
  const next = new Map<Address, Address[]>();
  for await (const frame of history(space, tip, options)) {
    if (isMerge(frame) || (ownerOf(first) !== undefined && makerOf(frame, first) !== self)) continue;
    const previous = previousOf(frame);
    if (previous !== undefined) next.set(previous, [...(next.get(previous) ?? []), frame.address]);
    const change = await changeOf(space, frame);
    if (change.added.size > 0 || change.removed.length > 0) changes.push(change);
  }
  const runs = ownerOf(first) === undefined ? new Map<Address, Address[]>() : next;
  const put = new Map<Address, boolean>();
  for (const { frame, added, removed } of changes.sort((a, b) => numberOf(a.frame) - numberOf(b.frame))) {
    if (!(await isOwn(space, self, frame.address, runs))) continue;
    for (const [target, isExact] of added) put.set(target, isExact);
    for (const target of removed) put.delete(target);
  }
  return put;
}

/** All frames of a tip, with those of branches that were merged in. */
async function* history(
  space: Space,
  { tjp, address, n }: Tip,
  options: MergeOptions,
): AsyncGenerator<IbGib> {
  for (let from = -1; from <= n; from += pageFrames) {
    for (const frame of await space.frames(tjp, from, Math.min(n, from + pageFrames - 1), address)) {
      yield frame;
      for (const grafted of frame.rel8ns?.["graftorphan"] ?? []) {
        const previous = previousOf(frame);
        const known = previous === undefined ? [] : [previous];
        for (const branch of await space.getMany(await framesBeyond(grafted, known, space, options)))
          if (branch !== undefined) yield branch;
      }
    }
  }
}

async function changeOf(space: Space, frame: IbGib): Promise<LinkChange> {
  const previous = previousOf(frame);
  const before = previous === undefined ? [] : [previous, ...(frame.rel8ns?.["graftorphan"] ?? [])];
  const had = new Set<Address>();
  for (const record of await space.getMany(before))
    for (const target of record ? targetsOf(record).keys() : []) had.add(target);
  const has = targetsOf(frame);
  return {
    frame,
    added: new Map([...has].filter(([target]) => !had.has(target))),
    removed: [...had].filter((target) => !has.has(target)),
  };
}

export function targetsOf(record: IbGib): Map<Address, boolean> {
  const targets = new Map<Address, boolean>();
  for (const { target, isExact } of linksOf(record))
    targets.set(target, isExact && targets.get(target) !== false);
  return targets;
}

/** Was a frame made here, or is it proved: itself, or by one of the same maker that goes on from it directly? */
async function isOwn(
  space: Space,
  self: Address,
  frame: Address,
  next: ReadonlyMap<Address, readonly Address[]>,
): Promise<boolean> {
  const run = new Set([frame]);
  for (const at of run) {
    if (await isMadeHere(space, at)) return true;
    if ((await attestationOf(space, at))?.identity === self) return true;
    for (const address of next.get(at) ?? []) run.add(address);
  }
  return false;
}

const numberOf = (frame: IbGib): number => nOf(frame) ?? -1;
