import { KeysagaError, type Timers } from "../../base/index.js";

/** How long a session that ends waits for what it has begun, and for its connection to be closed or cut. */
export const endGraceMs = 6_000;

/** Resolves when `work` has ended, well or not, or after `ms`, whichever is first. Leaves no timer. */
export function within(timers: Timers, ms: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const stopTimer = timers.after(ms, resolve);
    const end = () => {
      stopTimer();
      resolve();
    };
    work.then(end, end);
  });
}

/** Ends as `work` does, or rejects with the signal's reason as soon as it aborts: `work` then goes on unheard. */
export function orAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(signal.reason);
    signal.addEventListener("abort", giveUp, { once: true });
    if (signal.aborted) giveUp();
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", giveUp));
  });
}

/** The signal of one call. */
export interface CallSignal {
  readonly signal: AbortSignal;
  /** To be called when the call is over: takes its listeners away. */
  release(): void;
}

/** The calls under way, each with a signal of its own. The reason of one is always a `KeysagaError`. */
export class Calls {
  /** By the callers' own signals, which get one listener each, however many calls they are for. */
  readonly #groups = new Map<AbortSignal | undefined, CallGroup>();

  /** @param asked The caller's own signal, which may outlive any number of calls. */
  begin(asked: AbortSignal | undefined): CallSignal {
    const own = new AbortController();
    const group = this.#groups.get(asked) ?? new CallGroup(asked);
    this.#groups.set(asked, group);
    group.calls.add(own);
    if (asked?.aborted) group.cancel();
    const release = () => {
      group.calls.delete(own);
      if (group.calls.size > 0) return;
      group.leave();
      this.#groups.delete(asked);
    };
    return { signal: own.signal, release };
  }

  /** Cancels all of them. */
  cancel(reason: KeysagaError): void {
    for (const { calls } of this.#groups.values()) for (const call of calls) call.abort(reason);
  }
}

class CallGroup {
  readonly calls = new Set<AbortController>();

  constructor(private readonly asked: AbortSignal | undefined) {
    asked?.addEventListener("abort", this.cancel);
  }

  readonly cancel = (): void => {
    const reason = new KeysagaError("aborted", {}, { cause: this.asked?.reason });
    for (const call of this.calls) call.abort(reason);
  };

  leave(): void {
    this.asked?.removeEventListener("abort", this.cancel);
  }
}
