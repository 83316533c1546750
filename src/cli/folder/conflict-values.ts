import type { ConflictValue, IbGib, Space } from "../../index.js";
import type { FolderConflict } from "./conflicts.js";
import { printable } from "./errors.js";

/** A value in one line, shortened, and safe to show. */
export function shortText(value: ConflictValue["value"]): string {
  return printable(textOf(value).replace(/\r?\n/g, "⏎"));
}

/** A value as people read it. */
export function textOf(value: ConflictValue["value"]): string {
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
