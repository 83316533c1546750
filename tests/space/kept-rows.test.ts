import { expect, test } from "vitest";
import { spaceLimits } from "../../src/space/limits.js";
import { MemoryStore } from "../../src/space/memory-store.js";
import { enterOpener } from "../../src/space/openers.js";
import type { Table } from "../../src/space/store.js";
import { StoreSpace } from "../../src/space/store-space.js";
import { alice, eyesOf, newest, stone, timeline } from "./records.js";

const limits = { ...spaceLimits, stagedBytesInMemoryMax: 2_000 };

/** How many rows each table of stages has. */
function rowsOf(store: MemoryStore): Readonly<Record<string, number>> {
  const tables: readonly Table[] = ["records", "relations", "stages", "portions", "batches"];
  return Object.fromEntries(
    tables.map((table) => [table, [...store.scan(table)].reduce((sum, page) => sum + page.length, 0)]),
  );
}

const none = { records: 0, relations: 0, stages: 0, portions: 0, batches: 0 };

/** A space whose saga "s" has staged a note and a folder of it, in several portions, and kept two thirds. */
async function spaceWithKept(store: MemoryStore, opener: string) {
  const space = new StoreSpace(store, { limits, opener });
  const note = timeline("note", 30);
  const records = [...note, ...Array.from({ length: 15 }, () => stone("stone", [newest(note)]))];
  let covered = { records: 0, bytes: 0 };
  for (const [at, record] of records.entries()) {
    const totals = await space.stage("s", alice, eyesOf(alice), [record]);
    if (at === 29) covered = totals;
  }
  expect(await space.keep("s", covered)).toBe(true);
  return space;
}

test("what is kept lies in the store, and what came behind it does not", async () => {
  const store = new MemoryStore();
  await spaceWithKept(store, "a");
  expect(rowsOf(store)).toMatchObject({ records: 30, stages: 1 });
  expect(rowsOf(store)["portions"]).toBeGreaterThan(2);
});

test.each([
  ["dropped", (space: StoreSpace) => space.drop("s")],
  [
    "taken over and dropped",
    async (space: StoreSpace) => {
      await space.takeOver("t", "s", eyesOf(alice));
      await space.drop("t");
    },
  ],
])("once it is %s, the store has nothing of it", async (_, end) => {
  const store = new MemoryStore();
  const space = await spaceWithKept(store, "a");
  await end(space);
  expect(rowsOf(store)).toEqual(none);
});

test("it does not outlive its process: the next one that opens the store drops it", async () => {
  const store = new MemoryStore();
  const gone = await enterOpener(store, { pid: -1, isAlive: () => true });
  await spaceWithKept(store, gone);
  await enterOpener(store, { pid: -2, isAlive: (pid) => pid !== -1 });
  expect(rowsOf(store)).toEqual(none);
});

test("a store that fails while a stage is kept or taken over leaves nothing that counts", async () => {
  const store = new MemoryStore();
  const space = await spaceWithKept(store, "a");
  const { write } = store;
  let left = 1;
  store.write = (work) => {
    if (left-- <= 0) return Promise.reject(new Error("the disk is full"));
    return write.call(store, work) as ReturnType<typeof store.write> as never;
  };
  await expect(space.takeOver("t", "s", eyesOf(alice))).rejects.toThrow("the disk is full");
  store.write = write;
  await space.drop("t");
  expect(await space.takeOver("u", "s", eyesOf(alice))).toEqual({ records: 0, bytes: 0, tips: [] });
  const again = await space.stage("v", alice, eyesOf(alice), timeline("other", 2));
  expect(again).toMatchObject({ records: 2 });
});
