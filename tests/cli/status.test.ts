/** What the next sync would record, told without a sync. */
import { mkdir, readFile, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { status } from "../../src/cli/commands/status.js";
import { sync } from "../../src/cli/commands/sync.js";
import { cloneFolder } from "../../src/cli/folder/clone.js";
import { statusOf } from "../../src/cli/folder/status.js";
import { statusLines } from "../../src/cli/folder/status-text.js";
import { createIdentity, InnerSpace } from "../../src/index.js";
import { readTree, temporaryDirectory, writeTree } from "./directories.js";
import { changesOf, hostileFolder, inStep, letWrite, makeIdentity, twoDirectories } from "./folders.js";
import { receiverFor, runHere } from "./receiver.js";

describe("status", () => {
  test("tells what the next sync records, file by file, and records nothing", async () => {
    const files = { "a.md": "a\n", "b.md": "b is a text of some length\n", "c.md": "c\n", "d.md": "d\n" };
    const { here, identity, folder, sync } = await twoDirectories(files);
    await writeTree(here, { "a.md": "a edited\n", "new/n.md": "new\n", "x\\y": "x" });
    await rename(join(here, "b.md"), join(here, "renamed.md"));
    await unlink(join(here, "c.md"));
    const before = await readTree(here);
    const told = await statusOf(identity, here);
    expect(told).toMatchObject({ folder, unsent: [], unchanged: 1, conflicts: 0, mayWrite: true });
    expect(changesOf(told.changes)).toEqual([
      "edited a.md",
      "removed c.md",
      "added new/n.md",
      "renamed renamed.md",
    ]);
    expect(told.changes.at(-1)?.was).toBe("b.md");
    expect(told.skipped).toEqual([{ path: "x\\y", reason: "name (backslash)" }]);
    expect(await readTree(here)).toEqual(before);
    expect(changesOf((await sync(here)).up)).toEqual(changesOf(told.changes));
    expect((await statusOf(identity, here)).changes).toEqual([]);
  });

  test("tells what is recorded and was not sent, and that many missing files will be asked about", async () => {
    const { here, identity, sync } = await twoDirectories({ "a.md": "1", "b.md": "1" });
    await writeTree(here, { "a.md": "2" });
    const cut = () => Promise.reject(new Error("cut"));
    await expect(sync(here, cut)).rejects.toThrow("cut");
    for (const path of ["a.md", "b.md"]) await unlink(join(here, path));
    const told = await statusOf(identity, here);
    expect(changesOf(told.unsent)).toEqual(["edited a.md"]);
    expect(told.missing).toEqual({ kind: "missing", gone: 2, of: 2 });
  });

  test("tells a reader that changes stay", async () => {
    const me = await makeIdentity();
    const secret = new Uint8Array(32).fill(9);
    const owner = await createIdentity({ space: new InnerSpace(), secret, recoverySecret: secret });
    const folder = await hostileFolder({ ...owner, space: me.space }, [{ path: "a.md", text: "1" }]);
    const dir = join(await temporaryDirectory(), "copy");
    await cloneFolder(me, folder, dir, inStep);
    expect(await statusOf(me, dir)).toMatchObject({ mayWrite: false, changes: [], unchanged: 1 });
    await writeTree(dir, { "a.md": "2" });
    expect(statusLines(await statusOf(me, dir))).toEqual([
      "edited a.md",
      "you may only read this folder: your changes stay here",
      "1 to record, 0 unchanged",
    ]);
    await letWrite(me, folder, owner.address);
    expect((await statusOf(me, dir)).mayWrite).toBe(true);
  });

  test("is found from below, and refused where nothing was synced", async () => {
    const { here, identity, dir } = await twoDirectories({ "d/a.md": "1" });
    expect((await statusOf(identity, join(here, "d"))).unchanged).toBe(1);
    await expect(statusOf(identity, dir)).rejects.toMatchObject({ rule: "not_synced" });
    await expect(statusOf(identity, join(dir, "none"))).rejects.toMatchObject({ rule: "not_a_directory" });
  });

  test("is refused where the directory is not the one that was synced", async () => {
    const { here, identity } = await twoDirectories({ "a.md": "1", "b.md": "1" });
    for (const path of ["a.md", "b.md", ".keysaga-folder"]) await unlink(join(here, path));
    await expect(statusOf(identity, here)).rejects.toMatchObject({ rule: "unmarked" });
  });
});

test("keysaga sync --dry-run needs no receiver, and writes nothing; status goes on from there", async () => {
  const { people } = await receiverFor("alice");
  const [alice] = people;
  await mkdir(alice.dir);
  await writeTree(alice.dir, { "a.md": "1", "x\\y": "x" });
  const before = await readTree(alice.dir);
  const dry = await runHere(sync, alice.dir, "--dry-run", "--home", alice.home);
  expect(dry.exitCode).toBe(3);
  expect(dry.stdout).toBe(
    "added a.md\n" +
      "skipped x\\y: name (backslash); rename it\n" +
      "1 to record, 0 unchanged\n" +
      "dry run: nothing was recorded, written or sent; the first sync makes a folder of this directory\n",
  );
  const json = await runHere(sync, alice.dir, "--dry-run", "--json", "--home", alice.home);
  expect(JSON.parse(json.stdout)).toMatchObject({
    dryRun: true,
    changes: [{ path: "a.md", change: "added" }],
  });
  expect(await readTree(alice.dir)).toEqual(before);
  await expect(readFile(join(alice.dir, ".keysaga-folder"))).rejects.toThrow("ENOENT");
  await expect(runHere(status, alice.dir, "--home", alice.home)).rejects.toMatchObject({
    rule: "not_synced",
  });
});
