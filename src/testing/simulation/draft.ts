import type { Reader, Table, Writer } from "../../space/store.js";

/** What a flush has changed of one row. */
export interface RowChange {
  readonly table: Table;
  readonly key: string;
  readonly from: Uint8Array | undefined;
  readonly to: Uint8Array | undefined;
}

/** Changes over a disk, or over the draft of a batch: `undefined` is a removal. */
export class Draft implements Writer {
  readonly #under: Reader;
  readonly #changes = new Map<Table, Map<string, Uint8Array | undefined>>();

  constructor(under: Reader) {
    this.#under = under;
  }

  get(table: Table, key: string): Uint8Array | undefined {
    const changes = this.#changes.get(table);
    return changes?.has(key) === true ? changes.get(key) : this.#under.get(table, key);
  }

  *entries(table: Table, prefix = ""): Iterable<readonly [string, Uint8Array]> {
    const changes = this.#changes.get(table) ?? new Map<string, Uint8Array | undefined>();
    for (const entry of this.#under.entries(table, prefix)) if (!changes.has(entry[0])) yield entry;
    for (const [key, value] of withPrefix(changes, prefix)) if (value !== undefined) yield [key, value];
  }

  put(table: Table, key: string, value: Uint8Array): void {
    this.#set(table, key, value.slice());
  }

  putNew(table: Table, key: string, value: Uint8Array): boolean {
    if (this.get(table, key) !== undefined) return false;
    this.put(table, key, value);
    return true;
  }

  remove(table: Table, key: string): void {
    this.#set(table, key, undefined);
  }

  mergeInto(draft: Draft): void {
    for (const [table, changes] of this.#changes)
      for (const [key, value] of changes) draft.#set(table, key, value);
  }

  /** Does it take room? */
  get puts(): boolean {
    return [...this.#changes.values()].some((changes) =>
      [...changes.values()].some((value) => value !== undefined),
    );
  }

  changes(): RowChange[] {
    return [...this.#changes].flatMap(([table, changes]) =>
      Array.from(changes, ([key, to]) => ({ table, key, from: this.#under.get(table, key), to })),
    );
  }

  #set(table: Table, key: string, value: Uint8Array | undefined): void {
    const changes = this.#changes.get(table) ?? new Map<string, Uint8Array | undefined>();
    this.#changes.set(table, changes);
    changes.set(key, value);
  }
}

export function* withPrefix<Value>(
  table: ReadonlyMap<string, Value>,
  prefix: string,
): Generator<[string, Value]> {
  for (const entry of table) if (entry[0].startsWith(prefix)) yield entry;
}
