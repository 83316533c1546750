/** Whether a file may be run goes with it. */
import { chmodSync, renameSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { saveMapping } from "../../src/cli/folder/bring-down.js";
import { mappingOf } from "../../src/cli/folder/directory.js";
import { cloneFolder } from "../../src/cli/folder/clone.js";
import { diffOf } from "../../src/cli/folder/diff.js";
import { mutate, saveRecords } from "../../src/index.js";
import { writeTree } from "./directories.js";
import { changesOf, filesIn, inStep, twoDirectories } from "./folders.js";

const disk = vi.hoisted(() => ({ keepsModes: true, failure: "", refusal: "", refused: "" }));

/**
 * As disks behave that know no modes: they say the same of every file, whatever is asked of them, or refuse to be asked; and as
 * a full one does.
 */
vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const chmod: typeof real.chmod = async (...given) => {
    if (disk.refusal) throw Object.assign(new Error("refused"), { code: disk.refusal, syscall: "chmod" });
    if (disk.keepsModes) await real.chmod(...given);
  };
  const writeFile: typeof real.writeFile = async (...given) => {
    if (disk.failure) throw Object.assign(new Error("failed"), { code: disk.failure, syscall: "open" });
    await real.writeFile(...given);
  };
  const rename: typeof real.rename = async (from, to) => {
    if (disk.refused && String(to).endsWith(disk.refused))
      throw Object.assign(new Error("refused"), { code: "EBUSY", syscall: "rename" });
    await real.rename(from, to);
  };
  return { ...real, chmod, writeFile, rename };
});

afterEach(() => {
  Object.assign(disk, { keepsModes: true, failure: "", refusal: "", refused: "" });
});

const modeOf = async (dir: string, path: string) => (await stat(join(dir, path))).mode & 0o777;

test("it is recorded, written, kept through edits and renames, and taken back", async () => {
  const { dir, here, there, identity, folder, sync } = await twoDirectories({
    "a.sh": "echo 1\n",
    "b.md": "1",
  });
  chmodSync(join(here, "a.sh"), 0o755);
  expect(changesOf((await sync(here)).up)).toEqual(["edited a.sh"]);
  expect(changesOf((await sync(there)).down)).toEqual(["edited a.sh"]);
  expect([await modeOf(there, "a.sh"), await modeOf(there, "b.md")]).toEqual([0o755, 0o644]);
  await writeTree(there, { "a.sh": "echo 2\n" });
  await sync(there);
  await sync(here);
  expect(await modeOf(here, "a.sh")).toBe(0o755);
  await cloneFolder(identity, folder, join(dir, "clone"), inStep);
  expect(await modeOf(join(dir, "clone"), "a.sh")).toBe(0o755);
  chmodSync(join(there, "a.sh"), 0o640);
  await sync(there);
  await sync(here);
  expect(await modeOf(here, "a.sh")).toBe(0o644);
  const [file] = (await filesIn(identity.space, folder)).filter(({ path }) => path === "a.sh");
  expect(file?.tip.data).not.toHaveProperty("executable");
});

test("two files with one text that may be run from now on are no files that changed places", async () => {
  const { here, sync } = await twoDirectories({ "a/x.sh": "echo the same\n", "b/x.sh": "echo the same\n" });
  for (const path of ["a/x.sh", "b/x.sh"]) chmodSync(join(here, path), 0o755);
  expect(changesOf((await sync(here)).up)).toEqual(["edited a/x.sh", "edited b/x.sh"]);
});

test("a new file may be run where it comes to, as far as it may be read there", async () => {
  const { here, there, sync } = await twoDirectories({});
  await writeTree(here, { "new.sh": "echo\n" });
  chmodSync(join(here, "new.sh"), 0o700);
  await sync(here);
  await sync(there);
  expect(await modeOf(there, "new.sh")).toBe(0o755);
});

test("it is shown as git shows it", async () => {
  const { here, identity } = await twoDirectories({ "a.sh": "echo 1\n" });
  await writeTree(here, { "new.sh": "echo\n" });
  for (const path of ["a.sh", "new.sh"]) chmodSync(join(here, path), 0o755);
  expect((await diffOf(identity, here)).map(({ diff }) => diff).join("")).toBe(`diff --git a/a.sh b/a.sh
old mode 100644
new mode 100755
diff --git a/new.sh b/new.sh
new file mode 100755
--- /dev/null
+++ b/new.sh
@@ -0,0 +1,1 @@
+echo
`);
});

test("a disk that keeps no modes has no say in it: nothing is taken for a change", async () => {
  const { here, there, identity, folder, sync } = await twoDirectories({ "a.sh": "echo 1\n", "b.md": "1" });
  chmodSync(join(here, "a.sh"), 0o755);
  await sync(here);
  disk.keepsModes = false;
  await sync(there); // a.sh may not be run there now
  expect(await modeOf(there, "a.sh")).toBe(0o644);
  await writeTree(there, { "b.md": "2", "new.md": "1" });
  chmodSync(join(there, "b.md"), 0o755);
  chmodSync(join(there, "new.md"), 0o755);
  expect(changesOf((await sync(there)).up)).toEqual(["edited b.md", "added new.md"]);
  const executable = (await filesIn(identity.space, folder)).filter(({ isExecutable }) => isExecutable);
  expect(executable.map(({ path }) => path)).toEqual(["a.sh"]);
});

test("a disk that refuses to change modes gets its files all the same", async () => {
  const { here, there, sync } = await twoDirectories({ "a.md": "1" });
  await writeTree(here, { "a.md": "2", "new.sh": "echo\n" });
  chmodSync(join(here, "new.sh"), 0o755);
  await sync(here);
  disk.refusal = "EPERM";
  expect(await sync(there)).toMatchObject({ skipped: [] });
  expect(await readFile(join(there, "new.sh"), "utf8")).toBe("echo\n");
});

test.each(["ENOSPC", "EACCES"])(
  "what cannot be told now, as no file can be made to try it (%s), is told by the next sync",
  async (code) => {
    const { here, sync } = await twoDirectories({ "a.sh": "echo 1\n" });
    vi.useFakeTimers({ now: Date.now() + 60_000, toFake: ["Date"] });
    try {
      chmodSync(join(here, "a.sh"), 0o755);
      disk.failure = code;
      expect((await sync(here)).up).toEqual([]);
      disk.failure = "";
      expect(changesOf((await sync(here)).up)).toEqual(["edited a.sh"]);
    } finally {
      vi.useRealTimers();
    }
  },
);

test("who makes a file executable while a sync waits for the receiver keeps that, and the next sync records it", async () => {
  const { here, there, sync } = await twoDirectories({ "a.sh": "echo 1\n" });
  await writeTree(here, { "a.sh": "echo 2\n" });
  await sync(here);
  await sync(there, async (...given) => {
    chmodSync(join(there, "a.sh"), 0o755);
    return inStep(...given);
  });
  expect(await modeOf(there, "a.sh")).toBe(0o755);
  expect(changesOf((await sync(there)).up)).toEqual(["edited a.sh"]);
});

test("what somebody wrote in its place that is no yes is a no, and stops nothing", async () => {
  const { here, there, identity, folder, sync } = await twoDirectories({ "a.sh": "echo 1\n" });
  const [file] = await filesIn(identity.space, folder);
  await saveRecords(identity, [mutate(file!.tip, { text: "echo 2\n", executable: "x" })]);
  await writeTree(here, { "b.md": "1" });
  expect(await sync(here)).toMatchObject({ down: [{ path: "a.sh" }], skipped: [] });
  chmodSync(join(here, "a.sh"), 0o755);
  await sync(here);
  await sync(there);
  expect(await modeOf(there, "a.sh")).toBe(0o755);
});

test("what is put back, because another file of its group could not be written, may be run as before", async () => {
  const { here, there, sync } = await twoDirectories({ "a.sh": "echo one and only\n", "b.md": "1" });
  chmodSync(join(here, "a.sh"), 0o755);
  await sync(here);
  await sync(there);
  for (const [from, to] of [
    ["a.sh", "c"],
    ["b.md", "a.sh"],
    ["c", "b.md"],
  ] as const)
    renameSync(join(here, from), join(here, to));
  await sync(here);
  disk.refused = "b.md";
  expect((await sync(there)).skipped).toEqual([{ path: "b.md", reason: "in use by another program" }]);
  expect([await modeOf(there, "a.sh"), await readFile(join(there, "a.sh"), "utf8")]).toEqual([
    0o755,
    "echo one and only\n",
  ]);
  expect(await sync(there)).toMatchObject({ up: [] });
});

test("on a disk that keeps no modes, a file that a crash left unnoted is no second one, and a rename takes nothing away", async () => {
  const { here, there, identity, folder, sync } = await twoDirectories({ "b.md": "1" });
  await writeTree(here, { "new.sh": "echo\n" });
  chmodSync(join(here, "new.sh"), 0o755);
  await sync(here);
  disk.keepsModes = false;
  const { mapping } = await mappingOf(identity.space, there);
  await sync(there);
  await saveMapping(identity, await mappingOf(identity.space, there), mapping);
  expect(await sync(there)).toMatchObject({ up: [], down: [] });
  renameSync(join(there, "new.sh"), join(there, "old.sh"));
  expect((await diffOf(identity, there)).map(({ diff }) => diff)).toEqual([
    "diff --git a/new.sh b/old.sh\nrename from new.sh\nrename to old.sh\n",
  ]);
  expect(changesOf((await sync(there)).up)).toEqual(["renamed old.sh"]);
  const files = await filesIn(identity.space, folder);
  expect(files.find(({ path }) => path === "old.sh")?.isExecutable).toBe(true);
});
