import type { Conflict, ConflictChoice, ConflictValue, IbGib, Space } from "../../index.js";
import type { EditConflict, FolderConflict } from "./conflicts.js";
import { printable } from "./errors.js";

/** How what is shown was chosen, as people read it. */
const choices = {
  first: "the first is shown",
  edit: "the edit is shown, not the deletion",
  words: "merged word by word",
  lines: "merged line by line; of two edits of one line the first is shown",
  whole: "too large together: all is as in the first",
} as const satisfies Record<ConflictChoice, string>;

/** Places of one file that a report lists. */
const placesMax = 3;

/** A conflict as a report tells it: values shortened. */
export function conflictLines(conflict: FolderConflict): string[] {
  const path = printable(conflict.path);
  switch (conflict.kind) {
    case "edits": {
      const { places } = conflict;
      const more = places.length - placesMax;
      const listed = places.slice(0, placesMax).map((place) => `    ${placeLine(place)}`);
      const rest = more > 0 ? [`    and ${more} more: keysaga conflicts shows all of it`] : [];
      return [`! ${path}: ${headline(conflict)}`, ...listed, ...rest];
    }
    case "name":
      return [`! ${path}: another file is ${printable(conflict.named)}; rename one of the two`];
    case "removal":
      return [
        `! ${path}: edited on one side and removed on the other; it is removed, its text is in`,
        `    keysaga show '${printable(conflict.timeline)}'`,
      ];
  }
}

/** A conflict with each value as it is. */
export function conflictTextOf(conflict: FolderConflict): string {
  if (conflict.kind !== "edits") return conflictLines(conflict).join("\n");
  const { path, timeline, places } = conflict;
  const blocks = places.map(({ chosen, values }, at) => [
    `${at + 1}. ${choices[chosen]}`,
    ...values.flatMap((said) => [`--- ${said.heads.join(", ") || "merged before"}`, wholeText(said)]),
  ]);
  return [`${path}: ${headline(conflict)} (${timeline})`, ...blocks.flat()].join("\n");
}

function headline({ places }: EditConflict): string {
  return `edited on both sides in ${places.length === 1 ? "1 place" : `${places.length} places`}`;
}

function placeLine({ chosen, values }: Conflict): string {
  const said = values.map(({ value, state }) => (state ? `(${state})` : `"${shortText(value)}"`));
  return `${said.join(" and ")}: ${choices[chosen]}`;
}

function wholeText({ value, state }: ConflictValue): string {
  return state ? `(${state})` : textOf(value);
}

function shortText(value: ConflictValue["value"]): string {
  return printable(textOf(value).replace(/\r?\n/g, "⏎"));
}

function textOf(value: ConflictValue["value"]): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The same conflict, its values short and safe to show. */
export function shortened(conflict: FolderConflict): FolderConflict {
  if (conflict.kind !== "edits") return conflict;
  const short = (said: ConflictValue) => (said.state ? said : { ...said, value: shortText(said.value) });
  const places = conflict.places.map((place) => ({ ...place, values: place.values.map(short) }));
  return { ...conflict, places };
}

/** The same conflict; values that were left out, because they are long, are read from the frames that say so. */
export async function inFull(space: Space, conflict: FolderConflict): Promise<FolderConflict> {
  if (conflict.kind !== "edits") return conflict;
  const heads = conflict.places.flatMap(({ values }) => values.map(leftOutIn)).filter(isGiven);
  const frames = await space.getMany(heads);
  const frameOf = new Map(heads.map((head, at) => [head, frames[at]]));
  const places = conflict.places.map((place) => ({
    ...place,
    values: place.values.map((said) => {
      const head = leftOutIn(said);
      const value = head && valueAt(frameOf.get(head), place.path);
      return value === undefined ? said : { heads: said.heads, value };
    }),
  }));
  return { ...conflict, places };
}

function leftOutIn({ state, heads }: ConflictValue) {
  return state === "omitted" ? heads[0] : undefined;
}

function isGiven<Value>(value: Value | undefined): value is Value {
  return value !== undefined;
}

/** The value at a conflict's path; where the conflict is about the whole record, the text of the file. */
function valueAt(frame: IbGib | undefined, path: readonly string[]): ConflictValue["value"] {
  if (frame === undefined || frame.data === undefined || frame.data instanceof Uint8Array) return undefined;
  let value: ConflictValue["value"] = { ib: frame.ib, data: frame.data };
  for (const name of path.length === 0 ? ["data", "text"] : path)
    value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  return value;
}

type Value = NonNullable<ConflictValue["value"]>;

function isObject(value: ConflictValue["value"]): value is Extract<Value, Readonly<Record<string, unknown>>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
