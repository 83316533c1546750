/** Files that are no text, among people, over a real receiver. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { clone } from "../../src/cli/commands/clone.js";
import { sync } from "../../src/cli/commands/sync.js";
import { chunksIn } from "../../src/cli/folder/chunker.js";
import { ChunkTree } from "../../src/cli/folder/chunk-tree.js";
import { readFolder } from "../../src/cli/folder/model.js";
import { createSender, createTimeline, type IbGib, saveRecords, sealRecord } from "../../src/index.js";
import { openHome } from "../../src/node/index.js";
import { writeTree } from "./directories.js";
import { noise } from "./noise.js";
import { type Person, receiverFor, runHere, shareFolder } from "./receiver.js";

const megabyte = 1024 * 1024;

async function syncOf({ dir, home }: Person, url: string) {
  const { stdout } = await runHere(sync, dir, url, "--home", home, "--json");
  return JSON.parse(stdout);
}

test("who edits a large file, whoever made it, sends and gets what was changed", async () => {
  const { people, serve } = await receiverFor("alice", "carol");
  const [alice, carol] = people;
  const { url } = await serve();
  let now = noise(20 * megabyte);
  await writeTree(alice.dir, { "x.bin": now });
  const { folder, bytes } = await syncOf(alice, url);
  expect(bytes).toBeGreaterThan(now.length);
  await shareFolder(alice, url, carol);
  await runHere(clone, url, folder, carol.dir, "--home", carol.home);
  const insert = (at: number, what: string) =>
    Buffer.concat([now.subarray(0, at), Buffer.from(what), now.subarray(at)]);
  const changed = 1.5 * megabyte;
  for (const [turn, [who, other]] of [
    [carol, alice] as const,
    [alice, carol] as const,
    [carol, alice] as const,
  ].entries()) {
    now = insert(3e6 * (turn + 1), `edit ${turn}`);
    await writeTree(who.dir, { "x.bin": now });
    expect((await syncOf(who, url)).bytes, `up ${turn}`).toBeLessThan(changed);
    expect((await syncOf(other, url)).bytes, `down ${turn}`).toBeLessThan(changed);
    expect((await readFile(join(other.dir, "x.bin"))).equals(now)).toBe(true);
  }
  await writeTree(alice.dir, { "x.bin": insert(1e6, "alice") });
  await writeTree(carol.dir, { "x.bin": insert(9e6, "carol") });
  for (const who of [alice, carol, alice]) expect((await syncOf(who, url)).bytes).toBeLessThan(2 * changed);
  const [one, other] = [await readFile(join(alice.dir, "x.bin")), await readFile(join(carol.dir, "x.bin"))];
  expect(one.equals(other)).toBe(true);
  await writeTree(carol.dir, { "x.bin": Buffer.concat([other, Buffer.from("end")]) });
  for (const who of [carol, alice]) expect((await syncOf(who, url)).conflicts).toEqual([]);
  expect((await readFile(join(alice.dir, "x.bin"))).length).toBe(other.length + 3);
}, 120_000);

test("who may only read is in step, whatever trees a writer makes up", async () => {
  const { people, serve } = await receiverFor("alice", "eve", "dora");
  const [alice, eve, dora] = people;
  const { url } = await serve();
  await writeTree(alice.dir, { "a.md": "one\n" });
  const { folder } = await syncOf(alice, url);
  await shareFolder(alice, url, eve);
  await shareFolder(alice, url, dora, "--read");
  const home = await openHome({ dir: eve.home });
  const sender = createSender({ identity: home.identity, url });
  await sender.sync([folder], { direction: "pull" });
  const { owner } = await readFolder(home.space, folder);
  const chunk = sealRecord({ ib: "bin", data: Buffer.from("short text\n") });
  const file = createTimeline({
    ...{ ib: "file", owner: owner!, within: folder, by: eve.identity, uuid: "x" },
    data: { path: "x.txt", content: chunk.address },
    rel8ns: { content: [chunk.address] },
  });
  await saveRecords(home.identity, [chunk, file]);
  await sender.sync([folder]);
  await sender.disconnect();
  await home.close();
  await runHere(clone, url, folder, dora.dir, "--home", dora.home);
  expect(await syncOf(dora, url)).toMatchObject({ skipped: [{ path: "x.txt" }], conflicts: [] });
});

test("a stranger who knows the bytes of a file keeps them from nobody", async () => {
  const { people, serve } = await receiverFor("alice", "mallory", "dora");
  const [alice, mallory, dora] = people;
  const { url } = await serve();
  const bytes = noise(500_000, "a well-known file");
  const tree = new ChunkTree();
  const stones: IbGib[] = [];
  const pieces = async function* () {
    yield bytes;
  };
  for await (const chunk of chunksIn(pieces())) stones.push(...tree.add(chunk));
  const { root, stones: last } = tree.end()!;
  const [nodes, chunks] = [
    [...stones, ...last].filter(({ ib }) => ib === "chunks"),
    stones.filter(({ ib }) => ib === "bin"),
  ];
  const home = await openHome({ dir: mallory.home });
  const own = createTimeline({
    ib: "own",
    owner: mallory.identity,
    rel8ns: { see: [root.address] },
    uuid: "own",
  });
  const planted = await home.space.commit({
    ...{ holder: mallory.identity, sight: "anyone", puts: nodes, roots: [root.address] },
    references: new Set(chunks.map(({ address }) => address)),
  });
  expect(planted.kind).toBe("committed");
  await saveRecords(home.identity, [own]);
  const sender = createSender({ identity: home.identity, url });
  expect((await sender.sync([own.address])).left).toEqual([]);
  await sender.disconnect();
  await home.close();
  await writeTree(alice.dir, { "a.md": "one\n", "x.bin": bytes });
  const { folder } = await syncOf(alice, url);
  await shareFolder(alice, url, dora);
  await runHere(clone, url, folder, dora.dir, "--home", dora.home);
  expect((await readFile(join(dora.dir, "x.bin"))).equals(bytes)).toBe(true);
});
