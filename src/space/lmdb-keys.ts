import { KeysagaError } from "../base/index.js";
import type { Table } from "./store.js";

/** The first byte of a table's keys. Part of the format: a table keeps its number. */
const codeOfTable: Readonly<Record<Table, number>> = {
  records: 1,
  relations: 2,
  tips: 3,
  frames: 4,
  batches: 5,
  holders: 6,
  stages: 7,
  portions: 8,
  proofs: 9,
  groups: 10,
  cells: 11,
  openers: 12,
  meta: 13,
  references: 14,
  within: 15,
};

/** Codes of tables whose keys are gibs: 32 bytes instead of 64 digits, twice that for later frames. */
const gibCodes: ReadonlySet<number> = new Set(
  (["records", "relations", "tips", "proofs"] as const).map((table) => codeOfTable[table]),
);
const hashDigits = 64;

/** A key of the one lmdb database that holds all tables: a character for the table, then its key. */
export function lmdbKey(table: Table, key: string): string {
  return String.fromCharCode(codeOfTable[table]) + key;
}

/** The key in its table again. */
export function tableKey(key: string): string {
  return key.slice(1);
}

/** The keys of a table from `first` on, or from behind `after`. */
export function rangeOf(
  table: Table,
  { first = "", after }: { readonly first?: string; readonly after?: string | undefined },
): { start: string; end: string; exclusiveStart: boolean } {
  const start = lmdbKey(table, after ?? first);
  return { start, end: String.fromCharCode(codeOfTable[table] + 1), exclusiveStart: after !== undefined };
}

/**
 * How keys lie in lmdb: a byte for the table, then a gib's bytes, or UTF-8. At most 1,170 bytes, for an address with
 * the longest ib; lmdb takes 1,978. Written in place: a buffer for each key is a tenth of what a put costs.
 */
export const keyEncoder = {
  writeKey(key: string, target: Buffer, start: number): number {
    const code = key.charCodeAt(0);
    if (!gibCodes.has(code)) return start + target.write(key, start, "utf8");
    target[start] = code;
    const end = start + 1 + target.write(key.slice(1, 1 + hashDigits), start + 1, "hex");
    // The dot between two hashes takes no place.
    return key.length > 1 + hashDigits ? end + target.write(key.slice(2 + hashDigits), end, "hex") : end;
  },

  readKey(source: Buffer, start: number, end: number): string {
    const code = source[start];
    if (code === undefined) throw new KeysagaError("store_damaged", { reason: "an empty key" });
    if (!gibCodes.has(code)) return source.toString("utf8", start, end);
    const hex = source.toString("hex", start + 1, end).toUpperCase();
    const gib = hex.length > hashDigits ? `${hex.slice(0, hashDigits)}.${hex.slice(hashDigits)}` : hex;
    return String.fromCharCode(code) + gib;
  },
};
