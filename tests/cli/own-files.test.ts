/** What keysaga itself keeps in a directory is none of its files: homes, stores, secrets, and other synced directories. */
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cloneFolder } from "../../src/cli/folder/clone.js";
import { scanDirectory } from "../../src/cli/folder/disk.js";
import { markerName } from "../../src/cli/folder/marker.js";
import { brokenPathRule } from "../../src/cli/folder/paths.js";
import { syncFolder } from "../../src/cli/folder/sync.js";
import { createHome, holdsDeviceSecret } from "../../src/node/index.js";
import { readTree, temporaryDirectory, writeTree } from "./directories.js";
import { changesOf, hostileFolder, inStep, makeIdentity, twoDirectories } from "./folders.js";

let home: string;

beforeAll(async () => {
  home = join(await mkdtemp(join(tmpdir(), "keysaga-test-")), "home");
  await createHome({ dir: home });
});
afterAll(() => rm(join(home, ".."), { recursive: true }));

/** A home at `dir`, as good as any: a copy. */
const homeAt = (dir: string) => cp(home, dir, { recursive: true });

const scanned = async (dir: string) => {
  const { files, outside, skipped } = await scanDirectory(dir);
  return { files: [...files.keys()], outside, skipped };
};

describe("a home below the folder", () => {
  test("is left out at any depth and said in a line, whole or not; all else is taken", async () => {
    const dir = await temporaryDirectory();
    await writeTree(dir, { "a.md": "1", "deep/er/b.md": "1" });
    await homeAt(join(dir, "alice"));
    await homeAt(join(dir, "deep/er/bob"));
    await homeAt(join(dir, "no-identity"));
    await rm(join(dir, "no-identity/identity.json"));
    await homeAt(join(dir, "empty-store"));
    await rm(join(dir, "empty-store/store/data.mdb"));
    await homeAt(join(dir, "half/making-1234"));
    await cp(join(home, "store"), join(dir, "alone"), { recursive: true });
    await writeTree(dir, { "alice/more.md": "1", "empty-store/notes.md": "1", "alone/x.md": "1" });
    const { files, outside, skipped } = await scanned(dir);
    expect(files).toEqual(["a.md", "deep/er/b.md"]);
    expect(skipped).toEqual([]);
    expect(Object.fromEntries(outside.map(({ path, reason }) => [path, reason]))).toEqual({
      alice: "a home of keysaga",
      alone: "a store of keysaga",
      "deep/er/bob": "a home of keysaga",
      "empty-store": "a home of keysaga",
      "half/making-1234": "a home of keysaga",
      "no-identity": "a home of keysaga",
    });
  });

  test("is never written into by what comes down, and the rest comes down", async () => {
    const { here, there, sync } = await twoDirectories({ "a.md": "1" });
    await homeAt(join(there, "alice"));
    const before = await readTree(join(there, "alice"));
    await writeTree(here, {
      "a.md": "2",
      "alice/identity.json": "{}",
      "alice/store/x.md": "1",
      "alice/new.md": "1",
      "alice/store/data.mdb": "not a store",
    });
    await sync(here);
    for (let round = 0; round < 2; round++) {
      const { down, up, skipped, outside } = await sync(there);
      expect(up).toEqual([]);
      expect(changesOf(down)).toEqual(round === 0 ? ["edited a.md"] : []);
      expect(outside).toEqual([{ path: "alice", reason: "a home of keysaga" }]);
      expect(skipped.map(({ path, reason }) => `${path}: ${reason}`)).toEqual(
        ["alice/identity.json", "alice/new.md", "alice/store/data.mdb", "alice/store/x.md"].map(
          (path) => `${path}: in a home of keysaga`,
        ),
      );
    }
    expect(await readTree(join(there, "alice"))).toEqual(before);
  });

  test("that was made where synced files lie: they are neither removed nor written", async () => {
    const { here, there, sync } = await twoDirectories({ "a.md": "1", "sub/b.md": "1", "sub/c.md": "1" });
    await rename(join(here, "sub"), join(here, "was-sub"));
    await homeAt(join(here, "sub"));
    await rm(join(here, "was-sub"), { recursive: true });
    expect((await sync(here)).up).toEqual([]);
    await writeTree(there, { "sub/b.md": "2", "a.md": "2" });
    await rm(join(there, "sub/c.md"));
    await sync(there);
    const { down, skipped } = await sync(here);
    expect(changesOf(down)).toEqual(["edited a.md"]);
    expect(skipped.map(({ path }) => path).sort()).toEqual(["sub/b.md", "sub/c.md"]);
  });

  test("whose parts lie elsewhere, by links, is left out as well", async () => {
    const dir = await temporaryDirectory();
    await homeAt(join(dir, "outside"));
    await mkdir(join(dir, "folder/linked"), { recursive: true });
    await symlink(join(dir, "outside/store"), join(dir, "folder/linked/store"));
    await symlink(join(dir, "outside/identity.json"), join(dir, "folder/linked/identity.json"));
    await writeTree(dir, { "folder/linked/x.md": "1" });
    expect(await scanned(join(dir, "folder"))).toEqual({
      files: [],
      skipped: [],
      outside: [{ path: "linked", reason: "a home of keysaga" }],
    });
  });
});

describe("a folder that is a home, or lies in one", () => {
  test("is refused by sync and clone, by whatever path, and nothing is made", async () => {
    const dir = await temporaryDirectory();
    const alice = join(dir, "alice");
    await homeAt(alice);
    await mkdir(join(alice, "notes"));
    await symlink(alice, join(dir, "link"));
    const identity = await makeIdentity();
    const before = await readTree(alice);
    for (const place of [alice, join(alice, "store"), join(alice, "notes"), join(dir, "link")]) {
      await expect(syncFolder(identity, place, inStep)).rejects.toMatchObject({ rule: "in_home" });
      const clone = cloneFolder(identity, identity.address, join(place, "new/clone"), inStep);
      await expect(clone).rejects.toMatchObject({ rule: "in_home" });
    }
    expect(await readTree(alice)).toEqual(before);
  });

  test("a home whose name begins with a dot leaves the directory around it as it is", async () => {
    const dir = await temporaryDirectory();
    await homeAt(join(dir, ".keysaga"));
    await writeTree(dir, { "a.md": "1" });
    const { up, outside } = await syncFolder(await makeIdentity(), dir, inStep);
    expect({ up: changesOf(up), outside }).toEqual({ up: ["added a.md"], outside: [] });
  });
});

describe("a file that holds the secret of an identity", () => {
  const reason = "holds the secret of an identity";

  test("is known by its content under any name, and is named and not sent", async () => {
    const dir = await temporaryDirectory();
    const text = await readFile(join(home, "identity.json"), "utf8");
    const { identity, secret } = JSON.parse(text);
    const files = {
      "identity.json.bak": text,
      "sub/identity.json": text,
      "sub/old.txt": JSON.stringify({ secret, identity, more: 1 }),
      "windows.txt": `\u{FEFF}${text.replaceAll("\n", "\r\n")}`,
      "mail.md": `here it is:\n\n${text}\nkeep it`,
      "escaped.json": JSON.stringify({ backup: text }),
    };
    await writeTree(dir, { ...files, "sub/more.md": "1", "notes.md": 'the "secret" of "kind" words' });
    const { files: taken, skipped } = await scanned(dir);
    expect(taken).toEqual(["notes.md", "sub/more.md"]);
    expect(skipped).toEqual(expect.arrayContaining(Object.keys(files).map((path) => ({ path, reason }))));
  });

  test("does not keep the directory that it lies in, nor those below, from being synced", async () => {
    const dir = await temporaryDirectory();
    await cp(join(home, "identity.json"), join(dir, "identity.json"));
    await writeTree(dir, { "sub/a.md": "1", "b.md": "1" });
    const identity = await makeIdentity();
    const { up, skipped } = await syncFolder(identity, dir, inStep);
    expect(changesOf(up)).toEqual(["added b.md", "added sub/a.md"]);
    expect(skipped).toEqual([{ path: "identity.json", reason }]);
  });

  test("locked or not", () => {
    const hex = "0123456789abcdef".repeat(4);
    const locked = {
      kind: "scrypt-aes-256-gcm",
      N: 2,
      r: 1,
      p: 1,
      salt: "",
      nonce: "",
      locked: hex,
      tag: "",
    };
    expect(holdsDeviceSecret(JSON.stringify({ secret: locked }))).toBe(true);
    expect(holdsDeviceSecret(JSON.stringify({ secret: { kind: "clear", secret: hex } }))).toBe(true);
    expect(holdsDeviceSecret(JSON.stringify({ secret: { kind: "clear", secret: "short" } }))).toBe(false);
    expect(holdsDeviceSecret(JSON.stringify({ kind: "note", secret: hex }))).toBe(false);
  });

  test("does not come down either: it would make a home of the directory that it lies in", async () => {
    const identity = await makeIdentity();
    const text = await readFile(join(home, "identity.json"), "utf8");
    const files = [
      { path: "docs/a.md", text: "1" },
      { path: "docs/identity.json", text },
    ];
    const folder = await hostileFolder(identity, files);
    const dir = join(await temporaryDirectory(), "clone");
    const { down, skipped } = await cloneFolder(identity, folder, dir, inStep);
    expect(changesOf(down)).toEqual(["added docs/a.md"]);
    expect(skipped).toEqual([{ path: "docs/identity.json", reason }]);
    expect(await scanned(dir)).toEqual({ files: ["docs/a.md"], skipped: [], outside: [] });
    expect((await syncFolder(identity, dir, inStep)).up).toEqual([]);
  });
});

describe("another synced directory below the folder", () => {
  test("is left out with a line, not doubled, and not written into", async () => {
    const { here, there, identity, sync } = await twoDirectories({ "a.md": "1" });
    await writeTree(there, { "x.md": "1" });
    await sync(there);
    const nested = join(here, "nested");
    await rename(there, nested);
    await writeTree(nested, { "y.md": "1" });
    const { up, outside } = await sync(here);
    expect(up).toEqual([]);
    expect(outside).toEqual([{ path: "nested", reason: "another synced directory" }]);
    const report = await syncFolder(identity, nested, inStep);
    expect(report.movedFrom).toBe(there);
    expect(changesOf(report.up)).toEqual(["added y.md"]);
  });
});

test("names that some file systems take for hidden ones are refused", () => {
  for (const name of ["\u200C.git", ".\u200Cgit", "\u{FEFF}.ssh", "\u2060\u200D.keysaga-folder"])
    expect(brokenPathRule(`a/${name}/x`)).toBe("hidden_name");
  expect(brokenPathRule("👩\u200D💻.md")).toBeUndefined();
});

test("the marker is never read as a file of the folder, nor can one come down", async () => {
  const dir = await temporaryDirectory();
  await writeFile(join(dir, markerName), "x");
  expect(await scanned(dir)).toEqual({ files: [], outside: [], skipped: [] });
  expect(brokenPathRule(markerName)).toBe("hidden_name");
  expect(brokenPathRule(`sub/${markerName}`)).toBe("hidden_name");
});
