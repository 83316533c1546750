import {
  canonicalJson,
  freezeDeep,
  fromUtf8,
  type Json,
  type JsonObject,
  KeysagaError,
  utf8,
} from "../base/index.js";
import { type Address, gibOf, isGib, isIb, joinAddress, primitiveGib } from "./address.js";
import {
  type AdmittedContent,
  type Content,
  checkContent,
  checkLimit,
  isChainMember,
  type Rel8ns,
  refuseRecord,
} from "./admission.js";
import { joinParts, type RecordParts, splitParts } from "./byte-form.js";
import { recordHash } from "./hash.js";

/** Data that is not sealed yet: members that are `undefined` will be left out. */
export interface DraftData {
  readonly [name: string]: Json | undefined;
}

/** What a record is made of, before it has a gib. */
export interface Draft {
  readonly ib: string;
  /** An object, or raw bytes exactly where the ib is `bin` or begins `bin `. */
  readonly data?: DraftData | Uint8Array | undefined;
  readonly rel8ns?: Rel8ns | undefined;
}

/** A record without raw bytes inside a JSON message: rel8ns and data as their normal text, "" where absent. */
export type RecordText = [ib: string, gib: string, rel8ns: string, data: string];

/**
 * One immutable, admitted record. Made only by `sealRecord`, `admitRecord`, `decodeRecord`, `decodeText` and
 * `readRecord`.
 *
 * `bytes` is the truth: what is hashed, stored and sent; nobody may write to it. `data` and `rel8ns` are read from it
 * when first asked for, so that a record that is only passed on costs no parsing; of one that is admitted, admission has
 * read the links and what chains are checked by. They are deeply frozen, except that raw bytes are a copy.
 */
export class IbGib {
  readonly ib: string;
  readonly gib: string;
  readonly address: Address;
  readonly bytes: Uint8Array;
  readonly #chainMembers: AdmittedContent["chainMembers"] | undefined;
  /** Each part when it was first asked for. */
  #data: { readonly value: JsonObject | Uint8Array | undefined } | undefined;
  #rel8ns: { readonly value: Rel8ns | undefined } | undefined;

  constructor(ib: string, gib: string, address: Address, bytes: Uint8Array, admitted?: AdmittedContent) {
    this.ib = ib;
    this.gib = gib;
    this.address = address;
    this.bytes = bytes;
    this.#chainMembers = admitted?.chainMembers;
    this.#rel8ns = admitted && { value: admitted.rel8ns };
  }

  get data(): JsonObject | Uint8Array | undefined {
    this.#data ??= { value: storedData(this.bytes) };
    return this.#data.value;
  }

  get rel8ns(): Rel8ns | undefined {
    this.#rel8ns ??= { value: storedRel8ns(this.bytes) };
    return this.#rel8ns.value;
  }

  /** An own member of `data`. Names are anyone's: `data["constructor"]` is none. */
  member(name: string): Json | undefined {
    if (this.#chainMembers && isChainMember(name)) return this.#chainMembers.get(name);
    const { data } = this;
    return data && !(data instanceof Uint8Array) && Object.hasOwn(data, name) ? data[name] : undefined;
  }
}

/**
 * Makes a record of a draft: normal form, gib and byte form. The draft may be changed afterwards.
 *
 * @throws KeysagaError `json_refused`, `record_refused` or `limit_exceeded`. Empty data or rel8ns is an error here.
 */
export function sealRecord(draft: Draft): IbGib {
  const composed = compose(draft.ib, draft.rel8ns, draft.data);
  return finish(composed, gibFor(composed));
}

/**
 * Admits a plain object with a claimed gib, as other ibGib software writes it: with no members but `ib`, `gib` and,
 * where present, `data` and `rel8ns`.
 *
 * @throws KeysagaError `json_refused`, `record_refused` or `limit_exceeded`.
 */
export function admitRecord(plain: unknown): IbGib {
  const { ib, gib, rel8ns, data } = membersOf(plain);
  if (!isGib(gib)) return refuseRecord("gib_shape");
  const composed = compose(ib, rel8ns, data);
  checkGib(composed, gib);
  return finish(composed, gib);
}

/**
 * Admits the byte form of a record from anyone, in the one encoding that is accepted. The record keeps `bytes`
 * without a copy: the caller gives them up.
 *
 * Costs at most four hashes, one scan of rel8ns and of data, and JSON.parse of rel8ns.
 *
 * @throws KeysagaError `json_refused`, `record_refused` or `limit_exceeded`.
 */
export function decodeRecord(bytes: Uint8Array): IbGib {
  checkLimit("recordBytesMax", bytes.length);
  const parts = splitParts(bytes) ?? refuseRecord("framing");
  checkLimit("ibBytesMax", parts.ib.length);
  const ib = strictText(parts.ib);
  const gib = strictText(parts.gib);
  if (!isIb(ib)) return refuseRecord("ib");
  const admitted = checkContent(ib, {
    rel8ns: parts.rel8ns && strictText(parts.rel8ns),
    data: parts.isRaw ? parts.data : parts.data && strictText(parts.data),
  });
  checkGib({ ib, parts, admitted }, gib);
  return new IbGib(ib, gib, joinAddress(ib, gib), bytes, admitted);
}

/**
 * Admits a record that came as text inside a JSON message.
 *
 * @throws KeysagaError `json_refused`, `record_refused` or `limit_exceeded`.
 */
export function decodeText([ib, gib, rel8nsText, dataText]: RecordText): IbGib {
  checkLimit("recordBytesMax", ib.length + gib.length + rel8nsText.length + dataText.length);
  if (!isIb(ib)) return refuseRecord("ib");
  const composed = composeTexts(ib, { rel8ns: rel8nsText || undefined, data: dataText || undefined });
  checkGib(composed, gib);
  return finish(composed, gib);
}

/**
 * The text form of a record, for `decodeText`.
 *
 * @throws KeysagaError `record_refused`, rule `raw_as_text`, for a record with raw bytes.
 */
export function toText(record: IbGib): RecordText {
  const { rel8ns, data, isRaw } = storedParts(record.bytes);
  if (isRaw) return refuseRecord("raw_as_text");
  return [
    record.ib,
    record.gib,
    rel8ns === undefined ? "" : storedText(rel8ns),
    data === undefined ? "" : storedText(data),
  ];
}

/**
 * A record from the bytes of our own store, which were admitted before they were put there: neither hashed nor
 * parsed. Damage that this meets is `store_damaged`, here or when `data` or `rel8ns` is first asked for; damage that
 * it does not meet is found by `decodeRecord` (`keysaga verify`).
 */
export function readRecord(bytes: Uint8Array): IbGib {
  const parts = storedParts(bytes);
  const ib = storedText(parts.ib);
  const gib = storedText(parts.gib);
  return isIb(ib) && isGib(gib) ? new IbGib(ib, gib, joinAddress(ib, gib), bytes) : damaged();
}

/**
 * The byte form of a draft with an empty gib: what the digest of a keystone frame is taken over (docs/keystone.md).
 *
 * @throws KeysagaError as `sealRecord`.
 */
export function encodeWithoutGib(draft: Draft): Uint8Array {
  return joinParts(compose(draft.ib, draft.rel8ns, draft.data).parts);
}

/** A record with everything checked but its gib. */
interface Composed {
  readonly ib: string;
  /** The gib among them is not looked at. */
  readonly parts: RecordParts;
  readonly admitted: AdmittedContent;
}

function compose(ib: unknown, rel8ns: unknown, data: unknown): Composed {
  if (!isIb(ib)) return refuseRecord("ib");
  return composeTexts(ib, {
    rel8ns: rel8ns === undefined ? undefined : canonicalJson(rel8ns),
    data: data === undefined ? undefined : data instanceof Uint8Array ? data.slice() : canonicalJson(data),
  });
}

function composeTexts(ib: string, content: Content): Composed {
  const admitted = checkContent(ib, content);
  const { rel8ns, data } = content;
  const parts = {
    ib: utf8(ib),
    gib: new Uint8Array(0),
    rel8ns: rel8ns === undefined ? undefined : utf8(rel8ns),
    data: typeof data === "string" ? utf8(data) : data,
    isRaw: data instanceof Uint8Array,
  };
  checkLimit("ibBytesMax", parts.ib.length);
  return { ib, parts, admitted };
}

function finish({ ib, parts, admitted }: Composed, gib: string): IbGib {
  const bytes = joinParts({ ...parts, gib: utf8(gib) });
  checkLimit("recordBytesMax", bytes.length);
  return new IbGib(ib, gib, joinAddress(ib, gib), bytes, admitted);
}

/** What is equal to a gib has its shape: the shape is looked at only to say what is wrong. */
function checkGib(composed: Composed, gib: string): void {
  if (gib !== primitiveGib) {
    if (gib !== gibFor(composed)) refuseRecord(isGib(gib) ? "gib_mismatch" : "gib_shape");
  } else if (composed.parts.rel8ns !== undefined || composed.parts.data !== undefined) {
    refuseRecord("primitive_content");
  }
}

function gibFor({ ib, parts, admitted }: Composed): string {
  const hash = recordHash(ib, parts.rel8ns, parts.data);
  const tjp = admitted.rel8ns?.["tjp"]?.[0];
  return tjp === undefined ? hash : `${hash}.${gibOf(tjp)}`;
}

const memberNames = new Set(["ib", "gib", "rel8ns", "data"]);

function membersOf(plain: unknown): { ib?: unknown; gib?: unknown; rel8ns?: unknown; data?: unknown } {
  if (typeof plain !== "object" || plain === null) return refuseRecord("members");
  if (!Reflect.ownKeys(plain).every((name) => typeof name === "string" && memberNames.has(name)))
    refuseRecord("members");
  return { ...plain };
}

function strictText(bytes: Uint8Array): string {
  return fromUtf8(bytes) ?? refuseRecord("utf8");
}

function storedParts(bytes: Uint8Array): RecordParts {
  return splitParts(bytes) ?? damaged();
}

function storedText(bytes: Uint8Array): string {
  return fromUtf8(bytes) ?? damaged();
}

/** What is in our own store has been admitted, so its types are believed. */
function storedData(bytes: Uint8Array): JsonObject | Uint8Array | undefined {
  const { data, isRaw } = storedParts(bytes);
  return data && (isRaw ? data.slice() : storedJson<JsonObject>(data));
}

function storedRel8ns(bytes: Uint8Array): Rel8ns | undefined {
  const { rel8ns } = storedParts(bytes);
  return rel8ns && storedJson<Rel8ns>(rel8ns);
}

function storedJson<Stored extends Json>(bytes: Uint8Array): Stored {
  let value: Stored;
  try {
    value = JSON.parse(storedText(bytes));
  } catch {
    return damaged();
  }
  return freezeDeep(value);
}

function damaged(): never {
  throw new KeysagaError("store_damaged", { found: "record" });
}
