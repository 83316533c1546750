import type { Reader, Store, Table, Writer } from "./store.js";

/** Tables in memory. A write is a draft beside them that is taken over as a whole, or not at all. */
export class MemoryStore implements Store {
  readonly #tables = new Map<Table, Map<string, Uint8Array>>();

  read<Result>(work: (reader: Reader) => Result): Result {
    return work({
      get: (table, key) => this.#table(table).get(key),
      entries: (table, prefix = "") => withPrefix(this.#table(table), prefix),
    });
  }

  async write<Result>(work: (writer: Writer) => Result): Promise<Result> {
    const draft = new MemoryDraft((table) => this.#table(table));
    const result = work(draft);
    draft.apply();
    return result;
  }

  scan(table: Table): Iterable<readonly (readonly [string, Uint8Array])[]> {
    return [[...this.#table(table)]];
  }

  async close(): Promise<void> {
    this.#tables.clear();
  }

  #table(name: Table): Map<string, Uint8Array> {
    let table = this.#tables.get(name);
    if (table === undefined) {
      table = new Map();
      this.#tables.set(name, table);
    }
    return table;
  }
}

/** What a write has changed so far; `undefined` is a removal. */
class MemoryDraft implements Writer {
  readonly #base: (table: Table) => Map<string, Uint8Array>;
  readonly #changes = new Map<Table, Map<string, Uint8Array | undefined>>();

  constructor(base: (table: Table) => Map<string, Uint8Array>) {
    this.#base = base;
  }

  get(table: Table, key: string): Uint8Array | undefined {
    const changes = this.#changes.get(table);
    return changes?.has(key) === true ? changes.get(key) : this.#base(table).get(key);
  }

  *entries(table: Table, prefix = ""): Iterable<readonly [string, Uint8Array]> {
    const changes = this.#changes.get(table) ?? new Map<string, Uint8Array | undefined>();
    for (const entry of withPrefix(this.#base(table), prefix)) if (!changes.has(entry[0])) yield entry;
    for (const [key, value] of withPrefix(changes, prefix)) if (value !== undefined) yield [key, value];
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
      for (const [key, value] of changes) {
        if (value === undefined) table.delete(key);
        else table.set(key, value);
      }
    }
  }

  #change(table: Table, key: string, value: Uint8Array | undefined): void {
    const changes = this.#changes.get(table);
    // Copied, as any other store would: the caller may go on using its array.
    const kept = value?.slice();
    if (changes === undefined) this.#changes.set(table, new Map([[key, kept]]));
    else changes.set(key, kept);
  }
}

function* withPrefix<Value>(table: ReadonlyMap<string, Value>, prefix: string): Generator<[string, Value]> {
  for (const entry of table) if (entry[0].startsWith(prefix)) yield entry;
}
