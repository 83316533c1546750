/**
 * The one normal form of JSON that records are hashed and stored in: ibGib V1, generation 3.
 *
 * Keys in UTF-16 order, except that those that are array indexes ("0" to "4294967294") come first, by number; no
 * spaces; numbers and escapes as ECMAScript writes them. RFC 8785 differs only in sorting index keys like others.
 */
import { isWellFormed } from "./bytes.js";
import { type Facts, KeysagaError } from "./errors.js";
import type { Json, JsonObject } from "./json.js";

/** How many lists and objects may lie inside one another, the outermost counted. */
export const jsonDepthMax = 64;

/** Why JSON is refused: the fact `rule` of a `json_refused`; of text, `at` says where. */
export type JsonRule =
  | "depth"
  | "key_order"
  | "negative_zero"
  | "normal_form"
  | "not_json"
  | "number_range"
  | "proto_key"
  | "surrogate"
  | "syntax"
  | "undefined_in_list";

/**
 * The normal form of `value` as text.
 *
 * @throws KeysagaError `json_refused`; see `normalJson`.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(normalJson(value));
}

/**
 * A copy of `value`, for which JSON.stringify gives the normal form. Members that are `undefined` are left out;
 * members that are not enumerable or have a symbol for a key are none, as for JSON.stringify. Each member is read
 * once. A cycle ends at the depth limit.
 *
 * @throws KeysagaError `json_refused` for what JSON does not hold (`not_json`: functions, bigints, instances of
 *   classes, `undefined` on its own) or would change on the way (NaN, infinities, -0, lone surrogates, `undefined`
 *   or holes in lists, an own `__proto__`), and for `depth`.
 */
export function normalJson(value: unknown): Json {
  return normalAt(value, 1);
}

function normalAt(value: unknown, depth: number): Json {
  switch (typeof value) {
    case "string":
      return isWellFormed(value) ? value : refuseJson("surrogate");
    case "number":
      checkNumber(value);
      return value;
    case "boolean":
      return value;
    case "object":
      if (value === null) return null;
      if (depth > jsonDepthMax) return refuseJson("depth");
      if (Array.isArray(value)) return normalList(value, depth);
      if (isPlainObject(value)) return normalObject(value, depth);
  }
  return refuseJson("not_json");
}

function normalList(list: readonly unknown[], depth: number): Json[] {
  const normal: Json[] = [];
  for (let at = 0; at < list.length; at++) {
    const item = list[at];
    if (item === undefined) refuseJson("undefined_in_list");
    normal.push(normalAt(item, depth + 1));
  }
  return normal;
}

function normalObject(members: Readonly<Record<string, unknown>>, depth: number): JsonObject {
  const normal: Record<string, Json> = {};
  for (const key of Object.keys(members).sort(byUtf16)) {
    const member = members[key];
    if (member === undefined) continue;
    if (key === "__proto__") refuseJson("proto_key");
    if (!isWellFormed(key)) refuseJson("surrogate");
    normal[key] = normalAt(member, depth + 1);
  }
  return normal;
}

function byUtf16(a: string, b: string): number {
  return a < b ? -1 : 1;
}

function isPlainObject(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function checkNumber(value: number): void {
  if (!Number.isFinite(value)) refuseJson("number_range");
  if (Object.is(value, -0)) refuseJson("negative_zero");
}

export function refuseJson(rule: JsonRule, facts: Facts = {}): never {
  throw new KeysagaError("json_refused", { rule, ...facts });
}
