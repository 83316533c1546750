import { KeysagaError } from "../base/index.js";
import {
  type Address,
  gibOf,
  ownerOf,
  previousOf,
  readRecord,
  shortAddress,
  tjpOf,
  isMerge,
} from "../ibgib/index.js";
import { type Presence, recordRow } from "./presence.js";
import { encodeAddress, encodeInner, encodeTipRow } from "./rows.js";
import type { Tip, TipMove } from "./space.js";
import { beforeFirst, type IndexedFrame, type StageTracker } from "./stage-tracker.js";
import type { Reader, Writer } from "./store.js";
import { frameKey, framesBefore, hasTip, indexedAt, isIndexed, numberOf, withinKey } from "./timelines.js";

/** Frames that one tip move may be followed through where `past` does not lead to the tip as it is. */
const framesWalkedMax = 100_000;

/** A tip move that has passed its checks. */
export interface CheckedMove {
  readonly tjp: Address;
  /** Undefined: it has none any more. */
  readonly tip: Tip | undefined;
  readonly relation: string | undefined;
  /** Frames that are new on the chain and that the index names. */
  readonly indexed: readonly IndexedFrame[];
  readonly isMoved: boolean;
}

/**
 * Checks that a tip may move: `to` is a frame of the timeline, and nothing committed becomes unreachable by it. Where
 * `past` leads from `to` to the tip as it is, that costs one step for each run of staged frames in between, and one for
 * each frame that was committed before. Else all heads of the tip have to be reached, by `past` and `graftorphan`.
 *
 * @param now The tip as it is, which has been compared with `move.from`.
 * @returns undefined where `move.to` is not present.
 * @throws KeysagaError `chain_refused`, rule `tjp`, `not_descended` or `too_far`.
 */
export function checkTipMove(
  move: TipMove,
  now: Tip | undefined,
  reader: Reader,
  presence: Presence,
  tracker: StageTracker,
): CheckedMove | undefined {
  const { tjp, to: address } = move;
  if (address === undefined) {
    if (move.isBack !== true) return refuse("not_descended", move);
    return { tjp, tip: undefined, relation: undefined, indexed: [], isMoved: now !== undefined };
  }
  const to = presence.find(address);
  if (to === undefined) return undefined;
  if (tjpOf(to.record) !== tjp) return refuse("tjp", move);
  return {
    tjp,
    tip: { tjp, address, n: numberOf(to.record) },
    relation: to.relation,
    indexed:
      chainBetween(address, now, presence, tracker) ?? chainAfterMerge(move, address, now, reader, presence),
    isMoved: address !== now?.address,
  };
}

export function putTip(writer: Writer, { tjp, tip, relation, indexed }: CheckedMove): void {
  if (tip === undefined) return writer.remove("tips", gibOf(tjp));
  if (!hasTip(writer, tip.tjp)) fileWithin(writer, tip.tjp);
  writer.put("tips", gibOf(tip.tjp), encodeTipRow({ tip, relation }));
  for (const { n, address } of indexed) writer.put("frames", frameKey(tip.tjp, n), encodeAddress(address));
}

/** Once, with the first tip: a first frame does not change. */
function fileWithin(writer: Writer, timeline: Address): void {
  const row = recordRow(writer, gibOf(timeline));
  const first = row && readRecord(row.bytes);
  const key = first && withinKey(first);
  if (first && key !== undefined) writer.put("within", key, encodeInner({ timeline, owner: ownerOf(first) }));
}

/** Follows `past` from the new tip to the old one, or to the first frame where there was none; undefined if it misses. */
function chainBetween(
  to: Address,
  now: Tip | undefined,
  presence: Presence,
  tracker: StageTracker,
): IndexedFrame[] | undefined {
  const floor = now?.n ?? beforeFirst;
  const indexed: IndexedFrame[] = [];
  let at: Address | undefined = to;
  while (at !== now?.address) {
    if (at === undefined) return undefined;
    const run = tracker.runEndingAt(at);
    if (run !== undefined && run.baseN >= floor) {
      indexed.push(...run.indexed);
      at = run.base;
    } else {
      const frame = presence.find(at)?.record;
      if (frame === undefined || numberOf(frame) <= floor) return undefined;
      if (isIndexed(numberOf(frame))) indexed.push({ n: numberOf(frame), address: at });
      at = previousOf(frame);
    }
  }
  return indexed;
}

/** A merge may take another branch as its `past`: the chain is then followed down to where the index knows it. */
function chainAfterMerge(
  move: TipMove,
  to: Address,
  now: Tip | undefined,
  reader: Reader,
  presence: Presence,
): IndexedFrame[] {
  if (now === undefined) return refuse("not_descended", move);
  if (move.isBack !== true) requireHeads(move, to, now, presence);
  const indexed: IndexedFrame[] = [];
  for (let frame = presence.find(to)?.record; frame !== undefined; ) {
    const n = numberOf(frame);
    if (isIndexed(n)) {
      if (indexedAt(reader, move.tjp, n) === frame.address) break;
      indexed.push({ n, address: frame.address });
    }
    const previous = previousOf(frame);
    frame = previous && presence.find(previous)?.record;
  }
  return indexed;
}

/** The heads of the new tip have to be, or descend from, all heads of the old one: no tip forgets a head. */
function requireHeads(move: TipMove, to: Address, now: Tip, presence: Presence): void {
  const wanted = headsOf(now.address, presence);
  const floor = Math.min(...wanted.values());
  const met = new Set<Address>([to]);
  for (const at of met) {
    wanted.delete(at);
    if (wanted.size === 0) return;
    if (met.size > framesWalkedMax) return refuse("too_far", move);
    const frame = presence.find(at)?.record;
    if (frame !== undefined && numberOf(frame) > floor)
      for (const parent of framesBefore(frame)) met.add(parent);
  }
  refuse("not_descended", move);
}

/**
 * The newest frames under a tip that are not merges, with their numbers. Some may be ancestors of others, which asks
 * for nothing more. A frame that is not present cannot be looked into: it has to be reached itself.
 */
function headsOf(tip: Address, presence: Presence): Map<Address, number> {
  const heads = new Map<Address, number>();
  const met = new Set<Address>([tip]);
  for (const at of met) {
    const frame = presence.find(at)?.record;
    if (frame !== undefined && isMerge(frame)) for (const parent of framesBefore(frame)) met.add(parent);
    else heads.set(at, frame === undefined ? beforeFirst : numberOf(frame));
  }
  return heads;
}

function refuse(rule: "tjp" | "not_descended" | "too_far", { tjp }: TipMove): never {
  throw new KeysagaError("chain_refused", { rule, timeline: shortAddress(tjp) });
}
