import type { Moment } from "../../base/index.js";
import type { Platform } from "../home/platform.js";
import { checkLimit, type NamedLimit } from "./budget.js";

const minuteMs = 60_000;

/** What somebody has had within the minute that began at `since`. */
interface Meter {
  readonly since: Moment;
  count: number;
}

/** Counts by name what somebody costs, and refuses more than so much a minute. */
export class MinuteMeter {
  readonly #meters = new Map<string, Meter>();

  constructor(
    private readonly limited: NamedLimit,
    private readonly clock: Platform["clock"],
  ) {}

  /** What is to be done: counted only where it may be. @throws KeysagaError `limit_exceeded` */
  charge(name: string, count: number): void {
    const meter = this.#meter(name);
    checkLimit(this.limited, meter.count + count);
    meter.count += count;
  }

  /** What is done already: counted in any case. @throws KeysagaError `limit_exceeded` where it is too much by now. */
  spend(name: string, count: number): void {
    const meter = this.#meter(name);
    meter.count += count;
    checkLimit(this.limited, meter.count);
  }

  #meter(name: string): Meter {
    const now = this.clock.elapsed();
    for (const [other, { since }] of this.#meters) {
      if (since > now - minuteMs) break; // they stand in the order of their beginnings
      this.#meters.delete(other);
    }
    const meter = this.#meters.get(name) ?? { since: now, count: 0 };
    this.#meters.set(name, meter);
    return meter;
  }
}
