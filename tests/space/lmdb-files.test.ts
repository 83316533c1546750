import fs, { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openLmdbSpace } from "../../src/space/lmdb-space.js";
import { newDirectory } from "./homes.js";
import { startOnFullDisk } from "./processes/child.js";
import { first, keep, timeline } from "./records.js";

test("what was committed is there when the store is opened again", async () => {
  const path = join(newDirectory(), "not", "yet.there");
  const note = timeline("note", 40);
  const space = await openLmdbSpace({ path });
  await keep(space, note);
  await space.close();
  const again = await openLmdbSpace({ path });
  expect(await again.frames(first(note).address, 0, 39)).toHaveLength(40);
  await again.close();
});

test("a path that cannot be a store is told, with the reason", async () => {
  const file = join(newDirectory(), "file");
  writeFileSync(file, "no directory");
  for (const path of [file, join(file, "below")]) {
    const opening = openLmdbSpace({ path });
    await expect(opening).rejects.toMatchObject({
      code: "store_failed",
      facts: { reason: "it is not a directory", path },
    });
  }
});

test.each([
  ["text", Buffer.from("dear diary")],
  ["zeros", Buffer.alloc(16_384)],
  ["noise", Buffer.alloc(16_384, 0xa7)],
])("a data file that is %s is damaged, and no crash", async (_what, bytes) => {
  const path = newDirectory();
  writeFileSync(join(path, "data.mdb"), bytes);
  await expect(openLmdbSpace({ path })).rejects.toMatchObject({ code: "store_damaged" });
});

test("a data file that was cut off is damaged, and no crash", async () => {
  const path = newDirectory();
  const data = join(path, "data.mdb");
  const space = await openLmdbSpace({ path });
  await keep(space, timeline("note", 200));
  await space.close();
  for (const size of [readFileSync(data).length / 2, 12_288, 8192, 4096, 100]) {
    truncateSync(data, size);
    await expect(openLmdbSpace({ path })).rejects.toMatchObject({
      code: "store_damaged",
      facts: { reason: "the data file is cut off" },
    });
  }
});

test("a data file that another process lets grow while its head is read is not taken for one that was cut off", async () => {
  const path = newDirectory();
  const data = join(path, "data.mdb");
  const space = await openLmdbSpace({ path });
  const note = timeline("note", 200);
  await keep(space, note);
  await space.close();
  const grown = readFileSync(data);
  truncateSync(data, grown.length / 2);
  const { readSync } = fs;
  const grow = (...args: Parameters<typeof readSync>) => {
    writeFileSync(data, grown);
    return readSync(...args);
  };
  replace({ readSync: grow });
  onTestFinished(() => replace({ readSync }));
  const again = await openLmdbSpace({ path });
  expect(await again.frames(first(note).address, 0, 199)).toHaveLength(200);
  await again.close();
});

function replace(functions: object): void {
  Object.assign(fs, functions);
  syncBuiltinESMExports();
}

// `ulimit` counts alike on Linux only.
test.runIf(process.platform === "linux")(
  "a full disk fails the commit that met it, and nothing else",
  async () => {
    const child = startOnFullDisk(2000, "space/processes/fill-up.ts", newDirectory());
    expect(await child.ended).toBe(0);
    const committed = child.lines.indexOf("store_failed");
    expect(committed).toBeGreaterThan(3);
    expect(child.lines).toEqual([
      ...Array.from({ length: committed }, () => "committed"),
      "store_failed",
      `${committed} cells`,
      "committed",
      `${committed - 1} cells`,
    ]);
  },
);
