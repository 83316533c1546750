import { KeysagaError, type Timers } from "../../base/index.js";

/** How long a call waits for its turn, in milliseconds, unless told otherwise. */
export const queueTimeoutMs = 2 * 60_000;

export interface TurnOptions {
  /** Leaves the queue before the turn; a task whose turn has come sees the signal itself. */
  readonly cancel?: AbortSignal | undefined;
  /** Waits for as long as it takes: for a task that only waits for those before it to end. */
  readonly isPatient?: boolean;
}

/**
 * Runs tasks one at a time, in the order asked. A task that fails fails its caller and holds up nobody. Who cancels
 * before its turn, or waits for longer than the limit, is told at once and has left the queue: it never runs later. So
 * a task that waits for the gate it stands in ends in `queue_timeout` too, and in no deadlock.
 */
export class Gate {
  /** Who waits, first come, first served: each is called when it is its turn. */
  readonly #waiting = new Set<() => void>();
  #isTaken = false;

  constructor(
    private readonly timers: Timers,
    private readonly waitMsMax = queueTimeoutMs,
  ) {}

  /**
   * The outcome may be left alone: a rejection that nobody waits for is not an unhandled one.
   *
   * @throws KeysagaError `queue_timeout`; the reason of `cancel`; and what `task` throws.
   */
  run<Result>(task: () => Promise<Result>, options: TurnOptions = {}): Promise<Result> {
    const outcome = this.#run(task, options);
    outcome.catch(() => undefined);
    return outcome;
  }

  async #run<Result>(task: () => Promise<Result>, options: TurnOptions): Promise<Result> {
    options.cancel?.throwIfAborted();
    if (this.#isTaken) await this.#turn(options);
    else this.#isTaken = true;
    try {
      await undefined; // never within the call that asks
      options.cancel?.throwIfAborted();
      return await task();
    } finally {
      this.#next();
    }
  }

  #turn({ cancel, isPatient = false }: TurnOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (reason: unknown) => {
        end();
        reject(reason);
      };
      const onCancel = () => leave(cancel?.reason);
      const tooLate = () => leave(new KeysagaError("queue_timeout", { waitedMs: this.waitMsMax }));
      const stopTimer = isPatient ? () => undefined : this.timers.after(this.waitMsMax, tooLate);
      const onTurn = () => {
        end();
        resolve();
      };
      const end = () => {
        this.#waiting.delete(onTurn);
        stopTimer();
        cancel?.removeEventListener("abort", onCancel);
      };
      this.#waiting.add(onTurn);
      cancel?.addEventListener("abort", onCancel, { once: true });
    });
  }

  #next(): void {
    const [next] = this.#waiting;
    if (next) next();
    else this.#isTaken = false;
  }
}
