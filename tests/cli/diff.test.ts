/** What was changed in a directory since it was in step, as a unified diff. */
import { readFile, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { diff } from "../../src/cli/commands/diff.js";
import { sync } from "../../src/cli/commands/sync.js";
import { diffOf } from "../../src/cli/folder/diff.js";
import { unifiedDiff } from "../../src/cli/folder/unified.js";
import { compareTexts } from "../../src/index.js";
import { writeTree } from "./directories.js";
import { twoDirectories } from "./folders.js";
import { receiverFor, runHere } from "./receiver.js";

const numbers = (count: number) => Array.from({ length: count }, (_, at) => `${at + 1}\n`).join("");

test("each kind of change has its form, and one file or a part of the directory can be named", async () => {
  const files = { "a.md": numbers(20), "gone.md": "x\ny\n", "long.md": numbers(30), "same.md": "1" };
  const { here, identity } = await twoDirectories(files);
  expect(await diffOf(identity, here)).toEqual([]);
  await writeTree(here, {
    "a.md": numbers(20).replace("\n2\n", "\ntwo\n").replace("19\n20\n", "19\n20"),
    "d/new file.md": "new\n",
    "empty.md": "",
  });
  await unlink(join(here, "gone.md"));
  await rename(join(here, "long.md"), join(here, "moved.md"));
  const found = await diffOf(identity, here);
  expect(found.map(({ diff: text }) => text).join("")).toBe(`diff --git a/a.md b/a.md
--- a/a.md
+++ b/a.md
@@ -1,5 +1,5 @@
 1
-2
+two
 3
 4
 5
@@ -17,4 +17,4 @@
 17
 18
 19
-20
+20
\\ No newline at end of file
diff --git a/d/new file.md b/d/new file.md
new file mode 100644
--- /dev/null
+++ b/d/new file.md\t
@@ -0,0 +1,1 @@
+new
diff --git a/empty.md b/empty.md
new file mode 100644
diff --git a/gone.md b/gone.md
deleted file mode 100644
--- a/gone.md
+++ /dev/null
@@ -1,2 +0,0 @@
-x
-y
diff --git a/long.md b/moved.md
rename from long.md
rename to moved.md
`);
  const named = async (path: string) =>
    (await diffOf(identity, join(here, path))).map((each) => `${each.change} ${each.path}`);
  expect(await named("a.md")).toEqual(["edited a.md"]);
  expect(await named("d")).toEqual(["added d/new file.md"]);
  expect(await named("gone.md")).toEqual(["removed gone.md"]);
  expect(await named("long.md")).toEqual(["renamed moved.md"]);
  expect(await named("same.md")).toEqual([]);
  await expect(named("none.md")).rejects.toMatchObject({ rule: "unknown_file" });
});

test("a file that came to the path of one that is gone is told beside it", async () => {
  const { here, identity } = await twoDirectories({ "a.md": numbers(20), "b.md": "another text here\n" });
  await rename(join(here, "a.md"), join(here, "b.md"));
  const found = await diffOf(identity, here);
  expect(found.map(({ path, change, was }) => [path, change, was])).toEqual([
    ["b.md", "removed", undefined],
    ["b.md", "renamed", "a.md"],
  ]);
});

describe("a comparison of texts", () => {
  const text = fc
    .array(fc.constantFrom("a\n", "b\n", "c\n", "\n", "a\r\n", "d"), { maxLength: 24 })
    .map((lines) => lines.join(""));

  test("turns the one into the other, with a line that stays between two hunks", () => {
    fc.assert(
      fc.property(text, text, (base, side) => {
        const lines = base === "" ? [] : base.split(/(?<=\n)/);
        const made: string[] = [];
        let at = 0;
        for (const { from, sideFrom, removed, added } of compareTexts(base, side)) {
          expect(from > at || at === 0).toBe(true);
          made.push(...lines.slice(at, from));
          expect(made.length).toBe(sideFrom);
          expect(lines.slice(from, from + removed.length)).toEqual(removed);
          expect(removed.length + added.length).toBeGreaterThan(0);
          made.push(...added);
          at = from + removed.length;
        }
        expect([...made, ...lines.slice(at)].join("")).toBe(side);
      }),
    );
  });

  test("has the numbers that a reader of its blocks finds", () => {
    fc.assert(
      fc.property(text, text, (base, side) => {
        const shown = (text: string) => ({ path: "a", text, isExecutable: false });
        const printed = unifiedDiff({ was: shown(base), now: shown(side) });
        expect(applied(base, printed)).toBe(side);
      }),
    );
  });
});

/** Applies the blocks of a diff by their numbers alone, as `patch` without fuzz does. */
function applied(base: string, printed: string): string {
  const lines = base === "" ? [] : base.split(/(?<=\n)/);
  const made: string[] = [];
  let at = 0;
  const body = printed.split(/(?<=\n)/);
  for (const [nth, line] of body.entries()) {
    const [, start, count, sideStart, sideCount] = /^@@ -(\d+),(\d+) \+(\d+),(\d+) @@\n$/.exec(line) ?? [];
    const content = body[nth + 1]?.startsWith("\\") ? line.slice(1, -1) : line.slice(1);
    if (start !== undefined) {
      const first = Number(start) - (count === "0" ? 0 : 1);
      made.push(...lines.slice(at, first));
      at = first;
      expect(made.length).toBe(Number(sideStart) - (sideCount === "0" ? 0 : 1));
    } else if (/^(diff|---|\+\+\+|\\) /.test(line)) continue;
    else if (line.startsWith("+")) made.push(content);
    else {
      expect(lines[at++]).toBe(content);
      if (line.startsWith(" ")) made.push(content);
    }
  }
  return [...made, ...lines.slice(at)].join("");
}

test("keysaga diff prints what was changed, byte for byte into a pipe", async () => {
  const { people, serve } = await receiverFor("alice");
  const [alice] = people;
  const { url } = await serve();
  await writeTree(alice.dir, { "a.md": "1\r\n\u001b[1m\n" });
  await runHere(sync, alice.dir, url, "--home", alice.home);
  await writeTree(alice.dir, { "a.md": "2\r\n\u001b[1m\n" });
  const printed = await runHere(diff, join(alice.dir, "a.md"), "--home", alice.home);
  expect(printed).toEqual({
    exitCode: 0,
    stdout: "diff --git a/a.md b/a.md\n--- a/a.md\n+++ b/a.md\n@@ -1,2 +1,2 @@\n-1\r\n+2\r\n \u001b[1m\n",
    stderr: "",
  });
  expect(await readFile(join(alice.dir, "a.md"), "utf8")).toBe("2\r\n\u001b[1m\n");
});
