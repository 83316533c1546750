import { KeysagaError } from "../../base/index.js";
import { type Address, type IbGib, isTjp, toText } from "../../ibgib/index.js";
import { claimOf } from "../../keystone/index.js";
import type { ReceiptBundle } from "../../saga/index.js";
import type { Space } from "../../space/index.js";
import { cellKinds, readCell } from "../home/cells.js";

/**
 * The newest receipt of a session, with all that it takes to check it elsewhere (`checkReceipt`).
 *
 * @param session `SyncReport.session`.
 * @param receiver The identity that gave it.
 * @throws KeysagaError `no_receipt` where this space keeps none of that session (any more).
 */
export async function exportReceipt(
  space: Space,
  { session, receiver }: { readonly session: Address; readonly receiver: Address },
): Promise<ReceiptBundle> {
  const [kept, filed] = await Promise.all([
    readCell(space, cellKinds.receipt, session),
    readCell(space, cellKinds.session, session),
  ]);
  if (!kept.value || !filed.value) throw new KeysagaError("no_receipt");
  const [said, identity] = await Promise.all([
    space.proofs(filed.value.receiverSession),
    space.proofs(receiver),
  ]);
  const context = said.findLast(isReceiptContext);
  const frames = said.filter(({ ib }) => ib === "keystone.session");
  const last = frames.findIndex((frame) => !isTjp(frame) && claimOf(frame).target === context?.address);
  if (!context || last < 0) throw new KeysagaError("no_receipt");
  return {
    version: 1,
    ...kept.value,
    context: toText(context),
    session: frames.slice(0, last + 1).map(toText),
    host: filed.value.host,
    receiver: identity.map(toText),
  };
}

function isReceiptContext({ ib, data }: IbGib): boolean {
  return ib === "context" && data !== undefined && "stage" in data && data["stage"] === "receipt";
}
