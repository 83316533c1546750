import { confirmTip, type Identity, KeysagaError } from "../index.js";

/**
 * Does what may need the identity to sign. Where a receiver has to confirm first that this home is up to date, asks
 * those that it has met, and does it then.
 *
 * @throws KeysagaError `tip_unconfirmed`, `restored_backup`, `duplicity`, and what `work` throws.
 */
export async function confirmed<Result>(identity: Identity, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof KeysagaError) || thrown.code !== "tip_unconfirmed") throw thrown;
  }
  await confirmTip(identity);
  return work();
}
