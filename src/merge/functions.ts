import type { Json } from "../base/index.js";
import { type IbGib, type MergeMark, mergeMarkOf } from "../ibgib/index.js";
import { isListIb } from "../lists/index.js";
import { type Content, type HeadContent, isSame, member } from "./content.js";
import { fieldsFunction } from "./fields.js";
import { highestFunction } from "./highest-function.js";
import { listFunction } from "./list-function.js";
import { refuseMerge } from "./refusals.js";

/** The frames whose content meets in one fold. */
export interface MergeHeads {
  /** Folded into `ours`, in fold order. */
  readonly ours: readonly HeadContent[];
  readonly theirs: HeadContent;
  /**
   * To be told how many steps of some 20 ns were taken, by functions whose time is not that of reading what they are given.
   */
  readonly spend?: (steps: number) => void;
}

/**
 * Brings two contents together, given what both came from. Has to be a pure function that gives the same answer on
 * every peer, in every engine, for ever: a change of what it answers is a new version. More than two heads are folded
 * one by one; base and ours may be folded themselves.
 */
export interface MergeFunction {
  readonly name: string;
  /** A positive integer. */
  readonly version: number;
  /** Arguments are deeply frozen. Synchronous, and called twice, to see that it gives the same answer. */
  merge(base: Content, ours: Content, theirs: Content, heads: MergeHeads): Content;
}

/** Which timelines a function is for, told by their first frames. */
export type RecordKind =
  /** The ib is this, or begins with it and a space. */
  | { readonly ib: string }
  /** `data` has this member with this value. */
  | { readonly member: string; readonly value: Json };

export interface Registration {
  readonly kind: RecordKind;
  /** `fieldsFunction` where the kind has none of its own; left out where it has one that is not here. */
  readonly function?: MergeFunction;
}

/** The merge functions a peer knows. */
export interface MergeFunctions {
  /** The function for the timeline with this first frame, where its kind was registered. */
  for(first: IbGib): MergeFunction | undefined;
  /** The function that a merge frame names; undefined where it is not known here. */
  named(mark: MergeMark): MergeFunction | undefined;
}

/** Those that every peer has and can compute again. */
const builtIn = [fieldsFunction, listFunction, highestFunction];

/**
 * The built-in functions, and others for some kinds of records: the first that matches is taken. Lists have one of their
 * own. An older version of a function can be registered behind the new one, so that merges made with it can still be
 * checked.
 *
 * Of a kind that is not registered the newest merge below the heads says what its function is: see `mergeTips`.
 *
 * @throws KeysagaError `merge_failed`, rule `name`: a name is empty, or name and version are taken (`fields`, `list` and
 *   `highest` always are), or the version is no positive integer.
 */
export function mergeFunctions(registrations: readonly Registration[] = []): MergeFunctions {
  const byMark = new Map<string, MergeFunction>();
  for (const { function: fn } of registrations) {
    if (fn === undefined || isBuiltIn(fn)) continue;
    const isGood = fn.name !== "" && !builtIn.some(({ name }) => name === fn.name);
    const isFree = (byMark.get(markKey(fn.name, fn.version)) ?? fn) === fn; // one function may serve several kinds
    if (!isGood || !isFree || !Number.isSafeInteger(fn.version) || fn.version < 1)
      refuseMerge("merge_failed", "name");
    byMark.set(markKey(fn.name, fn.version), fn);
  }
  for (const fn of builtIn) byMark.set(markKey(fn.name, fn.version), fn);
  const registered = (first: IbGib) => {
    const found = registrations.find(({ kind }) => isOfKind(first, kind));
    return found && (found.function ?? highestFunction);
  };
  return {
    for: (first) => (isListIb(first.ib) ? listFunction : registered(first)),
    named: ({ function: name, version }) => byMark.get(markKey(name, version)),
  };
}

/** Is it one that every peer has and can compute again? */
export function isBuiltIn(fn: MergeFunction): boolean {
  return builtIn.includes(fn);
}

/** Does a merge name such a function? Then every reader can make it again, and nobody has to answer for it. */
export function isBuiltInMerge(frame: IbGib): boolean {
  const mark = mergeMarkOf(frame);
  return builtIn.some(({ name, version }) => mark?.function === name && mark.version === version);
}

function markKey(name: string, version: number): string {
  return `${version} ${name}`;
}

function isOfKind({ ib, data }: IbGib, kind: RecordKind): boolean {
  if ("ib" in kind) return ib === kind.ib || ib.startsWith(`${kind.ib} `);
  return !(data instanceof Uint8Array) && isSame(member(data ?? {}, kind.member), kind.value);
}
