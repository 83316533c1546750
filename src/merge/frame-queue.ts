import { type Frame, newestFirst } from "./history.js";

/** Frames, newest first: a binary heap. When a frame is taken, all its descendants among them were taken before. */
export class FrameQueue {
  readonly #heap: Frame[] = [];

  get size(): number {
    return this.#heap.length;
  }

  add(frame: Frame): void {
    let at = this.#heap.push(frame) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!this.#swapIfNewer(at, above)) return;
      at = above;
    }
  }

  take(): Frame | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (first === undefined || last === undefined || this.#heap.length === 0) return first;
    this.#heap[0] = last;
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const right = left + 1;
      const newer = this.#isNewer(right, left) ? right : left;
      if (!this.#swapIfNewer(newer, at)) return first;
      at = newer;
    }
  }

  #isNewer(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    return one !== undefined && other !== undefined && newestFirst(one, other) < 0;
  }

  #swapIfNewer(a: number, b: number): boolean {
    if (!this.#isNewer(a, b)) return false;
    [this.#heap[a], this.#heap[b]] = [this.#heap[b]!, this.#heap[a]!];
    return true;
  }
}
