import { type Hunk, hunksBetween, type Steps } from "./lcs.js";

/** Items in order, each with the key it is compared by. */
export interface Sequence<Item> {
  readonly items: readonly Item[];
  readonly keys: readonly string[];
}

/** A stretch of the result: agreed on, or changed by both sides. */
export type Stretch<Item> =
  | { readonly kind: "agreed"; readonly items: readonly Item[] }
  | ({ readonly kind: "contested" } & Contest<Item>);

/** Changes of both sides that overlap or touch. */
export interface Contest<Item> {
  readonly ours: readonly Item[];
  readonly theirs: readonly Item[];
  readonly base: readonly Item[];
  /** Both sides' changes, but for those of theirs that replace an item which a change of ours replaces too. */
  readonly combined: readonly Item[];
  /** Was such a change left out? */
  readonly isLossy: boolean;
}

/**
 * Three-way merge of sequences, as diff3 and git do it: changes of both sides that are apart are taken both; those
 * that overlap or touch are contested, unless they say the same.
 */
export function mergeSequences<Item>(
  base: Sequence<Item>,
  ours: Sequence<Item>,
  theirs: Sequence<Item>,
  steps: { readonly ours: Steps; readonly theirs: Steps },
): readonly Stretch<Item>[] {
  const left = new Side(ours, hunksBetween(base.keys, ours.keys, steps.ours));
  const right = new Side(theirs, hunksBetween(base.keys, theirs.keys, steps.theirs));
  const stretches: Stretch<Item>[] = [];
  for (let at = 0; ; ) {
    const from = Math.min(left.nextFrom, right.nextFrom, base.items.length);
    if (from > at) stretches.push({ kind: "agreed", items: base.items.slice(at, from) });
    if (left.nextFrom === Number.POSITIVE_INFINITY && right.nextFrom === Number.POSITIVE_INFINITY)
      return stretches;
    const to = extent(left, right, from);
    stretches.push(...resolve(base, left.take(from, to), right.take(from, to), from, to));
    at = to;
  }
}

/** Where the changes end that overlap or touch, one after the other, from `from` on. */
function extent<Item>(left: Side<Item>, right: Side<Item>, from: number): number {
  let to = from;
  for (let grown = -1; grown !== to; ) {
    grown = to;
    to = Math.max(to, left.reach(to), right.reach(to));
  }
  return to;
}

/** What one side says of a stretch of the base. */
interface Said<Item> {
  readonly hunks: readonly Change<Item>[];
  readonly items: readonly Item[];
  readonly keys: readonly string[];
}

/** `base[from..to)` replaced by `items`. */
interface Change<Item> {
  readonly from: number;
  readonly to: number;
  readonly items: readonly Item[];
  readonly keys: readonly string[];
}

/** One side's hunks, taken from the front. */
class Side<Item> {
  readonly #sequence: Sequence<Item>;
  readonly #hunks: readonly Hunk[];
  #taken = 0;

  constructor(sequence: Sequence<Item>, hunks: readonly Hunk[]) {
    this.#sequence = sequence;
    this.#hunks = hunks;
  }

  get nextFrom(): number {
    return this.#hunks[this.#taken]?.from ?? Number.POSITIVE_INFINITY;
  }

  /** The end of the last hunk that starts at `to` or before. */
  reach(to: number): number {
    let reached = to;
    for (let at = this.#taken; (this.#hunks[at]?.from ?? Number.POSITIVE_INFINITY) <= to; at++)
      reached = Math.max(reached, this.#hunks[at]!.to);
    return reached;
  }

  /** Takes the hunks in `base[from..to]`, with what this side has in place of that stretch. */
  take(from: number, to: number): Said<Item> {
    const first = this.#taken;
    while (this.nextFrom <= to) this.#taken++;
    const hunks = this.#hunks.slice(first, this.#taken);
    const { items, keys } = this.#sequence;
    // Before and after the hunks, places in the side differ from places in the base by a constant.
    const shift = (hunk: Hunk | undefined) => (hunk === undefined ? 0 : hunk.sideTo - hunk.to);
    const sideFrom = from + shift(this.#hunks[first - 1]);
    const sideTo = to + shift(this.#hunks[this.#taken - 1]);
    return {
      hunks: hunks.map((hunk) => ({
        from: hunk.from,
        to: hunk.to,
        items: items.slice(hunk.sideFrom, hunk.sideTo),
        keys: keys.slice(hunk.sideFrom, hunk.sideTo),
      })),
      items: items.slice(sideFrom, sideTo),
      keys: keys.slice(sideFrom, sideTo),
    };
  }
}

function resolve<Item>(
  base: Sequence<Item>,
  ours: Said<Item>,
  theirs: Said<Item>,
  from: number,
  to: number,
): Stretch<Item>[] {
  if (theirs.hunks.length === 0 || isSame(ours.keys, theirs.keys)) return agreed(ours.items);
  if (ours.hunks.length === 0) return agreed(theirs.items);
  return [
    {
      kind: "contested",
      ours: ours.items,
      theirs: theirs.items,
      base: base.items.slice(from, to),
      ...combine(base, ours.hunks, theirs.hunks, from, to),
    },
  ];
}

function agreed<Item>(items: readonly Item[]): Stretch<Item>[] {
  return items.length === 0 ? [] : [{ kind: "agreed", items }];
}

/** See `Contest.combined`. What one side took away is gone; what the other put in its place, or beside it, is there. */
function combine<Item>(
  base: Sequence<Item>,
  ours: readonly Change<Item>[],
  theirs: readonly Change<Item>[],
  from: number,
  to: number,
): { combined: Item[]; isLossy: boolean } {
  const kept = withoutRivals(theirs, ours);
  const [oursAt, keptAt] = [changesByPlace(ours), changesByPlace(kept)];
  const removed = new Uint8Array(to - from);
  for (const change of [...ours, ...kept]) removed.fill(1, change.from - from, change.to - from);
  const combined: Item[] = [];
  for (let at = from; at <= to; at++) {
    append(combined, joined(oursAt.get(at), keptAt.get(at)));
    if (at < to && removed[at - from] === 0) combined.push(base.items[at]!);
  }
  return { combined, isLossy: kept.length < theirs.length };
}

/** The changes that do not replace an item which one of `others` replaces as well. Both are in order of place. */
function withoutRivals<Item>(
  changes: readonly Change<Item>[],
  others: readonly Change<Item>[],
): readonly Change<Item>[] {
  const replacing = others.filter(({ items }) => items.length > 0);
  let first = 0;
  return changes.filter(({ from, to, items }) => {
    while (first < replacing.length && replacing[first]!.to <= from) first++;
    const rival = replacing[first];
    // An insertion has no item to be replaced.
    return items.length === 0 || rival === undefined || Math.max(from, rival.from) >= Math.min(to, rival.to);
  });
}

function changesByPlace<Item>(changes: readonly Change<Item>[]): Map<number, Change<Item>> {
  return new Map(changes.map((change) => [change.from, change]));
}

/** What both put in at one place, ours first; what they begin or end with in common stands there once. */
function joined<Item>(ours: Change<Item> | undefined, theirs: Change<Item> | undefined): readonly Item[] {
  if (ours === undefined || theirs === undefined) return (ours ?? theirs)?.items ?? [];
  const most = Math.min(ours.keys.length, theirs.keys.length);
  let head = 0;
  while (head < most && ours.keys[head] === theirs.keys[head]) head++;
  let tail = 0;
  while (tail < most - head && ours.keys.at(-1 - tail) === theirs.keys.at(-1 - tail)) tail++;
  const ourEnd = ours.items.length - tail;
  return [
    ...ours.items.slice(0, ourEnd),
    ...theirs.items.slice(head, theirs.items.length - tail),
    ...ours.items.slice(ourEnd),
  ];
}

/** As `list.push(...items)`, which fails for as many items as a text may have lines. */
export function append<Item>(list: Item[], items: readonly Item[]): void {
  for (const item of items) list.push(item);
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((key, at) => key === b[at]);
}
