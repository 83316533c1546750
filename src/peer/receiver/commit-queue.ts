import { KeysagaError, type Timers } from "../../base/index.js";
import type { Address } from "../../ibgib/index.js";
import { deferred } from "../home/deferred.js";

export interface CommitQueueLimits {
  /** How long a commit waits for those before it. */
  readonly commitWaitMs: number;
  /** How long one that came second keeps its turn while its sender brings its branch up to date. */
  readonly commitHoldMs: number;
}

/** A commit's turn at its timelines. */
export interface CommitTurn {
  /** Lets the next one in; idempotent. */
  release(): void;
  /** Keeps the turn for a sender that has to answer first; `release`d by itself when that takes too long. */
  hold(): void;
  /** Takes the turn up again; false where it was given away meanwhile. */
  resume(): boolean;
}

/**
 * Commits of one timeline are served first come, first served. What decides is the compare-and-set of the space, here
 * and in other processes; this only keeps commits of one process from running into each other again and again, so that
 * each has to be tried twice at the most.
 */
export class CommitQueue {
  /** Settles when the last one that asked for this timeline is done. */
  readonly #last = new Map<Address, Promise<void>>();

  constructor(
    private readonly limits: CommitQueueLimits,
    private readonly timers: Timers,
  ) {}

  /**
   * Waits for everyone who asked for one of these timelines before. All places are taken in one step, so that no two
   * can wait for each other.
   *
   * @param signal Gives up waiting.
   * @throws KeysagaError `commit_waited` after `commitWaitMs`, or the signal's reason; its place is then free.
   */
  async enter(timelines: readonly Address[], signal: AbortSignal): Promise<CommitTurn> {
    signal.throwIfAborted();
    const before = timelines.flatMap((timeline) => this.#last.get(timeline) ?? []);
    const done = deferred<void>();
    const isFree = Promise.allSettled(before);
    const left = Promise.all([done.promise, isFree]).then(() => undefined);
    for (const timeline of timelines) this.#last.set(timeline, left);
    void left.then(() => {
      for (const timeline of timelines) if (this.#last.get(timeline) === left) this.#last.delete(timeline);
    });
    try {
      await this.#inTime(isFree, signal);
    } catch (thrown) {
      done.resolve();
      throw thrown;
    }
    return this.#turn(() => done.resolve());
  }

  #turn(done: () => void): CommitTurn {
    let isOver = false;
    let stopTimer: () => void = () => undefined;
    const release = () => {
      isOver = true;
      stopTimer();
      done();
    };
    return {
      release,
      hold: () => {
        if (isOver) return;
        stopTimer = this.timers.after(this.limits.commitHoldMs, release);
      },
      resume: () => {
        stopTimer();
        return !isOver;
      },
    };
  }

  async #inTime(free: Promise<unknown>, signal: AbortSignal): Promise<void> {
    const late = deferred<void>();
    const giveUp = () => late.reject(signal.reason);
    signal.addEventListener("abort", giveUp);
    const stopTimer = this.timers.after(this.limits.commitWaitMs, () =>
      late.reject(new KeysagaError("commit_waited")),
    );
    try {
      await Promise.race([free, late.promise]);
    } finally {
      stopTimer();
      signal.removeEventListener("abort", giveUp);
    }
  }
}
