import type { Timers } from "../../base/index.js";
import type { WaitReason } from "./events.js";

/** What is over sooner is not called a wait. */
const momentMs = 100;

/** Tells what is waited for, once for each wait that is longer than a moment. */
export class Waits {
  readonly #running = new Set<() => void>();
  #endTurn: () => void = () => undefined;
  #isOver = false;

  constructor(
    private readonly timers: Timers,
    private readonly tell: (reason: WaitReason) => void,
  ) {}

  /** Begins a wait; what it returns ends it. */
  begin(reason: WaitReason): () => void {
    if (this.#isOver) return () => undefined;
    const stopTimer = this.timers.after(momentMs, () => {
      this.#running.delete(stopTimer);
      this.tell(reason);
    });
    this.#running.add(stopTimer);
    return () => {
      this.#running.delete(stopTimer);
      stopTimer();
    };
  }

  async during<Result>(reason: WaitReason, work: Promise<Result>): Promise<Result> {
    const end = this.begin(reason);
    try {
      return await work;
    } finally {
      end();
    }
  }

  /** The other side's turn is awaited from now on, or is not. */
  turn(isAwaited: boolean): void {
    this.#endTurn();
    this.#endTurn = isAwaited ? this.begin("turn") : () => undefined;
  }

  /** Nothing is told any more. */
  end(): void {
    this.#isOver = true;
    for (const stopTimer of this.#running) stopTimer();
    this.#running.clear();
  }
}
