import type { Timers } from "../../src/base/index.js";

export const realTimers: Timers = {
  after: (ms, fire) => {
    const timer = setTimeout(fire, ms);
    return () => clearTimeout(timer);
  },
};

/** Timers that fire when the test says so, in the order of their time. */
export function fakeTimers() {
  let now = 0;
  const waiting = new Set<{ at: number; fire: () => void }>();
  const timers: Timers = {
    after: (ms, fire) => {
      const timer = { at: now + ms, fire };
      waiting.add(timer);
      return () => waiting.delete(timer);
    },
  };
  const advance = (ms: number) => {
    const until = now + ms;
    for (;;) {
      const [next] = [...waiting].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      now = next.at;
      waiting.delete(next);
      next.fire();
    }
    now = until;
  };
  return { timers, advance, waiting: () => waiting.size };
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** One turn of the event loop: sockets have had a chance to read and write. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Waits, by looking, for what has no event; fails after `ms`. */
export async function until(holds: () => boolean, what: string, ms = 3_000): Promise<void> {
  const end = performance.now() + ms;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await sleep(2);
  }
}
