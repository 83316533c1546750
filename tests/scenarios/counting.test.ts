/** What counts follows from records: frames, who has proved them, and what lists say. */
import { expect } from "vitest";
import { type Address, isMerge } from "../../src/ibgib/index.js";
import { listsOf } from "../../src/lists/index.js";
import { adopt, attestationOf, evidenceFor, leftOut, setAside, unshare } from "../../src/peer/index.js";
import { checkAttested } from "../../src/saga/index.js";
import type { Peer } from "../../src/testing/index.js";
import { sharedNote } from "./divergence.js";
import { scenario } from "./scenario.js";
import { expectInStep } from "./turns.js";

async function expectTip(peers: readonly Peer[], timeline: Address, tip: Address): Promise<void> {
  for (const peer of peers) expect([peer.name, (await peer.tip(timeline)).address]).toEqual([peer.name, tip]);
}

scenario(
  "a late frame of carol, who was withdrawn, comes in below erin's edit that went on from it (A14)",
  async ({ alice, carol, erin, bob }) => {
    const note = await sharedNote({ text: "first" }, [alice, carol, erin], [bob]);
    await alice.sync(note, { at: "dave" });
    await unshare(alice.identity, { timeline: note, from: carol.address });
    await alice.sync(note, { at: "bob" });
    const late = await carol.edit(note, { text: "too late" });
    await carol.sync(note, { at: "dave" }); // who has not heard of it
    await erin.sync(note, { at: "dave" });
    const edit = await erin.edit(note, { title: "by erin" });
    expect(edit.rel8ns).toMatchObject({ past: expect.arrayContaining([late.address]) });
    for (const peer of [erin, alice]) expect((await peer.sync(note, { at: "bob" })).left).toEqual([]);
    await expectTip([alice, erin, bob], note, edit.address);
    expect(await leftOut(alice.identity, note)).toEqual([]);
  },
);

scenario(
  "a frame that was set aside is back when its maker, who still may write, goes on from it (A15)",
  async ({ alice, carol, erin, bob }) => {
    const note = await sharedNote({ text: "first" }, [alice, carol, erin], [bob]);
    const junk = await carol.edit(note, { text: "junk" });
    for (const peer of [carol, alice, erin]) await peer.sync(note);
    await setAside(alice.identity, { timeline: note, frame: junk.address, why: "junk" });
    await alice.sync(note);
    await expectTip([alice, bob], note, note);
    const more = await carol.edit(note, { title: "by carol" });
    for (const peer of [carol, alice, erin]) expect((await peer.sync(note)).left).toEqual([]);
    await expectTip([alice, carol, erin, bob], note, more.address);
    expect((await alice.tip(note)).data).toMatchObject({ text: "junk", title: "by carol" });
  },
);

scenario(
  "a proof of one's own frame tells of no other receiver, one that is passed on does (A20, A21)",
  async ({ alice, carol, erin, bob, dave }) => {
    const note = await sharedNote({ text: "first" }, [alice, carol, erin], [bob, dave]);
    const edit = await alice.edit(note, { text: "second" });
    const proofAt = async ({ space }: Peer) => JSON.stringify(await evidenceFor(space, [edit.address]));
    await alice.sync(note, { at: "bob" });
    await carol.sync(note, { at: "bob" });
    await alice.sync(note, { at: "dave" });
    for (const [own, other] of [
      [bob, dave],
      [dave, bob],
    ] as const) {
      expect(await proofAt(own)).toContain(own.address);
      expect(await proofAt(own)).not.toContain(other.address);
      expect(await attestationOf(own.space, edit.address)).toMatchObject({ identity: alice.address });
    }

    const again = await alice.edit(note, { text: "third" });
    await alice.sync(note, { at: "bob" });
    await carol.sync(note, { at: "bob" });
    await carol.sync(note, { at: "dave" });
    const passedOn = await evidenceFor(dave.space, [again.address]);
    expect(checkAttested(passedOn)).toMatchObject([{ frame: again.address, identity: alice.address }]);
    expect(JSON.stringify(passedOn)).toContain(bob.address);
  },
);

scenario(
  "a clone finds nothing wrong with what a receiver withholds, until it asks another one (A26, A27)",
  async ({ alice, erin, bob, dave }) => {
    const note = await alice.timeline("note", { data: { text: "first" } });
    await alice.share(note, erin, "read");
    await alice.sync(note, { at: "dave" });
    const edit = await alice.edit(note, { text: "second" });
    await alice.sync(note, { at: "bob" });
    const { left, references } = await erin.sync(note, { at: "dave", direction: "pull" });
    expect([left, references]).toEqual([[], []]);
    await expectInStep(erin, dave, [note]);
    await erin.sync(note, { at: "bob", direction: "pull" });
    await expectTip([erin, bob], note, edit.address);
    await erin.sync(note, { at: "dave", direction: "pull" });
    await expectTip([erin], note, edit.address);
  },
);

scenario(
  "lists come first, both ways: erin only pushes, and her merge leaves out carol's late frame (M15, M17)",
  async ({ alice, carol, erin, bob, dave }) => {
    const note = await sharedNote({ text: "first" }, [alice, carol, erin], [bob, dave]);
    await unshare(alice.identity, { timeline: note, from: carol.address });
    await alice.sync(note, { at: "bob" });
    const late = await carol.edit(note, { hand: "carol" });
    await carol.sync(note, { at: "dave" });
    const edit = await erin.edit(note, { hand: "erin" });
    await erin.sync(note, { at: "dave" });
    expect(isMerge(await erin.tip(note))).toBe(true);
    expect(await erin.graph(note)).toContain(late.address);

    await erin.sync(note, { at: "bob", direction: "push" });
    await expectTip([erin, bob], note, edit.address);
    expect(await leftOut(erin.identity, note)).toMatchObject([{ frame: late.address, by: carol.address }]);
    await erin.sync(note, { at: "dave", direction: "push" });
    await expectTip([dave], note, edit.address);
  },
);

scenario(
  "who takes a list moves what it changes, and makes the merge that this takes, signed by nobody (M19, M20)",
  async ({ alice, carol, erin, bob }) => {
    const note = await sharedNote({ text: "first" }, [alice, carol, erin], [bob]);
    const [alices, carols, erins] = [
      await alice.edit(note, { alice: 1 }),
      await carol.edit(note, { carol: 1 }),
      await erin.edit(note, { erin: 1 }),
    ];
    for (const peer of [alice, carol, erin, alice]) await peer.sync(note);
    const all = await bob.tip(note);
    await setAside(alice.identity, { timeline: note, frame: erins.address, why: "not this" });
    const merge = await alice.tip(note);
    await alice.sync(listsOf(note, alice.address).writers); // the list alone
    await expectTip([alice, bob], note, merge.address);
    expect(merge.address).not.toBe(all.address);
    expect(isMerge(merge)).toBe(true);
    expect(merge.data).toMatchObject({ alice: 1, carol: 1 });
    expect(await bob.graph(note)).toEqual(expect.arrayContaining([alices.address, carols.address]));
    for (const { space } of [alice, bob]) expect(await attestationOf(space, merge.address)).toBeUndefined();

    await adopt(alice.identity, { timeline: note, frame: erins.address });
    await alice.sync(listsOf(note, alice.address).writers);
    await expectTip([alice, bob], note, all.address);
  },
);
