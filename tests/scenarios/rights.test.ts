import { expect, vi } from "vitest";
import { attestationOf, createSender, type SyncReport, unshare } from "../../src/peer/index.js";
import { type ReceiverPeer, type SenderPeer, tapDial } from "../../src/testing/index.js";
import type { Message } from "../../src/transport/index.js";
import { nameOf } from "../protocol/faults.js";
import { expectSettled, sharedNote } from "./divergence.js";
import { scenario } from "./scenario.js";
import { expectInStep } from "./turns.js";
import { eventually } from "../waiting.js";

scenario(
  "who may read reads, and what it writes stays its own (threat 22)",
  async ({ alice, carol, bob }) => {
    const note = await alice.timeline("note", { data: { text: "by alice" } });
    await alice.share(note, carol, "read");
    await alice.sync(note);
    await carol.sync(note, { direction: "pull" });
    await expectInStep(carol, bob, [note]);

    const edit = await carol.edit(note, { text: "by carol" });
    const list = await carol.timeline("list");
    const atBob = await bob.graph(note);
    const isLeft = [{ address: note, reason: "may_not_write", head: edit.address, by: carol.address }];
    expect((await carol.sender.sync([note, list])).left).toEqual(isLeft);
    const { totals, sessionTotals } = await carol.sync(list);
    expect([totals.up.records, sessionTotals.up.records]).toEqual([0, 1]); // the list went up before, in the session that goes on
    expect(await bob.graph(note)).toEqual(atBob);
    expect((await carol.tip(note)).address).toBe(edit.address);
    await expectInStep(carol, bob, [list]);

    const later = await alice.edit(note, { title: "by alice" });
    await alice.sync(note);
    expect((await carol.sync(note)).left).toEqual(isLeft);
    expect(await carol.graph(note)).toEqual(expect.arrayContaining([edit.address, later.address]));
    expect((await bob.tip(note)).address).toBe(later.address);
  },
);

scenario("who may write writes, and others who may read can tell who it was", async (cast) => {
  const { alice, carol, erin, bob } = cast;
  const note = await alice.timeline("note");
  await alice.share(note, carol);
  await alice.share(note, erin, "read");
  await alice.sync(note);
  await carol.sync(note, { direction: "pull" });
  const edit = await carol.edit(note, { text: "by carol" });
  await carol.sync(note);
  for (const peer of [alice, erin]) {
    await peer.sync(note, { direction: "pull" });
    await expectInStep(peer, bob, [note]);
    expect((await attestationOf(peer.space, edit.address))?.identity).toBe(carol.address);
  }
});

scenario(
  "what is shared with a folder is what its owner keeps within it, and nothing else (threat 22)",
  async (cast) => {
    const { alice, carol, erin, bob } = cast;
    const folder = await alice.timeline("folder");
    const file = await alice.timeline("file", { within: folder });
    const diary = await alice.timeline("diary");
    const erins = await erin.timeline("letter", { within: folder });
    await erin.share(erins, alice, "read");
    await erin.edit(erins, { text: "dear alice" });
    await erin.sync(erins);
    await alice.sync(erins, { direction: "pull" });
    for (const own of [file, diary]) await alice.edit(own, { text: "by alice" });
    await alice.share(folder, carol);
    await alice.link(folder, "item", [file, diary, erins]);
    await alice.sync(folder);

    await carol.sync(folder, { direction: "pull" });
    await expectInStep(carol, bob, [file]);
    expect(await carol.space.hasMany([diary, erins])).toEqual([false, false]);
    const away = (await carol.space.references([folder])).map(({ target }) => target);
    expect(new Set(away)).toEqual(new Set([diary, erins]));
    expect((await carol.space.get(folder))?.address).toBe(folder);

    await carol.edit(file, { text: "by carol" });
    await carol.link(folder, "favourite", [diary]); // which does not open it
    await carol.sync(folder);
    await alice.sync(folder);
    await expectInStep(alice, bob, [folder]);
    await carol.sync(folder);
    expect(await carol.space.get(diary)).toBeUndefined();
    await expect(carol.sync(diary, { direction: "pull" })).rejects.toMatchObject({ code: "unknown_root" });
  },
);

scenario("a link to a timeline that one may not read is a reference, until one may", async (cast) => {
  const { alice, carol, erin, bob } = cast;
  const folder = await alice.timeline("folder");
  const diary = await alice.timeline("diary");
  await alice.edit(diary, { text: "one" }, { text: "two" });
  await alice.share(diary, erin);
  await alice.share(folder, carol, "read");
  await alice.link(folder, "diary", [diary]);
  await alice.sync(folder);
  await carol.sync(folder);
  expect(await carol.space.get(diary)).toBeUndefined();
  expect(await carol.space.references([folder])).toMatchObject([{ target: diary, isOpen: true }]);
  expect((await carol.sync(folder)).totals.down.records).toBe(0);

  await alice.share(diary, carol, "read");
  await alice.sync(folder);
  await carol.sync(folder);
  await expectInStep(carol, bob, [folder, diary]);
  expect(await carol.space.references([folder])).toMatchObject([{ target: diary, isOpen: false }]);
  await expectSettled([alice, carol], [bob], [folder, diary]);
});

scenario(
  "a list goes with whom it names to a receiver that only the owner's records have reached (AL37)",
  async (cast) => {
    const { alice, carol, bob, dave } = cast;
    const note = await alice.timeline("note");
    await alice.sync(note, { at: "dave" });
    await alice.share(note, carol);
    await alice.sync(note, { at: "bob" });
    await expect(carol.sync(note, { at: "dave", direction: "pull" })).rejects.toMatchObject({
      code: "unknown_root",
    });
    await carol.sync(note, { at: "bob", direction: "pull" });
    await carol.edit(note, { text: "by carol" });
    await carol.sync(note, { at: "dave" });
    await expectInStep(carol, dave, [note]);
    await alice.sync(note, { at: "dave" });
    await alice.sync(note, { at: "bob" });
    await expectSettled([alice, carol], [bob, dave], [note]);
  },
);

/** Syncs with bob; just before the turn of that name reaches him, something else happens. */
async function syncWith(
  who: SenderPeer,
  bob: ReceiverPeer,
  note: Parameters<SenderPeer["sync"]>[0],
  turn: string,
  meanwhile: () => Promise<unknown>,
): Promise<SyncReport> {
  const held: Message[] = [];
  const { dial, audience } = bob.listening;
  const tap = tapDial(dial, ({ to, message }) => {
    if (to === "sender" || held.length > 0 || nameOf(message) !== turn) return [message];
    held.push(message);
    return [];
  });
  const sender = createSender({ identity: who.identity, dial: tap.dial, audience });
  const roots = typeof note === "string" ? [note] : note;
  const outcome = sender.sync(roots).finally(() => sender.disconnect());
  outcome.catch(() => undefined);
  await eventually(() => held.length > 0);
  await meanwhile();
  tap.inject("receiver", held[0]!);
  return outcome;
}

scenario(
  "what is taken back is so with the very next turn, in the middle of a saga (threat 22)",
  async (cast) => {
    const { alice, carol, bob } = cast;
    const note = await sharedNote({ text: "shared" }, [alice, carol], [bob]);
    const list = await carol.timeline("list");
    const edit = await carol.edit(note, { text: "by carol" });
    const withdraw = async () => {
      await unshare(alice.identity, { timeline: note, from: carol.address });
      await alice.sync(note);
    };
    const atBob = await bob.graph(note);
    const { left } = await syncWith(carol, bob, [note, list], "commit", withdraw);
    expect(left.map(({ address }) => address)).toEqual([note]);
    expect(await bob.graph(note)).toEqual(atBob);
    expect((await carol.tip(note)).address).toBe(edit.address);
    await expectInStep(carol, bob, [list]);
  },
);

scenario(
  "nor is anything told by then: neither a branch that is asked for, nor a tip that moved",
  async (cast) => {
    const { alice, carol, bob } = cast;
    for (const turn of ["ask", "commit"]) {
      const note = await sharedNote({ text: "shared" }, [alice, carol], [bob]);
      await carol.edit(note, { hand: "carol" });
      if (turn === "ask") {
        await alice.edit(note, { hand: "alice" });
        await alice.sync(note);
      }
      const secret = "a secret of alice's";
      const withdraw = async () => {
        await unshare(alice.identity, { timeline: note, from: carol.address });
        await alice.edit(note, { text: secret });
        await alice.sync(note);
      };
      const before = await carol.graph(note);
      const outcome = syncWith(carol, bob, note, turn, withdraw);
      if (turn === "ask") await expect(outcome).rejects.toMatchObject({ code: "unknown_root" });
      else expect((await outcome).left).toMatchObject([{ address: note }]);
      expect(await carol.graph(note)).toEqual(before);
    }
  },
);

scenario(
  "nor where it is taken back, and the tip moves, while carol's commit is being made",
  async (cast) => {
    const { alice, carol, bob } = cast;
    const note = await sharedNote({ text: "shared" }, [alice, carol], [bob]);
    await carol.edit(note, { hand: "carol" });
    const before = await carol.graph(note);
    const commit = bob.space.commit.bind(bob.space);
    const spy = vi.spyOn(bob.space, "commit").mockImplementation(async (made) => {
      if (!made.tips?.length) return commit(made);
      spy.mockRestore();
      await unshare(alice.identity, { timeline: note, from: carol.address });
      await alice.sync(note);
      await bob.edit(note, { text: "a secret" });
      return commit(made);
    });
    expect((await carol.sync(note)).left).toMatchObject([{ address: note }]);
    expect(await carol.graph(note)).toEqual(before);
  },
);

scenario("what is taken back cannot be back-dated past (threat 22)", async (cast) => {
  const { alice, carol, erin, bob, dave } = cast;
  const note = await sharedNote({ text: "shared" }, [alice, carol], [bob, dave]);
  await alice.share(note, erin, "read");
  await alice.sync(note, { at: "dave" });
  const inTime = await carol.edit(note, { text: "in time" });
  await carol.sync(note, { at: "bob" });
  await alice.sync(note, { at: "bob" });
  await unshare(alice.identity, { timeline: note, from: carol.address });
  await alice.sync(note, { at: "bob" });

  // Dave is not told, or does not care: he takes what carol signs afterwards.
  const late = await carol.edit(note, { text: "too late" });
  await carol.sync(note, { at: "dave" });
  await expectInStep(carol, dave, [note]);
  const isLeft = [{ address: note, reason: "may_not_write", head: late.address, by: carol.address }];
  expect((await carol.sync(note, { at: "bob" })).left).toEqual(isLeft);

  // Erin, who hears of it first from bob, tells dave, who shows it no more.
  await erin.sync(note, { at: "bob", direction: "pull" });
  expect((await erin.tip(note)).address).toBe(inTime.address);
  await erin.sync(note, { at: "dave" });
  for (const peer of [erin, bob, dave]) expect((await peer.tip(note)).address).toBe(inTime.address);
  await alice.sync(note, { at: "dave" });
  expect((await alice.tip(note)).address).toBe(inTime.address);
});

scenario(
  "what carol got to read before it was taken back is hers, and bob takes it from nobody",
  async (cast) => {
    const { alice, carol, bob } = cast;
    const folder = await alice.timeline("folder");
    const note = await alice.timeline("note");
    await alice.link(folder, "note", [note]);
    await alice.share(folder, carol, "read");
    await alice.share(note, carol, "read");
    await alice.edit(note, { text: "one" });
    await alice.sync(folder);
    await carol.sync(folder, { direction: "pull" });
    const had = await carol.graph(note);

    await unshare(alice.identity, { timeline: note, from: carol.address });
    await alice.edit(note, { text: "two" });
    await alice.edit(folder, { title: "still shared" });
    await alice.sync(folder);
    await carol.sync(folder, { direction: "pull" });
    expect((await carol.tip(folder)).data).toMatchObject({ title: "still shared" });
    expect(await carol.graph(note)).toEqual(had);
    expect((await bob.tip(note)).data).toMatchObject({ text: "two" });
  },
);
