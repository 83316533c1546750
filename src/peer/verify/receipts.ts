import { KeysagaError } from "../../base/index.js";
import { type Address, gibOf, toText } from "../../ibgib/index.js";
import type { ReceiptBundle } from "../../saga/index.js";
import type { Space } from "../../space/index.js";
import { cellKinds, readCell, readCells } from "../home/cells.js";

/**
 * The receipt of a saga, with all that it takes to check it elsewhere (`checkReceipt`).
 *
 * @param saga `SyncReport.saga`.
 * @param receiver The identity that gave it.
 * @throws KeysagaError `no_receipt` where this space keeps none of that saga.
 */
export async function exportReceipt(
  space: Space,
  { saga, receiver }: { readonly saga: string; readonly receiver: Address },
): Promise<ReceiptBundle> {
  const { value } = await readCell(space, cellKinds.receipt, saga);
  if (!value) throw new KeysagaError("no_receipt");
  const { session, ...receipt } = value;
  const [first, host, frames] = await Promise.all([
    space.proof(session),
    readCell(space, cellKinds.host, gibOf(session)),
    space.proofs(receiver),
  ]);
  if (!first || !host.value || frames.length === 0) throw new KeysagaError("no_receipt");
  return {
    version: 1,
    ...receipt,
    session: toText(first),
    host: host.value,
    receiver: frames.map(toText),
  };
}

/**
 * When receivers held what this space has sent or fetched, as far as its receipts name it: tips, each with the earliest
 * time. What such a tip goes on from was there by then as well. Reads every receipt that is kept.
 *
 * @returns Milliseconds since the epoch, by the receiver's clock: a claim.
 */
export async function receiptTimes(space: Space): Promise<ReadonlyMap<Address, number>> {
  const times = new Map<Address, number>();
  for (const { value } of await readCells(space, cellKinds.receipt, ""))
    for (const { tip } of value.tips) times.set(tip, Math.min(value.time, times.get(tip) ?? value.time));
  return times;
}
