/**
 * What a record has to be before it is taken in. Stricter than the V1 hash, which does not say which field a hash
 * came from and takes several values as absent: so that two admitted records never share an address.
 */
import {
  freezeDeep,
  type Json,
  type JsonObject,
  KeysagaError,
  limitExceeded,
  scanCanonicalJson,
} from "../base/index.js";
import { type Address, gibOf, ibOf, isAddress } from "./address.js";
import { recordLimits } from "./limits.js";

/** Named lists of addresses a record links to. */
export type Rel8ns = Readonly<Record<string, readonly Address[]>>;

/** What a record says besides its ib: texts of JSON, or raw bytes, as they are hashed. */
export interface Content {
  readonly rel8ns: string | undefined;
  readonly data: string | Uint8Array | undefined;
}

/** What admission has read on its way, deeply frozen. */
export interface AdmittedContent {
  readonly rel8ns: Rel8ns | undefined;
  /** Those members of `data` that `isChainMember` names. */
  readonly chainMembers: ReadonlyMap<string, Json>;
}

const chainMembers: ReadonlySet<string> = new Set(["by", "isTjp", "merge", "n", "owner", "within"]);

/** Is this a member of `data` that every frame is asked for? They are read at admission, so that `data` need not be. */
export function isChainMember(name: string): boolean {
  return chainMembers.has(name);
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

/** Does the address say that the record holds raw bytes? Such a one links to nothing. */
export function isBinAddress(address: Address): boolean {
  return isBinIb(ibOf(address));
}

/**
 * Checks everything about a record but its ib's shape and its gib. Costs one scan of each text, and JSON.parse of rel8ns.
 *
 * @throws KeysagaError `json_refused`, `record_refused` or `limit_exceeded`.
 */
export function checkContent(ib: string, { rel8ns, data }: Content): AdmittedContent {
  // Without a field of their own in the hash, links of a bin would be equal to raw bytes that spell them.
  if (isBinIb(ib) && rel8ns !== undefined) refuseRecord("bin_rel8ns");
  const links = rel8ns === undefined ? undefined : checkRel8ns(rel8ns);
  const chainMembers = data === undefined ? noMembers : checkData(ib, data, links !== undefined);
  checkTjp(links, chainMembers.get("isTjp"));
  return { rel8ns: links, chainMembers };
}

const noMembers: ReadonlyMap<string, Json> = new Map();

function checkRel8ns(text: string): Rel8ns {
  scanCanonicalJson(text);
  const rel8ns: Json = JSON.parse(text);
  if (!isRel8ns(rel8ns)) return refuseRecord("rel8ns_shape");
  const lists = Object.values(rel8ns);
  checkLimit("rel8nNamesMax", lists.length);
  let addresses = 0;
  for (const list of lists) addresses += Object.freeze(list).length;
  checkLimit("addressesMax", addresses);
  return Object.freeze(rel8ns);
}

function checkData(ib: string, data: string | Uint8Array, hasRel8ns: boolean): ReadonlyMap<string, Json> {
  if (data instanceof Uint8Array) {
    if (!isBinIb(ib)) refuseRecord("raw_outside_bin");
    return data.length > 0 ? noMembers : refuseRecord("empty_data");
  }
  if (isBinIb(ib)) return refuseRecord("bin_data");
  const members = new Map<string, Json>();
  scanCanonicalJson(data, (name, from, to) => {
    if (isChainMember(name)) members.set(name, freezeDeep(JSON.parse(data.slice(from, to))));
  });
  if (!data.startsWith("{")) refuseRecord("data_not_object");
  if (data === "{}") refuseRecord("empty_data");
  // Whatever passes as rel8ns ends with an address, and no other data has to be parsed for it.
  if (!hasRel8ns && data.endsWith('"]}') && isRel8ns(JSON.parse(data))) refuseRecord("data_like_rel8ns");
  return members;
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

function checkTjp(rel8ns: Rel8ns | undefined, isTjp: Json | undefined): void {
  const tjp = rel8ns?.["tjp"];
  if (tjp !== undefined && (tjp.length !== 1 || gibOf(tjp[0]!).length !== 64)) refuseRecord("tjp");
  if (isTjp === undefined) return;
  if (isTjp !== true || tjp !== undefined || rel8ns?.["past"] !== undefined) refuseRecord("is_tjp");
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
