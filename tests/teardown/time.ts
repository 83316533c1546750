import type { Clock, Timers } from "../../src/base/index.js";

/** Time that passes when a test says so, and not otherwise. */
export interface SimulatedTime {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Timers that have not fired. */
  waiting(): number;
  /** Is somebody about to go on who only lets others have their turn? */
  isBusy(): boolean;
  /**
   * Lets time pass, from timer to timer, until `holds`; resolves with the milliseconds that took.
   *
   * @throws Error where it does not hold after `maxMs`, or nothing is waited for any more.
   */
  until(holds: () => boolean, what: string, maxMs?: number): Promise<number>;
}

/** @param settle Resolves when nothing happens any more unless time passes. */
export function simulatedTime(settle: () => Promise<void>): SimulatedTime {
  let now = Date.UTC(2026, 10, 26);
  const running = new Set<{ readonly at: number; readonly fire: () => void }>();
  const next = () => [...running].reduce((least, { at }) => Math.min(least, at), Number.POSITIVE_INFINITY);

  const soon = new Set<NodeJS.Immediate>();
  /** What only lets others have their turn passes no time. */
  const afterTurn = (fire: () => void) => {
    const immediate = setImmediate(() => {
      if (soon.delete(immediate)) fire();
    });
    soon.add(immediate);
    return () => {
      soon.delete(immediate);
      clearImmediate(immediate);
    };
  };
  const advanceTo = (at: number) => {
    now = at;
    for (const timer of [...running].filter((one) => one.at <= at)) if (running.delete(timer)) timer.fire();
  };
  return {
    clock: { now: () => now, elapsed: () => now },
    timers: {
      after(ms, fire) {
        if (ms === 0) return afterTurn(fire);
        const timer = { at: now + ms, fire };
        running.add(timer);
        return () => running.delete(timer);
      },
    },
    waiting: () => running.size,
    isBusy: () => soon.size > 0,
    async until(holds, what, maxMs = 0) {
      const start = now;
      await settle();
      while (!holds()) {
        const at = next();
        if (at - start > maxMs) throw new Error(`waited ${now - start} ms in vain: ${what}`);
        advanceTo(at);
        await settle();
      }
      return now - start;
    },
  };
}

/** One turn of the event loop: every promise that can settle has. */
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
