import { execFileSync } from "node:child_process";
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  unlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { saveMapping } from "../../src/cli/folder/bring-down.js";
import { mappingOf } from "../../src/cli/folder/directory.js";
import { scanDirectory } from "../../src/cli/folder/disk.js";
import { printable } from "../../src/cli/folder/errors.js";
import type { Exchange } from "../../src/cli/folder/exchange.js";
import { contentOf, textOf } from "../../src/cli/folder/content.js";
import { folderLimits } from "../../src/cli/folder/limits.js";
import { readFolder } from "../../src/cli/folder/model.js";
import { brokenPathRule, caseCollisions } from "../../src/cli/folder/paths.js";
import { cloneFolder } from "../../src/cli/folder/clone.js";
import { syncFolder } from "../../src/cli/folder/sync.js";
import { writeFiles } from "../../src/cli/folder/write.js";
import { KeysagaError, nOf } from "../../src/index.js";
import { readTree, temporaryDirectory, writeTree } from "./directories.js";
import { agree, changesOf, hostileFolder, filesIn, inStep, makeIdentity, twoDirectories } from "./folders.js";

describe("a folder and its directory", () => {
  test("text travels byte for byte: line ends, byte order mark, no last line end, nothing at all", async () => {
    const files = {
      "crlf.txt": "a\r\nb\r\n",
      "bom.txt": "\u{FEFF}text",
      "empty.md": "",
      "no-end.md": "last line",
      "nul.txt": "a\0b",
      "deep/er/é\u0301 ü 漢字 🙂.md": "unicode \u2028 \u0085",
    };
    const { here, there } = await twoDirectories(files);
    expect(await readTree(there)).toEqual(await readTree(here));
    expect(await readFile(join(there, "bom.txt"))).toEqual(Buffer.from(files["bom.txt"]));
  });

  test("edits, new files and removals go each way, and are told by name", async () => {
    const { here, there, sync } = await twoDirectories({ "a.md": "1", "b/b.md": "1", "c.md": "1" });
    await writeTree(here, { "a.md": "2", "new/deep/n.md": "new" });
    await unlink(join(here, "b/b.md"));
    const up = await sync(here);
    expect(changesOf(up.up)).toEqual(["edited a.md", "added b/", "removed b/b.md", "added new/deep/n.md"]);
    expect(up).toMatchObject({ down: [], unchanged: 1, skipped: [] });

    const down = await sync(there);
    expect(changesOf(down.down)).toEqual(changesOf(up.up));
    expect(down.up).toEqual([]);
    const tree = await readTree(there);
    expect(tree).toMatchObject({ "a.md": btoa("2"), "c.md": btoa("1"), "new/deep/n.md": btoa("new") });
    expect(tree).toEqual(await readTree(here)); // with the directory whose last file went
    expect(await sync(there)).toMatchObject({ up: [], down: [], unchanged: 4 });
  });

  test("a removed file keeps its history, and one that comes back is that file", async () => {
    const { here, identity, folder, sync } = await twoDirectories({ "a.md": "1" });
    const [before] = await filesIn(identity.space, folder);
    await unlink(join(here, "a.md"));
    await sync(here, inStep, agree);
    expect((await readFolder(identity.space, folder)).files).toEqual([]);
    await writeTree(here, { "a.md": "1" });
    await sync(here);
    const [after] = await filesIn(identity.space, folder);
    expect(after?.file).toBe(before?.file);
    expect(nOf(after!.tip)).toBe(2);
  });

  test("a file takes the place of a directory, and a directory that of a file", async () => {
    const { here, there, sync } = await twoDirectories({ "a/x.md": "1", b: "1" });
    await unlink(join(here, "b"));
    await rm(join(here, "a"), { recursive: true });
    await writeTree(here, { a: "file now", "b/y.md": "below" });
    await sync(here, inStep, agree);
    expect((await sync(there, inStep, agree)).skipped).toEqual([]);
    expect(await readTree(there)).toEqual(await readTree(here));
  });

  test("permissions of a file survive an edit that comes down", async () => {
    const { here, there, sync } = await twoDirectories({ "run.sh": "echo 1" });
    await chmod(join(there, "run.sh"), 0o750);
    await writeTree(here, { "run.sh": "echo 2" });
    await sync(here);
    await sync(there);
    expect((await stat(join(there, "run.sh"))).mode & 0o777).toBe(0o750);
  });

  test("the same edit on both sides is no conflict", async () => {
    const { here, there, sync } = await twoDirectories({ "a.md": "1", "gone.md": "1" });
    for (const place of [here, there]) {
      await writeTree(place, { "a.md": "2" });
      await unlink(join(place, "gone.md"));
    }
    await sync(here);
    expect(await sync(there)).toMatchObject({ up: [], down: [], unchanged: 1, conflicts: [] });
  });
});

describe("what stays out of a folder", () => {
  test("names with a dot in front are left alone, other things are skipped and said", async () => {
    const dir = await temporaryDirectory();
    await writeTree(dir, {
      ".hidden": "x",
      ".git/config": "x",
      "back\\slash.md": "x",
      "ok.md": "x",
      "sub/ok.md": "x",
    });
    await symlink("ok.md", join(dir, "link.md"));
    await symlink("/", join(dir, "root"));
    await writeFile(Buffer.concat([Buffer.from(`${dir}/bad`), Uint8Array.of(0xff)]), "x");
    const { files, skipped } = await scanDirectory(dir);
    const texts = [...files].map(async ([path, { content }]) => [path, await textOf(content)]);
    expect(await Promise.all(texts)).toEqual([
      ["ok.md", "x"],
      ["sub/ok.md", "x"],
    ]);
    expect(Object.fromEntries(skipped.map(({ path, reason }) => [path, reason]))).toEqual({
      "back\\slash.md": "name (backslash)",
      "link.md": "symbolic link",
      root: "symbolic link",
      "bad\u{FFFD}": "name is not UTF-8",
    });
  });

  test("a synced file that becomes something else is not taken for a removed one", async () => {
    const { here, there, sync } = await twoDirectories({ "a.md": "1", "d/b.md": "1", "c.md": "1" });
    await unlink(join(here, "a.md"));
    await symlink("c.md", join(here, "a.md"));
    await rename(join(here, "d"), join(here, ".d"));
    await symlink(".d", join(here, "d"));
    const up = await sync(here);
    expect(up.up).toEqual([]);
    expect(up.skipped.map(({ path }) => path).sort()).toEqual(["a.md", "d"]);
    await writeTree(there, { "a.md": "2" });
    await sync(there);
    const down = await sync(here);
    expect(down.down).toEqual([]);
    expect(await readFile(join(here, "a.md"), "utf8")).toBe("1");
  });

  test("a directory that is not there is an error, not an empty folder", async () => {
    const dir = await temporaryDirectory();
    const sync = syncFolder(await makeIdentity(), join(dir, "none"), inStep);
    await expect(sync).rejects.toMatchObject({ rule: "not_a_directory" });
  });
});

describe("a sync that is interrupted", () => {
  class Crash extends Error {}
  const crash: Exchange = async () => Promise.reject(new Crash());

  test("before the saga: local changes are durable, told again, and recorded once", async () => {
    const { here, there, identity, folder, sync } = await twoDirectories({ "a.md": "1" });
    await writeTree(here, { "a.md": "2", "b.md": "1" });
    await expect(sync(here, crash)).rejects.toThrow(Crash);
    const tips = await identity.space.reachableTips([folder]);
    expect(changesOf((await sync(here)).up)).toEqual(["edited a.md", "added b.md"]);
    expect(await identity.space.reachableTips([folder])).toEqual(tips);
    await sync(there);
    expect(await readTree(there)).toEqual(await readTree(here));
  });

  test("after the saga: what came down is written by the next sync, edits beside it go up", async () => {
    const { here, there, sync } = await twoDirectories({ "a.md": "1", "b.md": "1", "c.md": "1" });
    await writeTree(here, { "a.md": "2", "c.md": "2" });
    await sync(here);
    // As a crash in the middle of writing leaves it: one file is new, the other is old, the mapping knows of neither.
    await writeTree(there, { "a.md": "2", "b.md": "from there" });
    const report = await sync(there);
    expect(changesOf(report.up)).toEqual(["edited b.md"]);
    expect(changesOf(report.down)).toEqual(["edited c.md"]);
    await sync(here);
    expect(await readTree(there)).toEqual(await readTree(here));
  });

  test("a file that is edited during the saga is left alone, said, and merged by the next sync", async () => {
    const { here, there, sync } = await twoDirectories({ "a.md": "1\n2\n3\n", "b.md": "1" });
    await writeTree(here, { "a.md": "one\n2\n3\n", "b.md": "2" });
    await sync(here);
    const report = await sync(there, async (...saga) => {
      await writeTree(there, { "a.md": "1\n2\ntyped meanwhile\n" });
      return inStep(...saga);
    });
    expect(changesOf(report.down)).toEqual(["edited b.md"]);
    expect(report.skipped).toEqual([{ path: "a.md", reason: "changed meanwhile" }]);
    expect(await readFile(join(there, "a.md"), "utf8")).toBe("1\n2\ntyped meanwhile\n");
    expect(await sync(there)).toMatchObject({ skipped: [], conflicts: [] });
    expect(await readFile(join(there, "a.md"), "utf8")).toBe("one\n2\ntyped meanwhile\n");
  });

  test("in a clone: the directory is mapped before its first file, so that sync goes on", async () => {
    const { dir, folder, identity, here, sync } = await twoDirectories({ "a.md": "1", "b/c.md": "1" });
    const place = join(dir, "third");
    await cloneFolder(identity, folder, place, inStep);
    await unlink(join(place, "a.md"));
    const cell = await mappingOf(identity.space, place);
    await saveMapping(identity, cell, { folder, base: [], unsent: [] });
    expect(changesOf((await sync(place)).down)).toEqual(["added a.md"]);
    expect(await readTree(place)).toEqual(await readTree(here));
  });

  test("temporary files of a process that is gone are taken away, those of a living one stay", async () => {
    const { here, sync } = await twoDirectories({ "a.md": "1" });
    const gone = `.keysaga-${2 ** 22 + 1}-0123456789abcdef.tmp`;
    const living = `.keysaga-${process.pid}-0123456789abcdef.tmp`;
    await writeTree(here, { [gone]: "half", [`sub/${living}`]: "half" });
    await sync(here);
    expect(Object.keys(await readTree(here))).toEqual(["a.md", "sub", `sub/${living}`]);
  });

  test("two syncs of one folder at once: one says that the other was there, nothing is lost", async () => {
    const { here, sync } = await twoDirectories({ "a.md": "1" });
    await writeTree(here, { "a.md": "2" });
    const outcomes = await Promise.allSettled([sync(here), sync(here)]);
    const failed = outcomes.filter((outcome) => outcome.status === "rejected");
    for (const { reason } of failed) expect(reason).toMatchObject({ rule: "moved" });
    expect(failed.length).toBeLessThan(2);
    expect(await sync(here)).toMatchObject({ up: [], down: [], unchanged: 1 });
  });
});

describe("paths from elsewhere", () => {
  const rules = {
    "/etc/passwd": "absolute",
    "../up.md": "hidden_name",
    "a/../../up.md": "hidden_name",
    "a/./b.md": "hidden_name",
    ".ssh/authorized_keys": "hidden_name",
    "a/.git/hooks/post-checkout": "hidden_name",
    "": "empty_name",
    "a//b.md": "empty_name",
    "a//": "empty_name",
    "/": "absolute",
    "a\\..\\b.md": "backslash",
    "C:/windows.md": "drive_letter",
    "c:x": "drive_letter",
    "a\0b": "control_character",
    "line\nbreak": "control_character",
    "\u001B[2J": "control_character",
    "\u009B2J": "control_character",
    [`${"d/".repeat(32)}x`]: "too_deep",
    ["x".repeat(256)]: "name_too_long",
    ["é".repeat(128)]: "name_too_long",
    [`${"x".repeat(250)}/`.repeat(5)]: "path_too_long",
  };

  for (const [path, rule] of Object.entries(rules)) {
    test(`${JSON.stringify(path).slice(0, 40)} is left out (${rule}), and nothing else is`, async () => {
      expect(brokenPathRule(path)).toBe(rule);
      const identity = await makeIdentity();
      const dir = await temporaryDirectory();
      const folder = await hostileFolder(identity, [
        { path: "fine.md", text: "x" },
        { path, text: "x" },
      ]);
      const { skipped } = await cloneFolder(identity, folder, join(dir, "clone"), inStep);
      expect(skipped).toMatchObject([{ reason: `path (${rule})` }]);
      expect(await readdir(dir)).toEqual(["clone"]);
      expect(Object.keys(await readTree(join(dir, "clone")))).toEqual(["fine.md"]);
    });
  }

  test("paths that people use are fine", () => {
    for (const path of ["a", "a b/c.md", "x.y.z", "a..b", "Meeting: 10.md", "~", "-rf", "con", "é/漢字"])
      expect(brokenPathRule(path)).toBeUndefined();
  });

  test("whatever path passes stays below the directory", () => {
    const part = fc.constantFrom("a", "..", ".", "", "/", "\\", "C:", "\0", ".a", "b c", "…");
    const paths = fc.array(part, { maxLength: 6 }).map((parts) => parts.join("/"));
    fc.assert(
      fc.property(fc.oneof(paths, fc.string()), (path) => {
        if (brokenPathRule(path) !== undefined) return;
        expect(join("/base/dir", path)).toBe(`/base/dir/${path}`);
        const names = path.replace(/\/$/, "").split("/"); // with a slash at the end it is a directory
        expect(names.every((name) => name !== "" && !name.startsWith("."))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("names that differ in case only are found, also in directories and composed accents", () => {
    const collisions = (...paths: string[]) => [...caseCollisions(paths)];
    expect(collisions("a/x.md", "b/x.md", "A.md")).toEqual([]);
    expect(collisions("a.md", "A.md", "b.md")).toEqual(["A.md"]);
    expect(collisions("Docs/a.md", "docs/b.md", "Docs/c.md")).toEqual(["docs/b.md"]);
    expect(collisions("é.md", "e\u0301.md")).toEqual(["e\u0301.md"]);
  });

  test("what a folder has no room for is left out and named; what it has goes first", async () => {
    const dir = await temporaryDirectory();
    const names = Array.from({ length: folderLimits.filesMax + 2 }, (_, at) => `${10_000 + at}.md`);
    await writeTree(dir, Object.fromEntries(names.map((name) => [name, ""])));
    const last = names.at(-1)!;
    const { files, skipped } = await scanDirectory(dir, [
      { path: last, content: contentOf(""), isExecutable: false },
    ]);
    expect([files.size, files.has(last)]).toEqual([folderLimits.filesMax, true]);
    const reason = "beyond what a folder may hold";
    expect(skipped).toEqual(names.slice(-3, -1).map((path) => ({ path, reason })));
  });

  test("files that are none are left out, and folders that are none refused", async () => {
    const dir = await temporaryDirectory();
    const datas = [{ path: "a.md" }, { path: "a.md", text: 7 }, { path: ["a"], text: "" }, { text: "x" }];
    for (const [at, data] of datas.entries()) {
      const identity = await makeIdentity();
      const folder = await hostileFolder(identity, [data]);
      const { skipped } = await cloneFolder(identity, folder, join(dir, `clone ${at}`), inStep);
      expect(skipped).toMatchObject([{ reason: "no file" }]);
      expect(await readTree(join(dir, `clone ${at}`))).toEqual({});
      const [file] = await identity.space.look((look) => look.within(folder));
      const other = cloneFolder(identity, file!.timeline, join(dir, "other"), inStep);
      await expect(other).rejects.toMatchObject({ rule: "not_a_folder" });
    }
    expect(await readdir(dir)).toEqual(datas.map((_, at) => `clone ${at}`));
  });

  test("nothing is written through a symbolic link, nor under a special file; everything else is", async () => {
    for (const obstacle of ["link", "pipe"] as const) {
      const { dir, here, there, sync } = await twoDirectories({ "a.md": "1" });
      await mkdir(join(dir, "outside"));
      if (obstacle === "link") await symlink(join(dir, "outside"), join(there, "sub"));
      else execFileSync("mkfifo", [join(there, "sub")]);
      await writeTree(here, { "a.md": "2", "sub/x.md": "1" });
      await sync(here);
      const report = await sync(there);
      expect(changesOf(report.down)).toEqual(["edited a.md"]);
      expect(report.skipped).toContainEqual({
        path: "sub/x.md",
        reason: "its directory is no directory here",
      });
      expect(await readdir(join(dir, "outside"))).toEqual([]);
      await unlink(join(there, "sub"));
      expect(changesOf((await sync(there)).down)).toEqual(["added sub/x.md"]);
    }
  });

  test("a symbolic link in the place of a file is neither followed nor replaced", async () => {
    const { dir, here, there, sync } = await twoDirectories({ "a.md": "1" });
    await writeTree(dir, { "outside.md": "1" });
    await unlink(join(there, "a.md"));
    await symlink(join(dir, "outside.md"), join(there, "a.md"));
    await writeTree(here, { "a.md": "2" });
    await sync(here);
    const { down, skipped } = await sync(there);
    expect(down).toEqual([]);
    expect(skipped).toEqual([{ path: "a.md", reason: "a symbolic link is in its place" }]);
    expect(await readFile(join(dir, "outside.md"), "utf8")).toBe("1");
  });

  test("what a terminal would act on never reaches it", () => {
    expect(printable("a\u001B[2Jb\u202Ec\nd")).toBe("a\u{FFFD}[2Jb\u{FFFD}c\u{FFFD}d");
    expect(printable("x".repeat(500)).length).toBeLessThan(130);
  });
});

describe("writing", () => {
  const [one, two] = [contentOf("1"), contentOf("2")];

  test("a file that cannot be put keeps no other from it, and leaves no temporary file", async () => {
    const dir = await temporaryDirectory();
    await writeTree(dir, { "a.md": "1", "z.md": "1" });
    const writes = [
      { path: "a.md", from: one, to: two, isExecutable: false, group: "a.md" },
      { path: "x", from: undefined, to: two, isExecutable: false, group: "x" },
      { path: "x/y", from: undefined, to: two, isExecutable: false, group: "x/y" }, // x is no file when ways are looked at, but is one now
      { path: "z.md", from: one, to: two, isExecutable: false, group: "z.md" },
    ];
    expect(await writeFiles(dir, writes, [])).toEqual({
      skipped: [{ path: "x/y", reason: "its directory is no directory here" }],
      leftAlone: new Set(["x/y"]),
    });
    expect(await readTree(dir)).toEqual({ "a.md": btoa("2"), "z.md": btoa("2"), x: btoa("2") });
  });

  test("is idempotent", async () => {
    const dir = await temporaryDirectory();
    await writeTree(dir, { "old.md": "1", "edit.md": "1" });
    const writes = [
      { path: "old.md", from: one, to: undefined, isExecutable: false, group: "old.md" },
      { path: "edit.md", from: one, to: two, isExecutable: false, group: "edit.md" },
      { path: "new/n.md", from: undefined, to: two, isExecutable: false, group: "new/n.md" },
    ];
    const paths = ["edit.md", "new/n.md"];
    expect((await writeFiles(dir, writes, paths)).skipped).toEqual([]);
    const after = await readTree(dir);
    expect((await writeFiles(dir, writes, paths)).skipped).toEqual([]);
    expect(await readTree(dir)).toEqual(after);
    expect(Object.keys(after)).toEqual(["edit.md", "new", "new/n.md"]);
  });
});

describe("errors of a saga", () => {
  const refused = (code: "cannot_connect" | "unknown_root") => () => Promise.reject(new KeysagaError(code));

  test("come out of a sync as they are", async () => {
    const sync = syncFolder(await makeIdentity(), await temporaryDirectory(), refused("cannot_connect"));
    await expect(sync).rejects.toMatchObject({ code: "cannot_connect" });
  });

  test("leave nothing behind of a clone", async () => {
    const identity = await makeIdentity();
    const dir = await temporaryDirectory();
    const clone = cloneFolder(identity, identity.address, join(dir, "clone"), refused("unknown_root"));
    await expect(clone).rejects.toMatchObject({ rule: "unknown_folder" });
    expect(await readdir(dir)).toEqual([]);
  });
});
