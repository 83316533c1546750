import type { Timers } from "../../src/base/index.js";

export const realTimers: Timers = {
  after: (ms, fire) => {
    const timer = setTimeout(fire, ms);
    return () => clearTimeout(timer);
  },
};

/** What only lets others have their turn passes no time. */
function afterTurn(fire: () => void): () => void {
  const immediate = setImmediate(fire);
  return () => clearImmediate(immediate);
}

/** Timers that fire when the test says so, in the order of their time. */
export function fakeTimers() {
  let now = 0;
  const waiting = new Set<{ at: number; fire: () => void }>();
  const timers: Timers = {
    after: (ms, fire) => {
      if (ms === 0) return afterTurn(fire);
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
  return { timers, advance, elapsed: () => now, waiting: () => waiting.size };
}
