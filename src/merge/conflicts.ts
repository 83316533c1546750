import type { Json, JsonObject } from "../base/index.js";
import { type Address, type IbGib, isAddress, type Edit, mutate, type Patch } from "../ibgib/index.js";
import { isList, keyOf, member } from "./content.js";
import { contentRules } from "./limits.js";

/** How the value that is shown was found. */
export type ConflictChoice =
  /** Of two edits, that of the first head: the highest n, then the highest address. */
  | "first"
  /** An edit outweighs a deletion. */
  | "edit"
  /** Text: contested lines were merged by their words. */
  | "words"
  /** Text or list: contested lines or items were merged one by one; see `mergeText`. */
  | "lines"
  /** The merge would have been too large for a record: all is as in the first head. */
  | "whole";

const choices: ReadonlySet<unknown> = new Set<ConflictChoice>(["first", "edit", "words", "lines", "whole"]);

/** One of the values that met. For text and lists it is the contested stretch, not the whole. */
export interface ConflictValue {
  /** The frames that say so; none where it came about only by merging. */
  readonly heads: readonly Address[];
  /** Absent where `state` says why. */
  readonly value?: Json;
  /** The heads took the value away, or it is long and has to be read from them. */
  readonly state?: "deleted" | "omitted";
}

/** An entry of `data.conflicts`: two edits of the same thing met, and a machine chose what is shown. */
export interface Conflict {
  /** From the record: `["ib"]`, `["data", "title"]`, `["data", "address", "city"]`. Empty for the whole record. */
  readonly path: readonly string[];
  readonly chosen: ConflictChoice;
  /** In fold order: first what is shown, where `chosen` is `first` or `edit`. */
  readonly values: readonly ConflictValue[];
}

/** The conflicts that a frame shows; whatever else a foreign `data.conflicts` holds is left out. */
export function conflictsOf(frame: IbGib): readonly Conflict[] {
  return frame.data === undefined || frame.data instanceof Uint8Array
    ? []
    : conflictsIn(member(frame.data, "conflicts"));
}

/**
 * The next frame, an edit: `patch` applied, and `resolved` no longer among its conflicts. Whoever merges with it takes
 * over that they are resolved.
 *
 * @param resolved Of `conflictsOf(tip)`; what is not among them is no error.
 * @throws KeysagaError as `mutate`.
 */
export function resolveConflicts(
  tip: IbGib,
  resolved: readonly Conflict[],
  patch: Patch = {},
  edit: Edit = {},
): IbGib {
  const gone = new Set(resolved.map((conflict) => keyOf(jsonOf(conflict))));
  const data = tip.data === undefined || tip.data instanceof Uint8Array ? {} : tip.data;
  const left = entriesOf(member(data, "conflicts")).filter((entry) => !gone.has(keyOf(entry)));
  return mutate(tip, { ...patch, conflicts: left.length > 0 ? left : undefined }, edit);
}

/** Those entries of a conflicts list that a merge of ours may have made. */
function conflictsIn(conflicts: Json | undefined): readonly Conflict[] {
  const entries: readonly unknown[] = entriesOf(conflicts);
  return entries.filter(isConflict);
}

function isConflict(entry: unknown): entry is Conflict {
  if (!isRecordOf(entry)) return false;
  const { path, chosen, values } = entry;
  return isListOf(path, isText) && choices.has(chosen) && isListOf(values, isConflictValue);
}

function isConflictValue(value: unknown): boolean {
  const states: readonly unknown[] = [undefined, "deleted", "omitted"];
  return isRecordOf(value) && isListOf(value["heads"], isAddress) && states.includes(value["state"]);
}

function isRecordOf(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

/** `data.conflicts` as a set; what is no list counts as its one entry. */
export function entriesOf(value: Json | undefined): readonly Json[] {
  return value === undefined ? [] : isList(value) ? value : [value];
}

export function jsonOf({ path, chosen, values }: Conflict): JsonObject {
  return { path, chosen, values: values.map((value): JsonObject => ({ ...value })) };
}

export function conflictValue(heads: readonly Address[], value: Json | undefined): ConflictValue {
  if (value === undefined) return { heads, state: "deleted" };
  const isShort =
    isShallow(value, contentRules.valueDepthMax) && keyOf(value).length <= contentRules.valueCharsMax;
  return isShort ? { heads, value } : { heads, state: "omitted" };
}

function isShallow(value: Json, depthMax: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depthMax > 0 && Object.values(value).every((part: Json) => isShallow(part, depthMax - 1));
}

/**
 * The conflicts after a merge: those of both sides, less what either resolved since the base, and the new ones; each
 * once, in the order of their normal forms. A new one that goes on from one of ours becomes one with it, so that what
 * five peers said of one title is one entry. Undefined for none.
 */
export function mergeConflicts(
  base: Json | undefined,
  ours: Json | undefined,
  theirs: Json | undefined,
  found: readonly Conflict[],
): Json | undefined {
  const before = keyed(entriesOf(base));
  const [left, right] = [keyed(entriesOf(ours)), keyed(entriesOf(theirs))];
  const all = new Map([...left, ...right]);
  for (const key of before.keys()) if (!left.has(key) || !right.has(key)) all.delete(key);
  const open = conflictsIn(ours).filter((conflict) => !before.has(keyOf(jsonOf(conflict))));
  for (const conflict of found) {
    const earlier = open.find((one) => goesOn(one, conflict));
    if (earlier) all.delete(keyOf(jsonOf(earlier)));
    const entry = jsonOf(earlier ? joined(earlier, conflict) : conflict);
    all.set(keyOf(entry), entry);
  }
  const sorted = [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
  return sorted.length > 0 ? sorted : undefined;
}

function keyed(entries: readonly Json[]): Map<string, Json> {
  return new Map(entries.map((entry) => [keyOf(entry), entry]));
}

/** Of one value: is it the same value? Of a stretch: does ours now consist of what met there before? */
function goesOn(earlier: Conflict, { path, chosen, values }: Conflict): boolean {
  if (keyOf(earlier.path) !== keyOf(path) || isOfStretch(earlier.chosen) !== isOfStretch(chosen))
    return false;
  const stretch = values[0]?.value;
  return !isOfStretch(chosen) || earlier.values.every(({ value }) => shows(stretch, value));
}

function isOfStretch(chosen: ConflictChoice): boolean {
  return chosen === "lines" || chosen === "words";
}

/** Does a text or list hold this stretch? */
export function shows(whole: Json | undefined, stretch: Json | undefined): boolean {
  if (typeof whole === "string" && typeof stretch === "string") return whole.includes(stretch);
  if (!isList(whole) || !isList(stretch)) return false;
  const items = new Set(whole.map(keyOf));
  return stretch.every((item) => items.has(keyOf(item)));
}

function joined(earlier: Conflict, { path, chosen, values }: Conflict): Conflict {
  // Ours in a stretch is what the earlier values came to.
  const added = isOfStretch(chosen) ? values.slice(1) : values;
  const all = new Map<string, ConflictValue>();
  for (const { heads, ...said } of [...earlier.values, ...added]) {
    const key = keyOf(said);
    all.set(key, { ...said, heads: [...new Set([...(all.get(key)?.heads ?? []), ...heads])] });
  }
  const isWeaker = earlier.chosen === "words" || earlier.chosen === "edit";
  return { path, chosen: isWeaker ? chosen : earlier.chosen, values: [...all.values()] };
}
