/** A stage of which a part could not be moved to the store: it is said once, and nothing of the stage is lost by it. */
import { expect, test } from "vitest";
import { MemoryStore } from "../../src/space/memory-store.js";
import { spaceLimits } from "../../src/space/limits.js";
import type { Writer } from "../../src/space/store.js";
import { StoreSpace } from "../../src/space/store-space.js";
import { addresses, alice, commitOf, eyesOf, moveTo, timeline } from "./records.js";

class FailingStore extends MemoryStore {
  failures = 0;

  override async write<Result>(work: (writer: Writer) => Result): Promise<Result> {
    if (this.failures-- > 0) throw new Error("disk full");
    return super.write(work);
  }
}

/** The space moves what is staged to the store at once, and fails to move the frame at `failing`. */
async function staged(upTo: number, failing: number) {
  const store = new FailingStore();
  const limits = { ...spaceLimits, stagedBytesInMemoryMax: 0 };
  const space = new StoreSpace(store, { limits, opener: "test" });
  const note = timeline("note", 3);
  const stage = (at: number) => space.stage("s", alice, eyesOf(alice), note.slice(at, at + 1));
  for (let at = 0; at <= upTo; at++) {
    store.failures = at === failing ? 1 : 0;
    await stage(at);
  }
  const commit = () => space.commit(commitOf({ saga: "s", tips: [moveTo(note)] }));
  const stored = async () => (await space.getMany(addresses(note))).map((record) => record?.address);
  return { space, note, stage, commit, stored };
}

test("the next call is told and has changed nothing; the one after it goes on with all that was staged", async () => {
  const { space, note, stage, commit, stored } = await staged(0, 0);
  await expect(stage(1)).rejects.toThrow("disk full");
  expect(await stage(1)).toMatchObject({ records: 2 });
  await stage(2);
  const found = await space.readStage("s");
  expect(new Set(found.map(({ record }) => record.address))).toEqual(new Set(addresses(note)));
  expect(await commit()).toEqual({ kind: "committed" });
  expect(await stored()).toEqual(addresses(note));
});

test("a commit is told, and the next one has all of it", async () => {
  const { note, commit, stored } = await staged(2, 2);
  await expect(commit()).rejects.toThrow("disk full");
  expect(await stored()).toEqual([undefined, undefined, undefined]);
  expect(await commit()).toEqual({ kind: "committed" });
  expect(await stored()).toEqual(addresses(note));
});

test("what is kept for the next saga has all of it", async () => {
  const { space, note, stored } = await staged(2, 2);
  const bytes = note.reduce((sum, frame) => sum + frame.bytes.length, 0);
  expect(await space.keep("s", { records: 3, bytes })).toBe(true);
  await space.takeOver("t", "s", eyesOf(alice));
  expect(await space.commit(commitOf({ saga: "t", tips: [moveTo(note)] }))).toEqual({ kind: "committed" });
  expect(await stored()).toEqual(addresses(note));
});
