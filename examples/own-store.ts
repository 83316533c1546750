/**
 * A store of one's own: `Store` is small ordered tables with transactions, and `StoreSpace` makes a space of it. This one
 * keeps its tables in maps, and ends with the process; one on disk resolves `write` only once what it wrote is durable.
 */
import {
  createIdentity,
  createTimeline,
  saveRecords,
  spaceLimits,
  type Store,
  type StoreReader,
  StoreSpace,
  type StoreTable,
  type StoreWriter,
} from "keysaga";
import { createWorld } from "keysaga/testing";

class MapStore implements Store {
  #tables = new Map<StoreTable, ReadonlyMap<string, Uint8Array>>();

  read<Result>(work: (reader: StoreReader) => Result): Result {
    return work(readerOf(this.#tables));
  }

  /** Works on copies, which take the place of the tables unless `work` throws. */
  async write<Result>(work: (writer: StoreWriter) => Result): Promise<Result> {
    const tables = new Map(Array.from(this.#tables, ([name, rows]) => [name, new Map(rows)]));
    const rowsOf = (table: StoreTable) => {
      const rows = tables.get(table) ?? new Map<string, Uint8Array>();
      tables.set(table, rows);
      return rows;
    };
    const reader = readerOf(tables);
    const result = work({
      ...reader,
      put: (table, key, value) => void rowsOf(table).set(key, value),
      putNew(table, key, value) {
        const isNew = reader.get(table, key) === undefined;
        if (isNew) rowsOf(table).set(key, value);
        return isNew;
      },
      remove: (table, key) => void rowsOf(table).delete(key),
    });
    this.#tables = tables;
    return result;
  }

  *scan(table: StoreTable) {
    yield [...(this.#tables.get(table) ?? [])];
  }

  async close(): Promise<void> {}
}

function readerOf(tables: ReadonlyMap<StoreTable, ReadonlyMap<string, Uint8Array>>): StoreReader {
  return {
    get: (table, key) => tables.get(table)?.get(key),
    entries: (table, prefix = "") => [...(tables.get(table) ?? [])].filter(([key]) => key.startsWith(prefix)),
  };
}

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
const space = new StoreSpace(new MapStore(), { limits: spaceLimits, opener: "this process" });
const me = await createIdentity({ space, secret: random(32), recoverySecret: random(32) });
const note = createTimeline({ ib: "note", owner: me.address, uuid: crypto.randomUUID() });
await saveRecords(me, [note]);
console.log(`the store has ${(await space.tip(note.address))?.n === 0 ? "the note" : "nothing"}`);

// Peers of a test can live in it as well.
const world = await createWorld({
  space: () => new StoreSpace(new MapStore(), { limits: spaceLimits, opener: "this process" }),
});
const [alice] = world.senders;
const synced = await alice.timeline("note", { data: { text: "hello" } });
await alice.sync(synced);
console.log(`the receiver has ${(await world.receiver.graph(synced)).length} record`);
await world.close();
