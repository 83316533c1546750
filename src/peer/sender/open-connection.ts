import { KeysagaError, type Timers, toKeysagaError } from "../../base/index.js";
import type { Connection, Dial } from "../../transport/index.js";
import { orAborted } from "../home/patience.js";

export interface Opening {
  /** Its reason is what the call fails with. */
  readonly cancel: AbortSignal;
  readonly timers: Timers;
  readonly timeoutMs: number;
}

/**
 * Dials. A `dial` that ignores its signal, or never ends, holds nobody up: whoever waits is told, and the connection is
 * closed when it comes.
 *
 * @throws KeysagaError the reason of `cancel`, `cannot_connect` after `timeoutMs`, and what `dial` rejects with.
 */
export async function openConnection(dial: Dial, opening: Opening): Promise<Connection> {
  const { cancel, timers, timeoutMs } = opening;
  cancel.throwIfAborted();
  const attempt = new AbortController();
  const giveUp = () => attempt.abort(cancel.reason);
  cancel.addEventListener("abort", giveUp);
  const stopTimer = timers.after(timeoutMs, () =>
    attempt.abort(new KeysagaError("cannot_connect", { reason: "timeout" })),
  );
  const dialling = dialled(dial, attempt.signal);
  try {
    return await orAborted(dialling, attempt.signal);
  } catch (thrown) {
    if (attempt.signal.aborted) closeLate(dialling);
    throw thrown;
  } finally {
    stopTimer();
    cancel.removeEventListener("abort", giveUp);
  }
}

async function dialled(dial: Dial, signal: AbortSignal): Promise<Connection> {
  try {
    return await dial(signal);
  } catch (thrown) {
    throw toKeysagaError(thrown, "cannot_connect");
  }
}

/** Nothing is said where nothing comes, or where it cannot be closed: nobody waits for it any more. */
function closeLate(dialling: Promise<Connection>): void {
  dialling.then((connection) => connection.close()).catch(() => undefined);
}
