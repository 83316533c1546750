/** Several homes change one folder at random and sync when they like: in the end all directories are the same. */
import { mkdir, rm, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { FolderReport } from "../../src/cli/folder/bring-down.js";
import type { Exchange } from "../../src/cli/folder/exchange.js";
import { cloneFolder } from "../../src/cli/folder/clone.js";
import { syncFolder } from "../../src/cli/folder/sync.js";
import { dependenciesFirst } from "../../src/ibgib/index.js";
import {
  type Address,
  createIdentity,
  decodeRecord,
  type IbGib,
  type Identity,
  InnerSpace,
  mergeFunctions,
  mergeTips,
  type Space,
} from "../../src/index.js";
import { readTree, temporaryDirectory, writeTree } from "./directories.js";
import { agree, inStep, letWrite } from "./folders.js";

/** What a saga comes to, without one: both spaces hold all records of both, and the merge of their tips. */
async function meet(one: Space, other: Space, holder: Address): Promise<void> {
  const spaces = [one, other];
  const all = new Map<Address, IbGib>();
  const tips = new Map<Address, (Address | undefined)[]>();
  for (const [at, space] of spaces.entries()) {
    for await (const found of space.scan()) {
      if (found.kind === "record") {
        const record = decodeRecord(found.bytes);
        all.set(record.address, record);
      } else if (found.kind === "tip") {
        const known = tips.get(found.tip.tjp) ?? [undefined, undefined];
        tips.set(found.tip.tjp, known.with(at, found.tip.address));
      }
    }
  }
  const reader = { getMany: async (addresses: readonly Address[]) => addresses.map((at) => all.get(at)) };
  const merged = new Map<Address, Address>();
  for (const [tjp, known] of tips) {
    const result = await mergeTips(
      known.filter((tip) => tip !== undefined),
      reader,
      mergeFunctions(),
    );
    if ("frame" in result) all.set(result.frame.address, result.frame);
    merged.set(tjp, "frame" in result ? result.frame.address : result.same);
  }
  const puts = dependenciesFirst(all.values());
  for (const [at, space] of spaces.entries()) {
    const moves = [...merged].map(([tjp, to]) => ({ tjp, from: tips.get(tjp)?.[at], to }));
    expect(await space.commit({ holder, sight: "anyone", puts, tips: moves })).toEqual({
      kind: "committed",
    });
  }
}

interface Home {
  readonly dir: string;
  readonly identity: Identity;
  readonly sync: (exchange?: Exchange) => Promise<FolderReport>;
}

async function homes(count: number): Promise<readonly Home[]> {
  const dir = await temporaryDirectory();
  const receiver = new InnerSpace();
  const made: Home[] = [];
  let folder: Address | undefined;
  for (let at = 0; at < count; at++) {
    const secret = new Uint8Array(32).fill(at + 1);
    const identity = await createIdentity({ space: new InnerSpace(), secret, recoverySecret: secret });
    const place = join(dir, String(at));
    const saga: Exchange = async (...given) => {
      await meet(identity.space, receiver, identity.address);
      return inStep(...given);
    };
    const sync = (exchange = saga) => syncFolder(identity, place, exchange, agree);
    if (folder === undefined) {
      await mkdir(place);
      await writeTree(place, { "a.md": "1\n2\n3\n4\n5\n", "b/c.md": "1\n2\n3\n" });
      folder = (await sync()).folder;
    } else {
      await cloneFolder(identity, folder, place, saga);
      await letWrite(identity, folder, made[0]!.identity.address);
    }
    made.push({ dir: place, identity, sync });
  }
  return made;
}

const paths = ["a.md", "b/c.md", "b", "new.md", "b/new.md"] as const;
const step = fc.oneof(
  fc.record({ kind: fc.constant("edit" as const), path: fc.constantFrom(...paths), line: fc.nat(4) }),
  fc.record({ kind: fc.constant("remove" as const), path: fc.constantFrom(...paths), line: fc.nat(4) }),
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
  const siblings = Object.keys(tree).filter((other) => other.startsWith("b/"));
  if (siblings.length === 1 && siblings[0] === path) await rmdir(join(dir, "b"));
}

test("after any changes and syncs, another round or two brings all directories to the same, and then nothing moves", async () => {
  const world = fc.record({
    count: fc.integer({ min: 2, max: 3 }),
    steps: fc.array(fc.tuple(fc.nat(2), step), { maxLength: 16 }),
  });
  const property = fc.asyncProperty(world, async ({ count, steps }) => {
    const all = await homes(count);
    for (const [at, [who, { kind, path, line }]] of steps.entries()) {
      const { dir, sync } = all[who % count]!;
      if (kind === "edit") await edit(dir, path, line, `home ${who}, step ${at}`);
      else if (kind === "remove") await remove(dir, path);
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
