import type { Address } from "../ibgib/index.js";
import { sagaLimits } from "./limits.js";
import type { AlikeSet, FinalTip, Range } from "./turn-bodies.js";
import { partsOf, type RangeSet } from "./range-set.js";

/*
 * Range-based set reconciliation. The sender says the fingerprints of ranges of a set that both have, the receiver which of
 * them are its own; ranges that differ are divided, until one has a single timeline of the sender's. What is in a range
 * that is the same on both sides is alike, and named by neither.
 */

/** A set as one side has it. `of` says which it is: see `RangesBody`. */
export interface NamedSet {
  readonly of: Address;
  readonly set: RangeSet;
}

/** What is alike of each set, as sets of their own; none is empty. */
export type Alike = readonly NamedSet[];

/** How far a sender is with a set. */
export interface Asking extends NamedSet {
  /** The ranges whose fingerprints it has said last, in their order. */
  readonly asked: readonly string[];
  readonly found: readonly FinalTip[];
}

/** The whole of a set is asked for first. */
export const askWhole = (named: NamedSet): Asking => ({ ...named, asked: [""], found: [] });

/** Where both have so differently many, one in so many, nearly all ranges differ: to name all costs less. */
const differenceMax = 8;

/**
 * What follows from an answer. There is no more to ask where `ranges` is empty.
 *
 * @param theirs How many the receiver has of the set, where it has just been begun with.
 */
export function askOn(
  { of, set, asked, found }: Asking,
  same: readonly boolean[],
  theirs = set.count(""),
): { readonly asking: Asking; readonly ranges: readonly Range[] } {
  const more = asked.flatMap((range, at) => (same[at] ? set.tipsIn(range) : []));
  const isWorth = differenceMax * Math.abs(set.count("") - theirs) <= set.count("");
  const open = asked
    .filter((range, at) => isWorth && !same[at] && set.count(range) > 1)
    .slice(0, sagaLimits.rangesMax);
  const ranges = open.map((at) => ({ at, nodes: partsOf(at).map((part) => set.fingerprint(part)) }));
  return { asking: { of, set, asked: open.flatMap(partsOf), found: [...found, ...more] }, ranges };
}

/** How far a receiver is with a set. */
export interface Answering extends NamedSet {
  /** The ranges that differ: these may be divided next. */
  readonly open: ReadonlySet<string>;
  readonly found: readonly FinalTip[];
}

export const startAnswering = (named: NamedSet): Answering => ({ ...named, open: new Set(), found: [] });

/** Are these ranges what may be asked for next: such that differ, each once? */
export function mayAsk({ open }: Answering, ranges: readonly Range[]): boolean {
  const each = new Set(ranges.map(({ at }) => at));
  return each.size > 0 && each.size === ranges.length && ranges.every(({ at }) => open.has(at));
}

/** Fingerprints that were said, each with its range. */
export type Said = readonly (readonly [range: string, fingerprint: string])[];

/** The fingerprints of ranges that were divided, by the parts that they are of. */
export function fingerprintsOf(ranges: readonly Range[]): Said {
  return ranges.flatMap(({ at, nodes }) =>
    partsOf(at).map((part, digit) => [part, nodes[digit] ?? ""] as const),
  );
}

/** Which of these fingerprints are this side's own? */
export function answer(
  { of, set, found }: Answering,
  said: Said,
): { readonly answering: Answering; readonly same: readonly boolean[] } {
  const same = said.map(([range, fingerprint]) => set.fingerprint(range) === fingerprint);
  const more = said.flatMap(([range], at) => (same[at] ? set.tipsIn(range) : []));
  const open = new Set(said.flatMap(([range], at) => (same[at] ? [] : [range])));
  return { answering: { of, set, open, found: [...found, ...more] }, same };
}

/** With what was found alike of one more set. */
export function withAlike(alike: Alike, { of, set, found }: Pick<Asking, "of" | "set" | "found">): Alike {
  const only = set.only(found);
  return only.count("") === 0 ? alike : [...alike, { of, set: only }];
}

export const tipsOf = (alike: Alike): readonly FinalTip[] => alike.flatMap(({ set }) => set.tipsIn(""));

/** How many roots that are. */
export function countAlike(alike: Alike): number {
  return alike.reduce((sum, { set }) => sum + set.count(""), 0);
}

/** What commit and receipt say of it. */
export function alikeSets(alike: Alike): readonly AlikeSet[] {
  return alike.map(({ of, set }) => ({ of, count: set.count(""), root: set.fingerprint("") }));
}
