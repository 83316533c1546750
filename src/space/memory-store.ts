import type { Reader, Store, Table, Writer } from "./store.js";

/** Tables in memory. A write is a draft beside them that is taken over as a whole, or not at all. */
export class MemoryStore implements Store {
  readonly #tables = new Map<Table, Rows<Uint8Array>>();

  read<Result>(work: (reader: Reader) => Result): Result {
    return work({
      get: (table, key) => this.#table(table).get(key),
      entries: (table, prefix = "") => this.#table(table).entries(prefix),
    });
  }

  async write<Result>(work: (writer: Writer) => Result): Promise<Result> {
    const draft = new MemoryDraft((table) => this.#table(table));
    const result = work(draft);
    draft.apply();
    return result;
  }

  scan(table: Table): Iterable<readonly (readonly [string, Uint8Array])[]> {
    return [[...this.#table(table).entries("")]];
  }

  async close(): Promise<void> {
    this.#tables.clear();
  }

  #table(name: Table): Rows<Uint8Array> {
    let table = this.#tables.get(name);
    if (table === undefined) {
      table = new Rows();
      this.#tables.set(name, table);
    }
    return table;
  }
}

/** What a write has changed so far; `undefined` is a removal. */
class MemoryDraft implements Writer {
  readonly #base: (table: Table) => Rows<Uint8Array>;
  readonly #changes = new Map<Table, Rows<Uint8Array | undefined>>();

  constructor(base: (table: Table) => Rows<Uint8Array>) {
    this.#base = base;
  }

  get(table: Table, key: string): Uint8Array | undefined {
    const changes = this.#changes.get(table);
    return changes?.has(key) === true ? changes.get(key) : this.#base(table).get(key);
  }

  *entries(table: Table, prefix = ""): Iterable<readonly [string, Uint8Array]> {
    const changes = this.#changes.get(table);
    for (const entry of this.#base(table).entries(prefix)) if (!changes?.has(entry[0])) yield entry;
    for (const [key, value] of changes?.entries(prefix) ?? []) if (value !== undefined) yield [key, value];
  }

  put(table: Table, key: string, value: Uint8Array): void {
    this.#change(table, key, value);
  }

  putNew(table: Table, key: string, value: Uint8Array): boolean {
    if (this.get(table, key) !== undefined) return false;
    this.#change(table, key, value);
    return true;
  }

  remove(table: Table, key: string): void {
    this.#change(table, key, undefined);
  }

  apply(): void {
    for (const [name, changes] of this.#changes) {
      const table = this.#base(name);
      for (const [key, value] of changes.entries("")) {
        if (value === undefined) table.delete(key);
        else table.set(key, value);
      }
    }
  }

  #change(table: Table, key: string, value: Uint8Array | undefined): void {
    const changes = this.#changes.get(table) ?? new Rows();
    this.#changes.set(table, changes);
    // Copied, as any other store would: the caller may go on using its array.
    changes.set(key, value?.slice());
  }
}

/** Rows by key, those apart whose keys differ up to their last slash: a prefix that ends there is found without the rest. */
class Rows<Value> {
  readonly #parts = new Map<string, Map<string, Value>>();

  get(key: string): Value | undefined {
    return this.#parts.get(partOf(key))?.get(key);
  }

  has(key: string): boolean {
    return this.#parts.get(partOf(key))?.has(key) ?? false;
  }

  set(key: string, value: Value): void {
    const part = this.#parts.get(partOf(key));
    if (part) part.set(key, value);
    else this.#parts.set(partOf(key), new Map([[key, value]]));
  }

  delete(key: string): void {
    const part = this.#parts.get(partOf(key));
    if (part?.delete(key) && part.size === 0) this.#parts.delete(partOf(key));
  }

  *entries(prefix: string): Generator<[string, Value]> {
    for (const [name, part] of this.#parts) {
      if (name.startsWith(prefix)) yield* part;
      else if (prefix.startsWith(name))
        for (const entry of part) if (entry[0].startsWith(prefix)) yield entry;
    }
  }
}

function partOf(key: string): string {
  return key.slice(0, key.lastIndexOf("/") + 1);
}
