import { afterEach, describe, expect, test, vi } from "vitest";
import { fieldsFunction } from "../../src/merge/fields.js";
import { cellKinds, readCell } from "../../src/peer/home/cells.js";
import { createReceiver, createSender, type ReceiverLimits } from "../../src/peer/index.js";
import { evidenceFrame, sagaLimits } from "../../src/saga/index.js";
import type { Space } from "../../src/space/index.js";
import {
  createWorld,
  type Peer,
  type SenderPeer,
  seededPlatform,
  tapDial,
  type World,
} from "../../src/testing/index.js";
import { type Connection, createInnerspace, type Dial } from "../../src/transport/index.js";
import { signOften } from "../scenarios/turns.js";
import { nameOf } from "./faults.js";
import { stranger } from "./parties.js";
import { eventually, settled } from "../waiting.js";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const { close } of open.splice(0).reverse()) await close();
});

/** The same connection, by somebody who looks like `remoteAddress` to the network. */
function seenAs(inner: Connection, remoteAddress: string): Connection {
  return {
    start: (handlers) => inner.start(handlers),
    send: (message) => inner.send(message),
    get bufferedBytes() {
      return inner.bufferedBytes;
    },
    drained: () => inner.drained(),
    pause: () => inner.pause(),
    resume: () => inner.resume(),
    close: () => inner.close(),
    channelBinding: inner.channelBinding,
    remoteAddress,
  };
}

/** A world whose receiver has other limits, and what the receiver made of each session. */
async function worldWith(
  limits: Partial<ReceiverLimits>,
  senders = ["alice", "carol", "dave"],
  from: () => string = () => "innerspace",
) {
  let ahead = 0;
  // Not the world's own seed: from that, a secret there would be a nonce here.
  const steady = seededPlatform("quotas of a receiver");
  const clock = { ...steady.clock, elapsed: () => steady.clock.elapsed() + ahead };
  const platform = { ...steady, clock };
  const world: World = await createWorld({ senders, seed: "quotas" });
  const ends: string[] = [];
  const audience = "innerspace://limited";
  const receiver = await createReceiver({
    identity: world.receiver.identity,
    audiences: [audience],
    admission: { kind: "open" },
    limits,
    platform,
    onEvent: (event) => event.kind === "closed" && ends.push(String(event.error?.facts["limit"] ?? "")),
  });
  const { listen, dial } = createInnerspace(platform);
  const stop = listen((connection) => receiver.accept(seenAs(connection, from())));
  const senderTo = (to: Dial, { identity }: SenderPeer) =>
    createSender({ identity, dial: to, audience, platform });
  const senderOf = (peer: SenderPeer) => senderTo(dial, peer);
  for (const peer of world.senders) peer.reach(senderOf(peer));
  open.push(world, { close: () => receiver.close() }, { close: async () => stop() });
  const [alice, carol, dave] = world.senders as [SenderPeer, SenderPeer, SenderPeer];
  return {
    alice,
    carol,
    dave,
    bob: world.receiver,
    ends,
    dial,
    senderTo,
    senderOf,
    sleep: (ms: number) => (ahead += ms),
  };
}

const sync = async (peer: SenderPeer) =>
  peer.sync(await peer.timeline("note", { data: { text: "x".repeat(500) } }));
const refused = { code: "auth_fail" };
const overQuota = { left: [{ reason: "over_quota" }] };

describe("a receiver counts what identities cost it (threat 11)", () => {
  test("identitiesMax: an identity beyond it is not kept; those it has are served on", async () => {
    const { alice, carol, bob, ends } = await worldWith({ identitiesMax: 1 });
    await sync(alice);
    await expect(sync(carol)).rejects.toMatchObject(refused);
    expect(ends.at(-1)).toBe("identitiesMax");
    expect(await bob.space.proofs(carol.address)).toEqual([]);
    await sync(alice);
  });

  test("identitiesMax: who was only told of takes nobody's place, before a restart and after it", async () => {
    const receivers = ["bob", "dave"] as const;
    const world = await createWorld({ senders: ["alice", "carol", "erin"], receivers, seed: "told of" });
    open.push(world);
    const [alice, carol, erin] = world.senders as [SenderPeer, SenderPeer, SenderPeer];
    const [bob, dave] = world.receivers;
    const note = await alice.timeline("note");
    for (const writer of [carol, erin]) await alice.share(note, writer);
    await alice.sync(note);
    for (const writer of [carol, erin]) {
      await writer.sync(note, { direction: "pull" });
      await writer.edit(note, { [writer.name]: 1 });
      await writer.sync(note);
    }
    await alice.sync(note, { at: bob!.name });
    const platform = seededPlatform("dave again and again");
    const audience = "innerspace://limited";
    const syncs = async (peer: SenderPeer) => {
      const limits = { identitiesMax: 2 };
      const { identity } = dave!;
      const admission = { kind: "open" } as const;
      const limited = await createReceiver({ identity, audiences: [audience], admission, limits, platform });
      const { listen, dial } = createInnerspace(platform);
      listen((connection) => limited.accept(connection));
      const sender = createSender({ identity: peer.identity, dial, audience, platform });
      try {
        await sender.sync([note]);
      } finally {
        await sender.disconnect();
        await limited.close();
      }
    };
    await syncs(alice);
    expect((await dave!.space.proofs(carol.address)).length).toBeGreaterThan(0); // told of
    await syncs(carol);
    await expect(syncs(erin)).rejects.toMatchObject(refused);
    await syncs(alice);
  });

  test("unprovedCharsMax: what strangers show ahead of a connect is bounded over all of them (threat 17)", async () => {
    const { alice, carol, ends, dial, senderTo } = await worldWith({ unprovedCharsMax: 250_000 });
    const tap = tapDial(dial);
    const overheard = senderTo(tap.dial, alice);
    await overheard.connect();
    await overheard.disconnect();
    const open = JSON.parse(String(tap.said.find(({ message }) => nameOf(message) === "open")?.message));
    const show = async () => {
      const eve = await stranger(dial);
      eve.say(open);
      await eventually(() => eve.heard.length === 2);
      eve.say({ type: "frames", frames: [["a", "b", "c", "x".repeat(100_000)]] });
      return eve;
    };
    const refusals = () => ends.filter((limit) => limit === "unprovedCharsMax").length;
    for (const round of [1, 2]) {
      const eves = [await show(), await show(), await show()];
      expect(await eventually(() => refusals() === round)).toBe(true);
      expect(eves.map(({ isOver }) => isOver())).toEqual([false, false, true]);
      await Promise.all(eves.map(({ connection }) => connection.close()));
      // Those who leave make room, and so does who has proved itself, by however many frames.
      if (round === 1) await signOften(carol, sagaLimits.framesShownMax + 1);
      await sync(carol);
    }
  });

  test("listedBytesMax: evidence that nobody has used yet is bounded, of one identity and of all", async () => {
    const { alice, carol, dave, ends, dial, senderTo } = await worldWith({
      listedBytesPerIdentityMax: 150_000,
      listedBytesMax: 250_000,
    });
    const evidence = evidenceFrame([["context", "", "", "x".repeat(100_000)]]);
    const list = async (peer: SenderPeer) => {
      // Credit for what was injected is nothing that the sender could know of.
      const tap = tapDial(dial, ({ message }) => (nameOf(message) === "credit" ? [] : [message]));
      const sender = senderTo(tap.dial, peer);
      await sender.connect();
      const before = ends.length;
      tap.inject("receiver", evidence);
      await settled();
      return { sender, limit: ends[before] };
    };
    const first = await list(alice);
    expect([first.limit, (await list(alice)).limit]).toEqual([undefined, "listedBytesPerIdentityMax"]);
    expect((await list(carol)).limit).toBe(undefined);
    expect((await list(dave)).limit).toBe("listedBytesMax");
    await first.sender.disconnect();
    expect((await list(dave)).limit).toBe(undefined);
  });

  test("stagedBytesMax: what is staged is bounded, and a saga that has ended makes room", async () => {
    for (const limit of ["stagedBytesPerIdentityMax", "stagedBytesMax"]) {
      const { alice, bob } = await worldWith({ [limit]: 50_000 });
      const note = () => alice.timeline("note", { data: { text: "x".repeat(30_000) } });
      const both = [await note(), await note()];
      const { left } = await alice.sync(both);
      expect(left).toMatchObject([{ address: both[1], reason: "over_quota" }]);
      expect(await bob.space.hasMany(both)).toEqual([true, false]);
      expect((await alice.sync(both)).left).toEqual([]);
    }
  });

  test("mergeStepsPerIdentityPerMinute: merges that cost much are counted for who sends them (threat 25)", async () => {
    const { alice, carol, bob, ends, sleep } = await worldWith({ mergeStepsPerIdentityPerMinute: 5_000_000 });
    const noise = (seed: string) => {
      const { random } = seededPlatform(seed);
      return [...random.bytes(2_000)].map((byte) => "abcdefgh"[byte % 8]).join("\n");
    };
    const note = await alice.timeline("note", { data: { text: noise("base") } });
    await alice.share(note, carol);
    await alice.sync(note);
    await carol.sync(note, { direction: "pull" });
    const diverge = async (round: string) => {
      await alice.edit(note, { text: noise(`alice ${round}`) });
      await carol.edit(note, { text: noise(`carol ${round}`) });
      await alice.sync(note, { direction: "both" }); // nothing to merge for bob
      await carol.sync(note);
    };
    let merges = 0;
    const often = async () => {
      for (; merges < 10; merges++) await diverge(`${merges}`);
    };
    await expect(often()).rejects.toMatchObject({ code: "limit_exceeded" });
    expect(ends.at(-1)).toBe("mergeStepsPerIdentityPerMinute");
    expect(merges).toBeGreaterThan(0);
    const folds = vi.spyOn(fieldsFunction, "merge");
    for (let again = 0; again < 3; again++)
      await expect(carol.sync(note)).rejects.toMatchObject({ code: "limit_exceeded" });
    expect(folds).not.toHaveBeenCalled();
    folds.mockRestore();
    await sync(alice);
    sleep(60_000);
    await carol.sync(note);
    expect(await carol.tip(note)).toEqual(await bob.tip(note));
  });

  test("newIdentitiesPerHour: after an hour there is room again", async () => {
    const { alice, carol, ends, sleep } = await worldWith({ newIdentitiesPerHour: 1 });
    await sync(alice);
    await expect(sync(carol)).rejects.toMatchObject(refused);
    expect(ends.at(-1)).toBe("newIdentitiesPerHour");
    sleep(60 * 60_000);
    await sync(carol);
  });

  test("newIdentitiesPerAddressPerHour counts by network address", async () => {
    const { alice, carol, dave, ends } = await worldWith({ newIdentitiesPerAddressPerHour: 2 });
    await sync(alice);
    await sync(carol);
    await expect(sync(dave)).rejects.toMatchObject(refused);
    expect(ends.at(-1)).toBe("newIdentitiesPerAddressPerHour");
  });

  test("newIdentitiesPerAddressPerHour counts an IPv6 /64 network as one", async () => {
    const addresses = ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::3", "2001:db8:0:1::1"];
    const limits = { newIdentitiesPerAddressPerHour: 2 };
    const { alice, carol, dave, ends } = await worldWith(limits, undefined, () => addresses.shift() ?? "");
    await sync(alice);
    await sync(carol);
    await expect(sync(dave)).rejects.toMatchObject(refused);
    expect(ends.at(-1)).toBe("newIdentitiesPerAddressPerHour");
    await sync(dave);
  });

  test("sessionsPerIdentityMax: a session that has ended makes room", async () => {
    const { alice, ends, senderOf } = await worldWith({ sessionsPerIdentityMax: 1 });
    await alice.sender.connect();
    await expect(senderOf(alice).connect()).rejects.toMatchObject(refused);
    expect(ends).toContain("sessionsPerIdentityMax");
    await alice.sender.disconnect();
    await sync(alice);
  });

  test("sessionsPerIdentityMax holds when connections are opened at once", async () => {
    const { alice, senderOf } = await worldWith({ sessionsPerIdentityMax: 2 });
    const senders = Array.from({ length: 6 }, () => senderOf(alice));
    const outcomes = await Promise.allSettled(senders.map((sender) => sender.connect()));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
    await Promise.all(senders.map((sender) => sender.disconnect()));
    await sync(alice);
  });

  test("durableBytesPerIdentityMax: what does not fit is left whole; others are not touched", async () => {
    const { alice, carol, bob } = await worldWith({ durableBytesPerIdentityMax: 100_000 });
    await sync(alice);
    const tooMuch = await alice.timeline("long", { data: { text: "x".repeat(100_000) } });
    expect(await alice.sync(tooMuch)).toMatchObject(overQuota);
    expect(await bob.space.hasMany([tooMuch])).toEqual([false]);
    await sync(carol);
    await expect(sync(alice)).resolves.toMatchObject({ totals: { up: { records: 1 } } });
  });

  test("durableBytesMax counts all, and what was held before a restart", async () => {
    const { alice, carol, bob } = await worldWith({});
    await sync(alice);
    const limited = await createReceiver({
      identity: bob.identity,
      audiences: ["innerspace://restarted"],
      admission: { kind: "open" },
      limits: { durableBytesMax: 1_000 },
    });
    const platform = seededPlatform("restarted");
    const { listen, dial } = createInnerspace(platform);
    listen((connection) => limited.accept(connection));
    carol.reach(createSender({ identity: carol.identity, dial, audience: "innerspace://restarted" }));
    expect(await sync(carol)).toMatchObject(overQuota);
    open.push({ close: () => limited.close() });
  });

  test("durableBytesMax holds when sagas of several identities commit at once", async () => {
    const durableBytesMax = 95_000;
    const { alice, carol, dave, bob } = await worldWith({ durableBytesMax });
    const reports = await Promise.all([alice, carol, dave].map(sync));
    expect(reports.filter(({ left }) => left.length === 0)).toHaveLength(2);
    const charged = await Promise.all([alice, carol, dave].map((peer) => chargedTo(bob, peer)));
    expect(charged.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(durableBytesMax);
  });

  test("who has no room left still connects, and takes in what others have made", async () => {
    const { alice, carol } = await worldWith({ durableBytesPerIdentityMax: 150_000 });
    const note = await alice.timeline("note");
    await alice.share(note, carol, "read");
    await alice.sync(note);
    await carol.sync(note, { direction: "pull" });
    let isFull = false;
    for (let times = 0; times < 50; times++) isFull ||= (await sync(carol)).left.length > 0;
    expect(isFull).toBe(true);
    const edit = await alice.edit(note, { text: "second" });
    await alice.sync(note);
    await carol.sync(note, { direction: "pull" });
    expect((await carol.tip(note)).address).toBe(edit.address);
  });

  test("sagas of one identity that commit at once are each charged", async () => {
    const { alice, bob, senderOf } = await worldWith({});
    const others = [1, 2, 3, 4].map(() => senderOf(alice));
    const notes = await Promise.all(others.map((_, i) => alice.timeline(`note ${i}`, { data: { i } })));
    await Promise.all(others.map((sender, i) => sender.sync([notes[i]!])));
    await Promise.all(others.map((sender) => sender.disconnect()));
    const held = await bob.space.getMany(notes);
    const records = held.reduce((sum, record) => sum + (record?.bytes.length ?? 0), 0);
    const bytes = records + (await proofBytes(bob.space));
    expect(await chargedTo(bob, alice)).toBeGreaterThan(bytes);
  });
});

async function chargedTo(at: Pick<Peer, "space">, { address }: Pick<Peer, "address">): Promise<number> {
  return (await readCell(at.space, cellKinds.usage, address)).value?.bytes ?? 0;
}

/** Transcripts, and what proves who made frames. */
async function proofBytes(space: Space): Promise<number> {
  let bytes = 0;
  for await (const found of space.scan()) if (found.kind === "proof") bytes += found.bytes.length;
  return bytes;
}
