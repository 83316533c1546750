import { expect, test } from "vitest";
import { type Address, mutate, sealRecord } from "../../src/ibgib/index.js";
import { explanations } from "../../src/index.js";
import { openLmdbSpace } from "../../src/node/index.js";
import {
  createIdentity,
  createReceiver,
  createSender,
  openIdentity,
  saveRecords,
} from "../../src/peer/index.js";
import { InnerSpace } from "../../src/space/index.js";
import { createWorld, innerspaceNetwork, type SenderPeer, seededPlatform } from "../../src/testing/index.js";
import { codeOf } from "../protocol/lab.js";
import { newDirectory } from "../space/homes.js";
import { sharedNote } from "./divergence.js";
import { scenario } from "./scenario.js";
import { heldBefore } from "./told.js";

const whys = async ({ sender }: SenderPeer, ...addresses: readonly Address[]) =>
  Promise.all(addresses.map(async (address) => (await sender.explain(address)).because));
const statuses = ({ sender }: SenderPeer, ...addresses: readonly Address[]) =>
  Promise.all(addresses.map((address) => sender.status(address)));

scenario("a record is local until a receipt says that it is durable there", async ({ alice, bob }) => {
  const note = await alice.timeline("note");
  expect(await statuses(alice, note)).toEqual(["local"]);
  expect(await whys(alice, note)).toEqual(["never_synced"]);
  const { saga, session } = await alice.sync(note);
  const { receipt, ...rest } = await alice.sender.explain(note);
  expect(rest).toEqual({ status: "durable", because: "receipt", text: explanations.receipt });
  expect(receipt).toEqual({ saga, session, time: expect.any(Number) });
  expect(await bob.space.hasMany([note])).toEqual([true]);
});

scenario("edits after the receipt are local, all before them durable", async ({ alice }) => {
  const note = await alice.timeline("note");
  const synced = await alice.edit(note, { a: 1 }, { a: 2 });
  await alice.sync(note);
  const newer = await alice.edit(note, { a: 3 }, { a: 4 });
  expect(await statuses(alice, note, synced.address, newer.address)).toEqual(["durable", "durable", "local"]);
  expect(await whys(alice, newer.address)).toEqual(["newer_than_last_sync"]);
  await alice.sync(note);
  expect(await statuses(alice, newer.address)).toEqual(["durable"]);
});

scenario("a stone is where the timelines are that lead to it", async ({ alice }) => {
  const [deep, lone, late] = [
    await alice.stone("stone", { data: { deep: true } }),
    await alice.stone("stone", { data: { lone: true } }),
    await alice.stone("stone", { data: { late: true } }),
  ];
  const stone = await alice.stone("stone", { rel8ns: { on: [deep] } });
  const note = await alice.timeline("note");
  await alice.link(note, "holds", [stone]);
  await alice.edit(note, { text: "and on" });
  expect(await whys(alice, stone)).toEqual(["never_synced"]);
  await alice.sync(note);
  await alice.link(note, "holds", [late]);
  expect(await statuses(alice, stone, deep, lone, late)).toEqual(["durable", "durable", "local", "local"]);
  expect(await whys(alice, lone, late)).toEqual(["no_root_leads_to_it", "newer_than_last_sync"]);
});

scenario("a stone that was synced itself is durable", async ({ alice }) => {
  const stone = await alice.stone("stone", { data: { n: 1 } });
  await alice.sync(stone);
  expect(await statuses(alice, stone)).toEqual(["durable"]);
});

scenario("what a pull brought is durable where it came from, and nowhere else", async (cast) => {
  const { alice, carol } = cast;
  const note = await alice.timeline("note");
  const linked = await alice.timeline("linked");
  await alice.link(note, "see", [linked]);
  for (const each of [note, linked]) await alice.share(each, carol, "read");
  await alice.sync(note);
  await carol.sync(note, { direction: "pull" });
  expect(await statuses(carol, note, linked)).toEqual(["durable", "durable"]);
  expect((await carol.senderTo("dave").explain(note)).because).toBe("never_synced");
});

scenario("both branches and their merge are durable once they were brought together", async (cast) => {
  const { alice, carol, bob } = cast;
  const note = await sharedNote({}, [alice, carol], [bob]);
  const [hers, theirs] = [await alice.edit(note, { a: 1 }), await carol.edit(note, { c: 1 })];
  await alice.sync(note);
  expect(await statuses(carol, theirs.address)).toEqual(["local"]);
  await carol.sync(note);
  const merge = await carol.tip(note);
  expect(await statuses(carol, hers.address, theirs.address, merge.address)).toEqual([
    "durable",
    "durable",
    "durable",
  ]);
});

scenario(
  "an edit while the receipt is on its way stays local, though the branches were merged",
  async (cast) => {
    const { alice, carol, bob, world } = cast;
    const note = await sharedNote({}, [alice, carol], [bob]);
    const [hers, theirs] = [await alice.edit(note, { a: 1 }), await carol.edit(note, { c: 1 })];
    await alice.sync(note);
    let newer: Address | undefined;
    const sender = createSender({
      identity: carol.identity,
      audience: world.audience,
      dial: heldBefore("commit", world.dial, async () => {
        newer = (await carol.edit(note, { c: 2 })).address;
      }),
    });
    await sender.sync([note]);
    await sender.disconnect();
    expect(newer).toBeDefined();
    expect(await statuses(carol, hers.address, theirs.address, newer!)).toEqual([
      "durable",
      "durable",
      "local",
    ]);
  },
);

scenario("what does not count is local, and the answer says so", async ({ alice, carol }) => {
  const note = await alice.timeline("note");
  await alice.share(note, carol, "read");
  await alice.sync(note);
  await carol.sync(note, { direction: "pull" });
  const stone = await carol.stone("stone", { data: { by: "carol" } });
  await carol.link(note, "holds", [stone]);
  const refused = await carol.tip(note);
  expect((await carol.sync(note)).left).toMatchObject([{ address: note, head: refused.address }]);
  const later = await carol.edit(note, { more: true });
  expect(await whys(carol, note, refused.address, stone, later.address)).toEqual([
    "receipt",
    "newer_than_last_sync",
    "newer_than_last_sync",
    "newer_than_last_sync",
  ]);
  expect(await statuses(carol, refused.address, stone)).toEqual(["local", "local"]);
});

scenario("what went out is sent until a receipt comes", async ({ alice, world }) => {
  const stone = await alice.stone("stone", { data: { n: 1 } });
  const note = await alice.timeline("note");
  await alice.link(note, "holds", [stone]);
  const sent = await alice.tip(note);
  const during: unknown[] = [];
  const sender = createSender({
    identity: alice.identity,
    audience: world.audience,
    dial: heldBefore("commit", world.dial, async () => {
      during.push(...(await statuses(alice, note, sent.address, stone)));
      await sender.disconnect();
    }),
  });
  expect(await codeOf(sender.sync([note]))).toBe("connection_closed");
  expect(during).toEqual(["sent", "sent", "sent"]);
  const newer = await alice.edit(note, { text: "since" });
  expect(await statuses(alice, sent.address, newer.address)).toEqual(["sent", "local"]);
  expect(await whys(alice, stone, newer.address)).toEqual(["receipt_awaited", "newer_than_last_sync"]);
  await alice.sync(note);
  expect(await statuses(alice, sent.address, stone, newer.address)).toEqual([
    "durable",
    "durable",
    "durable",
  ]);
});

test("of a record that this space does not hold nothing is known", async () => {
  const world = await createWorld({ seed: "not here" });
  const [alice] = world.senders;
  const note = await alice!.timeline("note");
  await alice!.sync(note);
  const { address } = mutate(await alice!.tip(note), { never: "committed" });
  expect(await alice!.sender.status(address)).toBeUndefined();
  expect(await alice!.sender.explain(address)).toEqual({
    status: undefined,
    because: "not_committed_here",
    text: explanations.not_committed_here,
  });
  const { session } = await alice!.sync(note);
  expect(await alice!.sender.status(session)).toBeUndefined();
  await world.close();
});

test("a branch that other software grafted on, and a frame that only a link leads to", async () => {
  const world = await createWorld({ seed: "grafted" });
  const [alice] = world.senders;
  const note = await alice!.timeline("note");
  const [one, two] = [await alice!.edit(note, { a: 1 }), await alice!.edit(note, { a: 2 })];
  const branch = mutate(one, { branch: true });
  const grafted = sealRecord({
    ib: "note",
    data: { n: 3 },
    rel8ns: { past: [two.address], tjp: [note], graftorphan: [branch.address] },
  });
  const tips = [{ tjp: note, from: two.address, to: grafted.address }];
  await saveRecords(alice!, [branch, grafted], { tips });
  await alice!.sync(note);
  expect(await statuses(alice!, branch.address, grafted.address)).toEqual(["durable", "durable"]);
  await world.close();
});

test("a new process on the same store gives the same answers", async () => {
  const path = newDirectory();
  const platform = seededPlatform("restart");
  const random = () => platform.random.bytes(32);
  const receiving = await createIdentity({
    space: new InnerSpace(),
    secret: random(),
    recoverySecret: random(),
    platform,
  });
  const audiences: string[] = [];
  const receiver = await createReceiver({
    identity: receiving,
    audiences,
    admission: { kind: "open" },
    platform,
  });
  const { audience, dial, close } = await innerspaceNetwork().listen(receiver);
  audiences.push(audience);
  const secret = random();
  const note = sealRecord({ ib: "stone", data: { kept: true } });
  const unsynced = sealRecord({ ib: "stone", data: { kept: false } });

  const answers = async (before: "make" | "open") => {
    const space = await openLmdbSpace({ path });
    const identity =
      before === "make"
        ? await createIdentity({ space, secret, recoverySecret: random(), platform })
        : await openIdentity({ space, secret });
    const sender = createSender({ identity, dial, audience, platform });
    if (before === "make") {
      await saveRecords(identity, [note, unsynced]);
      await sender.sync([note.address]);
      await sender.disconnect();
      const cut = createSender({
        identity,
        audience,
        platform,
        dial: heldBefore("commit", dial, () => cut.disconnect()),
      });
      await codeOf(cut.sync([unsynced.address]));
    }
    const given = [await sender.explain(note.address), await sender.explain(unsynced.address)];
    await space.close();
    return given;
  };
  const first = await answers("make");
  expect(first.map(({ status }) => status)).toEqual(["durable", "sent"]);
  expect(await answers("open")).toEqual(first);
  await close();
});
