import { confirmTip, type ErrorCode, type Identity, KeysagaError, type PeerEvent } from "../index.js";

const asking: readonly ErrorCode[] = ["tip_unconfirmed", "restored_backup"];

/**
 * Does what may need the identity to sign. Where a receiver has to confirm first that this home is up to date, or all of
 * them, since it was put back from a backup, asks those that it has met, and does it then.
 *
 * @throws KeysagaError `tip_unconfirmed`, `restored_backup`, `duplicity`, and what `work` throws.
 */
export async function confirmed<Result>(
  identity: Identity,
  work: () => Promise<Result>,
  onEvent?: (event: PeerEvent) => void,
): Promise<Result> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof KeysagaError) || !asking.includes(thrown.code)) throw thrown;
  }
  const behind = onEvent && ((event: PeerEvent) => event.kind === "behind" && onEvent(event));
  await confirmTip(identity, undefined, behind);
  return work();
}
