import type { Table, Writer } from "./store.js";

/** Those of records that are staged before: what they take is counted where they are checked (`rowBytesOf`). */
const countedApart: ReadonlySet<Table> = new Set(["records", "relations", "portions", "stages"]);

/** Counts what a write adds to the disk: rows with their keys, less what it takes out. */
export class MeteredWriter implements Writer {
  #bytes = 0;

  constructor(private readonly writer: Writer) {}

  get bytes(): number {
    return this.#bytes;
  }

  get(table: Table, key: string): Uint8Array | undefined {
    return this.writer.get(table, key);
  }

  entries(table: Table, prefix?: string): Iterable<readonly [key: string, value: Uint8Array]> {
    return this.writer.entries(table, prefix);
  }

  put(table: Table, key: string, value: Uint8Array): void {
    this.#count(table, key, rowBytes(key, value));
    this.writer.put(table, key, value);
  }

  putNew(table: Table, key: string, value: Uint8Array): boolean {
    const isNew = this.writer.putNew(table, key, value);
    if (isNew && !countedApart.has(table)) this.#bytes += rowBytes(key, value);
    return isNew;
  }

  remove(table: Table, key: string): void {
    this.#count(table, key, 0);
    this.writer.remove(table, key);
  }

  #count(table: Table, key: string, after: number): void {
    if (countedApart.has(table)) return;
    const before = this.writer.get(table, key);
    this.#bytes += after - (before === undefined ? 0 : rowBytes(key, before));
  }
}

const pageBytes = 4096;

/**
 * What a row takes on a disk, as measured with lmdb: its pages are some four fifths full, and each row stands in a page with
 * a head and in the branches above. A long value has pages of its own, of which one is not full.
 */
export function rowBytes(key: string, value: Pick<Uint8Array, "length">): number {
  const paged = Math.min(value.length * 1.25, value.length + pageBytes);
  return Math.ceil(key.length * 1.25 + paged) + 64;
}
