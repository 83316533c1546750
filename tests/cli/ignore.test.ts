/** What `.gitignore` and `.keysagaignore` leave out of a folder. */
import { mkdir, rename, symlink, unlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { sync } from "../../src/cli/commands/sync.js";
import { contentOf } from "../../src/cli/folder/content.js";
import { scanDirectory } from "../../src/cli/folder/disk.js";
import { directoryLines } from "../../src/cli/folder/report.js";
import { statusOf } from "../../src/cli/folder/status.js";
import { needsAttention } from "../../src/cli/folder/skipped.js";
import { temporaryDirectory, writeTree } from "./directories.js";
import { changesOf, inStep, twoDirectories } from "./folders.js";
import { receiverFor, runHere } from "./receiver.js";

/** What is left of these files, each with its path for a text. */
async function taken(rules: Readonly<Record<string, string>>, paths: readonly string[], synced?: string[]) {
  const dir = await temporaryDirectory();
  await writeTree(dir, { ...Object.fromEntries(paths.map((path) => [path, path])), ...rules });
  const base = synced?.map((path) => ({ path, content: contentOf(path), isExecutable: false }));
  const { files, ignored, skipped } = await scanDirectory(dir, base);
  return { files: [...files.keys()], ignored: [...ignored].sort(), skipped };
}

describe("git's rules", () => {
  // As `git check-ignore` of git 2 has it for each of these.
  test.each([
    ["a name fits at any depth", "*.log\n", ["a.log", "d/a.log", "d/a.md"], ["d/a.md"]],
    ["a slash anchors", "/a.md\nd/b.md\n", ["a.md", "d/a.md", "d/b.md", "e/d/b.md"], ["d/a.md", "e/d/b.md"]],
    ["a slash at the end is for directories", "x/\n", ["x/a.md", "d/x"], ["d/x"]],
    ["the last that fits counts", "*.md\n!a.md\n", ["a.md", "b.md"], ["a.md"]],
    ["nothing comes back below an ignored directory", "d/\n!d/a.md\n", ["d/a.md", "a.md"], ["a.md"]],
    ["but it does below d/*", "d/*\n!d/a.md\n", ["d/a.md", "d/b.md"], ["d/a.md"]],
    ["two stars", "a/**/z.md\n**/t\n", ["a/z.md", "a/b/c/z.md", "d/t/x.md", "z.md"], ["z.md"]],
    [
      "comments, escapes, ends of lines",
      "# a.md\r\n\\#b.md\r\nc.md  \r\n",
      ["#b.md", "a.md", "c.md"],
      ["a.md"],
    ],
    ["classes, and case", "[ab].md\nC.md\n", ["a.md", "b.md", "c.md"], ["c.md"]],
  ])("%s", async (_, rules, paths, left) => {
    expect((await taken({ ".gitignore": rules }, paths)).files).toEqual(left);
  });

  test("a nested file rules what is below it, and has the last word there", async () => {
    const rules = {
      ".gitignore": "*.log\nout/\n",
      "d/.gitignore": "!keep.log\n/only.md\n!out/\n*.tmp\n",
      "d [1]/.gitignore": "x.md\n",
    };
    const paths = ["keep.log", "d/keep.log", "d/x.log", "d/only.md", "d/e/only.md", "d/e/t.tmp", "t.tmp"];
    const more = ["out/a.md", "d/out/a.md", "d [1]/x.md", "d [1]/e/x.md", "d 1/x.md"];
    const { files, skipped } = await taken(rules, [...paths, ...more]);
    expect(files).toEqual(["d 1/x.md", "d/e/only.md", "d/keep.log", "d/out/a.md", "t.tmp"]);
    expect(skipped).toEqual([]);
  });

  test(".keysagaignore has the last word beside .gitignore", async () => {
    const rules = { ".gitignore": "*.md\n", ".keysagaignore": "!a.md\nb.txt\n" };
    expect((await taken(rules, ["a.md", "b.md", "b.txt", "c.txt"])).files).toEqual(["a.md", "c.txt"]);
  });

  test("what is synced is not ignored, nor is its directory left; new files beside it are", async () => {
    const rules = { ".gitignore": "d/\n*.log\n" };
    const found = await taken(rules, ["d/a.md", "d/b.md", "a.log", "b.log"], ["d/a.md", "a.log"]);
    expect(found.files).toEqual(["a.log", "d/a.md"]);
    expect(found.ignored).toEqual(["b.log", "d/b.md"]);
  });

  test("an ignored directory is one, and is not read", async () => {
    const many = Array.from({ length: 50 }, (_, at) => `node_modules/p${at}/index.js`);
    const { ignored } = await taken({ ".gitignore": "node_modules\n" }, many);
    expect(ignored).toEqual(["node_modules"]);
  });
});

describe("an ignore file that cannot be read", () => {
  test.each([
    ["that is no text", Uint8Array.of(0xff)],
    ["that is too large", "x\n".repeat(200_000)],
  ])("%s lets nothing new below it in, and is told", async (_, content) => {
    const dir = await temporaryDirectory();
    await writeTree(dir, { "a.md": "1", "d/.gitignore": content, "d/old.md": "1", "d/new.md": "1" });
    const { files, skipped } = await scanDirectory(dir, [
      { path: "d/old.md", content: contentOf("1"), isExecutable: false },
    ]);
    expect([...files.keys()]).toEqual(["a.md", "d/old.md"]);
    const reason = "long or no text, where rules should be";
    expect(skipped).toEqual([{ path: "d/.gitignore", reason }]);
    expect(skipped.every(needsAttention)).toBe(true);
  });

  test("that is a link is not followed", async () => {
    const dir = await temporaryDirectory();
    await writeTree(dir, { "a.md": "1", "rules.txt": "" });
    await symlink("rules.txt", join(dir, ".gitignore"));
    const { files, skipped } = await scanDirectory(dir);
    expect([...files.keys()]).toEqual([]);
    expect(skipped).toEqual([{ path: ".gitignore", reason: "a symbolic link is in its place" }]);
  });
});

describe("a sync", () => {
  test("records nothing that is ignored, and removes nothing that comes to be", async () => {
    const { here, there, identity, sync } = await twoDirectories({ "a.md": "1", "draft.md": "1" });
    await writeTree(here, { ".gitignore": "draft.md\n*.log\n", "x.log": "1", "draft.md": "2" });
    const report = await sync(here);
    expect(changesOf(report.up)).toEqual(["edited draft.md"]);
    expect(report).toMatchObject({ ignored: 1, skipped: [] });
    expect(directoryLines(report)).toEqual(["left out 1 path that .gitignore or .keysagaignore names"]);
    expect(await statusOf(identity, here)).toMatchObject({ changes: [], ignored: 1 });
    expect(changesOf((await sync(there)).down)).toEqual(["edited draft.md"]);
    await unlink(join(here, "draft.md"));
    expect(changesOf((await sync(here)).up)).toEqual(["removed draft.md"]);
  });

  test("brings down what others have, though it is ignored here, and what lies in its place is kept and told", async () => {
    const { here, there, sync } = await twoDirectories({ "a.md": "1" });
    await writeTree(there, { ".keysagaignore": "out/\n", "out/b.md": "mine" });
    await writeTree(here, { "out/b.md": "theirs", "out/c.md": "theirs" });
    await sync(here);
    const first = await sync(there);
    expect(changesOf(first.down)).toEqual(["added out/c.md"]);
    expect(first.skipped).toEqual([{ path: "out/b.md", reason: "an ignored file is in its place" }]);
    expect(first.skipped.every(needsAttention)).toBe(true);
    await rename(join(there, "out/b.md"), join(there, "out/mine.md"));
    const second = await sync(there, inStep);
    expect(changesOf(second.down)).toEqual(["added out/b.md"]);
    expect(second).toMatchObject({ up: [], skipped: [], ignored: 1 });
  });

  test("a directory that took an ignored name and the place of a synced file removes it for nobody", async () => {
    const { here, sync } = await twoDirectories({ "a.md": "1", out: "1" });
    await unlink(join(here, "out"));
    await mkdir(join(here, "out"));
    await writeTree(here, { ".gitignore": "out\n", "out/x.md": "1" });
    const { up, skipped } = await sync(here);
    expect(up).toEqual([]);
    expect(skipped).toEqual([{ path: "out", reason: "a directory is in its place" }]);
  });
});

test("what is ignored is counted in one line, with exit status 0", async () => {
  const { people, serve } = await receiverFor("alice");
  const [alice] = people;
  const { url } = await serve();
  const files = { "a.md": "1", "a.bin": Uint8Array.of(0xff), "b.bin": Uint8Array.of(0xff) };
  await writeTree(alice.dir, { ...files, ".gitignore": "*.bin\n" });
  const { exitCode, stdout, stderr } = await runHere(sync, alice.dir, url, "--home", alice.home);
  expect({ exitCode, stderr }).toEqual({
    exitCode: 0,
    stderr: "left out 2 paths that .gitignore or .keysagaignore names\n",
  });
  expect(stdout).toMatch(/^folder .*\n↑ a\.md\n1 up, /);
});
