import type { Clock, Timers } from "../src/base/index.js";

/** Time that the event loop passes, turn by turn: what is slow on a busy machine is slow together with it. */
export interface TurnTime {
  readonly timers: Timers;
  /** `now` is that of the wall; `elapsed` stands still while no timer waits. */
  readonly clock: Clock;
}

/** @param msPerTurn How much of it passes in a turn of the loop, which has nothing else to do for some microseconds. */
export function turnTime(msPerTurn: number): TurnTime {
  let elapsed = 0;
  let isPassing = false;
  const waiting = new Set<{ readonly at: number; readonly fire: () => void }>();
  const pass = () => {
    elapsed += msPerTurn;
    const due = [...waiting].filter(({ at }) => at <= elapsed).sort((a, b) => a.at - b.at);
    for (const timer of due) if (waiting.delete(timer)) timer.fire();
    isPassing = waiting.size > 0;
    if (isPassing) setImmediate(pass);
  };
  return {
    clock: { now: () => Date.now(), elapsed: () => elapsed },
    timers: {
      after(ms, fire) {
        const timer = { at: elapsed + ms, fire };
        waiting.add(timer);
        if (!isPassing) setImmediate(pass);
        isPassing = true;
        return () => waiting.delete(timer);
      },
    },
  };
}
