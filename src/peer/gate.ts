import { deferred } from "./deferred.js";

/**
 * Runs tasks one at a time, in the order asked. A task that fails fails its caller and holds up nobody. A caller that
 * cancels before its turn is told at once; a task whose turn has come sees the signal itself.
 */
export class Gate {
  #last: Promise<unknown> = Promise.resolve();

  run<Result>(task: () => Promise<Result>, cancel?: AbortSignal): Promise<Result> {
    const outcome = deferred<Result>();
    const onCancel = () => outcome.reject(cancel?.reason);
    cancel?.addEventListener("abort", onCancel, { once: true });
    if (cancel?.aborted) onCancel();
    this.#last = this.#last.then(async () => {
      cancel?.removeEventListener("abort", onCancel);
      if (cancel?.aborted) return;
      await task().then(outcome.resolve, outcome.reject);
    });
    return outcome.promise;
  }
}
