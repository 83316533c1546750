/** Something that is going to happen. */
interface Happening {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/**
 * The time of a simulated world. What is due happens one after another, by time and then in the order it was asked for;
 * in between, everything that runs comes to rest. Time stands still meanwhile and then jumps to what is next.
 */
export class Scheduler {
  #now = 0;
  #asked = 0;
  #happened = 0;
  /** A binary heap: what is due first lies at 0. */
  readonly #heap: Happening[] = [];

  /** Milliseconds since the world began. */
  get now(): number {
    return this.#now;
  }

  /** How much has happened. */
  get happened(): number {
    return this.#happened;
  }

  /** Has `run` called in `ms` milliseconds. The returned function takes that back. */
  after(ms: number, run: () => void): () => void {
    const happening: Happening = { at: this.#now + Math.max(0, ms), order: this.#asked++, run };
    this.#push(happening);
    return () => {
      happening.run = undefined;
    };
  }

  /** Resolves after so many milliseconds. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /**
   * Lets things happen until `isOver`, or nothing is to happen any more, or it is `until`.
   *
   * @param between Looks at the world at rest, after each happening.
   */
  async run(isOver: () => boolean, until: number, between: () => void): Promise<void> {
    for (;;) {
      await atRest();
      between();
      if (isOver()) return;
      const next = this.#next(until);
      if (!next) {
        this.#now = Math.max(this.#now, until);
        return;
      }
      this.#now = next.at;
      this.#happened++;
      next.run?.();
    }
  }

  #next(until: number): Happening | undefined {
    for (let first = this.#heap[0]; first; first = this.#heap[0]) {
      if (first.run && first.at > until) return undefined;
      this.#pop();
      if (first.run) return first;
    }
    return undefined;
  }

  #push(happening: Happening): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(happening);
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (isFirst(heap[above]!, happening)) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = happening;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (heap.length === 0 || last === undefined) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isFirst(heap[below + 1]!, heap[below]!)) below++;
      if (isFirst(last, heap[below]!)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
  }
}

function isFirst(a: Happening, b: Happening): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Peers run on promises and synchronous crypto alone: after one turn of the event loop nothing of them is left to run. */
function atRest(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
