/** A sync with little to do: what it does not read, and how it records what is much. */
import { rename, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { cloneFolder } from "../../src/cli/folder/clone.js";
import { contentOf, textOf } from "../../src/cli/folder/content.js";
import { mappingOf } from "../../src/cli/folder/directory.js";
import { scanDirectory } from "../../src/cli/folder/disk.js";
import type { Exchange } from "../../src/cli/folder/exchange.js";
import { readFolder } from "../../src/cli/folder/model.js";
import { planLocal } from "../../src/cli/folder/plan.js";
import { recordLocal } from "../../src/cli/folder/record-local.js";
import { syncFolder } from "../../src/cli/folder/sync.js";
import { type CommitResult, InnerSpace, nOf, parseAddress } from "../../src/index.js";
import { readTree, temporaryDirectory, writeTree } from "./directories.js";
import { changesOf, filesIn, hostileFolder, inStep, makeIdentity, twoDirectories } from "./folders.js";

describe("a file that is not as young as the look at it", () => {
  // Times of a file's last change cannot be set; time can.
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.now() + 60_000, toFake: ["Date"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** The base of a file that was read, with a content that it never had: whoever says that has not read it. */
  async function looked(files: Readonly<Record<string, string>>) {
    const dir = await temporaryDirectory();
    await writeTree(dir, files);
    const scan = await scanDirectory(dir);
    const base = [...scan.files].map(([path, file]) => ({
      ...{ path, ...file },
      ...{ content: contentOf("never"), isExecutable: false },
    }));
    const textNow = async () => {
      const { files } = await scanDirectory(dir, base);
      return textOf(files.get("a.md")!.content);
    };
    return { dir, textNow };
  }

  test("is not read where its size, times and number are what they were", async () => {
    const { textNow } = await looked({ "a.md": "one" });
    expect(await textNow()).toBe("never");
  });

  test("is read where it was written, also with the size and the time of before", async () => {
    const { dir, textNow } = await looked({ "a.md": "one" });
    const { atime, mtime } = await stat(join(dir, "a.md"));
    await writeTree(dir, { "a.md": "two" });
    await utimes(join(dir, "a.md"), atime, mtime);
    expect(await textNow()).toBe("two");
  });

  test("is known by the mapping: a sync with nothing to do changes nothing in the home", async () => {
    const { here, identity, sync } = await twoDirectories({ "a.md": "1", "sub/b.md": "2" });
    await sync(here);
    const bytes = async () => (await mappingOf(identity.space, here)).bytes;
    const before = await bytes();
    expect(await sync(here)).toMatchObject({ up: [], down: [], unchanged: 2 });
    expect(await bytes()).toEqual(before);
    const { base } = (await mappingOf(identity.space, here)).mapping;
    expect(base.every(({ stamp }) => stamp !== undefined)).toBe(true);
  });

  test("is known to the mapping of who may only read as well", async () => {
    const identity = await makeIdentity();
    const owner = parseAddress(`keystone.identity^${"A".repeat(64)}`);
    const folder = await hostileFolder({ ...identity, address: owner }, [{ path: "a.md", text: "1" }]);
    const dir = join(await temporaryDirectory(), "clone");
    await cloneFolder(identity, folder, dir, inStep);
    await syncFolder(identity, dir, inStep);
    const { base } = (await mappingOf(identity.space, dir)).mapping;
    expect(base).toMatchObject([{ path: "a.md", stamp: expect.any(String) }]);
  });
});

test("a file as young as the look at it has no stamp, so that it is read again", async () => {
  const dir = await temporaryDirectory();
  await writeTree(dir, { "a.md": "one" });
  vi.useFakeTimers({ now: (await stat(join(dir, "a.md"))).ctimeMs + 1_000, toFake: ["Date"] });
  try {
    expect((await scanDirectory(dir)).files.get("a.md")?.stamp).toBeUndefined();
  } finally {
    vi.useRealTimers();
  }
});

/** A space that fails with the nth commit from when it is told. */
class FailingSpace extends InnerSpace {
  left = Number.POSITIVE_INFINITY;

  override async commit(...args: Parameters<InnerSpace["commit"]>): Promise<CommitResult> {
    if (--this.left < 0) throw new Error("crash");
    return super.commit(...args);
  }
}

test("many new files are recorded in parts; a crash between two leaves the rest to the next sync, nothing twice", async () => {
  const space = new FailingSpace();
  const identity = await makeIdentity(space);
  const dir = await temporaryDirectory();
  await writeTree(dir, { "0.md": "" });
  const { folder } = await syncFolder(identity, dir, inStep);
  const names = Array.from({ length: 1_400 }, (_, at) => `${at}.md`);
  await writeTree(dir, Object.fromEntries(names.map((name) => [name, name])));
  space.left = 1;
  await expect(syncFolder(identity, dir, inStep)).rejects.toThrow("crash");
  space.left = Number.POSITIVE_INFINITY;
  const recorded = (await readFolder(space, folder)).files.length;
  expect(recorded).toBeGreaterThan(1_000);
  expect(recorded).toBeLessThan(1_400);
  expect((await syncFolder(identity, dir, inStep)).up).toHaveLength(1_400);
  const files = await filesIn(space, folder);
  expect(new Set(files.map(({ path }) => path))).toEqual(new Set(names));
  for (const { path, tip, text } of files) expect([nOf(tip), text]).toEqual([path === "0.md" ? 1 : 0, path]);
});

test("many edits are recorded in parts as well; a crash between two leaves the rest to the next sync", async () => {
  const space = new FailingSpace();
  const identity = await makeIdentity(space);
  const dir = await temporaryDirectory();
  const names = Array.from({ length: 1_100 }, (_, at) => `${at}.md`);
  await writeTree(dir, Object.fromEntries(names.map((name) => [name, "before"])));
  const { folder } = await syncFolder(identity, dir, inStep);
  await writeTree(dir, Object.fromEntries(names.map((name) => [name, name])));
  space.left = 1;
  await expect(syncFolder(identity, dir, inStep)).rejects.toThrow("crash");
  space.left = Number.POSITIVE_INFINITY;
  const recorded = (await filesIn(space, folder)).filter(({ tip }) => nOf(tip) === 1);
  expect(recorded).toHaveLength(1_024);
  expect((await syncFolder(identity, dir, inStep)).up).toHaveLength(1_100);
  for (const { path, tip, text } of await filesIn(space, folder)) expect([nOf(tip), text]).toEqual([1, path]);
});

test("what is not as it was scanned any more is left to the next sync", async () => {
  const { here, identity, folder, sync } = await twoDirectories({ "a.md": "1", "b.md": "1" });
  await writeTree(here, { "a.md": "2", "b.md": "2", "c.md": "2", "d.md": "2" });
  const [cell, now] = [await mappingOf(identity.space, here), await readFolder(identity.space, folder)];
  const plan = await planLocal(await scanDirectory(here, cell.mapping.base), cell.mapping.base, now.files);
  await writeTree(here, { "a.md": "3", "c.md": "3" });
  await recordLocal(identity, { cell, now, plan });
  const texts = async () =>
    Object.fromEntries((await filesIn(identity.space, folder)).map(({ path, text }) => [path, text]));
  expect(await texts()).toEqual({ "a.md": "1", "b.md": "2", "d.md": "2" });
  expect(changesOf((await sync(here)).up)).toEqual([
    "edited a.md",
    "edited b.md",
    "added c.md",
    "added d.md",
  ]);
  expect(await texts()).toEqual({ "a.md": "3", "b.md": "2", "c.md": "3", "d.md": "2" });
});

/** An exchange that knows how to connect, which comes after the look at the files: what `work` does, happens meanwhile. */
const meanwhile = (work: () => Promise<void>): Exchange =>
  Object.assign((...given: Parameters<Exchange>) => inStep(...given), { connect: work });

test("a sync tells what it did not record, as it went on changing", async () => {
  const { here, sync } = await twoDirectories({ "a.md": "1" });
  await writeTree(here, { "a.md": "2", "new.md": "2" });
  const write = () => writeTree(here, { "a.md": "3", "new.md": "3" });
  expect((await sync(here, meanwhile(write))).skipped).toEqual([
    { path: "new.md", reason: "changed meanwhile" },
    { path: "a.md", reason: "changed meanwhile" },
  ]);
  expect(await sync(here)).toMatchObject({ skipped: [], up: { length: 2 } });
});

test("a file that was moved and went on changing is moved, and no other one is taken for it", async () => {
  const first = "a text that can be told from others\n";
  const { here, there, identity, folder, sync } = await twoDirectories({ "log.md": first });
  await rename(join(here, "log.md"), join(here, "log.1.md"));
  await writeTree(here, { "log.md": "a new day\n" });
  const write = () => writeTree(here, { "log.1.md": `${first}late\n` });
  await sync(here, meanwhile(write));
  await sync(here);
  await sync(there);
  const files = (await filesIn(identity.space, folder)).map(({ path, text, tip }) => [path, text, nOf(tip)]);
  expect(files).toHaveLength(2);
  expect(files).toContainEqual(["log.1.md", `${first}late\n`, 2]);
  expect(files).toContainEqual(["log.md", "a new day\n", 0]);
  expect(await readTree(there)).toEqual(await readTree(here));
});
