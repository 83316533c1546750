/**
 * What a record has to be before it is taken in. Stricter than the V1 hash, which does not say which field a hash
 * came from and takes several values as absent: so that two admitted records never share an address.
 */
import { type Json, type JsonObject, KeysagaError, limitExceeded } from "../base/index.js";
import { type Address, gibOf, isAddress } from "./address.js";
import { recordLimits } from "./limits.js";

/** Named lists of addresses a record links to. */
export type Rel8ns = Readonly<Record<string, readonly Address[]>>;

/** What a record says besides its ib: already parsed, of one normal form. */
export interface Content {
  readonly rel8ns: Json | undefined;
  readonly data: Json | Uint8Array | undefined;
}

export interface AdmittedContent {
  readonly rel8ns: Rel8ns | undefined;
  readonly data: JsonObject | Uint8Array | undefined;
}

/** Why a record is refused: the fact `rule` of a `record_refused`. */
export type RecordRule =
  | "address"
  | "bin_data"
  | "bin_rel8ns"
  | "data_like_rel8ns"
  | "data_not_object"
  | "empty_data"
  | "framing"
  | "gib_mismatch"
  | "gib_shape"
  | "ib"
  | "is_tjp"
  | "members"
  | "primitive_content"
  | "raw_outside_bin"
  | "raw_as_text"
  | "rel8ns_shape"
  | "tjp"
  | "utf8";

export function refuseRecord(rule: RecordRule): never {
  throw new KeysagaError("record_refused", { rule });
}

/** @throws KeysagaError `limit_exceeded` where `count` is over. */
export function checkLimit(limit: keyof typeof recordLimits, count: number): void {
  if (count > recordLimits[limit]) throw limitExceeded(limit, recordLimits[limit]);
}

/** Does a record with this ib hold raw bytes? */
export function isBinIb(ib: string): boolean {
  return ib === "bin" || ib.startsWith("bin ");
}

/**
 * Checks everything about a record but its ib's shape and its gib.
 *
 * @throws KeysagaError `record_refused` or `limit_exceeded`.
 */
export function checkContent(ib: string, { rel8ns, data }: Content): AdmittedContent {
  // Without a field of their own in the hash, links of a bin would be equal to raw bytes that spell them.
  if (isBinIb(ib) && rel8ns !== undefined) refuseRecord("bin_rel8ns");
  const links = rel8ns === undefined ? undefined : checkRel8ns(rel8ns);
  const said = data === undefined ? undefined : checkData(ib, data, links !== undefined);
  checkTjp(links, said);
  return { rel8ns: links, data: said };
}

function checkRel8ns(rel8ns: Json): Rel8ns {
  if (!isRel8ns(rel8ns)) return refuseRecord("rel8ns_shape");
  const lists = Object.values(rel8ns);
  checkLimit("rel8nNamesMax", lists.length);
  checkLimit(
    "addressesMax",
    lists.reduce((sum, list) => sum + list.length, 0),
  );
  return rel8ns;
}

function checkData(ib: string, data: Json | Uint8Array, hasRel8ns: boolean): JsonObject | Uint8Array {
  if (data instanceof Uint8Array) {
    if (!isBinIb(ib)) refuseRecord("raw_outside_bin");
    return data.length > 0 ? data : refuseRecord("empty_data");
  }
  if (isBinIb(ib)) return refuseRecord("bin_data");
  if (!isObject(data)) return refuseRecord("data_not_object");
  if (Object.keys(data).length === 0) refuseRecord("empty_data");
  if (!hasRel8ns && isRel8ns(data)) refuseRecord("data_like_rel8ns");
  return data;
}

/**
 * Would this pass as `rel8ns`? By shape alone: limits may change from version to version, and what is data today
 * must not be the twin of tomorrow's links.
 */
function isRel8ns(value: Json): value is Rel8ns {
  if (!isObject(value)) return false;
  const lists = Object.values(value);
  return (
    lists.length > 0 && lists.every((list) => Array.isArray(list) && list.length > 0 && list.every(isAddress))
  );
}

function checkTjp(rel8ns: Rel8ns | undefined, data: JsonObject | Uint8Array | undefined): void {
  const tjp = rel8ns?.["tjp"];
  if (tjp !== undefined && (tjp.length !== 1 || gibOf(tjp[0]!).length !== 64)) refuseRecord("tjp");
  if (data === undefined || data instanceof Uint8Array || !Object.hasOwn(data, "isTjp")) return;
  if (data["isTjp"] !== true || tjp !== undefined || rel8ns?.["past"] !== undefined) refuseRecord("is_tjp");
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
