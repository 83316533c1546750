/** A directory that has nothing in it is carried as well. */
import { mkdir, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cloneFolder } from "../../src/cli/folder/clone.js";
import { diffOf } from "../../src/cli/folder/diff.js";
import { statusOf } from "../../src/cli/folder/status.js";
import { readTree, writeTree } from "./directories.js";
import { changesOf, filesIn, hostileFolder, inStep, makeIdentity, twoDirectories } from "./folders.js";
import { temporaryDirectory } from "./directories.js";

const isDirectory = (path: string) =>
  stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );

test("it is recorded, made, cloned, and removed", async () => {
  const { dir, here, there, identity, folder, sync } = await twoDirectories({ "a.md": "1" });
  await mkdir(join(here, "b/c"), { recursive: true });
  expect((await statusOf(identity, here)).changes).toEqual([{ path: "b/c/", change: "added" }]);
  expect(await diffOf(identity, here)).toEqual([]);
  expect(changesOf((await sync(here)).up)).toEqual(["added b/c/"]);
  expect(changesOf((await sync(there)).down)).toEqual(["added b/c/"]);
  await cloneFolder(identity, folder, join(dir, "clone"), inStep);
  for (const place of [here, there, join(dir, "clone")]) {
    expect(await isDirectory(join(place, "b/c")), place).toBe(true);
    expect(await sync(place)).toMatchObject({ up: [], down: [], skipped: [], unchanged: 2 });
  }
  await rm(join(there, "b"), { recursive: true });
  expect(changesOf((await sync(there)).up)).toEqual(["removed b/c/"]);
  expect(changesOf((await sync(here)).down)).toEqual(["removed b/c/"]);
  expect(await isDirectory(join(here, "b"))).toBe(false);
});

test("it is one no more once there is a file in it, of which alone is told; and is one again without it", async () => {
  const { here, there, sync } = await twoDirectories({ "a.md": "1" });
  await mkdir(join(here, "b"));
  await sync(here);
  await sync(there);
  await writeTree(here, { "b/x.md": "1" });
  expect(changesOf((await sync(here)).up)).toEqual(["added b/x.md"]);
  expect(changesOf((await sync(there)).down)).toEqual(["added b/x.md"]);
  await rm(join(there, "b/x.md"));
  expect(changesOf((await sync(there)).up)).toEqual(["added b/", "removed b/x.md"]);
  expect(changesOf((await sync(here)).down)).toEqual(["added b/", "removed b/x.md"]);
  expect(await readTree(here)).toEqual(await readTree(there));
});

test("it goes when it is removed there, but not with what somebody has put into it here", async () => {
  const { here, there, sync } = await twoDirectories({ "a.md": "1" });
  await mkdir(join(here, "b"));
  await sync(here);
  await sync(there);
  await rmdir(join(here, "b"));
  await sync(here);
  await writeTree(there, { "b/x.md": "1" });
  expect(await sync(there)).toMatchObject({ skipped: [], conflicts: [] });
  expect(await readdir(join(there, "b"))).toEqual(["x.md"]);
  expect(changesOf((await sync(here)).down)).toEqual(["added b/x.md"]);
});

test("made on two sides it is one, which goes when it is removed on one", async () => {
  const { here, there, identity, folder, sync } = await twoDirectories({ "a.md": "1" });
  for (const place of [here, there]) await mkdir(join(place, "b"));
  const apart = async () => {
    throw new Error("apart");
  };
  await expect(sync(here, apart)).rejects.toThrow("apart");
  expect(await sync(there)).toMatchObject({ conflicts: [], skipped: [] });
  await sync(here);
  expect((await readdir(here)).filter((name) => !name.startsWith("."))).toEqual(["a.md", "b"]);
  await rmdir(join(here, "b"));
  await sync(here);
  await sync(there);
  expect(await filesIn(identity.space, folder)).toHaveLength(1);
  expect(await isDirectory(join(there, "b"))).toBe(false);
});

test("a file that becomes one, and one that becomes a file, are that everywhere", async () => {
  const { here, there, sync } = await twoDirectories({ "a.md": "1", "keep.md": "1" });
  await mkdir(join(here, "b"));
  await sync(here);
  await sync(there);
  await rmdir(join(here, "b"));
  await writeTree(here, { b: "a file by now\n" });
  await sync(here);
  expect(await sync(there)).toMatchObject({ skipped: [] });
  expect(await readTree(there)).toEqual(await readTree(here));
  await rm(join(here, "b"));
  await sync(here);
  await mkdir(join(here, "b"));
  await sync(here);
  expect(await sync(there)).toMatchObject({ skipped: [] });
  expect(await readTree(there)).toEqual(await readTree(here));
});

test("many that are filled or gone at once are no loss that is asked about", async () => {
  const { here, there, sync } = await twoDirectories({ "a.md": "1" });
  for (const name of ["b", "c", "d", "e"]) await mkdir(join(here, name));
  await sync(here);
  await sync(there);
  await writeTree(here, { "b/x.md": "1", "c/x.md": "2" });
  for (const name of ["d", "e"]) await rmdir(join(here, name));
  expect(changesOf((await sync(here)).up)).toEqual([
    ...["added b/x.md", "added c/x.md", "removed d/", "removed e/"],
  ]);
  await sync(there);
  expect(await readTree(there)).toEqual(await readTree(here));
});

test("it moves with the directory that it lies in", async () => {
  const { here, there, sync } = await twoDirectories({ "d/a.md": "a text of its own\n" });
  await mkdir(join(here, "d/b"));
  await sync(here);
  await sync(there);
  await rename(join(here, "d"), join(here, "e"));
  expect(changesOf((await sync(here)).up)).toEqual(["removed d/b/", "renamed e/a.md", "added e/b/"]);
  await sync(there);
  expect(await readTree(there)).toEqual(await readTree(here));
});

test("what somebody says of one is left out", async () => {
  const identity = await makeIdentity();
  const folder = await hostileFolder(identity, [
    { path: "text/", text: "x" },
    { path: "../up/", text: "" },
    { path: "fine/", text: "" },
  ]);
  const dir = join(await temporaryDirectory(), "clone");
  const { skipped } = await cloneFolder(identity, folder, dir, inStep);
  expect(skipped.map(({ reason }) => reason).sort()).toEqual(["no file", "path (hidden_name)"]);
  expect(await readTree(dir)).toEqual({ fine: "directory" });
});

test("it does not come back by what a system has put into it here", async () => {
  const { here, there, sync } = await twoDirectories({ "a.md": "1", "b.md": "2", "d/x.md": "3" });
  await writeTree(there, { "d/.DS_Store": "x" });
  await sync(there);
  await rm(join(here, "d"), { recursive: true });
  await sync(here);
  await sync(there);
  expect(await sync(there)).toMatchObject({ up: [], down: [] });
  await sync(here);
  expect(await isDirectory(join(here, "d"))).toBe(false);
});
