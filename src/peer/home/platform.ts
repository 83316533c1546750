import type { Clock, Random, Timers } from "../../base/index.js";

/**
 * Mutual exclusion among the processes or tabs that share a space. It saves races that would be lost, and nothing rests
 * on it: it may fail, be lost while a task runs, or be given to two at once.
 */
export interface Locks {
  /**
   * Runs `task` while the lock `name` is held; the shape of `navigator.locks.request`.
   *
   * @param signal Gives up waiting for the lock.
   */
  exclusive<Result>(name: string, task: () => Promise<Result>, signal: AbortSignal): Promise<Result>;
}

/** What a peer takes from outside; tests and the simulator pass their own. */
export interface Platform {
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  /** Where there is such a thing. */
  readonly locks?: Locks;
}

/** The platform's own clock, randomness and timers: the one place that touches them. Node and browsers alike. */
export const systemPlatform: Platform = {
  clock: { now: () => Date.now(), elapsed: () => performance.now() },
  random: { bytes: (length) => globalThis.crypto.getRandomValues(new Uint8Array(length)) },
  timers: {
    after(ms, fire) {
      const timer = setTimeout(fire, ms);
      return () => clearTimeout(timer);
    },
  },
  ...webLocks(),
};

/** The tabs and workers of a page's origin share its stores, and have Web Locks. Those of Node are one process's own. */
function webLocks(): Pick<Platform, "locks"> {
  const isPage = "document" in globalThis || "WorkerGlobalScope" in globalThis;
  const manager = isPage ? globalThis.navigator?.locks : undefined;
  if (!manager) return {};
  return { locks: { exclusive: (name, task, signal) => manager.request(name, { signal }, task) } };
}
