import type { Clock, Random, Timers } from "../base/index.js";

/** What a peer takes from outside; tests and the simulator pass their own. */
export interface Platform {
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
}

/** The platform's own clock, randomness and timers: the one place that touches them. Node and browsers alike. */
export const systemPlatform: Platform = {
  clock: { now: () => Date.now() },
  random: { bytes: (length) => globalThis.crypto.getRandomValues(new Uint8Array(length)) },
  timers: {
    after(ms, fire) {
      const timer = setTimeout(fire, ms);
      return () => clearTimeout(timer);
    },
  },
};
