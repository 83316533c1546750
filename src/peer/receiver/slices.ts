import { pause } from "../home/backoff.js";
import { orAborted } from "../home/patience.js";
import type { Platform } from "../home/platform.js";
import { MinuteMeter } from "./minute-meter.js";

/** A rest is so many times as long as the slice before it, and no longer than `restMsMax` on a machine that is busy. */
const restFactor = 2;
const restMsMax = 30;

/**
 * Gives connections on which nobody has proved who they are yet their turn to have a slice of a chain checked: one at a
 * time over all of them, first come first served, with a rest behind each that belongs to those who have. So strangers
 * share a third of the processor, however many they are.
 */
export class Slices {
  /** Settles when the next one may have its turn; never rejects. */
  #rested: Promise<void> = Promise.resolve();
  readonly #closed = new AbortController();
  readonly #signatures: MinuteMeter;

  constructor(
    signaturesPerNetworkPerMinute: number,
    private readonly platform: Pick<Platform, "clock" | "timers">,
  ) {
    const limited = { limit: "signaturesPerNetworkPerMinute", max: signaturesPerNetworkPerMinute };
    this.#signatures = new MinuteMeter(limited, platform.clock);
  }

  /**
   * Resolves when `network` may have a slice of so many frames checked, each of which has a signature; it has to be
   * checked before anything else is waited for.
   *
   * @param signal Gives up waiting.
   * @throws KeysagaError `limit_exceeded` for a network that has had too many; the reason of `signal`.
   */
  async next(network: string, frames: number, signal: AbortSignal): Promise<void> {
    this.#signatures.charge(network, frames);
    const granted = this.#rested.then(() => signal.throwIfAborted());
    this.#rested = granted.then(
      () => this.#rest(),
      () => undefined,
    );
    await orAborted(granted, signal);
  }

  /** Leaves no timer. */
  close(): void {
    this.#closed.abort();
  }

  /** Begins in the turn of the event loop in which the slice is checked, whose time is measured by the next one. */
  async #rest(): Promise<void> {
    const { clock, timers } = this.platform;
    const since = clock.elapsed();
    await pause(0, timers);
    const tookMs = clock.elapsed() - since;
    await pause(Math.min(restFactor * tookMs, restMsMax), timers, this.#closed.signal).catch(() => undefined);
  }
}
