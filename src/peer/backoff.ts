import type { Platform } from "./platform.js";

/** Milliseconds: the first pause is shorter than this, each further one up to twice as long, none longer than the last. */
const firstMs = 4;
const longestMs = 250;

/**
 * A pause before what was lost to others is tried again: of random length, longer the more often it was lost, so that
 * those who have met do not meet again.
 *
 * @param losses How often it was lost so far.
 * @throws The reason of `cancel`, at once.
 */
export function pauseAfterLoss(
  { random, timers }: Pick<Platform, "random" | "timers">,
  losses: number,
  cancel?: AbortSignal,
): Promise<void> {
  const most = Math.min(longestMs, firstMs * 2 ** (losses - 1));
  return new Promise((resolve, reject) => {
    cancel?.throwIfAborted();
    const onCancel = () => {
      stopTimer();
      reject(cancel?.reason);
    };
    const stopTimer = timers.after(most * fraction(random.bytes(4)), () => {
      cancel?.removeEventListener("abort", onCancel);
      resolve();
    });
    cancel?.addEventListener("abort", onCancel, { once: true });
  });
}

/** From 0 to 1, of random bytes. */
function fraction(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => (sum + byte) / 256, 0);
}
