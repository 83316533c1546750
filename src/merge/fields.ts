import type { Json, JsonObject } from "../base/index.js";
import type { Address } from "../ibgib/index.js";
import { type Conflict, type ConflictChoice, conflictValue, mergeConflicts, shows } from "./conflicts.js";
import { type Content, type HeadContent, isList, isObject, isSame, keyOf, member } from "./content.js";
import type { MergeFunction, MergeHeads } from "./functions.js";
import { contentRules } from "./limits.js";
import { mergeLinks } from "./links.js";
import { append, mergeSequences, type Sequence } from "./sequence.js";
import { mergeText } from "./text.js";

/**
 * The built-in merge function: three-way per field. A field that one side left as it was is the other's.
 *
 * Objects are merged key by key; lists as sequences of equal or different items; `data.text` as text; links as sets;
 * everything else is one value. Where both sides changed the same value, an edit outweighs a deletion, of two edits
 * ours is shown, and `data.conflicts` keeps both.
 */
export const fieldsFunction: MergeFunction = {
  name: "fields",
  version: 1,
  merge(base: Content, ours: Content, theirs: Content, heads: MergeHeads): Content {
    const merge = new FieldMerge(heads);
    const ib = merge.value(["ib"], base.ib, ours.ib, theirs.ib);
    const [before, left, right] = [base, ours, theirs].map(({ data }) => withoutConflicts(data));
    const fields = merge.members(["data"], before!, left!, right!);
    const [inBase, inOurs, inTheirs] = [base, ours, theirs].map(({ data }) => member(data, "conflicts"));
    const conflicts = mergeConflicts(inBase, inOurs, inTheirs, merge.found);
    return {
      ib: typeof ib === "string" ? ib : ours.ib,
      data: conflicts === undefined ? fields : { ...fields, conflicts },
      rel8ns: mergeLinks(base.rel8ns, ours.rel8ns, theirs.rel8ns),
    };
  },
};

function withoutConflicts(data: JsonObject): JsonObject {
  const { conflicts: _set, ...fields } = data;
  return fields;
}

/** A stretch of a text or list that both sides changed. */
interface Contested {
  readonly chosen: ConflictChoice;
  readonly ours: Json;
  readonly theirs: Json;
}

/** One three-way merge, and the conflicts it has met. */
class FieldMerge {
  readonly found: Conflict[] = [];
  readonly #heads: MergeHeads;

  constructor(heads: MergeHeads) {
    this.#heads = heads;
  }

  members(path: readonly string[], base: JsonObject, ours: JsonObject, theirs: JsonObject): JsonObject {
    const names = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
    const merged = [...names].sort().map((name) => {
      const [before, left, right] = [base, ours, theirs].map((members) => member(members, name));
      return [name, this.value([...path, name], before, left, right)] as const;
    });
    return Object.fromEntries(merged.filter((entry): entry is [string, Json] => entry[1] !== undefined));
  }

  value(
    path: readonly string[],
    base: Json | undefined,
    ours: Json | undefined,
    theirs: Json | undefined,
  ): Json | undefined {
    if (isSame(ours, theirs) || isSame(base, theirs)) return ours;
    if (isSame(base, ours)) return theirs;
    if (isObject(ours) && isObject(theirs))
      return this.members(path, isObject(base) ? base : {}, ours, theirs);
    if (isList(ours) && isList(theirs)) return this.#list(path, isList(base) ? base : [], ours, theirs);
    if (isText(path) && typeof ours === "string" && typeof theirs === "string")
      return this.#text(path, typeof base === "string" ? base : "", ours, theirs);
    return this.#single(path, ours, theirs);
  }

  #single(path: readonly string[], ours: Json | undefined, theirs: Json | undefined): Json | undefined {
    const isDeletion = ours === undefined || theirs === undefined;
    const shown = ours ?? theirs;
    const ourValue = conflictValue(
      this.#ourHeads(path, (value) => isSame(value, ours)),
      ours,
    );
    const theirValue = conflictValue([this.#heads.theirs.address], theirs);
    const values = ours === undefined ? [theirValue, ourValue] : [ourValue, theirValue];
    this.found.push({ path, chosen: isDeletion ? "edit" : "first", values });
    return shown;
  }

  #text(path: readonly string[], base: string, ours: string, theirs: string): string {
    const { text, contests } = mergeText(base, ours, theirs, this.#heads.spend);
    this.#contested(path, contests);
    return text;
  }

  #list(
    path: readonly string[],
    base: readonly Json[],
    ours: readonly Json[],
    theirs: readonly Json[],
  ): Json {
    const steps = { ours: { left: contentRules.lineStepsMax }, theirs: { left: contentRules.lineStepsMax } };
    const sequences = [base, ours, theirs].map(sequenceOf);
    const stretches = mergeSequences(sequences[0]!, sequences[1]!, sequences[2]!, steps);
    this.#heads.spend?.(2 * contentRules.lineStepsMax - steps.ours.left - steps.theirs.left);
    const merged: Json[] = [];
    const contests: Contested[] = [];
    for (const stretch of stretches) {
      append(merged, stretch.kind === "agreed" ? stretch.items : stretch.combined);
      // Both added at one place, or one edited beside what the other took away: all that was said is there.
      if (stretch.kind === "contested" && stretch.isLossy)
        contests.push({ chosen: "lines", ours: stretch.ours, theirs: stretch.theirs });
    }
    this.#contested(path, contests);
    return merged;
  }

  /** Tells each contest, or, where they are many, that there were some. */
  #contested(path: readonly string[], contests: readonly Contested[]): void {
    const theirs = [this.#heads.theirs.address];
    const told = contests.length > contentRules.regionsMax ? contests.slice(0, 1) : contests;
    for (const contest of told) {
      const ours = this.#ourHeads(path, (value) => shows(value, contest.ours));
      const values =
        told === contests
          ? [conflictValue(ours, contest.ours), conflictValue(theirs, contest.theirs)]
          : [omitted(this.#ourHeads(path, () => true)), omitted(theirs)];
      this.found.push({ path, chosen: told === contests ? contest.chosen : "lines", values });
    }
  }

  /** Of the heads folded so far those whose own value is meant. */
  #ourHeads(path: readonly string[], isMeant: (value: Json | undefined) => boolean): readonly Address[] {
    return this.#heads.ours.filter((head) => isMeant(valueAt(head, path))).map(({ address }) => address);
  }
}

function isText([, name, ...deeper]: readonly string[]): boolean {
  return name === "text" && deeper.length === 0;
}

function sequenceOf(items: readonly Json[]): Sequence<Json> {
  return { items, keys: items.map(keyOf) };
}

function omitted(heads: readonly Address[]): Conflict["values"][number] {
  return { heads, state: "omitted" };
}

function valueAt({ content }: HeadContent, path: readonly string[]): Json | undefined {
  let value: Json | undefined = { ib: content.ib, data: content.data };
  for (const name of path) value = isObject(value) ? member(value, name) : undefined;
  return value;
}
