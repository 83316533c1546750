import { KeysagaError } from "../../base/index.js";
import { type Address, type IbGib, previousOf, tjpOf } from "../../ibgib/index.js";
import type { Space, TipMove } from "../../space/index.js";

/**
 * Keeps records that this identity made: frames move the tips of their timelines, stones are kept for themselves. All
 * or nothing; durable when this resolves. They may build on whatever is in this space, in whosever name it is held.
 *
 * @param records Dependencies first; the frames of a timeline in order, going on from its tip.
 * @throws KeysagaError `tip_moved` where a timeline's tip is not the frame before (someone else was first: read the
 *   tip and edit anew), `not_closed` where a record links to one that is not here.
 */
export async function saveRecords(
  { space, address }: { readonly space: Space; readonly address: Address },
  records: readonly IbGib[],
): Promise<void> {
  const result = await space.commit({
    holder: address,
    sight: "anyone",
    puts: records,
    tips: movesOf(records),
    roots: records.filter((record) => tjpOf(record) === undefined).map((record) => record.address),
  });
  if (result.kind === "moved") throw new KeysagaError("tip_moved", { timelines: result.tips.length });
  if (result.kind === "notClosed") throw new KeysagaError("not_closed", { missing: result.missing.length });
}

/** One move for each timeline: from the frame before its first record to its last. */
function movesOf(records: readonly IbGib[]): TipMove[] {
  const moves = new Map<Address, TipMove>();
  for (const record of records) {
    const tjp = tjpOf(record);
    if (tjp === undefined) continue;
    const from = moves.has(tjp) ? moves.get(tjp)?.from : previousOf(record);
    moves.set(tjp, { tjp, from, to: record.address });
  }
  return [...moves.values()];
}
