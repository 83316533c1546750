/**
 * A history that no session may carry as a whole goes through all the same, part by part, and its caller notices nothing.
 */
import { describe, expect, test } from "vitest";
import { type Address, verifySpace } from "../../src/index.js";
import { createWorld, type Peer, type SenderPeer } from "../../src/testing/index.js";

const limits = { bytesMax: 100_000, partBytes: 30_000 };
const text = (at: number, bytes = 2_000) => `${at} `.padEnd(bytes, "x");

async function problemsOf({ space }: Peer) {
  const found = [];
  for await (const each of verifySpace(space)) if (each.kind === "problem") found.push(each.problem);
  return found;
}

/** Edits, a few at a time, each synced: a timeline of more bytes than a session carries. */
async function writeMuch(writer: SenderPeer, timeline: Address, rounds = 12): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await writer.edit(timeline, ...[0, 1, 2, 3, 4].map((at) => ({ text: text(5 * round + at) })));
    await writer.sync(timeline);
  }
}

describe("somebody new takes (P1, P2, P3, P5, P6)", () => {
  test("a timeline with a long history", async () => {
    const world = await createWorld({ seed: "long", senders: ["alice", "carol"], limits });
    const [alice, carol] = world.senders;
    const note = await alice.timeline("note", { data: { text: "" } });
    await alice.share(note, carol, "read");
    await writeMuch(alice, note);
    const report = await carol.sync(note, { direction: "pull" });
    expect(report.tips.map(({ tip }) => tip)).toEqual([(await alice.tip(note)).address]);
    expect(report.totals.down).toMatchObject({ records: 61 });
    expect(await carol.graph(note)).toEqual(await alice.graph(note));
    expect(await problemsOf(carol)).toEqual([]);
    const connected = carol.events.filter(({ kind }) => kind === "connected");
    expect(connected.length).toBeGreaterThan(1);
    const again = await carol.sync(note);
    expect(again.totals.down.records).toBe(0);
    await world.close();
  });

  test("a folder with many files, each of some history, and what it links", async () => {
    const world = await createWorld({ seed: "folder", senders: ["alice", "carol", "erin"], limits });
    const [alice, carol, erin] = world.senders;
    const folder = await alice.timeline("folder");
    for (const other of [carol, erin]) await alice.share(folder, other);
    const photo = await erin.timeline("photo", { data: { text: text(0) } });
    await erin.share(photo, carol, "read");
    await alice.sync(folder);
    await erin.sync(folder, { direction: "pull" });
    await erin.link(folder, "photo", [photo]);
    for (let round = 0; round < 3; round++) {
      await erin.edit(photo, ...[1, 2, 3, 4].map((at) => ({ text: text(at) })));
      await erin.sync([folder, photo]);
    }
    await alice.sync(folder);
    const files: Address[] = [];
    for (let at = 0; at < 24; at++) {
      files.push(await alice.timeline("file", { data: { text: text(at) }, within: folder }));
      await alice.link(folder, "files", files.slice(-1));
      if (at % 8 === 7) await alice.sync(folder);
    }
    for (let round = 0; round < 3; round++) {
      for (const file of files) await alice.edit(file, { text: text(round) });
      await alice.sync(folder);
    }
    const { left, references } = await carol.sync(folder, { direction: "pull" });
    expect([left, references]).toEqual([[], []]);
    for (const root of [folder, ...files])
      expect(await carol.graph(root)).toEqual(await world.receiver.graph(root));
    expect((await carol.tip(photo)).address).toBe((await erin.tip(photo)).address);
    expect(await problemsOf(carol)).toEqual([]);
    await world.close();
  });
});

describe("a sender brings (P1, P2, P4, P5, P6)", () => {
  test("a timeline with a long history that nobody has seen yet", async () => {
    const world = await createWorld({ seed: "long push", senders: ["alice", "carol"], limits });
    const [alice, carol] = world.senders;
    const note = await alice.timeline("note", { data: { text: "" } });
    for (let at = 0; at < 100; at++) await alice.edit(note, { text: text(at) });
    await alice.share(note, carol, "read");
    const { totals, tips } = await alice.sync(note, { direction: "push" });
    expect(totals.up).toMatchObject({ records: 101 + 2 }); // with the list of readers
    expect(tips.map(({ tip }) => tip)).toEqual([(await alice.tip(note)).address]);
    expect(await world.receiver.graph(note)).toEqual(await alice.graph(note));
    await carol.sync(note);
    expect(await carol.graph(note)).toEqual(await alice.graph(note));
    for (const peer of [alice, world.receiver, carol]) expect(await problemsOf(peer)).toEqual([]);
    expect(await alice.sender.status((await alice.tip(note)).address)).toBe("durable");
    await world.close();
  });

  test("a folder with many files, stones and links between them", async () => {
    const world = await createWorld({ seed: "folder push", senders: ["alice", "carol"], limits });
    const [alice, carol] = world.senders;
    const folder = await alice.timeline("folder");
    const files: Address[] = [];
    for (let at = 0; at < 30; at++) {
      const file = await alice.timeline("file", { data: { text: text(at) }, within: folder });
      const stone = await alice.stone("stone", { data: { text: text(at, 1_500) } });
      await alice.link(file, "stone", [stone, ...files.slice(-1)]);
      for (let edit = 0; edit < 3; edit++) await alice.edit(file, { text: text(edit) });
      files.push(file);
      await alice.link(folder, "files", [file]);
    }
    await alice.share(folder, carol, "read");
    const report = await alice.sync(folder);
    expect([report.left, report.references, report.stayed]).toEqual([[], [], []]);
    await carol.sync(folder, { direction: "pull" });
    for (const root of [folder, ...files])
      for (const peer of [world.receiver, carol])
        expect(await peer.graph(root)).toEqual(await alice.graph(root));
    for (const peer of [alice, world.receiver, carol]) expect(await problemsOf(peer)).toEqual([]);
    expect((await alice.sync(folder)).totals.up.records).toBe(0);
    await world.close();
  });

  test("many stones that were asked for by name", async () => {
    const world = await createWorld({ seed: "stones", limits });
    const [alice] = world.senders;
    const stones = await Promise.all(
      Array.from({ length: 120 }, (_, at) => alice.stone("stone", { data: { text: text(at) } })),
    );
    const { totals, tips } = await alice.sync(stones);
    expect([totals.up.records, tips.length]).toEqual([120, 120]);
    for (const stone of stones) expect(await world.receiver.graph(stone)).toEqual([stone]);
    await world.close();
  });

  test("as many syncs as it likes over one sender", async () => {
    const world = await createWorld({ seed: "one sender", limits });
    const [alice] = world.senders;
    const note = await alice.timeline("note", { data: { text: "" } });
    for (let at = 0; at < 100; at++) {
      await alice.edit(note, { text: text(at) });
      await alice.sender.sync([note]);
    }
    expect(await world.receiver.graph(note)).toEqual(await alice.graph(note));
    await world.close();
  });
});

test("both bring much to what both have changed: all of it goes through, and becomes one (P1, P6)", async () => {
  // What two have changed apart comes together as a whole.
  const roomy = { ...limits, bytesMax: 1_000_000 };
  const world = await createWorld({ seed: "both", senders: ["alice", "carol"], limits: roomy });
  const [alice, carol] = world.senders;
  const folder = await alice.timeline("folder");
  await alice.share(folder, carol);
  const shared = await alice.timeline("file", { data: { text: "" }, within: folder });
  await alice.link(folder, "files", [shared]);
  await alice.sync(folder);
  await carol.sync(folder, { direction: "pull" });
  for (const peer of [alice, carol]) {
    for (let at = 0; at < 8; at++) {
      const first = { data: { text: text(at) }, within: folder, owner: alice.address, by: peer.address };
      void first;
      for (let edit = 0; edit < 4; edit++)
        await peer.edit(folder, { [`${peer.name}${at}`]: text(edit, 1_500) });
    }
    await peer.edit(shared, { [peer.name]: true });
  }
  for (const peer of [alice, carol, alice, carol]) await peer.sync(folder);
  for (const root of [folder, shared])
    for (const peer of [carol, world.receiver])
      expect(await peer.graph(root)).toEqual(await alice.graph(root));
  expect((await alice.tip(shared)).data).toMatchObject({ alice: true, carol: true });
  await world.close();
});
