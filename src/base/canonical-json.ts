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

/** Why JSON is refused: the fact `rule` of a `json_refused`. */
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

/**
 * Parses text that has to be byte for byte its own normal form. What is returned has no own `__proto__` and no lone
 * surrogate. Costs one JSON.parse, one walk, one JSON.stringify; recursion ends at the depth limit.
 *
 * @throws KeysagaError `json_refused`. `syntax` is text that is not JSON; `normal_form` is a second spelling (spaces,
 *   duplicate keys, other number forms or escapes), with the place of the first difference in `at`.
 */
export function parseCanonicalJson(text: string): Json {
  const value = parse(text);
  // Text from UTF-8 holds a lone surrogate only as an escape, and one that is not escaped fails the comparison.
  checkParsed(value, 1, text.includes("\\ud"));
  const normal = JSON.stringify(value);
  if (normal !== text) refuse("normal_form", { at: firstDifference(normal, text) });
  return value;
}

function normalAt(value: unknown, depth: number): Json {
  switch (typeof value) {
    case "string":
      return isWellFormed(value) ? value : refuse("surrogate");
    case "number":
      checkNumber(value);
      return value;
    case "boolean":
      return value;
    case "object":
      if (value === null) return null;
      if (depth > jsonDepthMax) return refuse("depth");
      if (Array.isArray(value)) return normalList(value, depth);
      if (isPlainObject(value)) return normalObject(value, depth);
  }
  return refuse("not_json");
}

function normalList(list: readonly unknown[], depth: number): Json[] {
  const normal: Json[] = [];
  for (let at = 0; at < list.length; at++) {
    const item = list[at];
    if (item === undefined) refuse("undefined_in_list");
    normal.push(normalAt(item, depth + 1));
  }
  return normal;
}

function normalObject(members: Readonly<Record<string, unknown>>, depth: number): JsonObject {
  const normal: Record<string, Json> = {};
  for (const key of Object.keys(members).sort(byUtf16)) {
    const member = members[key];
    if (member === undefined) continue;
    if (key === "__proto__") refuse("proto_key");
    if (!isWellFormed(key)) refuse("surrogate");
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

function parse(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return refuse("syntax");
  }
}

function checkParsed(value: Json, depth: number, mayHoldSurrogates: boolean): void {
  if (typeof value === "number") checkNumber(value);
  else if (typeof value === "string") {
    if (mayHoldSurrogates && !isWellFormed(value)) refuse("surrogate");
  } else if (typeof value === "object" && value !== null) {
    if (depth > jsonDepthMax) refuse("depth");
    if (isList(value)) for (const item of value) checkParsed(item, depth + 1, mayHoldSurrogates);
    else checkMembers(value, depth, mayHoldSurrogates);
  }
}

function checkMembers(members: JsonObject, depth: number, mayHoldSurrogates: boolean): void {
  let before = "";
  for (const key of Object.keys(members)) {
    if (key < before && !isIndexKey(before)) refuse("key_order");
    if (key === "__proto__") refuse("proto_key");
    if (mayHoldSurrogates && !isWellFormed(key)) refuse("surrogate");
    checkParsed(members[key]!, depth + 1, mayHoldSurrogates);
    before = key;
  }
}

function isList(value: readonly Json[] | JsonObject): value is readonly Json[] {
  return Array.isArray(value);
}

/** Is this a key that every JavaScript object lists before the others, by number? */
function isIndexKey(key: string): boolean {
  return /^(?:0|[1-9][0-9]{0,9})$/.test(key) && Number(key) < 2 ** 32 - 1;
}

function checkNumber(value: number): void {
  if (!Number.isFinite(value)) refuse("number_range");
  if (Object.is(value, -0)) refuse("negative_zero");
}

function firstDifference(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

function refuse(rule: JsonRule, facts: Facts = {}): never {
  throw new KeysagaError("json_refused", { rule, ...facts });
}
