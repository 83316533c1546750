import type { Random, Timers } from "../../base/index.js";
import { orAborted } from "./patience.js";
import type { Platform } from "./platform.js";

/** Full jitter: a try waits for anything from nothing up to a longest delay, which doubles. In milliseconds. */
export interface Backoff {
  readonly firstDelayMs: number;
  readonly delayMsMax: number;
}

/** Between tries that were lost to others on the same store: a few flushes of theirs, and no longer than a moment. */
const afterLoss: Backoff = { firstDelayMs: 4, delayMsMax: 250 };

/** @param tries How many there have been. */
export function drawDelay({ firstDelayMs, delayMsMax }: Backoff, tries: number, random: Random): number {
  const longest = Math.min(delayMsMax, firstDelayMs * 2 ** (tries - 1));
  const drawn = random.bytes(4).reduce((number, byte) => number * 256 + byte, 0);
  return Math.floor((longest * drawn) / 2 ** 32);
}

/** @throws The reason of `cancel`, at once. */
export async function pause(ms: number, timers: Timers, cancel?: AbortSignal): Promise<void> {
  let stopTimer: () => void = () => undefined;
  const isOver = new Promise<void>((resolve) => {
    stopTimer = timers.after(ms, resolve);
  });
  try {
    await (cancel ? orAborted(isOver, cancel) : isOver);
  } finally {
    stopTimer();
  }
}

/**
 * A pause before what was lost to others is tried again, so that those who have met do not meet again.
 *
 * @param losses How often it was lost so far.
 * @throws The reason of `cancel`, at once.
 */
export function pauseAfterLoss(
  { random, timers }: Pick<Platform, "random" | "timers">,
  losses: number,
  cancel?: AbortSignal,
): Promise<void> {
  return pause(drawDelay(afterLoss, losses, random), timers, cancel);
}
