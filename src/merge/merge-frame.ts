import type { Json, JsonObject } from "../base/index.js";
import { type Address, type IbGib, isFrame, previousOf } from "../ibgib/index.js";

/** What a merge frame says of itself in `data.merge`. */
export interface MergeMark {
  readonly function: string;
  /** A positive integer. */
  readonly version: number;
}

/** The function and version a frame names; undefined for an edit, which is every other frame. */
export function mergeMarkOf(record: IbGib): MergeMark | undefined {
  if (!isFrame(record) || record.data === undefined || record.data instanceof Uint8Array) return undefined;
  const mark = Object.hasOwn(record.data, "merge") ? record.data["merge"] : undefined;
  if (!isObject(mark)) return undefined;
  const { function: name, version } = mark;
  if (typeof name !== "string" || name === "") return undefined;
  if (typeof version !== "number" || !Number.isSafeInteger(version) || version < 1) return undefined;
  return { function: name, version };
}

/** Is this a merge? It adds no edit of its own. A frame with `graftorphan` that names no function is an edit. */
export function isMerge(record: IbGib): boolean {
  return mergeMarkOf(record) !== undefined;
}

/** The frames that a merge frame says it brings together, in its order. */
export function namedHeadsOf(record: IbGib): readonly Address[] {
  const past = previousOf(record);
  const rest = record.rel8ns?.["graftorphan"] ?? [];
  return past === undefined ? rest : [past, ...rest];
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
