import type { Timers } from "../../base/index.js";
import { deferred } from "./deferred.js";
import { Gate } from "./gate.js";

/**
 * Lets the handshakes of one identity with one receiver through one at a time, from before the connection is dialled
 * until `ready` or failure: each finds the lane as the one before has left it. Receivers are told apart by the origin
 * that is dialled, since who answers there is not known yet; those of different origins go side by side.
 */
export class Handshakes {
  readonly #gates = new Map<string, { readonly gate: Gate; users: number }>();

  constructor(
    private readonly timers: Timers,
    private readonly queueTimeoutMs: number,
  ) {}

  /**
   * Waits for its turn.
   *
   * @param longestMs When the next one gets its turn at the latest: a receiver that does not answer holds up nobody for
   *   longer.
   * @returns What ends the turn; idempotent.
   * @throws KeysagaError `queue_timeout`, and the reason of `cancel`.
   */
  async begin(origin: string, longestMs: number, cancel?: AbortSignal): Promise<() => void> {
    const entry = this.#gates.get(origin) ?? { gate: new Gate(this.timers, this.queueTimeoutMs), users: 0 };
    this.#gates.set(origin, entry);
    entry.users++;
    const begun = deferred<() => void>();
    const turn = entry.gate.run(
      () => {
        const over = deferred<void>();
        const stopTimer = this.timers.after(longestMs, over.resolve);
        begun.resolve(over.resolve);
        return over.promise.finally(stopTimer);
      },
      { cancel },
    );
    turn.catch(begun.reject).finally(() => {
      entry.users--;
      if (entry.users === 0) this.#gates.delete(origin);
    });
    return begun.promise;
  }
}
