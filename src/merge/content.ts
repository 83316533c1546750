import { canonicalJson, type Json, type JsonObject, normalJson } from "../base/index.js";
import { type Address, type IbGib, isAddress, ownerOf } from "../ibgib/index.js";
import { refuseMerge } from "./refusals.js";

/** What a frame says, without what makes it this frame of this timeline. Deeply frozen where it is handed to others. */
export interface Content {
  readonly ib: string;
  /** Without `n`, `isTjp`, `uuid`, `owner`, `within` and `merge`; where the timeline has an owner, without `by`. */
  readonly data: JsonObject;
  /** Links by name, without `past`, `tjp`, `graftbase` and `graftorphan`; no list is empty. */
  readonly rel8ns: Readonly<Record<string, readonly Address[]>>;
}

/** A frame that is merged, with what it says. */
export interface HeadContent {
  readonly address: Address;
  readonly content: Content;
}

/** Of these, a merge takes what the timeline has, or makes its own. */
const frameMembers: ReadonlySet<string> = new Set(["n", "isTjp", "uuid", "owner", "within", "merge"]);
const frameLinks: ReadonlySet<string> = new Set(["past", "tjp", "graftbase", "graftorphan"]);

export function contentOf(frame: IbGib): Content {
  const { ib, data, rel8ns } = frame;
  const isOwned = ownerOf(frame) !== undefined;
  // Frames never hold raw bytes: those have no links and no members.
  const members = data === undefined || data instanceof Uint8Array ? {} : data;
  return {
    ib,
    data: pick(members, (name) => !isFrameMember(name, isOwned)),
    rel8ns: pick(rel8ns ?? {}, (name) => !frameLinks.has(name)),
  };
}

/** Where the timeline has an owner, `by` says who made a frame. */
function isFrameMember(name: string, isOwned: boolean): boolean {
  return frameMembers.has(name) || (isOwned && name === "by");
}

/**
 * What a merge function gave back, as content: normal JSON, lists of addresses, no member that is not its own.
 *
 * @param isOwned Has the timeline an owner?
 * @throws KeysagaError `merge_failed`, rule `result`, and `json_refused`.
 */
export function toContent(given: unknown, isOwned: boolean): Content {
  const { ib, data, rel8ns } = objectFrom(normalJson(given));
  const [members, links] = [objectFrom(data ?? {}), objectFrom(rel8ns ?? {})];
  const areOwn =
    !Object.keys(members).some((name) => isFrameMember(name, isOwned)) &&
    !Object.keys(links).some((name) => frameLinks.has(name));
  if (typeof ib !== "string" || !areOwn || !isLinks(links)) return refuseMerge("merge_failed", "result");
  return { ib, data: members, rel8ns: links };
}

function isLinks(links: JsonObject): links is Readonly<Record<string, readonly Address[]>> {
  return Object.values(links).every((list) => isList(list) && list.length > 0 && list.every(isAddress));
}

function objectFrom(value: Json | undefined): JsonObject {
  return isObject(value) ? value : refuseMerge("merge_failed", "result");
}

function pick<Value>(
  members: Readonly<Record<string, Value>>,
  isKept: (name: string) => boolean,
): Readonly<Record<string, Value>> {
  return Object.fromEntries(Object.entries(members).filter(([name]) => isKept(name)));
}

/** An own member. Names are anyone's: `data["constructor"]` is a function. */
export function member<Value>(of: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(of, name) ? of[name] : undefined;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !isList(value);
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** The key that values are compared by: their normal form. */
export function keyOf(value: Json): string {
  return canonicalJson(value);
}

export function isSame(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  const areBothDeep = typeof a === "object" && typeof b === "object" && a !== null && b !== null;
  return areBothDeep && keyOf(a) === keyOf(b);
}

export function freezeDeep<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) freezeDeep(part);
  return Object.freeze(value);
}
