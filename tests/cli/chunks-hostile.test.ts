/** Trees of chunks that somebody has made up: nothing of them is written, and nobody is held up. */
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { cloneFolder } from "../../src/cli/folder/clone.js";
import { commitFrames } from "../../src/cli/folder/commit-frames.js";
import { recordLimits } from "../../src/ibgib/limits.js";
import {
  type Address,
  createTimeline,
  type IbGib,
  type Identity,
  relate,
  sealRecord,
} from "../../src/index.js";
import { storeSecret } from "../../src/node/device-secret.js";
import { readTree, writeTree } from "./directories.js";
import { changesOf, filesIn, inStep, twoDirectories } from "./folders.js";
import { noise } from "./noise.js";

const disk = vi.hoisted(() => ({ room: Number.POSITIVE_INFINITY, written: 0 }));

function isChunks(data: unknown): data is AsyncIterable<Uint8Array> {
  return typeof data === "object" && data !== null && Symbol.asyncIterator in data;
}

async function* counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    disk.written += chunk.length;
    yield chunk;
  }
}

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const statfs = async () => ({ bavail: disk.room, bsize: 1 });
  const writeFile: typeof real.writeFile = (file, data, options) =>
    real.writeFile(file, isChunks(data) ? counted(data) : data, options);
  return { ...real, statfs, writeFile };
});

beforeEach(() => {
  Object.assign(disk, { room: Number.POSITIVE_INFINITY, written: 0 });
});

const bin = (data: Uint8Array) => sealRecord({ ib: "bin", data });
const node = (parts: readonly IbGib[], bytes: number) =>
  sealRecord({ ib: "chunks", data: { bytes }, rel8ns: { part: parts.map(({ address }) => address) } });
const sizeOf = (stones: readonly IbGib[]) =>
  stones.reduce((sum, { data }) => sum + (data instanceof Uint8Array ? data.length : 0), 0);

/** A file whose chunks are under the last of some stones. */
async function plant(identity: Identity, folder: Address, path: string, stones: readonly IbGib[]) {
  const root = stones.at(-1)!.address;
  const frame = createTimeline({
    ...{ ib: "file", owner: identity.address, within: folder, uuid: path },
    data: { path, content: root },
    rel8ns: { content: [root] },
  });
  await commitFrames(identity, { frames: [frame], stones });
}

const long = bin(noise(100_000));
const short = bin(noise(100, "short"));
const text = bin(Buffer.from("a short text\n"));
const many = Array.from({ length: 60 }, () => long);
const wide = node(many, 6_000_000);

describe("a file is left out, in each sync, and nothing of it is written", () => {
  test.each<[string, readonly IbGib[], string]>([
    [
      "that says fewer bytes than it has",
      [long, short, node([long, short], 100_000)],
      "its chunks do not make it up",
    ],
    ["that says more", [long, node([long], 200_000)], "its chunks do not make it up"],
    [
      "that says more at its far end",
      [long, wide, node([wide, wide, wide], 18_000_005)],
      "its chunks do not make it up",
    ],
    [
      "with a short chunk amid others",
      [short, long, node([short, long], 100_100)],
      "its chunks do not make it up",
    ],
    [
      "with a node that has nothing",
      [sealRecord({ ib: "chunks", data: { bytes: 5 } })],
      "its chunks do not make it up",
    ],
    ["that links what is no chunk", [sealRecord({ ib: "x", data: { x: 1 } })], "no file"],
    [
      "that says no size",
      [long, sealRecord({ ib: "chunks", data: { bytes: -1 }, rel8ns: { part: [long.address] } })],
      "no file",
    ],
    ["beyond all sizes", [long, node([long], Number.MAX_SAFE_INTEGER)], "beyond what a folder may hold"],
  ])("%s", async (_, stones, reason) => {
    const { dir, here, there, identity, folder, sync } = await twoDirectories({ "a.md": "1" });
    await plant(identity, folder, "x.bin", stones);
    for (let times = 0; times < 2; times++) {
      expect(await sync(here)).toMatchObject({ up: [], down: [], skipped: [{ reason }] });
      expect(disk.written).toBe(0);
    }
    await writeTree(there, { "b.md": "2" });
    expect(changesOf((await sync(there)).up)).toEqual(["added b.md"]);
    const clone = await cloneFolder(identity, folder, join(dir, "clone"), inStep);
    expect(changesOf(clone.down)).toEqual(["added a.md", "added b.md"]);
  });

  test.each<[string, readonly IbGib[]]>([
    [
      "cut elsewhere than here",
      [
        bin(noise(60_000)),
        bin(noise(60_000, "2")),
        node([bin(noise(60_000)), bin(noise(60_000, "2"))], 120_000),
      ],
    ],
    ["that is a short text", [text]],
    ["with a name of its own", [sealRecord({ ib: "bin my photo.png", data: noise(50_000) })]],
  ])("%s: it would be taken for an edit by whoever has it", async (_, stones) => {
    const { here, identity, folder, sync } = await twoDirectories({ "a.md": "1" });
    await plant(identity, folder, "x.bin", stones);
    const reason = "its chunks do not make it up";
    for (let times = 0; times < 2; times++)
      expect(await sync(here)).toMatchObject({ up: [], down: [], skipped: [{ path: "x.bin", reason }] });
    expect(Object.keys(await readTree(here))).toEqual(["a.md"]);
  });

  test("that holds the secret of an identity, also where it is cut in two", async () => {
    const { here, identity, folder, sync } = await twoDirectories({ "a.md": "1" });
    const secret = JSON.stringify(await storeSecret(new Uint8Array(32), identity.address, undefined));
    for (const at of [0, 20, secret.length - 5]) {
      const bytes = Buffer.concat([noise(50_000 - at), Buffer.from(secret), noise(60_000)]);
      const [one, two] = [bin(bytes.subarray(0, 50_000)), bin(bytes.subarray(50_000))];
      await plant(identity, folder, `x${at}.bin`, [one, two, node([one, two], sizeOf([one, two]))]);
      await writeTree(here, { [`y${at}.bin`]: bytes });
    }
    const { up, down, skipped } = await sync(here);
    expect([up, down]).toEqual([[], []]);
    expect(skipped.map(({ reason }) => reason)).toEqual(Array(6).fill("holds the secret of an identity"));
  });

  test("that would make a store of its directory", async () => {
    const { here, identity, folder, sync } = await twoDirectories({ "a.md": "1" });
    const page = Buffer.alloc(50_000);
    page.writeUInt32LE(0xbeefc0de, 24);
    await plant(identity, folder, "d/Data.mdb", [bin(page)]);
    await plant(identity, folder, "d/other.mdb", [bin(page)]);
    const { down, skipped } = await sync(here);
    expect(changesOf(down)).toEqual(["added d/other.mdb"]);
    const reason = "it would make a store of keysaga of its directory";
    expect(skipped).toEqual([{ path: "d/Data.mdb", reason }]);
  });

  test("that does not fit beside the others on this disk; small ones do", async () => {
    expect(await statfs("/")).toMatchObject({ bsize: 1 });
    const { here, there, sync } = await twoDirectories({ "a.md": "1" });
    const files = ["1", "2", "3"].map((name) => [`${name}.bin`, noise(3_000_000, name)] as const);
    await writeTree(here, { ...Object.fromEntries(files), "small.bin": noise(1_000) });
    await sync(here);
    disk.room = 64 * 1024 * 1024 + 7_000_000;
    const { down, skipped } = await sync(there);
    expect(changesOf(down)).toHaveLength(3);
    expect(skipped.map(({ reason }) => reason)).toEqual(["no room for it on this disk"]);
    disk.room = Number.POSITIVE_INFINITY;
    expect((await sync(there)).down).toHaveLength(1);
  });
});

test("chunks that are not its own, or stay away from what it links, are no part of a file", async () => {
  const { here, there, identity, folder, sync } = await twoDirectories({ "a.md": "1", "x.md": "text\n" });
  const [file] = (await filesIn(identity.space, folder)).filter(({ named }) => named === "x.md");
  const mine = noise(50_000, "mine");
  const holds = node([bin(mine)], 50_000);
  const frame = relate(file!.tip, { add: { chunk: [holds.address] } }, { by: identity.address });
  const planted = await identity.space.commit({
    ...{ holder: identity.address, sight: "anyone", puts: [holds, frame] },
    references: new Set([bin(mine).address]),
    tips: [{ tjp: file!.file, from: file!.tip.address, to: frame.address }],
  });
  expect(planted.kind).toBe("committed");
  const unlinked = createTimeline({
    ...{ ib: "file", owner: identity.address, within: folder, uuid: "unlinked" },
    data: { path: "unlinked.bin", content: bin(mine).address },
  });
  await commitFrames(identity, { frames: [unlinked], stones: [bin(mine)] });
  expect(await sync(there)).toMatchObject({ down: [], skipped: [{ reason: "no file" }] });
  await writeTree(here, { "x.md": mine });
  expect(changesOf((await sync(here)).up)).toEqual(["edited x.md"]);
  expect(changesOf((await sync(there)).down)).toEqual(["edited x.md"]);
});

test("the largest chunk is a record", () => {
  expect(bin(noise(192 * 1024)).bytes.length).toBeLessThan(recordLimits.recordBytesMax);
});
