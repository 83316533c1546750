import { KeysagaError, type Timers } from "../../base/index.js";
import type { Address } from "../../ibgib/index.js";
import { deferred } from "../home/deferred.js";

export interface CommitQueueLimits {
  /** How long a commit waits for those before it. */
  readonly commitWaitMs: number;
  /** How long, in all, one that came second keeps its turn while its sender brings its branch up to date. */
  readonly commitHoldMs: number;
}

/** A commit's turn at its timelines. */
export interface CommitTurn {
  /** Lets the next one in; idempotent. */
  release(): void;
  /** Keeps the turn for a sender that has to answer first: from the first time on, `commitHoldMs` in all. */
  hold(): void;
  /** Was it let go, or held for too long? */
  isOver(): boolean;
}

/**
 * Commits of one timeline by those who may write it are served first come, first served, each identity one at a time. What
 * decides is the compare-and-set of the space, here and in other processes; this only keeps commits of one process from
 * running into each other again and again, so that each has to be tried twice at the most.
 */
export class CommitQueue {
  /** Settles when the last one that asked for this timeline is done, or the last one of this identity. */
  readonly #last = new Map<string, Promise<void>>();

  constructor(
    private readonly limits: CommitQueueLimits,
    private readonly timers: Timers,
  ) {}

  /**
   * Waits for the identity's own commits of these timelines, and then for everyone who asked for one of them before: so
   * whoever holds a turn up holds up others once, in however many sessions. Places are taken all in one step, so that no
   * two can wait for each other.
   *
   * @param signal Gives up waiting.
   * @throws KeysagaError `commit_waited` after `commitWaitMs`, or the signal's reason; its places are then free.
   */
  async enter(identity: Address, timelines: readonly Address[], signal: AbortSignal): Promise<CommitTurn> {
    signal.throwIfAborted();
    const done = deferred<void>();
    try {
      await this.#inTime(signal, async (isOver) => {
        await this.#place(
          timelines.map((timeline) => `${identity} ${timeline}`),
          done.promise,
        );
        if (!isOver()) await this.#place(timelines, done.promise);
      });
    } catch (thrown) {
      done.resolve();
      throw thrown;
    }
    return this.#turn(() => done.resolve());
  }

  /** Takes a place behind the last one of each name, until `done`; resolves when it is first. */
  async #place(names: readonly string[], done: Promise<void>): Promise<void> {
    const isFree = Promise.allSettled(names.flatMap((name) => this.#last.get(name) ?? []));
    const left = Promise.all([done, isFree]).then(() => undefined);
    for (const name of names) this.#last.set(name, left);
    void left.then(() => {
      for (const name of names) if (this.#last.get(name) === left) this.#last.delete(name);
    });
    await isFree;
  }

  #turn(done: () => void): CommitTurn {
    let isOver = false;
    let stopTimer: (() => void) | undefined;
    const release = () => {
      isOver = true;
      stopTimer?.();
      done();
    };
    return {
      release,
      hold: () => {
        if (!isOver) stopTimer ??= this.timers.after(this.limits.commitHoldMs, release);
      },
      isOver: () => isOver,
    };
  }

  async #inTime(signal: AbortSignal, wait: (isOver: () => boolean) => Promise<void>): Promise<void> {
    const late = deferred<void>();
    let isOver = false;
    const giveUp = () => late.reject(signal.reason);
    signal.addEventListener("abort", giveUp);
    const stopTimer = this.timers.after(this.limits.commitWaitMs, () =>
      late.reject(new KeysagaError("commit_waited")),
    );
    try {
      await Promise.race([wait(() => isOver), late.promise]);
    } finally {
      isOver = true;
      stopTimer();
      signal.removeEventListener("abort", giveUp);
    }
  }
}
