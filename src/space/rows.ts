/**
 * How the rows of the tables lie in the store. All but records are lists of texts, each with its length in front;
 * whatever does not read back is `store_damaged`.
 */
import { fromUtf8, KeysagaError, lengthPrefixed, u32, utf8, writeU32 } from "../base/index.js";
import { type Address, isAddress } from "../ibgib/index.js";
import type { Holder, Inner, Reference, Tip } from "./space.js";

/** A record as it is stored: what the space knows of it, and its byte form as it came. */
export interface RecordRow {
  /** In whose batches it is: one per holder, and one per stage that has it. */
  readonly batches: readonly number[];
  readonly isTjp: boolean;
  /** The gib under which relations.ts keeps what its closure reaches; undefined where that is no timeline. */
  readonly relation: string | undefined;
  readonly bytes: Uint8Array;
}

/**
 * What a record adds to what its closure reaches: timelines it links to, itself where it is a stone that has references, and
 * records whose own additions count.
 */
export interface Relation {
  readonly timelines: readonly Address[];
  readonly inherited: readonly string[];
}

export interface TipRow {
  readonly tip: Tip;
  readonly relation: string | undefined;
}

export interface BatchRow {
  readonly holder: Holder;
  readonly isCommitted: boolean;
}

export interface StageRow {
  readonly opener: string;
  readonly portions: number;
}

export interface ProofRow {
  /** What it is filed under. */
  readonly groups: readonly Address[];
  readonly bytes: Uint8Array;
}

export interface GroupRow {
  readonly group: Address;
  readonly count: number;
}

const tjpFlag = 1;
const batchesAt = 6;

/**
 *     flags      1 byte   1: is the first frame of a timeline
 *     relation   1 byte   the length of the gib that follows the batches: 0, 64 or 129
 *     batches    u32 count, then a u32 each
 *     relation   ASCII
 *     bytes      the record, to the end
 */
export function encodeRecordRow(row: RecordRow): Uint8Array {
  const bytes = new Uint8Array(lengthOfRecordRow(row));
  writeRecordRow(bytes, row);
  return bytes;
}

/** Many rows in one piece of memory: a store takes them in faster than as many small ones. */
export function encodeRecordRows(rows: readonly RecordRow[]): Uint8Array[] {
  const all = new Uint8Array(rows.reduce((sum, row) => sum + lengthOfRecordRow(row), 0));
  let end = 0;
  return rows.map((row) => {
    const bytes = all.subarray(end, end + lengthOfRecordRow(row));
    writeRecordRow(bytes, row);
    end += bytes.length;
    return bytes;
  });
}

export function lengthOfRecordRow({ batches, relation = "", bytes }: RecordRow): number {
  return batchesAt + 4 * batches.length + relation.length + bytes.length;
}

function writeRecordRow(row: Uint8Array, { batches, isTjp, relation = "", bytes }: RecordRow): void {
  const relationAt = batchesAt + 4 * batches.length;
  row[0] = isTjp ? tjpFlag : 0;
  row[1] = relation.length;
  writeU32(row, 2, batches.length);
  for (let i = 0; i < batches.length; i++) writeU32(row, batchesAt + 4 * i, batches[i]!);
  for (let i = 0; i < relation.length; i++) row[relationAt + i] = relation.charCodeAt(i);
  row.set(bytes, relationAt + relation.length);
}

export function decodeRecordRow(row: Uint8Array): RecordRow {
  if (row.length < batchesAt) return damaged("records");
  const relationAt = batchesAt + 4 * readU32(row, 2);
  const recordAt = relationAt + row[1]!;
  if (recordAt > row.length) return damaged("records");
  const batches: number[] = [];
  for (let at = batchesAt; at < relationAt; at += 4) batches.push(readU32(row, at));
  const relation =
    recordAt === relationAt ? undefined : String.fromCharCode(...row.subarray(relationAt, recordAt));
  return { batches, isTjp: row[0] === tjpFlag, relation, bytes: row.subarray(recordAt) };
}

export function encodeRelation({ timelines, inherited }: Relation): Uint8Array {
  return lengthPrefixed(lengthPrefixed(...timelines), lengthPrefixed(...inherited));
}

export function decodeRelation(row: Uint8Array): Relation {
  const [timelines, inherited] = parts(row, "relations", 2);
  return {
    timelines: texts(timelines!, "relations").map((text) => address(text, "relations")),
    inherited: texts(inherited!, "relations"),
  };
}

export function encodeReferenceRow({ holder, target, by, isOpen }: Reference): Uint8Array {
  return lengthPrefixed(holder, target, by, isOpen ? "open" : "settled");
}

export function decodeReferenceRow(row: Uint8Array): Reference {
  const [holder, target, by, state] = texts(row, "references", 4);
  return {
    holder: address(holder!, "references"),
    target: address(target!, "references"),
    by: address(by!, "references"),
    isOpen: state === "open",
  };
}

export function encodeTipRow({ tip, relation = "" }: TipRow): Uint8Array {
  return lengthPrefixed(tip.tjp, tip.address, String(tip.n), relation);
}

export function decodeTipRow(row: Uint8Array): TipRow {
  const [tjp, at, n, relation] = texts(row, "tips", 4);
  const tip = { tjp: address(tjp!, "tips"), address: address(at!, "tips"), n: integer(n!, "tips") };
  return { tip, relation: relation === "" ? undefined : relation };
}

export function encodeBatchRow({ holder, isCommitted }: BatchRow): Uint8Array {
  return lengthPrefixed(holder, isCommitted ? "committed" : "staged");
}

export function decodeBatchRow(row: Uint8Array): BatchRow {
  const [holder, state] = texts(row, "batches", 2);
  return { holder: address(holder!, "batches"), isCommitted: state === "committed" };
}

export function encodeStageRow({ opener, portions }: StageRow): Uint8Array {
  return lengthPrefixed(opener, String(portions));
}

export function decodeStageRow(row: Uint8Array): StageRow {
  const [opener, portions] = texts(row, "stages", 2);
  return { opener: opener!, portions: integer(portions!, "stages") };
}

export function encodeProofRow({ groups, bytes }: ProofRow): Uint8Array {
  return lengthPrefixed(lengthPrefixed(...groups), bytes);
}

export function decodeProofRow(row: Uint8Array): ProofRow {
  const [groups, bytes] = parts(row, "proofs", 2);
  return { groups: texts(groups!, "proofs").map((text) => address(text, "proofs")), bytes: bytes! };
}

export function encodeGroupRow({ group, count }: GroupRow): Uint8Array {
  return lengthPrefixed(group, String(count));
}

export function decodeGroupRow(row: Uint8Array): GroupRow {
  const [group, count] = texts(row, "groups", 2);
  return { group: address(group!, "groups"), count: integer(count!, "groups") };
}

export function encodeTexts(list: readonly string[]): Uint8Array {
  return lengthPrefixed(...list);
}

export function decodeTexts(row: Uint8Array, table: string, count?: number): string[] {
  return texts(row, table, count);
}

/** Many gibs at once, in ASCII: a line each. */
export function encodeGibs(gibs: readonly string[]): Uint8Array {
  return utf8(gibs.join("\n"));
}

export function decodeGibs(row: Uint8Array): string[] {
  return (fromUtf8(row) ?? damaged("portions")).split("\n");
}

export function encodeInner({ timeline, owner = "" as Address }: Inner): Uint8Array {
  return lengthPrefixed(timeline, owner);
}

export function decodeInner(row: Uint8Array): Inner {
  const [timeline, owner] = texts(row, "within", 2);
  return {
    timeline: address(timeline!, "within"),
    owner: owner === "" ? undefined : address(owner!, "within"),
  };
}

export function encodeAddress(value: Address): Uint8Array {
  return lengthPrefixed(value);
}

export function decodeAddress(row: Uint8Array, table: string): Address {
  return address(texts(row, table, 1)[0]!, table);
}

export function encodeCount(count: number): Uint8Array {
  return u32(count);
}

export function decodeCount(row: Uint8Array, table: string): number {
  if (row.length !== 4) return damaged(table);
  return readU32(row, 0);
}

export function damaged(table: string): never {
  throw new KeysagaError("store_damaged", { table });
}

/** Undoes `lengthPrefixed`. */
function parts(row: Uint8Array, table: string, count?: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at < row.length; ) {
    const from = at + 4;
    const end = from > row.length ? Number.POSITIVE_INFINITY : from + readU32(row, at);
    if (end > row.length) return damaged(table);
    found.push(row.subarray(from, end));
    at = end;
  }
  return count === undefined || count === found.length ? found : damaged(table);
}

function texts(row: Uint8Array, table: string, count?: number): string[] {
  return parts(row, table, count).map((part) => fromUtf8(part) ?? damaged(table));
}

function address(text: string, table: string): Address {
  return isAddress(text) ? text : damaged(table);
}

function integer(text: string, table: string): number {
  const value = Number(text);
  return Number.isSafeInteger(value) && String(value) === text ? value : damaged(table);
}

// Written out: a DataView for each row is most of what a row costs.
function readU32(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 2 ** 24 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
}
