import { describe, expect, test } from "vitest";
import type { Writer } from "../../src/space/store.js";
import { Dice } from "../../src/testing/simulation/dice.js";
import { Disk, type DiskUser } from "../../src/testing/simulation/disk.js";
import { Scheduler } from "../../src/testing/simulation/scheduler.js";

const bytes = Uint8Array.of(1);
const put = (key: string) => (writer: Writer) => writer.put("cells", key, bytes);

function openDisk(name = "a disk") {
  const scheduler = new Scheduler();
  const disk = new Disk(scheduler, new Dice(name), () => undefined);
  const later = (ms: number) =>
    scheduler.run(
      () => false,
      scheduler.now + ms,
      () => undefined,
    );
  const keys = () => disk.read((reader) => [...reader.entries("cells")].map(([key]) => key));
  return { scheduler, disk, later, keys };
}

function process(): DiskUser & { isAlive: boolean } {
  return { isAlive: true, breathe: () => undefined };
}

describe("a simulated disk", () => {
  test("shows a write to readers when it is flushed, and answers then", async () => {
    const { disk, later, keys } = openDisk();
    let isAnswered = false;
    void disk.write(process(), put("a")).then(() => {
      isAnswered = true;
    });
    await later(0);
    expect([keys(), isAnswered]).toEqual([[], false]);
    await later(20);
    expect([keys(), isAnswered]).toEqual([["a"], true]);
  });

  test("runs writes one after another, each on what the last one wrote", async () => {
    const { disk, later } = openDisk();
    const user = process();
    const add = (writer: Writer) => {
      const count = (writer.get("meta", "count")?.[0] ?? 0) + 1;
      writer.put("meta", "count", Uint8Array.of(count));
      return count;
    };
    const counts = Promise.all(Array.from({ length: 5 }, () => disk.write(user, add)));
    await later(50);
    expect(await counts).toEqual([1, 2, 3, 4, 5]);
  });

  test("keeps nothing of a write that throws, and all of those beside it", async () => {
    const { disk, later, keys } = openDisk();
    const user = process();
    const failing = disk.write(user, (writer) => {
      put("a")(writer);
      throw new Error("no");
    });
    const other = disk.write(user, put("b"));
    const outcomes = Promise.allSettled([failing, other]);
    await later(50);
    expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
    expect(keys()).toEqual(["b"]);
  });

  test("forgets what was not flushed when its process stops, or has it all, and answers nobody", async () => {
    const ends = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const { disk, later, keys } = openDisk(`a crash ${seed}`);
      const user = process();
      let isAnswered = false;
      for (const key of ["a", "b"])
        void disk.write(user, put(key)).then(() => {
          isAnswered = true;
        });
      await later(1);
      if (isAnswered) continue;
      user.isAlive = false;
      disk.abandon(user);
      await later(50);
      expect(isAnswered).toBe(false);
      ends.add(keys().join());
    }
    expect([...ends].sort()).toEqual(["", "a,b"]);
  });

  test("fails a flush, and while it is full, with a typed error and nothing written", async () => {
    const { disk, later, keys } = openDisk();
    const user = process();
    disk.failFlushes(1);
    const first = disk.write(user, put("a")).catch((thrown: unknown) => thrown);
    await later(20);
    disk.fill(100);
    const second = disk.write(user, put("b")).catch((thrown: unknown) => thrown);
    await later(50);
    expect(await Promise.all([first, second])).toMatchObject([
      { code: "store_failed" },
      { code: "store_failed" },
    ]);
    expect(keys()).toEqual([]);
    await later(100);
    const third = disk.write(user, put("c"));
    await later(20);
    await third;
    expect(keys()).toEqual(["c"]);
  });

  test("is put back to an older state", async () => {
    const { disk, later, keys } = openDisk();
    void disk.write(process(), put("a"));
    await later(20);
    const older = disk.snapshot();
    void disk.write(process(), put("b"));
    await later(20);
    expect(keys()).toEqual(["a", "b"]);
    disk.restore(older);
    expect(keys()).toEqual(["a"]);
  });
});
