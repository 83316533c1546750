import type { Space } from "../../src/space/index.js";
import { spaceLimits } from "../../src/space/limits.js";
import { MemoryStore } from "../../src/space/memory-store.js";
import type { Reader, Store, Table, Writer } from "../../src/space/store.js";
import { StoreSpace } from "../../src/space/store-space.js";

type Change = (writer: Writer) => void;

/**
 * A store whose writes are flushed some time after they are made, as on a disk; `survivors` is what a loss of power
 * would leave. Writes are flushed in the order they are made.
 */
export class FlushingStore implements Store {
  readonly #live = new MemoryStore();
  readonly #flushed: Change[] = [];
  #flushes: Promise<void> = Promise.resolve();

  /** Have writes resolve before they are flushed: what no store may do. */
  tellsEarly = false;

  constructor(private readonly latency: () => Promise<void>) {}

  read<Result>(work: (reader: Reader) => Result): Result {
    return this.#live.read(work);
  }

  scan(table: Table): Iterable<readonly (readonly [string, Uint8Array])[]> {
    return this.#live.scan(table);
  }

  async write<Result>(work: (writer: Writer) => Result): Promise<Result> {
    const changes: Change[] = [];
    const result = await this.#live.write((writer) => work(recording(writer, changes)));
    const flush = this.#flushes.then(async () => {
      await this.latency();
      this.#flushed.push(...changes);
    });
    this.#flushes = flush;
    if (!this.tellsEarly) await flush;
    return result;
  }

  async close(): Promise<void> {
    await this.#flushes;
  }

  /** A space over what is flushed at this moment. */
  survivors(): () => Promise<Space> {
    const changes = this.#flushed.slice();
    return async () => {
      const store = new MemoryStore();
      await store.write((writer) => {
        for (const change of changes) change(writer);
      });
      return spaceOn(store);
    };
  }
}

export function spaceOn(store: Store): Space {
  return new StoreSpace(store, { limits: spaceLimits, opener: "memory" });
}

function recording(writer: Writer, changes: Change[]): Writer {
  return {
    get: (table, key) => writer.get(table, key),
    entries: (table, prefix) => writer.entries(table, prefix),
    put(table, key, value) {
      writer.put(table, key, value);
      changes.push((later) => later.put(table, key, value));
    },
    putNew(table, key, value) {
      const isPut = writer.putNew(table, key, value);
      if (isPut) changes.push((later) => later.put(table, key, value));
      return isPut;
    },
    remove(table, key) {
      writer.remove(table, key);
      changes.push((later) => later.remove(table, key));
    },
  };
}
