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
};

/** Tables whose keys are gibs: 32 bytes instead of 64 digits, twice that for later frames. */
const gibTables: ReadonlySet<Table> = new Set(["records", "relations", "tips", "proofs"]);
const hashDigits = 64;
const behindUtf8 = 0xff;

/**
 * A key of the one lmdb database that holds all tables: a byte for the table, then a gib's bytes, or UTF-8. At most
 * 1,170 bytes, for an address with the longest ib; lmdb takes 1,978.
 */
export function encodeKey(table: Table, key: string): Buffer {
  const isGib = gibTables.has(table);
  const bytes = Buffer.allocUnsafe(1 + (isGib ? key.length >>> 1 : Buffer.byteLength(key)));
  bytes[0] = codeOfTable[table];
  if (!isGib) {
    bytes.write(key, 1, "utf8");
  } else {
    const end = 1 + bytes.write(key.slice(0, hashDigits), 1, "hex");
    // The dot between two hashes takes no place: 129 characters, 64 bytes.
    if (key.length > hashDigits) bytes.write(key.slice(hashDigits + 1), end, "hex");
  }
  return bytes;
}

/** The key text of a table that has it in UTF-8, or the gib. */
export function decodeKey(table: Table, bytes: Uint8Array): string {
  const key = Buffer.from(bytes.buffer, bytes.byteOffset + 1, bytes.length - 1);
  if (!gibTables.has(table)) return key.toString("utf8");
  const hex = key.toString("hex").toUpperCase();
  return hex.length > hashDigits ? `${hex.slice(0, hashDigits)}.${hex.slice(hashDigits)}` : hex;
}

/** All keys of a table that start with `prefix`, from behind `after`; gibs are not asked for by prefix. */
export function rangeOf(
  table: Table,
  prefix: string,
  after?: string,
): { start: Buffer; end: Buffer; exclusiveStart: boolean } {
  const first = encodeKey(table, prefix);
  const end =
    prefix === "" ? Buffer.of(codeOfTable[table] + 1) : Buffer.concat([first, Buffer.of(behindUtf8)]);
  if (after === undefined) return { start: first, end, exclusiveStart: false };
  return { start: encodeKey(table, after), end, exclusiveStart: true };
}
