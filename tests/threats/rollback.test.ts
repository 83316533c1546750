import { afterEach, expect, test } from "vitest";
import { internalsOf } from "../../src/peer/home/identity.js";
import { createReceiver, createSender, openIdentity, type Sender, share } from "../../src/peer/index.js";
import { InnerSpace, type Space } from "../../src/space/index.js";
import { createWorld, type SenderPeer, seededPlatform, type World } from "../../src/testing/index.js";
import { createInnerspace } from "../../src/transport/index.js";
import { FlushingStore, spaceOn } from "../kill/flushing-store.js";

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

/** A world whose receiver can be put back to what it held earlier. */
async function worldWithBackups(senders: readonly string[] = ["alice"]) {
  const store = new FlushingStore(async () => undefined);
  const spaces = [spaceOn(store)];
  const platform = seededPlatform("rollback");
  const world = await createWorld({ platform, senders, space: () => spaces.shift() ?? new InnerSpace() });
  opened.push(world);
  return { world, backup: (): Promise<Space> => store.survivors()() };
}

/** The receiver of a world as it goes on from `older`, with senders to it. */
async function rolledBackTo(older: Space, { receiver, audience }: World) {
  const platform = seededPlatform("rolled back");
  const identity = await openIdentity({
    space: older,
    secret: internalsOf(receiver.identity).secretFor("delegate"),
  });
  const answering = await createReceiver({
    ...{ identity, platform },
    audiences: [audience],
    admission: { kind: "open" },
  });
  const { listen, dial } = createInnerspace(platform);
  listen((connection) => answering.accept(connection));
  opened.push(answering);
  const senders = new Map<SenderPeer, Sender>();
  return (peer: SenderPeer): Sender => {
    const sender = senders.get(peer) ?? createSender({ identity: peer.identity, dial, audience, platform });
    if (!senders.has(peer)) opened.push({ close: () => sender.disconnect() });
    senders.set(peer, sender);
    return sender;
  };
}

test.each(["push", "pull", "both"] as const)(
  "a receiver that shows an older tip as its newest moves nobody back, and no key signs again: %s (threat 14)",
  async (direction) => {
    const { world, backup } = await worldWithBackups();
    const [alice] = world.senders as [SenderPeer];
    const note = await alice.timeline("note");
    await alice.sync(note);
    const older = await backup();
    await alice.edit(note, { text: "newer" });
    await alice.sync(note);
    const [tip, lanes] = [await alice.tip(note), await lanesOf(alice)];

    const senderOf = await rolledBackTo(older, world);
    await senderOf(alice).sync([note], { direction });

    expect(await alice.tip(note)).toEqual(tip);
    expect(await lanesOf(alice)).toEqual(lanes.map((n) => n + 1));
    expect((await older.tip(note))?.address === tip.address).toBe(direction !== "pull");
  },
);

test("a sender that was put back to before it was shown proofs is shown them again (threat 14)", async () => {
  const store = new FlushingStore(async () => undefined);
  let spaces = 0;
  const space = () => (++spaces === 3 ? spaceOn(store) : new InnerSpace());
  const platform = seededPlatform("rollback");
  const world = await createWorld({ platform, senders: ["alice", "carol"], space });
  opened.push(world);
  const [alice, carol] = world.senders as [SenderPeer, SenderPeer];
  const note = await alice.timeline("note");
  await share(alice.identity, { timeline: note, with: carol.address, access: "write" });
  await alice.sender.sync([note]);
  await carol.sender.sync([await carol.timeline("own")]);
  const older = await store.survivors()();

  await alice.edit(note, { text: "first" });
  await alice.sender.sync([note]);
  await carol.sender.sync([note]);
  await carol.sender.disconnect();
  await alice.edit(note, { text: "second" });
  await alice.sender.sync([note]);

  const secret = internalsOf(carol.identity).secretFor("delegate");
  const identity = await openIdentity({ space: older, secret });
  const restored = createSender({ identity, dial: world.dial, audience: world.audience, platform });
  opened.push({ close: () => restored.disconnect() });
  expect(await older.tip(note)).toBeUndefined();
  await restored.sync([note]);
  expect((await older.tip(note))?.address).toBe((await alice.tip(note)).address);
});

test("a receiver that was put back to before it had a list is brought it again (threat 14)", async () => {
  const { world, backup } = await worldWithBackups(["alice", "carol"]);
  const [alice, carol] = world.senders as [SenderPeer, SenderPeer];
  const note = await alice.timeline("note");
  await alice.sync(note);
  await share(alice.identity, { timeline: note, with: carol.address, access: "write" });
  await alice.sender.connect(); // by now the receiver does not have the list
  const older = await backup();
  await alice.sync(note);
  await carol.sync(note, { direction: "pull" });
  await carol.edit(note, { text: "by carol" });
  await carol.sync(note);
  await alice.sync(note);

  const senderOf = await rolledBackTo(older, world);
  await senderOf(alice).sync([note]);
  expect((await older.tip(note))?.address).toBe((await alice.tip(note)).address);
  await carol.edit(note, { text: "again" });
  await senderOf(carol).sync([note]);
  expect((await older.tip(note))?.address).toBe((await carol.tip(note)).address);
});

/** How far each lane has come. */
async function lanesOf({ identity, space }: SenderPeer): Promise<readonly number[]> {
  const cells = await space.cells("lane-to/");
  const lanes = cells.map(({ value }) => JSON.parse(Buffer.from(value).toString()).lane);
  return Promise.all(
    lanes.map(async (lane) => (await internalsOf(identity).signer.load(lane, "lane")).state.n),
  );
}
