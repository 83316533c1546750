/** A directory is known by its marker, and by what the home knows of it: moved, copied, part of another, or not there. */
import { cp, mkdir, readFile, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { saveMapping } from "../../src/cli/folder/bring-down.js";
import { cloneFolder } from "../../src/cli/folder/clone.js";
import { mappingOf } from "../../src/cli/folder/directory.js";
import type { Exchange } from "../../src/cli/folder/exchange.js";
import { isMarked, markerName, readMarker } from "../../src/cli/folder/marker.js";
import { folderNamed } from "../../src/cli/folder/name.js";
import { syncFolder } from "../../src/cli/folder/sync.js";
import { createIdentity, InnerSpace } from "../../src/index.js";
import { readTree, temporaryDirectory, writeTree } from "./directories.js";
import { agree, changesOf, inStep, makeIdentity, twoDirectories } from "./folders.js";

const otherIdentity = () => {
  const secret = new Uint8Array(32).fill(9);
  return createIdentity({ space: new InnerSpace(), secret, recoverySecret: secret });
};

const files = { "a.md": "1", "b.md": "1", "sub/c.md": "1" };

describe("a directory that was moved", () => {
  test("goes on as the same folder, with what was edited meanwhile, and is told once", async () => {
    const { dir, here, there, folder, identity, sync } = await twoDirectories(files);
    const moved = join(dir, "elsewhere/notes");
    await mkdir(join(dir, "elsewhere"));
    await rename(here, moved);
    await writeTree(moved, { "a.md": "2" });
    const report = await sync(moved);
    expect(report).toMatchObject({ folder, movedFrom: here, down: [], unchanged: 2 });
    expect(changesOf(report.up)).toEqual(["edited a.md"]);
    expect((await sync(moved)).movedFrom).toBeUndefined();
    expect(changesOf((await sync(there)).down)).toEqual(["edited a.md"]);
    expect(await folderNamed(identity.space, moved)).toBe(folder);
  });

  test("and moved back, swapped with another, or reached by a link, as well", async () => {
    const { dir, here, there, folder, sync } = await twoDirectories(files);
    const aside = join(dir, "aside");
    await rename(here, aside);
    await rename(there, here);
    await rename(aside, there);
    await writeTree(there, { "a.md": "2" });
    expect(changesOf((await sync(there)).up)).toEqual(["edited a.md"]);
    expect(changesOf((await sync(here)).down)).toEqual(["edited a.md"]);
    await rename(here, aside);
    await symlink(aside, here);
    expect(await sync(here)).toMatchObject({ folder, up: [], movedFrom: here, unchanged: 3 });
    expect(await sync(here)).toMatchObject({ folder, up: [], movedFrom: undefined });
  });

  test("leaves its path free for another folder, but not for an empty directory before that", async () => {
    const { dir, here, folder, sync } = await twoDirectories(files);
    await rename(here, join(dir, "moved"));
    await mkdir(here);
    await expect(sync(here)).rejects.toMatchObject({ rule: "unmarked", facts: { gone: "3 of 3" } });
    expect((await sync(join(dir, "moved"))).folder).toBe(folder);
    await writeTree(here, { "new.md": "1" });
    expect((await sync(here)).folder).not.toBe(folder);
  });
});

describe("a copy of a synced directory", () => {
  test("is refused, whichever way it was made; the one it was made of goes on", async () => {
    const { dir, here, folder, sync } = await twoDirectories(files);
    const copy = join(dir, "copy");
    await cp(here, copy, { recursive: true });
    await writeTree(copy, { "a.md": "2" });
    await rm(join(copy, "sub"), { recursive: true });
    const before = await readTree(copy);
    for (let round = 0; round < 2; round++)
      await expect(sync(copy)).rejects.toMatchObject({ rule: "copied", facts: { path: here } });
    expect(await readTree(copy)).toEqual(before);
    expect(await sync(here)).toMatchObject({ folder, up: [], down: [] });
    await unlink(join(copy, markerName)); // as the message says
    expect((await sync(copy)).folder).not.toBe(folder);
  });

  test("takes its place where that one is gone, and is then the one", async () => {
    const { dir, here, folder, sync } = await twoDirectories(files);
    const [copy, away] = [join(dir, "copy"), join(dir, "away")];
    await cp(here, copy, { recursive: true });
    await rename(here, away);
    expect(await sync(copy)).toMatchObject({ folder, movedFrom: here });
    await rename(away, here);
    await expect(sync(here)).rejects.toMatchObject({ rule: "copied", facts: { path: copy } });
  });
});

describe("a directory within a synced one", () => {
  test("is neither founded nor cloned into, by whatever path", async () => {
    const { dir, here, folder, identity, sync } = await twoDirectories(files);
    await symlink(join(here, "sub"), join(dir, "link"));
    for (const place of [join(here, "sub"), join(dir, "link")])
      await expect(sync(place)).rejects.toMatchObject({ rule: "in_synced", facts: { path: here } });
    for (const place of [join(here, "clone"), join(here, "sub/deep/clone"), join(dir, "link/clone")]) {
      const clone = cloneFolder(identity, folder, place, inStep);
      await expect(clone).rejects.toMatchObject({ rule: "in_synced", facts: { path: here } });
    }
    expect(Object.keys(await readTree(here))).toEqual(["a.md", "b.md", "sub", "sub/c.md"]);
    await expect(mappingOf(identity.space, join(here, "sub"))).rejects.toMatchObject({ rule: "not_synced" });
  });
});

describe("a marker that this home did not write", () => {
  test("by another identity: refused with its name, nothing is changed", async () => {
    const { here, identity, folder } = await twoDirectories(files);
    const other = await otherIdentity();
    const before = await readFile(join(here, markerName));
    await expect(syncFolder(other, here, inStep)).rejects.toMatchObject({
      rule: "other_home",
      facts: { identity: identity.address },
    });
    expect(await readFile(join(here, markerName))).toEqual(before);
    await expect(folderNamed(other.space, here)).rejects.toMatchObject({ rule: "not_synced" });
    expect(await folderNamed(identity.space, here)).toBe(folder);
  });

  test("by this identity, but unknown here, as after an old backup or by git from another machine", async () => {
    const { here, identity, sync } = await twoDirectories(files);
    const { directory, bytes } = await mappingOf(identity.space, here);
    await identity.space.commit({
      holder: identity.address,
      sight: { holders: [identity.address] },
      cells: [{ key: `folder/${directory}`, from: bytes, to: undefined }],
    });
    await expect(sync(here)).rejects.toMatchObject({ rule: "unknown_marker" });
    await unlink(join(here, markerName));
    expect((await sync(here)).up).toHaveLength(3);
  });

  const damaged = {
    empty: "",
    "no JSON": "folder",
    "a later version": JSON.stringify({ version: 2 }),
    "a large file": "x".repeat(10_000),
  };
  for (const [what, text] of Object.entries(damaged)) {
    test(`that is ${what}: refused, named, and left as it is`, async () => {
      const { here, sync } = await twoDirectories(files);
      await writeFile(join(here, markerName), text);
      await expect(sync(here)).rejects.toMatchObject({
        rule: "marker_damaged",
        facts: { path: join(here, markerName) },
      });
      expect(await readFile(join(here, markerName), "utf8")).toBe(text);
    });
  }

  test("that is a link or a directory: refused, and nothing is written through it", async () => {
    const dir = await temporaryDirectory();
    const identity = await makeIdentity();
    for (const kind of ["link", "directory"] as const) {
      const place = join(dir, kind);
      await writeTree(place, files);
      if (kind === "link") await symlink(join(dir, "target"), join(place, markerName));
      else await mkdir(join(place, markerName));
      await expect(syncFolder(identity, place, inStep)).rejects.toMatchObject({ rule: expect.any(String) });
      expect(await isMarked(dir)).toBe(false);
    }
    expect(Object.keys(await readTree(dir))).not.toContain("target");
  });

  test("that names another folder than the home knows: refused", async () => {
    const { here, sync } = await twoDirectories(files);
    const marker = await readMarker(here);
    const forged = { ...marker, folder: `folder^${"0".repeat(64)}` };
    await writeFile(join(here, markerName), JSON.stringify(forged));
    await expect(sync(here)).rejects.toMatchObject({ rule: "marker_damaged" });
  });
});

describe("a known path without its marker", () => {
  test("empty, as a mount that is missing: refused, nothing is removed, and it goes on once it is back", async () => {
    const { dir, here, there, sync } = await twoDirectories(files);
    await rename(here, join(dir, "drive"));
    await mkdir(here);
    for (let round = 0; round < 2; round++)
      await expect(sync(here)).rejects.toMatchObject({ rule: "unmarked", facts: { gone: "3 of 3" } });
    expect(await isMarked(here)).toBe(false);
    await rm(here, { recursive: true });
    await rename(join(dir, "drive"), here);
    expect(await sync(here)).toMatchObject({ up: [], down: [], unchanged: 3 });
    expect(await sync(there)).toMatchObject({ up: [], down: [], unchanged: 3 });
  });

  test("with the files of another drive: refused; nothing is added", async () => {
    const { here, there, sync } = await twoDirectories(files);
    await rm(here, { recursive: true });
    await writeTree(here, { "a.md": "other", "x.md": "1", "y.md": "1" });
    await expect(sync(here)).rejects.toMatchObject({ rule: "unmarked" });
    expect(await sync(there)).toMatchObject({ up: [], down: [], unchanged: 3 });
  });

  test("with its files, edited or not: goes on, and is marked as before", async () => {
    const { here, folder, sync } = await twoDirectories(files);
    const marker = await readMarker(here);
    await unlink(join(here, markerName));
    await writeTree(here, { "a.md": "2", "new.md": "1" });
    const { up, ...report } = await sync(here);
    expect(report.folder).toBe(folder);
    expect(changesOf(up)).toEqual(["edited a.md", "added new.md"]);
    expect(await readMarker(here)).toEqual(marker);
  });

  test("and empty because somebody emptied it: a yes says so, once", async () => {
    const { here, there, sync } = await twoDirectories(files);
    await rm(here, { recursive: true });
    await mkdir(here);
    const asked: unknown[] = [];
    const { up } = await sync(here, inStep, async (removal) => asked.push(removal) > 0);
    expect(up).toHaveLength(3);
    expect(asked).toEqual([{ kind: "unmarked", gone: 3, of: 3 }]);
    expect(await isMarked(here)).toBe(true);
    await sync(there, inStep, agree);
    expect(await readTree(there)).toEqual({});
  });

  test("after it was removed: a clone into it is a directory of its own", async () => {
    const { here, folder, identity, sync } = await twoDirectories(files);
    const before = await mappingOf(identity.space, here);
    await rm(here, { recursive: true });
    await cloneFolder(identity, folder, here, inStep);
    const after = await mappingOf(identity.space, here);
    expect(after.directory).not.toBe(before.directory);
    expect(await identity.space.cell(`folder/${before.directory}`)).toBeUndefined();
    expect(await sync(here)).toMatchObject({ up: [], down: [], unchanged: 3 });
  });
});

describe("a process that ends between the steps", () => {
  class Crash extends Error {}
  const crash: Exchange = async () => Promise.reject(new Crash());
  const temporary = `.keysaga-${2 ** 22 + 1}-0123456789abcdef.tmp`;

  test("before the mapping: nothing is known, and the next sync founds", async () => {
    const here = await temporaryDirectory();
    await writeTree(here, { ...files, [temporary]: "half a mark" });
    const identity = await makeIdentity();
    const { up } = await syncFolder(identity, here, inStep);
    expect(up).toHaveLength(3);
    expect(Object.keys(await readTree(here))).not.toContain(temporary);
  });

  test("after the mapping, before the marker: the next sync writes it, and it is one folder", async () => {
    const here = await temporaryDirectory();
    await writeTree(here, files);
    const identity = await makeIdentity();
    await expect(syncFolder(identity, here, crash)).rejects.toThrow(Crash);
    const { mapping } = await mappingOf(identity.space, here);
    await unlink(join(here, markerName));
    await writeTree(here, { "new.md": "1" });
    const { folder, up } = await syncFolder(identity, here, inStep);
    expect(folder).toBe(mapping.folder);
    expect(up).toHaveLength(4);
    expect(await readMarker(here)).toMatchObject({ folder });
  });

  test("after the marker, before anything else: it goes on, also where it was moved meanwhile", async () => {
    const dir = await temporaryDirectory();
    await writeTree(dir, { "here/a.md": "1" });
    const identity = await makeIdentity();
    await expect(syncFolder(identity, join(dir, "here"), crash)).rejects.toThrow(Crash);
    const { folder } = (await mappingOf(identity.space, join(dir, "here"))).mapping;
    await rename(join(dir, "here"), join(dir, "moved"));
    await expect(syncFolder(identity, join(dir, "moved"), crash)).rejects.toThrow(Crash);
    const report = await syncFolder(identity, join(dir, "moved"), inStep);
    expect(report).toMatchObject({ folder, unchanged: 0, movedFrom: undefined });
    expect(changesOf(report.up)).toEqual(["added a.md"]);
  });

  test("in a clone, before the marker: sync goes on with it", async () => {
    const { dir, folder, identity, here, sync } = await twoDirectories(files);
    const third = join(dir, "third");
    await cloneFolder(identity, folder, third, inStep);
    const cell = await mappingOf(identity.space, third);
    await saveMapping(identity, cell, { folder, base: [], unsent: [] });
    await rm(third, { recursive: true });
    await mkdir(third);
    expect((await sync(third)).down).toHaveLength(3);
    expect(await readTree(third)).toEqual(await readTree(here));
  });

  test("two first syncs of one directory at once: one of them founds the folder", async () => {
    const here = await temporaryDirectory();
    await writeTree(here, files);
    const identity = await makeIdentity();
    const both = [syncFolder(identity, here, inStep), syncFolder(identity, here, inStep)];
    const outcomes = await Promise.allSettled(both);
    for (const outcome of outcomes)
      if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ rule: "moved" });
    const { folder } = await syncFolder(identity, here, inStep);
    expect(await readMarker(here)).toMatchObject({ folder });
    expect(await identity.space.cells("folder/")).toHaveLength(1);
  });
});

test("the marker tells the folder, the identity and an id, and nothing of the machine", async () => {
  const { here, folder, identity } = await twoDirectories(files);
  const text = await readFile(join(here, markerName), "utf8");
  expect(JSON.parse(text)).toEqual({
    version: 1,
    folder,
    identity: identity.address,
    directory: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
});
