import { describe, expect, test } from "vitest";
import type { Address } from "../../src/ibgib/index.js";
import { cellKinds, readCell } from "../../src/peer/home/cells.js";
import { createReceiver, createSender, type ReceiverLimits, unshare } from "../../src/peer/index.js";
import { createWorld, type Peer, seededPlatform, type SenderPeer } from "../../src/testing/index.js";
import { createInnerspace } from "../../src/transport/index.js";
import { sharedNote } from "./divergence.js";
import { scenario } from "./scenario.js";
import { expectInStep } from "./turns.js";

const quota = 120_000;
const limits = { durableBytesPerIdentityMax: quota };
const text = (chars: number) => ({ data: { text: "x".repeat(chars) } });

async function chargedTo(at: Peer, { address }: Peer): Promise<number> {
  return (await readCell(at.space, cellKinds.usage, address)).value?.bytes ?? 0;
}

/** Nothing of these is there, nor is a tip of them. */
async function expectNothingOf(at: Peer, from: Peer, roots: readonly Address[]): Promise<void> {
  const records = (await Promise.all(roots.map((root) => from.graph(root)))).flat();
  expect(await at.space.hasMany(records)).toEqual(records.map(() => false));
  expect(await at.space.tips(roots)).toEqual(roots.map(() => undefined));
}

scenario(
  "of several roots those that fit are taken, and what is over the quota is left and named (O2, O3, O4)",
  async ({ alice, carol, bob }) => {
    const first = await alice.timeline("first", text(20_000));
    const large = await alice.timeline("large", text(110_000));
    const last = await alice.timeline("last", text(20_000));
    await carol.sync([
      await carol.timeline("first", text(20_000)),
      await carol.timeline("last", text(20_000)),
    ]);
    const { left, tips } = await alice.sync([first, large, last], { direction: "push" });
    expect(left).toEqual([{ address: large, reason: "over_quota", by: bob.address }]);
    expect(tips.map(({ address }) => address)).toEqual([first, last]);
    await expectInStep(alice, bob, [first, last]);
    await expectNothingOf(bob, alice, [large]);
    expect(Math.abs((await chargedTo(bob, alice)) - (await chargedTo(bob, carol)))).toBeLessThan(4_000);
    expect(bob.events).toContainEqual({
      kind: "refused",
      saga: expect.any(String),
      timeline: large,
      code: "limit_exceeded",
    });
    const edit = await alice.edit(first, { text: "short" });
    expect((await alice.sync([large, first])).left).toMatchObject([{ address: large }]);
    expect((await bob.tip(first)).address).toBe(edit.address);
  },
  { limits },
);

scenario(
  "what is over the quota goes on coming down, merged with what stays here (O2, O4)",
  async ({ alice, carol, bob }) => {
    const note = await sharedNote({ text: "first" }, [alice, carol], [bob]);
    const diary = await carol.timeline("diary");
    const theirs = await alice.edit(note, { alice: 1 });
    await alice.sync(note);
    const mine = await carol.edit(note, { carol: "x".repeat(quota) });
    const { left } = await carol.sync([note, diary]);
    expect(left).toEqual([{ address: note, reason: "over_quota", by: bob.address }]);
    await expectInStep(carol, bob, [diary]);
    expect((await bob.tip(note)).address).toBe(theirs.address);
    expect(await bob.space.hasMany([mine.address])).toEqual([false]);
    expect(await carol.graph(note)).toEqual(expect.arrayContaining([mine.address, theirs.address]));
  },
  { limits },
);

scenario(
  "a timeline that links what does not fit is left with it, what it links is taken alone (O2)",
  async ({ alice, bob }) => {
    const [large, small] = [await alice.timeline("large", text(110_000)), await alice.timeline("small")];
    const index = await alice.timeline("index", { rel8ns: { to: [large, small] } });
    const { left } = await alice.sync(index, { direction: "push" });
    expect(new Set(left.map(({ address }) => address))).toEqual(new Set([index, large]));
    await expectNothingOf(bob, alice, [large]);
    await expectInStep(alice, bob, [small]);
  },
  { limits },
);

scenario(
  "the later frames of what another root links do not fit: its first frame is there, with no tip (O2, C8)",
  async ({ alice, bob }) => {
    const target = await alice.timeline("target");
    await alice.edit(target, { text: "x".repeat(110_000) });
    const index = await alice.timeline("index", { rel8ns: { to: [target] } });
    const { left } = await alice.sync(index, { direction: "push" });
    expect(left).toEqual([{ address: target, reason: "over_quota", by: bob.address }]);
    expect((await bob.tip(index)).address).toBe((await alice.tip(index)).address);
    expect(await bob.space.tip(target)).toBeUndefined();
    expect(await bob.space.hasMany([target])).toEqual([true]);
  },
  { limits },
);

scenario(
  "who has no room left may withdraw somebody, and takes in what others make (O2)",
  async ({ alice, carol, bob }) => {
    const note = await sharedNote({ text: "first" }, [alice, carol], [bob]);
    await carol.edit(note, { carol: 1 });
    await carol.sync(note);
    await alice.sync(note);
    await fill(alice);
    const mine = await alice.edit(note, { alice: 1 });
    await unshare(alice.identity, { timeline: note, from: carol.address });
    const { left } = await alice.sync(note);
    expect(left).toEqual([{ address: note, reason: "over_quota", by: bob.address }]);
    expect(await alice.graph(note)).toContain(mine.address);
    expect((await alice.tip(note)).data).toMatchObject({ carol: 1 });
    await carol.edit(note, { late: 1 });
    expect((await carol.sync(note)).left).toMatchObject([{ address: note, reason: "may_not_write" }]);
  },
  { limits },
);

scenario(
  "where there is no room at all nothing is sent, and the roots are left all the same (O2)",
  async ({ alice, bob, transcript }) => {
    const notes = [await alice.timeline("one"), await alice.timeline("two")];
    transcript();
    const { left } = await alice.sync(notes);
    expect(left).toEqual(notes.map((address) => ({ address, reason: "over_quota", by: bob.address })));
    expect(transcript().filter((line) => line.includes("payload"))).toEqual([]);
    expect(await bob.space.hasMany(notes)).toEqual([false, false]);
  },
  { limits: { durableBytesPerIdentityMax: 1_000 } },
);

/** Syncs until nothing more is taken. */
async function fill(peer: SenderPeer): Promise<void> {
  for (let chars = quota / 2; chars > 100; chars = Math.floor(chars / 2)) {
    const filler = await peer.timeline(`filler ${chars}`, text(chars));
    await peer.sync(filler, { direction: "push" });
  }
}

describe("a root that was left", () => {
  test("is taken once there is room, with nothing kept of the sync before (O2)", async () => {
    const { alice, bob, large, small } = await left({ durableBytesPerIdentityMax: quota });
    const platform = seededPlatform("room again");
    const { listen, dial } = createInnerspace(platform);
    const audience = "innerspace://room";
    const receiver = await createReceiver({
      identity: bob.identity,
      audiences: [audience],
      admission: { kind: "open" },
      limits: {},
      platform,
    });
    listen((connection) => receiver.accept(connection));
    alice.reach(createSender({ identity: alice.identity, dial, audience, platform }), "room");
    expect((await alice.sync([large, small], { at: "room" })).left).toEqual([]);
    await expectInStep(alice, bob, [large, small]);
    await receiver.close();
  });

  test("for what is staged: what came before it is taken, and the session goes on (O2, O4)", async () => {
    const { alice, bob, large, small, sender } = await left({ stagedBytesPerIdentityMax: 100_000 });
    expect((await sender.sync([small])).left).toEqual([]);
    await expectNothingOf(bob, alice, [large]);
    await sender.disconnect();
  });

  test("is explained as not taken (O3)", async () => {
    const { alice, large, sender } = await left({ durableBytesPerIdentityMax: quota });
    const { address } = await alice.tip(large);
    expect(await sender.explain(address)).toMatchObject({ because: "refused_there" });
  });

  async function left(limits: Partial<ReceiverLimits>) {
    const world = await createWorld({ seed: "left over a quota", limits });
    const { receiver: bob } = world;
    const alice = world.senders[0]!;
    const small = await alice.timeline("small", text(1_000));
    const large = await alice.timeline("large", text(quota));
    const sender = alice.sender;
    const report = await sender.sync([small, large]);
    expect(report.left).toEqual([{ address: large, reason: "over_quota", by: bob.address }]);
    await expectInStep(alice, bob, [small]);
    return { alice, bob, large, small, sender };
  }
});
