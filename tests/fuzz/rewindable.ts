import type { Commit } from "../../src/space/index.js";
import { spaceLimits } from "../../src/space/limits.js";
import type { Reader, Store, Table, Writer } from "../../src/space/store.js";
import { StoreSpace } from "../../src/space/store-space.js";

type Tables = ReadonlyMap<Table, ReadonlyMap<string, Uint8Array>>;

/** Tables in memory that can be put back to what they were: a peer meets a thousand attackers with one past. */
export class RewindableStore implements Store {
  #tables = new Map<Table, Map<string, Uint8Array>>();
  #saved: Tables = new Map();
  /** Has anything been written since it was saved or rewound? */
  isTouched = false;

  save(): void {
    this.#saved = copyOf(this.#tables);
    this.isTouched = false;
  }

  rewind(): void {
    if (this.isTouched) this.#tables = copyOf(this.#saved);
    this.isTouched = false;
  }

  get tables(): Tables {
    return this.#tables;
  }

  get saved(): Tables {
    return this.#saved;
  }

  read<Result>(work: (reader: Reader) => Result): Result {
    return work(this.#reader);
  }

  async write<Result>(work: (writer: Writer) => Result): Promise<Result> {
    const before = new Map<Table, Map<string, Uint8Array | undefined>>();
    try {
      return work(this.#writer(before));
    } catch (thrown) {
      for (const [table, entries] of before)
        for (const [key, value] of entries) put(this.#table(table), key, value);
      throw thrown;
    }
  }

  scan(table: Table): Iterable<readonly (readonly [string, Uint8Array])[]> {
    return [[...this.#table(table)]];
  }

  async close(): Promise<void> {}

  readonly #reader: Reader = {
    get: (table, key) => this.#table(table).get(key),
    entries: (table, prefix = "") => [...this.#table(table)].filter(([key]) => key.startsWith(prefix)),
  };

  #writer(before: Map<Table, Map<string, Uint8Array | undefined>>): Writer {
    const change = (name: Table, key: string, value: Uint8Array | undefined) => {
      this.isTouched = true;
      const table = this.#table(name);
      const noted = before.get(name) ?? new Map<string, Uint8Array | undefined>();
      before.set(name, noted);
      if (!noted.has(key)) noted.set(key, table.get(key));
      put(table, key, value?.slice());
    };
    return {
      ...this.#reader,
      put: change,
      putNew: (table, key, value) => {
        if (this.#table(table).has(key)) return false;
        change(table, key, value);
        return true;
      },
      remove: (table, key) => change(table, key, undefined),
    };
  }

  #table(name: Table): Map<string, Uint8Array> {
    const table = this.#tables.get(name) ?? new Map<string, Uint8Array>();
    this.#tables.set(name, table);
    return table;
  }
}

function put(table: Map<string, Uint8Array>, key: string, value: Uint8Array | undefined): void {
  if (value === undefined) table.delete(key);
  else table.set(key, value);
}

function copyOf(tables: Tables): Map<Table, Map<string, Uint8Array>> {
  return new Map([...tables].map(([name, entries]) => [name, new Map(entries)]));
}

/** A space over such a store, which knows which sagas have something staged. */
export class RewindableSpace extends StoreSpace {
  readonly store: RewindableStore;
  readonly staged = new Set<string>();

  constructor(store = new RewindableStore()) {
    super(store, { limits: spaceLimits, opener: "fuzz" });
    this.store = store;
  }

  override stage(...args: Parameters<StoreSpace["stage"]>): ReturnType<StoreSpace["stage"]> {
    this.staged.add(args[0]);
    return super.stage(...args);
  }

  override async drop(saga: string): Promise<void> {
    await super.drop(saga);
    this.staged.delete(saga);
  }

  override async commit(commit: Commit): ReturnType<StoreSpace["commit"]> {
    const result = await super.commit(commit);
    if (result.kind === "committed" && commit.saga !== undefined) this.staged.delete(commit.saga);
    return result;
  }
}
