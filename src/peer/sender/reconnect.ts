import { type Moment, toKeysagaError } from "../../base/index.js";
import { drawDelay, pause } from "../home/backoff.js";
import type { Platform } from "../home/platform.js";
import type { OnEvent } from "../session/events.js";

/**
 * How a call is made again on a new connection. Behind each failed try a random time is waited, from none up to a longest
 * one, which doubles: so that those who lost the same receiver at once do not come back at once.
 */
export interface ReconnectOptions {
  /** The longest first delay, in milliseconds. */
  readonly firstDelayMs?: number;
  /** What the longest delay grows to. */
  readonly delayMsMax?: number;
  /** Tries of one call, beside the first. */
  readonly triesMax?: number;
  /** From when the call's turn has come: no try begins later. */
  readonly timeMsMax?: number;
}

export const reconnectDefaults: Required<ReconnectOptions> = {
  firstDelayMs: 500,
  delayMsMax: 30_000,
  triesMax: 8,
  timeMsMax: 5 * 60_000,
};

export interface Retrying {
  /** Undefined: a call is tried once. */
  readonly options: ReconnectOptions | undefined;
  readonly platform: Platform;
  readonly onEvent: OnEvent;
  /** Ends the waiting; its reason is what the call fails with. */
  readonly cancel: AbortSignal;
}

/** One try; `onReady` is to be called once a session is ready. */
export type Try<Result> = (onReady: () => void) => Promise<Result>;

/**
 * Makes a call until it succeeds, fails in a way that trying again does not help (`retryable` in the table of errors), or
 * its tries or its time are used up. What it rejects with is what the last try did. Leaves no timer.
 */
export async function withRetries<Result>(attempt: Try<Result>, retrying: Retrying): Promise<Result> {
  const retries = new Retries(retrying);
  for (;;) {
    try {
      return await attempt(retries.ready);
    } catch (thrown) {
      await retries.failed(thrown);
    }
  }
}

/** The tries of one call. Each `reconnecting` is followed by `reconnected`, by `gaveUp`, or by the next one. */
class Retries {
  readonly #limits: Required<ReconnectOptions>;
  readonly #latest: Moment;
  #tries = 0;
  /** Is a watcher told that the call has no connection? */
  #isTold = false;

  constructor(private readonly retrying: Retrying) {
    this.#limits = limitsOf(retrying.options);
    this.#latest = retrying.platform.clock.elapsed() + this.#limits.timeMsMax;
  }

  readonly ready = (): void => {
    if (this.#isTold) this.retrying.onEvent({ kind: "reconnected", tries: this.#tries });
    this.#isTold = false;
  };

  /** Resolves when it is time for the next try. @throws What the call fails with, where there is none. */
  async failed(thrown: unknown): Promise<void> {
    const { platform, onEvent, cancel } = this.retrying;
    const { code, retryable } = toKeysagaError(thrown);
    if (!retryable || cancel.aborted || this.#limits.triesMax === 0) throw this.#gaveUp(thrown);
    const delayMs = drawDelay(this.#limits, this.#tries + 1, platform.random);
    const isLate = platform.clock.elapsed() + delayMs > this.#latest;
    this.#isTold = true;
    if (isLate || this.#tries === this.#limits.triesMax) throw this.#gaveUp(thrown);
    onEvent({ kind: "reconnecting", tries: ++this.#tries, delayMs, code });
    await pause(delayMs, platform.timers, cancel).catch((reason: unknown) => {
      throw this.#gaveUp(reason);
    });
  }

  #gaveUp(thrown: unknown): unknown {
    const { code } = toKeysagaError(thrown);
    if (this.#isTold) this.retrying.onEvent({ kind: "gaveUp", tries: this.#tries, code });
    return thrown;
  }
}

function limitsOf(options: ReconnectOptions | undefined): Required<ReconnectOptions> {
  return options ? { ...reconnectDefaults, ...options } : { ...reconnectDefaults, triesMax: 0 };
}
