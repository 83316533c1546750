import type { Conflict, ConflictChoice, ConflictValue } from "../../index.js";
import { shortText, textOf } from "./conflict-values.js";
import type { EditConflict, FolderConflict } from "./conflicts.js";
import { printable } from "./errors.js";
import { revisionDigits } from "./log.js";

/** How what is shown was chosen, as people read it. */
const choices = {
  first: "the first is shown",
  edit: "the edit is shown, not the deletion",
  words: "merged word by word",
  lines: "merged line by line; of two edits of one line the first is shown",
  whole: "too large together: all is as in the first",
} as const satisfies Record<ConflictChoice, string>;

const states = {
  deleted: "(deleted)",
  omitted: "(long: keysaga conflicts shows it)",
} as const satisfies Record<NonNullable<ConflictValue["state"]>, string>;

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
      return [`! ${path}: removed on one side and changed on the other: it is kept; remove it, or edit it`];
  }
}

/** A conflict with each value as it is. */
export function conflictTextOf(conflict: FolderConflict): string {
  if (conflict.kind !== "edits") return conflictLines(conflict).join("\n");
  const { path, timeline, places } = conflict;
  const blocks = places.map((place, at) => [
    `${at + 1}. ${fieldOf(place)}${choices[place.chosen]}`,
    ...place.values.flatMap((said) => [
      `--- ${said.heads.join(", ") || "merged before"}`,
      isOfChunks(place, said) ? revisionsIn(said) : wholeText(said),
    ]),
  ]);
  return [`${printable(path)}: ${headline(conflict)} (${timeline})`, ...blocks.flat()].join("\n");
}

function headline({ places }: EditConflict): string {
  const [place] = places;
  if (places.length === 1 && place?.path.join(".") === "data.path")
    return "renamed on both sides; rename it to settle that";
  return `edited on both sides in ${places.length === 1 ? "1 place" : `${places.length} places`}`;
}

function placeLine(place: Conflict): string {
  const said = place.values.map((each) =>
    isOfChunks(place, each)
      ? revisionsIn(each)
      : each.state
        ? states[each.state]
        : `"${shortText(each.value)}"`,
  );
  return `${fieldOf(place)}${said.join(" and ")}: ${choices[place.chosen]}`;
}

/** What is no text is named by its revisions, which `keysaga restore` brings back. */
function isOfChunks({ path }: Conflict, { state, heads }: ConflictValue): boolean {
  return path.join(".") === "data.content" && state === undefined && heads.length > 0;
}

function revisionsIn({ heads }: ConflictValue): string {
  return `revision ${heads.map(revisionDigits).join(", ")}`;
}

/** Which field it is, where that is not the text of a file. */
function fieldOf({ path }: Conflict): string {
  const field = path.slice(1).join(".");
  return ["text", "content", ""].includes(field) ? "" : `${printable(field)}: `;
}

function wholeText({ value, state }: ConflictValue): string {
  return state ? states[state] : textOf(value);
}
