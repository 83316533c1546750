/** Several homes change one folder at random and sync when they like: in the end all directories are the same. */
import { mkdir, rename, rm, rmdir, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readTree, writeTree } from "./directories.js";
import { homes } from "./meeting-homes.js";

const files = { "a.md": "1\n2\n3\n4\n5\n", "b/c.md": "1\n2\n3\n" };
const paths = ["a.md", "b/c.md", "b", "new.md", "b/new.md"] as const;
const step = fc.oneof(
  fc.record({ kind: fc.constant("edit" as const), path: fc.constantFrom(...paths), line: fc.nat(4) }),
  fc.record({ kind: fc.constant("remove" as const), path: fc.constantFrom(...paths), line: fc.nat(4) }),
  fc.record({ kind: fc.constant("move" as const), path: fc.constantFrom(...paths), line: fc.nat(4) }),
  fc.record({
    kind: fc.constantFrom("sync" as const, "crash" as const),
    path: fc.constantFrom(...paths),
    line: fc.nat(4),
  }),
);

/** Sets a line of a file that is there, or makes the file, where nothing else stands in the way. */
async function edit(dir: string, path: string, line: number, text: string): Promise<void> {
  const tree = await readTree(dir);
  if (tree[path] === "directory" || (path.startsWith("b/") && ![undefined, "directory"].includes(tree["b"])))
    return;
  const lines = atob(tree[path] ?? "").split("\n");
  await writeTree(dir, { [path]: lines.with(Math.min(line, lines.length - 1), text).join("\n") });
}

/** Removes a file, and its directory with the last one in it. */
async function remove(dir: string, path: string): Promise<void> {
  const tree = await readTree(dir);
  if (tree[path] === undefined || tree[path] === "directory") return;
  await unlink(join(dir, path));
  await tidy(dir, path);
}

/** Moves a file to one of the other paths, over what is there, where nothing else stands in the way. */
async function move(dir: string, path: string, to: string): Promise<void> {
  const tree = await readTree(dir);
  const isFile = (at: string) => tree[at] !== undefined && tree[at] !== "directory";
  if (!isFile(path) || tree[to] === "directory" || (to.startsWith("b/") && isFile("b"))) return;
  await mkdir(dirname(join(dir, to)), { recursive: true });
  await rename(join(dir, path), join(dir, to));
  await tidy(dir, path);
}

async function tidy(dir: string, path: string): Promise<void> {
  const siblings = Object.keys(await readTree(dir)).filter((other) => other.startsWith("b/"));
  if (siblings.length === 0 && path.startsWith("b/")) await rmdir(join(dir, "b"));
}

test("after any changes and syncs, another round or two brings all directories to the same, and then nothing moves", async () => {
  const world = fc.record({
    count: fc.integer({ min: 2, max: 3 }),
    steps: fc.array(fc.tuple(fc.nat(2), step), { maxLength: 16 }),
  });
  const property = fc.asyncProperty(world, async ({ count, steps }) => {
    const all = await homes(count, files);
    for (const [at, [who, { kind, path, line }]] of steps.entries()) {
      const { dir, sync } = all[who % count]!;
      if (kind === "edit") await edit(dir, path, line, `home ${who}, step ${at}`);
      else if (kind === "remove") await remove(dir, path);
      else if (kind === "move") await move(dir, path, paths[line]!);
      else if (kind === "sync") await sync();
      else await expect(sync(() => Promise.reject(new Error("crash")))).rejects.toThrow("crash");
    }
    for (let round = 0; round < 2; round++) for (const { sync } of all) await sync();
    const [first, ...others] = await Promise.all(all.map(({ dir }) => readTree(dir)));
    for (const other of others) expect(other).toEqual(first);
    const told = await Promise.all(all.map(({ sync }) => sync()));
    for (const report of told) {
      expect(report).toMatchObject({ up: [], down: [], skipped: [] });
      expect(report.conflicts).toEqual(told[0]?.conflicts);
    }
    for (const { dir } of all) await rm(dir, { recursive: true });
  });
  await fc.assert(property, { numRuns: Number(process.env["KEYSAGA_RUNS"] ?? 30) });
});
