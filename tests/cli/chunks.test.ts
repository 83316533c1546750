/** What is no text, or a long one, goes as chunks. */
import { execFileSync } from "node:child_process";
import { appendFile, readFile, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { chunkBytes, chunksIn } from "../../src/cli/folder/chunker.js";
import { ChunkTree, treeDigest } from "../../src/cli/folder/chunk-tree.js";
import { cloneFolder } from "../../src/cli/folder/clone.js";
import { conflictLines } from "../../src/cli/folder/conflict-text.js";
import { diffOf } from "../../src/cli/folder/diff.js";
import { FileChanged, lookAtFile } from "../../src/cli/folder/disk-file.js";
import { logOf, revisionDigits } from "../../src/cli/folder/log.js";
import { restoreFile } from "../../src/cli/folder/restore.js";
import {
  type CommitResult,
  decodeRecord,
  type IbGib,
  InnerSpace,
  isMerge,
  type Space,
} from "../../src/index.js";
import { writeTree } from "./directories.js";
import { changesOf, filesIn, inStep, twoDirectories } from "./folders.js";
import { noise } from "./noise.js";

async function* piecesOf(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

async function chunksOf(bytes: Uint8Array, length = 1 << 20): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of chunksIn(piecesOf(bytes, length))) chunks.push(Buffer.from(chunk));
  return chunks;
}

async function stonesOf(bytes: Uint8Array): Promise<Set<string>> {
  const tree = new ChunkTree();
  const stones = (await chunksOf(bytes)).flatMap((chunk) => tree.add(chunk));
  return new Set([...stones, ...tree.end()!.stones].map(({ address }) => address));
}

/** How many records of a space are of a kind. */
async function count(space: Space, isMeant: (record: IbGib) => boolean): Promise<number> {
  let found = 0;
  for await (const row of space.scan())
    if (row.kind === "record" && isMeant(decodeRecord(row.bytes))) found += 1;
  return found;
}

const stonesIn = (space: Space) => count(space, ({ ib }) => ib === "bin" || ib === "chunks");

const megabyte = 1024 * 1024;
const enough = { "a.md": "1", "b.md": "2", "c.md": "3" };

describe("chunks", () => {
  test("are the same however the bytes come, and all of them", async () => {
    const bytes = noise(3 * megabyte);
    const chunks = await chunksOf(bytes);
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
    for (const { length } of chunks.slice(0, -1)) {
      expect(length).toBeGreaterThan(chunkBytes.min);
      expect(length).toBeLessThanOrEqual(chunkBytes.max);
    }
    for (const length of [4_001, 65_536]) {
      const lengths = (await chunksOf(bytes, length)).map((chunk) => chunk.length);
      expect(lengths).toEqual(chunks.map((chunk) => chunk.length));
    }
  });

  test("of bytes that are all alike are as long as they may be", async () => {
    const lengths = (await chunksOf(Buffer.alloc(megabyte))).map(({ length }) => length);
    expect(new Set(lengths.slice(0, -1))).toEqual(new Set([chunkBytes.max]));
  });

  test.each([
    ["in front", (bytes: Buffer) => Buffer.concat([Buffer.from("new"), bytes])],
    [
      "in the middle",
      (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 8e6), noise(9, "x"), bytes.subarray(8e6)]),
    ],
    ["taken out", (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 8e6), bytes.subarray(8e6 + 77)])],
    ["behind", (bytes: Buffer) => Buffer.concat([bytes, Buffer.from("new")])],
  ])("of a file that was changed %s are the same but for some", async (_, change) => {
    const bytes = noise(16 * megabyte);
    const [before, after] = [await stonesOf(bytes), await stonesOf(change(bytes))];
    const fresh = [...after].filter((address) => !before.has(address));
    expect(before.size).toBeGreaterThan(150);
    expect(fresh.length).toBeLessThan(8);
  });

  test("of no bytes there are none, and so no tree", async () => {
    expect(await treeDigest(piecesOf(Buffer.alloc(0), 1))).toBeUndefined();
  });
});

/** A store that fails at some commit, as where the power is cut. */
class CutSpace extends InnerSpace {
  commitsLeft = Number.POSITIVE_INFINITY;

  override commit(...args: Parameters<InnerSpace["commit"]>): Promise<CommitResult> {
    if (--this.commitsLeft < 0) throw new Error("power cut");
    return super.commit(...args);
  }
}

describe("a file that is no text, or a long one", () => {
  test.each([
    ["of a byte", Buffer.of(0xff)],
    ["of a chunk", noise(100_000)],
    ["of many chunks", noise(20 * megabyte)],
    ["that is a long text", Buffer.from("a line of it\n".repeat(50_000))],
    ["of nothing but zeros", Buffer.alloc(3 * megabyte)],
  ])("%s is recorded, written, cloned, and lets a sync with nothing to do be", async (_, bytes) => {
    const { dir, here, there, identity, folder, sync } = await twoDirectories({ "a.md": "1" });
    await writeTree(here, { "x.bin": bytes });
    expect(changesOf((await sync(here)).up)).toEqual(["added x.bin"]);
    expect(changesOf((await sync(there)).down)).toEqual(["added x.bin"]);
    await cloneFolder(identity, folder, join(dir, "clone"), inStep);
    for (const place of [there, join(dir, "clone")])
      expect((await readFile(join(place, "x.bin"))).equals(bytes), place).toBe(true);
    for (const place of [here, there])
      expect(await sync(place)).toMatchObject({ up: [], down: [], skipped: [] });
  });

  test("that is changed costs what was changed", async () => {
    const { here, there, identity, sync } = await twoDirectories({});
    const bytes = noise(20 * megabyte);
    await writeTree(here, { "x.bin": bytes });
    await sync(here);
    const before = await stonesIn(identity.space);
    await writeTree(here, { "x.bin": Buffer.concat([noise(99, "new"), bytes]) });
    expect(changesOf((await sync(here)).up)).toEqual(["edited x.bin"]);
    expect((await stonesIn(identity.space)) - before).toBeLessThan(8);
    await sync(there);
    expect((await readFile(join(there, "x.bin"))).length).toBe(bytes.length + 99);
  });

  test("moves without its chunks, and comes back from where it was removed", async () => {
    const { here, there, identity, sync } = await twoDirectories({});
    const bytes = noise(megabyte);
    await writeTree(here, { "x.bin": bytes });
    await sync(here);
    await sync(there);
    const before = await stonesIn(identity.space);
    await rename(join(here, "x.bin"), join(here, "y.bin"));
    expect(changesOf((await sync(here)).up)).toEqual(["renamed y.bin"]);
    expect(changesOf((await sync(there)).down)).toEqual(["renamed y.bin"]);
    await unlink(join(there, "y.bin"));
    await sync(there, inStep, async () => true);
    await writeTree(there, { "z.bin": bytes });
    expect(changesOf((await sync(there)).up)).toEqual(["added z.bin"]);
    expect(await stonesIn(identity.space)).toBe(before);
  });

  test("becomes a text and is one no more", async () => {
    const { here, there, identity, folder, sync } = await twoDirectories({ "x.md": "short\n" });
    for (const content of [noise(megabyte), Buffer.from("short again\n"), noise(megabyte, "other")]) {
      await writeTree(here, { "x.md": content });
      expect(changesOf((await sync(here)).up)).toEqual(["edited x.md"]);
      await sync(there);
      expect((await readFile(join(there, "x.md"))).equals(content)).toBe(true);
      const [file] = await filesIn(identity.space, folder);
      const { text, content: root } = file!.tip.data as { text?: string; content?: string };
      expect([text === undefined, root === undefined]).toEqual([content.length > 99, content.length < 99]);
      expect(file!.tip.rel8ns?.["content"] ?? []).toEqual(root ? [root] : []);
    }
  });

  test("that two have edited is as one of them has it, and the other one's is named and can be brought back", async () => {
    const { here, there, identity, sync } = await twoDirectories({});
    await writeTree(here, { "x.bin": noise(megabyte) });
    await sync(here);
    await sync(there);
    const [mine, theirs] = [noise(megabyte, "mine"), noise(megabyte, "theirs")];
    await writeTree(here, { "x.bin": mine });
    await writeTree(there, { "x.bin": theirs });
    await sync(here);
    const { conflicts } = await sync(there);
    await sync(here);
    const [now, same] = [await readFile(join(here, "x.bin")), await readFile(join(there, "x.bin"))];
    expect(now.equals(same)).toBe(true);
    const lost = now.equals(mine) ? theirs : mine;
    expect(conflicts).toHaveLength(1);
    const lines = conflictLines(conflicts[0]!).join("\n");
    const { entries } = await logOf(identity.space, join(here, "x.bin"));
    const edits = entries
      .filter(({ change }) => change === "edited")
      .map(({ revision }) => revisionDigits(revision));
    expect(edits).toHaveLength(2);
    for (const digits of edits) expect(lines).toContain(`revision ${digits}`);
    for (const digits of edits) await restoreFile(identity, join(here, "x.bin"), digits);
    const restored = await Promise.all(
      edits.map(async (digits) => {
        await restoreFile(identity, join(here, "x.bin"), digits).catch(() => undefined);
        return readFile(join(here, "x.bin"));
      }),
    );
    expect(restored.some((bytes) => bytes.equals(lost))).toBe(true);
  });

  test("is shown as git shows it, and its log has no line for what only brings chunks", async () => {
    const { here, identity, sync } = await twoDirectories({});
    await writeTree(here, { "x.bin": noise(20 * megabyte) });
    await sync(here);
    await appendFile(join(here, "x.bin"), "more");
    await writeTree(here, { "new.bin": Buffer.of(0xff) });
    expect((await diffOf(identity, here)).map(({ diff }) => diff).join("")).toBe(
      "diff --git a/new.bin b/new.bin\nnew file mode 100644\nBinary files /dev/null and b/new.bin differ\n" +
        "diff --git a/x.bin b/x.bin\nBinary files a/x.bin and b/x.bin differ\n",
    );
    await sync(here);
    const { entries } = await logOf(identity.space, join(here, "x.bin"));
    expect(entries.map(({ change }) => change)).toEqual(["edited", "added"]);
  });

  test("whose recording did not come to its end goes on, and leaves no trace where it was", async () => {
    const space = new CutSpace();
    const { here, there, identity, folder, sync } = await twoDirectories({}, space);
    const bytes = noise(40 * megabyte);
    await writeTree(here, { "x.bin": bytes });
    space.commitsLeft = 3;
    await expect(sync(here)).rejects.toThrow("power cut");
    space.commitsLeft = Number.POSITIVE_INFINITY;
    expect(await sync(there)).toMatchObject({ down: [], skipped: [] });
    const halfway = await stonesIn(identity.space);
    expect(halfway).toBeGreaterThan(100);
    expect(changesOf((await sync(here)).up)).toEqual(["added x.bin"]);
    expect(changesOf((await sync(there)).down)).toEqual(["added x.bin"]);
    expect((await readFile(join(there, "x.bin"))).equals(bytes)).toBe(true);
    expect(await filesIn(identity.space, folder)).toHaveLength(1);
    const { entries } = await logOf(identity.space, join(here, "x.bin"));
    expect(entries.map(({ change }) => change)).toEqual(["added"]);
    expect(await count(space, isMerge)).toBe(0);
  });

  test("that was a long text, and needs many chunks, is recorded", async () => {
    const { here, there, sync } = await twoDirectories({ "x.md": "a".repeat(249 * 1024) });
    const bytes = noise(24 * megabyte);
    await writeTree(here, { "x.md": bytes });
    expect(changesOf((await sync(here)).up)).toEqual(["edited x.md"]);
    await sync(there);
    expect((await readFile(join(there, "x.md"))).equals(bytes)).toBe(true);
  });

  test.each([
    ["a text that becomes one", Buffer.from("text\n"), noise(1_000)],
    ["one that becomes a text", noise(1_000), Buffer.from("text\n")],
  ])("%s where it is removed elsewhere is kept, and that is told", async (_, before, after) => {
    const { here, there, sync } = await twoDirectories(enough);
    await writeTree(here, { x: before });
    await sync(here);
    await sync(there);
    await writeTree(here, { x: after });
    await unlink(join(there, "x"));
    await sync(here);
    expect((await sync(there)).conflicts).toMatchObject([{ kind: "removal", path: "x" }]);
    expect((await sync(here)).conflicts).toMatchObject([{ kind: "removal", path: "x" }]);
    expect((await readFile(join(there, "x"))).equals(after)).toBe(true);
  });

  test("in whose place a pipe was put since the look is not waited for", async () => {
    const { here } = await twoDirectories(enough);
    for (const content of [noise(1_000), Buffer.from("text\n")]) {
      await writeTree(here, { x: content });
      const look = await lookAtFile(join(here, "x"));
      await unlink(join(here, "x"));
      execFileSync("mkfifo", [join(here, "x")]);
      const said = look.kind === "file" ? await look.content.read() : undefined;
      const read = async () => {
        if (said !== undefined && "chunks" in said) for await (const _ of said.chunks) return "read";
        return said;
      };
      await expect(
        read().catch((thrown) => (thrown instanceof FileChanged ? undefined : thrown)),
      ).resolves.toBe(undefined);
      await unlink(join(here, "x"));
    }
  });
});
