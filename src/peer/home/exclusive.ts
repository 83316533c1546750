import { deferred } from "./deferred.js";
import type { Platform } from "./platform.js";

/** How long a lock is waited for, in milliseconds: whoever holds it for longer has stopped, or does not matter. */
const lockWaitMs = 2_000;

/**
 * Runs `task` once, under a lock where the platform has one and gives it in time, and without it otherwise. A lock that
 * fails, is given late or is lost meanwhile changes nothing: the task runs to its end, and its outcome is what counts.
 */
export function underLock<Result>(
  { locks, timers }: Pick<Platform, "locks" | "timers">,
  name: string,
  task: () => Promise<Result>,
): Promise<Result> {
  if (!locks) return task();
  const outcome = deferred<Result>();
  const giveUp = new AbortController();
  let running: Promise<Result> | undefined;
  const runOnce = () => {
    stopTimer();
    if (!running) {
      running = task();
      running.then(outcome.resolve, outcome.reject);
    }
    return running;
  };
  const stopTimer = timers.after(lockWaitMs, () => {
    giveUp.abort();
    void runOnce();
  });
  const held = async () => locks.exclusive(name, runOnce, giveUp.signal);
  held()
    .then(runOnce, runOnce)
    .catch(() => undefined); // told by the outcome
  return outcome.promise;
}
