import { KeysagaError } from "../base/index.js";
import { type Address, gibOf, previousOf, shortAddress, tjpOf } from "../ibgib/index.js";
import type { Presence } from "./presence.js";
import { encodeAddress, encodeTipRow } from "./rows.js";
import type { Tip, TipMove } from "./space.js";
import { beforeFirst, type IndexedFrame, type StageTracker } from "./stage-tracker.js";
import type { Writer } from "./store.js";
import { frameKey, isIndexed, numberOf } from "./timelines.js";

/** A tip move that has passed its checks. */
export interface CheckedMove {
  readonly tip: Tip;
  readonly relation: string | undefined;
  /** Frames that are new on the chain and that the index names. */
  readonly indexed: readonly IndexedFrame[];
  readonly isMoved: boolean;
}

/**
 * Checks that a tip may move: `to` is a frame of the timeline and `past` leads from it to `now`. Costs one step for
 * each run of staged frames in between, and one for each frame that was committed before.
 *
 * @param now The tip as it is, which has been compared with `move.from`.
 * @returns undefined where `move.to` is not present.
 * @throws KeysagaError `chain_refused`, rule `tjp` or `not_descended`.
 */
export function checkTipMove(
  move: TipMove,
  now: Tip | undefined,
  presence: Presence,
  tracker: StageTracker,
): CheckedMove | undefined {
  const to = presence.find(move.to);
  if (to === undefined) return undefined;
  if (tjpOf(to.record) !== move.tjp) return refuse("tjp", move);
  return {
    tip: { tjp: move.tjp, address: move.to, n: numberOf(to.record) },
    relation: to.relation,
    indexed: chainBetween(move, now, presence, tracker),
    isMoved: move.to !== now?.address,
  };
}

export function putTip(writer: Writer, { tip, relation, indexed }: CheckedMove): void {
  writer.put("tips", gibOf(tip.tjp), encodeTipRow({ tip, relation }));
  for (const { n, address } of indexed) writer.put("frames", frameKey(tip.tjp, n), encodeAddress(address));
}

/** Follows `past` from the new tip to the old one, or to the first frame where there was none. */
function chainBetween(
  move: TipMove,
  now: Tip | undefined,
  presence: Presence,
  tracker: StageTracker,
): IndexedFrame[] {
  const floor = now?.n ?? beforeFirst;
  const indexed: IndexedFrame[] = [];
  let at: Address | undefined = move.to;
  while (at !== now?.address) {
    if (at === undefined) return refuse("not_descended", move);
    const run = tracker.runEndingAt(at);
    if (run !== undefined && run.baseN >= floor) {
      indexed.push(...run.indexed);
      at = run.base;
    } else {
      const frame = presence.find(at)?.record;
      if (frame === undefined || numberOf(frame) <= floor) return refuse("not_descended", move);
      if (isIndexed(numberOf(frame))) indexed.push({ n: numberOf(frame), address: at });
      at = previousOf(frame);
    }
  }
  return indexed;
}

function refuse(rule: "tjp" | "not_descended", { tjp }: TipMove): never {
  throw new KeysagaError("chain_refused", { rule, timeline: shortAddress(tjp) });
}
