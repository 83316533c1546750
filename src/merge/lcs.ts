/**
 * Which items of two sequences correspond: a longest common subsequence by Myers ("An O(ND) Difference Algorithm and
 * Its Variations", 1986, the linear-space form), within a budget of steps.
 *
 * It is our own code because the choice among equally long subsequences is part of what a merge function is: two
 * peers with different releases of a library would make different records from the same heads.
 */

/** Counts down while it is used. What is decided when it has run out depends on nothing but the input. */
export interface Steps {
  left: number;
}

/** `base[from..to)` was replaced by `side[sideFrom..sideTo)`; one of the two may be empty, never both. */
export interface Hunk {
  readonly from: number;
  readonly to: number;
  readonly sideFrom: number;
  readonly sideTo: number;
}

/** Beyond so many items that are not at a common start or end, all of them are one hunk. */
const comparedMax = 40_000;

/**
 * The hunks that turn `base` into `side`, in order; between two there is at least one kept item. Items are equal
 * where their keys are. Where the steps run out, what is left becomes one hunk: coarser, and never wrong.
 *
 * Time is that of the steps, and linear besides; memory is linear.
 */
export function hunksBetween(
  base: readonly string[],
  side: readonly string[],
  steps: Steps,
): readonly Hunk[] {
  const removed = new Uint8Array(base.length + 1); // each ends with the mark of no item: "kept"
  const added = new Uint8Array(side.length + 1);
  const middle = withoutCommonEnds(base, side);
  if (middle.a1 - middle.a0 + middle.b1 - middle.b0 > comparedMax) steps.left = 0;
  const [a, b] = numbered(base, side);
  const left = shared(a, b, middle.a0, middle.a1, removed);
  const right = shared(b, a, middle.b0, middle.b1, added);
  compare(left, right, removed, added, steps);
  slide(base, removed, added, steps);
  slide(side, added, removed, steps);
  return hunksOf(removed, added);
}

interface Box {
  readonly a0: number;
  readonly a1: number;
  readonly b0: number;
  readonly b1: number;
}

function withoutCommonEnds(a: readonly string[], b: readonly string[]): Box {
  const most = Math.min(a.length, b.length);
  let head = 0;
  while (head < most && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < most - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  return { a0: head, a1: a.length - tail, b0: head, b1: b.length - tail };
}

/** Both as small numbers, which are equal where the keys are. */
function numbered(a: readonly string[], b: readonly string[]): [Int32Array, Int32Array] {
  const numbers = new Map<string, number>();
  const numberOf = (key: string) => {
    const known = numbers.get(key);
    if (known === undefined) numbers.set(key, numbers.size);
    return known ?? numbers.size - 1;
  };
  return [Int32Array.from(a, numberOf), Int32Array.from(b, numberOf)];
}

/** Some items of a sequence, each with its place in the whole. */
interface Part {
  readonly items: Int32Array;
  readonly places: Int32Array;
}

/** The items from `start` to `end` that also occur in `other`; the rest is marked, and costs the comparison nothing. */
function shared(items: Int32Array, other: Int32Array, start: number, end: number, marks: Uint8Array): Part {
  const inOther = new Set(other);
  const places = Int32Array.from({ length: end - start }, (_, at) => start + at).filter((place) =>
    inOther.has(items[place]!),
  );
  marks.fill(1, start, end);
  for (const place of places) marks[place] = 0;
  return { items: places.map((place) => items[place]!), places };
}

/** Marks what is not common. Boxes wait on a list, not on the stack. */
function compare(a: Part, b: Part, removed: Uint8Array, added: Uint8Array, steps: Steps): void {
  const [x, y] = [a.items, b.items];
  const boxes: Box[] = [{ a0: 0, a1: x.length, b0: 0, b1: y.length }];
  const middle = new MiddleSnake(x, y);
  for (let box = boxes.pop(); box; box = boxes.pop()) {
    let { a0, a1, b0, b1 } = box;
    for (; a0 < a1 && b0 < b1 && x[a0] === y[b0]; b0++) a0++;
    for (; a0 < a1 && b0 < b1 && x[a1 - 1] === y[b1 - 1]; b1--) a1--;
    const split = a0 < a1 && b0 < b1 ? middle.of({ a0, a1, b0, b1 }, steps) : undefined;
    if (split === undefined) {
      for (let at = a0; at < a1; at++) removed[a.places[at]!] = 1;
      for (let at = b0; at < b1; at++) added[b.places[at]!] = 1;
    } else {
      boxes.push({ a0: split.a, a1, b0: split.b, b1 }, { a0, a1: split.a, b0, b1: split.b });
    }
  }
}

/** Finds a point in the middle of a shortest edit script, from both ends at once. */
class MiddleSnake {
  readonly #x: Int32Array;
  readonly #y: Int32Array;
  /** Furthest `a` on each diagonal a − b, from the start and from the end. */
  readonly #forward: Int32Array;
  readonly #backward: Int32Array;
  readonly #offset: number;

  constructor(x: Int32Array, y: Int32Array) {
    this.#x = x;
    this.#y = y;
    this.#offset = y.length + 1;
    this.#forward = new Int32Array(x.length + y.length + 3);
    this.#backward = new Int32Array(x.length + y.length + 3);
  }

  /** Undefined where the steps run out. The box is not empty, and its ends differ at both corners. */
  of({ a0, a1, b0, b1 }: Box, steps: Steps): { readonly a: number; readonly b: number } | undefined {
    if (steps.left <= 0) return undefined;
    const [x, y, offset] = [this.#x, this.#y, this.#offset];
    const [forward, backward] = [this.#forward, this.#backward];
    const [lowest, highest] = [a0 - b1, a1 - b0];
    const [start, end] = [a0 - b0, a1 - b1];
    const meetsForward = ((start - end) & 1) !== 0;
    forward[offset + start] = a0;
    backward[offset + end] = a1;
    let [fromLow, fromHigh, backLow, backHigh] = [start, start, end, end];
    for (;;) {
      // Diagonals outside the box are bounded by values that no path takes.
      if (fromLow > lowest) forward[offset + --fromLow - 1] = -1;
      else fromLow++;
      if (fromHigh < highest) forward[offset + ++fromHigh + 1] = -1;
      else fromHigh--;
      for (let k = fromHigh; k >= fromLow; k -= 2) {
        const [under, over] = [forward[offset + k - 1]!, forward[offset + k + 1]!];
        let a = under >= over ? under + 1 : over;
        for (; a < a1 && a - k < b1 && x[a] === y[a - k]; a++) steps.left--;
        forward[offset + k] = a;
        if (meetsForward && k >= backLow && k <= backHigh && backward[offset + k]! <= a)
          return { a, b: a - k };
      }
      steps.left -= fromHigh - fromLow + 1;
      if (backLow > lowest) backward[offset + --backLow - 1] = 0x7fffffff;
      else backLow++;
      if (backHigh < highest) backward[offset + ++backHigh + 1] = 0x7fffffff;
      else backHigh--;
      for (let k = backHigh; k >= backLow; k -= 2) {
        const [under, over] = [backward[offset + k - 1]!, backward[offset + k + 1]!];
        let a = under < over ? under : over - 1;
        for (; a > a0 && a - k > b0 && x[a - 1] === y[a - 1 - k]; a--) steps.left--;
        backward[offset + k] = a;
        if (!meetsForward && k >= fromLow && k <= fromHigh && a <= forward[offset + k]!)
          return { a, b: a - k };
      }
      steps.left -= backHigh - backLow + 1;
      if (steps.left <= 0) return undefined;
    }
  }
}

/**
 * Moves each run of marked items as far to the end as equal items allow, joining runs that meet; but where a run can
 * stand beside a run of the other side it does, so that what was replaced is one hunk. It is what git and GNU diff
 * do, and what makes two comparisons with the same base agree on where a repeated line was put.
 */
function slide(items: readonly string[], marks: Uint8Array, otherMarks: Uint8Array, steps: Steps): void {
  const other = new RunCursor(otherMarks);
  for (let start = 0, end = 0; end < items.length; start = end + 1, end = start, other.forward()) {
    while (marks[end] === 1) end++;
    if (start === end || steps.left <= 0) continue;
    let besideOther = -1;
    for (let size = -1; size !== end - start; ) {
      size = end - start;
      besideOther = -1;
      while (start > 0 && items[start - 1] === items[end - 1]) {
        marks[--start] = 1;
        marks[--end] = 0;
        while (start > 0 && marks[start - 1] === 1) start--;
        other.back();
        steps.left--;
      }
      if (other.isRun) besideOther = end;
      while (end < items.length && items[start] === items[end]) {
        marks[start++] = 0;
        marks[end++] = 1;
        while (marks[end] === 1) end++;
        other.forward();
        steps.left--;
        if (other.isRun) besideOther = end;
      }
    }
    while (besideOther !== -1 && !other.isRun) {
      marks[--start] = 1;
      marks[--end] = 0;
      other.back();
    }
  }
}

/** Stands before one kept item of a sequence after the other, with the marked run, maybe empty, that ends there. */
class RunCursor {
  readonly #marks: Uint8Array;
  #start = 0;
  #end = 0;

  constructor(marks: Uint8Array) {
    this.#marks = marks;
    this.#runFrom(0);
  }

  get isRun(): boolean {
    return this.#end > this.#start;
  }

  forward(): void {
    this.#runFrom(this.#end + 1);
  }

  back(): void {
    this.#end = this.#start - 1;
    this.#start = this.#end;
    while (this.#start > 0 && this.#marks[this.#start - 1] === 1) this.#start--;
  }

  #runFrom(start: number): void {
    this.#start = start;
    this.#end = start;
    while (this.#marks[this.#end] === 1) this.#end++;
  }
}

function hunksOf(removed: Uint8Array, added: Uint8Array): Hunk[] {
  const hunks: Hunk[] = [];
  for (let [a, b] = [0, 0]; a < removed.length; a++, b++) {
    const [from, sideFrom] = [a, b];
    while (removed[a] === 1) a++;
    while (added[b] === 1) b++;
    if (a > from || b > sideFrom) hunks.push({ from, to: a, sideFrom, sideTo: b });
  }
  return hunks;
}
