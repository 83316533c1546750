/** Whether a file may be run goes with it. */
import { chmodSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { cloneFolder } from "../../src/cli/folder/clone.js";
import { diffOf } from "../../src/cli/folder/diff.js";
import { writeTree } from "./directories.js";
import { changesOf, filesIn, inStep, twoDirectories } from "./folders.js";

const disk = vi.hoisted(() => ({ keepsModes: true }));

/** As a disk behaves that knows no modes: it says the same of every file, whatever is asked of it. */
vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const chmod: typeof real.chmod = async (...given) => {
    if (disk.keepsModes) await real.chmod(...given);
  };
  return { ...real, chmod };
});

afterEach(() => {
  disk.keepsModes = true;
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
