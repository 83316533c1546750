/** A tree of stones that was changed: what the other side has of it is neither asked about nor sent, up or down. */
import { expect, test } from "vitest";
import {
  type Address,
  createTimeline,
  type IbGib,
  mutate,
  saveRecords,
  sealRecord,
  verifySpace,
} from "../../src/index.js";
import { createWorld, type Peer, type SenderPeer } from "../../src/testing/index.js";

const leaf = (seed: string) =>
  sealRecord({ ib: "bin", data: new TextEncoder().encode(seed.padEnd(500, ".")) });
const node = (parts: readonly IbGib[]) =>
  sealRecord({
    ib: "node",
    data: { of: parts.length },
    rel8ns: { part: parts.map(({ address }) => address) },
  });

/** Twenty nodes of twenty leaves each under one root, dependencies first; some leaves differ. */
function tree(changed: readonly number[] = [], version = "1"): { stones: IbGib[]; root: Address } {
  const leaves = Array.from({ length: 400 }, (_, at) => leaf(`${at} ${changed.includes(at) ? version : ""}`));
  const nodes = Array.from({ length: 20 }, (_, at) => node(leaves.slice(20 * at, 20 * at + 20)));
  const root = node(nodes);
  return { stones: [...leaves, ...nodes, root], root: root.address };
}

async function putTree(peer: SenderPeer, file: Address, { stones, root }: ReturnType<typeof tree>) {
  const tip = await peer.tip(file);
  const links = {
    add: { tree: [root] },
    remove: { tree: (tip.rel8ns?.["tree"] ?? []).filter((each) => each !== root) },
  };
  const frame = mutate(tip, { root }, { links, by: peer.identity.address });
  await saveRecords(peer.identity, [...stones, frame]);
}

async function problemsOf({ space }: Peer) {
  const found = [];
  for await (const each of verifySpace(space)) if (each.kind === "problem") found.push(each.problem);
  return found;
}

test("one leaf that was changed sends itself, the node above it and the root, and the frame", async () => {
  const world = await createWorld({ seed: "tree", senders: ["alice", "carol"] });
  const [alice, carol] = world.senders;
  const file = await alice.timeline("file");
  await alice.share(file, carol);
  await putTree(alice, file, tree());
  expect((await alice.sync(file)).totals.up.records).toBeGreaterThan(421);
  expect((await carol.sync(file, { direction: "pull" })).totals.down.records).toBeGreaterThan(421);
  await putTree(alice, file, tree([77]));
  expect((await alice.sync(file)).totals.up.records).toBe(4);
  expect((await carol.sync(file)).totals.down.records).toBe(4);
  await putTree(carol, file, tree([77, 300]));
  expect((await carol.sync(file)).totals.up.records).toBe(4);
  expect((await alice.sync(file)).totals.down.records).toBe(4);
  for (const peer of [carol, world.receiver]) expect(await peer.graph(file)).toEqual(await alice.graph(file));
  for (const peer of [alice, carol, world.receiver]) expect(await problemsOf(peer)).toEqual([]);
  await world.close();
});

test("trees that two have changed apart meet, and each has all of both", async () => {
  const world = await createWorld({ seed: "trees", senders: ["alice", "carol", "erin"] });
  const [alice, carol, erin] = world.senders;
  const file = await alice.timeline("file");
  for (const other of [carol, erin]) await alice.share(file, other);
  await putTree(alice, file, tree());
  for (const peer of [alice, carol, erin]) await peer.sync(file);
  await putTree(alice, file, tree([1]));
  await putTree(carol, file, tree([399], "2"));
  await alice.sync(file);
  const met = await carol.sync(file);
  expect([met.totals.up.records, met.totals.down.records]).toEqual([5, 4]); // with the merge
  expect((await alice.sync(file)).totals.down.records).toBe(5);
  expect((await erin.sync(file)).totals.down.records).toBe(9);
  for (const peer of [carol, erin, world.receiver])
    expect(await peer.graph(file)).toEqual(await alice.graph(file));
  for (const peer of [alice, carol, erin, world.receiver]) expect(await problemsOf(peer)).toEqual([]);
  await world.close();
});

test("what a stranger, or a co-writer, brought without its parts is whole for whoever brings it whole", async () => {
  const world = await createWorld({ seed: "planted", senders: ["alice", "carol", "mallory"] });
  const [alice, carol, mallory] = world.senders;
  const { stones, root } = tree();
  const parts = stones.filter(({ ib }) => ib === "bin");
  const plant = async (by: SenderPeer, within: Address | undefined) => {
    const nodes = stones.filter(({ ib }) => ib === "node");
    const references = new Set(parts.map(({ address }) => address));
    const planted = await by.space.commit({
      ...{ holder: by.address, sight: "anyone", puts: nodes, references, roots: [root] },
    });
    expect(planted.kind).toBe("committed");
    const owner = within === undefined ? by.address : alice.address;
    const frame = createTimeline({
      ib: "own",
      owner,
      by: by.address,
      within,
      rel8ns: { see: [root] },
      uuid: by.name,
    });
    await saveRecords(by, [frame]);
    expect((await by.sync(within ?? frame.address)).left).toEqual([]);
  };
  const folder = await alice.timeline("folder");
  await alice.share(folder, carol);
  await alice.sync(folder);
  await plant(mallory, undefined);
  await mallory.sender.disconnect();
  await carol.sync(folder, { direction: "pull" });
  await plant(carol, folder);
  await alice.sync(folder);
  const file = await alice.timeline("file", { within: folder });
  await putTree(alice, file, { stones, root });
  await alice.sync(folder);
  await carol.sync(folder);
  for (const peer of [alice, carol, world.receiver]) {
    expect(await peer.space.hasMany(parts.map(({ address }) => address))).not.toContain(false);
    const open = (await peer.space.referencesFrom([file])).filter(({ isOpen }) => isOpen);
    expect(open).toEqual([]);
    expect(await problemsOf(peer)).toEqual([]);
  }
  await world.close();
});

test("a part that stayed away from one comes with what took the place of what it was under", async () => {
  const world = await createWorld({ seed: "lacking", senders: ["alice", "carol"] });
  const [alice, carol] = world.senders;
  const file = await alice.timeline("file");
  await alice.share(file, carol);
  const { stones, ...old } = tree();
  await putTree(alice, file, { stones, ...old });
  await alice.sync(file);
  // As it came from a receiver that had one leaf less.
  const [lacking] = stones;
  const tip = await alice.tip(file);
  const came = await carol.space.commit({
    ...{ holder: world.receiver.address, sight: "anyone", references: new Set([lacking!.address]) },
    puts: [...stones.slice(1), (await alice.space.get(file))!, tip],
    tips: [{ tjp: file, from: undefined, to: tip.address }],
  });
  expect(came.kind).toBe("committed");
  await putTree(alice, file, tree([7]));
  await alice.sync(file);
  await carol.sync(file);
  expect((await carol.tip(file)).address).toBe((await alice.tip(file)).address);
  expect(await carol.space.hasMany([lacking!.address])).toEqual([true]);
  expect(await problemsOf(carol)).toEqual([]);
  await world.close();
});
