/**
 * Merges by functions that not every peer has: somebody who may write says that they are right, or their heads are asked.
 */
import { expect } from "vitest";
import {
  type Address,
  type IbGib,
  isMerge,
  isStandIn,
  makerOf,
  nOf,
  previousOf,
} from "../../src/ibgib/index.js";
import { listsOf } from "../../src/lists/index.js";
import {
  type Content,
  headsOf,
  type MergeFunction,
  type MergeFunctions,
  mergeFunctions,
} from "../../src/merge/index.js";
import { attestationOf, createSender, setAside, systemPlatform, unshare } from "../../src/peer/index.js";
import type { Peer, ReceiverPeer, SenderPeer } from "../../src/testing/index.js";
import { sharedNote } from "./divergence.js";
import { scenario } from "./scenario.js";

const sum: MergeFunction = {
  name: "sum",
  version: 1,
  merge: (base, ours, theirs) => {
    const [was, a, b] = [base, ours, theirs].map(({ data }) => Number(data["total"] ?? 0));
    return { ...ours, data: { ...ours.data, total: a! + b! - was! } };
  },
};
const kind = { ib: "note" };
const functions = mergeFunctions([{ kind, function: sum }]);
/** Knows that notes have a function, and has it not. */
const without = mergeFunctions([{ kind }]);

/** From now on `peer` merges notes so when it syncs with these receivers. */
function mergesBy(known: MergeFunctions, peer: SenderPeer, receivers: readonly ReceiverPeer[]): void {
  for (const { name, listening } of receivers)
    peer.reach(createSender({ identity: peer.identity, ...listening, functions: known }), name);
}

const signerOf = async ({ space }: Peer, frame: Address) => (await attestationOf(space, frame))?.identity;

const totalOf = async (peer: Peer, note: Address) => (await peer.tip(note)).data as { total?: number };

/** They show the same, and syncing again moves nothing. */
async function expectInStep(peers: readonly SenderPeer[], receiver: ReceiverPeer, note: Address) {
  for (const peer of peers) {
    const { totals, left } = await peer.sync(note, { at: receiver.name });
    expect([totals.up.records, totals.down.records, left]).toEqual([0, 0, []]);
    expect(await peer.tip(note)).toEqual(await receiver.tip(note));
  }
}

/** What a peer shows of a note while its heads wait for a function: the highest of them. */
async function expectWaiting(peer: Peer, note: Address, heads: readonly IbGib[]): Promise<void> {
  const tip = await peer.tip(note);
  const sorted = heads.toSorted((a, b) => nOf(b)! - nOf(a)! || (a.address < b.address ? 1 : -1));
  expect(isStandIn(tip)).toBe(true);
  expect(await headsOf(tip.address, peer.space)).toEqual(sorted.map(({ address }) => address));
  expect(previousOf(tip)).toBe(sorted[0]!.address);
  expect(await totalOf(peer, note)).toMatchObject({ total: (sorted[0]!.data as { total: number }).total });
}

scenario(
  "a merge by another function is one frame, whoever makes it, and who has made it here attests it (A29, A30, A32)",
  async ({ alice, carol, erin, bob, dave }) => {
    const note = await sharedNote({ total: 1 }, [alice, carol, erin], [bob, dave]);
    for (const peer of [alice, carol]) mergesBy(functions, peer, [bob, dave]);
    const [alices, carols] = [await alice.edit(note, { total: 2 }), await carol.edit(note, { total: 5 })];
    await alice.sync(note, { at: "bob" });
    await carol.sync(note, { at: "dave" });
    await carol.sync(note, { at: "bob" });
    await alice.sync(note, { at: "dave" });
    const merge = await carol.tip(note);
    expect(isMerge(merge)).toBe(true);
    expect(merge.data).toMatchObject({ total: 6, merge: { function: "sum" } });
    expect(makerOf(merge, (await carol.space.get(note))!)).toBeUndefined();
    for (const [home, receiver] of [
      [carol, bob],
      [alice, dave],
    ] as const) {
      expect((await receiver.tip(note)).address).toBe(merge.address);
      expect(await signerOf(receiver, merge.address)).toBe(home.address);
      await erin.sync(note, { at: receiver.name });
      expect((await erin.tip(note)).address).toBe(merge.address);
    }
    // That says nothing of what it brings together.
    expect(await signerOf(erin, merge.address)).toBe(carol.address);
    for (const peer of [bob, dave, erin])
      expect([await signerOf(peer, alices.address), await signerOf(peer, carols.address)]).toEqual([
        alice.address,
        carol.address,
      ]);
  },
);

scenario(
  "erin has not the function of notes: she shows the highest head, and edits it, until alice brings the merge (M21)",
  async ({ alice, carol, erin, bob, dave }) => {
    const note = await sharedNote({ total: 1 }, [alice, carol, erin], [bob, dave]);
    for (const peer of [alice, carol]) mergesBy(functions, peer, [bob, dave]);
    mergesBy(without, erin, [bob, dave]);
    const carols = await carol.edit(note, { total: 11 });
    await carol.sync(note, { at: "bob" });
    const erins = await erin.edit(note, { total: 2 });
    expect(await erin.sync(note, { at: "bob" })).toMatchObject({ left: [] });
    for (const peer of [erin, bob]) await expectWaiting(peer, note, [carols, erins]);

    // Her edit goes on from what is shown; the other head waits beside it.
    const before = [carols, erins].toSorted((a, b) => (a.address < b.address ? 1 : -1));
    const next = await erin.edit(note, { total: 100 });
    expect(previousOf(next)).toBe(before[0]!.address);
    await erin.sync(note, { at: "bob" });
    for (const peer of [erin, bob]) await expectWaiting(peer, note, [next, before[1]!]);

    const shown = await alice.sync(note, { at: "bob" });
    expect(shown).toMatchObject({ left: [] });
    const added = (before[1]!.data as { total: number }).total - 1;
    for (const peer of [alice, bob]) {
      expect(await totalOf(peer, note)).toMatchObject({ total: 100 + added, merge: { function: "sum" } });
      expect(await signerOf(peer, (await peer.tip(note)).address)).toBe(alice.address);
    }
    for (const peer of [erin, carol]) await peer.sync(note, { at: "bob" });
    await expectInStep([erin, carol, alice], bob, note);
  },
);

scenario(
  "a merge that lies below tells erin, and a receiver, that notes have a function (M21)",
  async ({ alice, carol, erin, bob, dave }) => {
    const note = await sharedNote({ total: 1 }, [alice, carol, erin], [bob, dave]);
    for (const peer of [alice, carol]) mergesBy(functions, peer, [bob, dave]);
    await alice.edit(note, { total: 2 });
    await carol.edit(note, { total: 3 });
    for (const peer of [alice, carol, alice, erin]) await peer.sync(note, { at: "bob" });
    expect(await totalOf(erin, note)).toMatchObject({ total: 4 });

    await carol.edit(note, { total: 5 });
    const carols = await carol.edit(note, { total: 6 });
    await carol.sync(note, { at: "bob" });
    await erin.edit(note, { total: 7 });
    await erin.edit(note, { total: 8 });
    const erins = await erin.edit(note, { total: 9 });
    await erin.sync(note, { at: "bob" });
    for (const peer of [erin, bob]) await expectWaiting(peer, note, [carols, erins]);

    // Set aside by the list: a receiver without the function shows the highest of what is left.
    const alices = await alice.edit(note, { total: 10 });
    await alice.sync(note, { at: "bob" });
    expect(await totalOf(bob, note)).toMatchObject({ total: 4 + 6 + 2 + 5 });
    expect((await headsOf((await bob.tip(note)).address, bob.space)).includes(alices.address)).toBe(true);
    const aside = { timeline: note, frame: erins.address, why: "not this" };
    await setAside(alice.identity, aside, { ...systemPlatform, functions });
    await alice.sync(listsOf(note, alice.address).writers, { at: "bob" }); // the list alone
    await expectWaiting(bob, note, [alices, carols, (await bob.space.get(previousOf(erins)!))!]);
    expect(await totalOf(alice, note)).toMatchObject({ total: 4 + 6 + 2 + 4 });
    await alice.sync(note, { at: "bob" });
    expect(await bob.tip(note)).toEqual(await alice.tip(note));
  },
);

scenario(
  "what eve signed counts for nothing once she is withdrawn: the heads are asked in its place (A31)",
  async ({ alice, carol, erin: eve, bob, dave }) => {
    const note = await sharedNote({ total: 1 }, [alice, carol, eve], [bob, dave]);
    mergesBy(functions, eve, [bob, dave]);
    const [alices, carols] = [await alice.edit(note, { total: 2 }), await carol.edit(note, { total: 3 })];
    await alice.sync(note, { at: "bob" });
    await carol.sync(note, { at: "dave" });
    for (const at of ["dave", "bob"]) await eve.sync(note, { at });
    await alice.sync(note, { at: "bob" });
    expect((await alice.tip(note)).data).toMatchObject({ total: 4, merge: { function: "sum" } });
    await unshare(alice.identity, { timeline: note, from: eve.address });
    for (const peer of [alice, carol, alice]) await peer.sync(note, { at: "bob" });
    for (const peer of [alice, carol, bob]) {
      const tip = await peer.tip(note);
      expect(tip.data).toMatchObject({ merge: { function: "fields" } });
      expect([...(await headsOf(tip.address, peer.space))].sort()).toEqual(
        [alices.address, carols.address].sort(),
      );
    }
    await expectInStep([alice, carol], bob, note);
  },
);

scenario(
  "a merge that is signed and is not what its function makes is asked for its heads where that function is (A31) (threat 22)",
  async ({ alice, carol, erin: eve, bob, dave }) => {
    const note = await sharedNote({ total: 1 }, [alice, carol, eve], [bob, dave]);
    const lie = (_base: unknown, ours: Content) => ({ ...ours, data: { ...ours.data, total: 1e6 } });
    const lies = mergeFunctions([{ kind, function: { ...sum, merge: lie } }]);
    mergesBy(lies, eve, [bob, dave]);
    for (const peer of [alice, carol]) mergesBy(functions, peer, [bob, dave]);
    await alice.edit(note, { total: 2 });
    await carol.edit(note, { total: 3 });
    await alice.sync(note, { at: "bob" });
    await carol.sync(note, { at: "dave" });
    for (const at of ["dave", "bob"]) await eve.sync(note, { at });
    expect(await totalOf(bob, note)).toMatchObject({ total: 1e6 });
    for (const peer of [alice, carol]) {
      expect(await peer.sync(note, { at: "bob" })).toMatchObject({ left: [] });
      expect(await totalOf(peer, note)).toMatchObject({ total: 4 });
    }
  },
);

scenario(
  "what erin, who may only read, merges stays hers: its heads go up, under a stand-in (A30, M21)",
  async ({ alice, carol, erin, bob, dave }) => {
    const note = await sharedNote({ total: 1 }, [alice, carol], [bob, dave]);
    await alice.share(note, erin, "read");
    for (const at of ["bob", "dave"]) await alice.sync(note, { at });
    for (const peer of [alice, erin]) mergesBy(functions, peer, [bob, dave]);
    const [alices, carols] = [await alice.edit(note, { total: 2 }), await carol.edit(note, { total: 3 })];
    await alice.sync(note, { at: "bob" });
    await carol.sync(note, { at: "dave" });
    await erin.sync(note, { at: "bob" });
    for (const at of ["dave", "bob", "dave", "bob"]) {
      expect(await erin.sync(note, { at })).toMatchObject({ left: [] });
      expect(await totalOf(erin, note)).toMatchObject({ total: 4, merge: { function: "sum" } });
    }
    for (const receiver of [bob, dave]) await expectWaiting(receiver, note, [alices, carols]);
    await alice.sync(note, { at: "bob" });
    expect(await totalOf(bob, note)).toMatchObject({ total: 4, merge: { function: "sum" } });
    expect(await erin.sync(note, { at: "bob" })).toMatchObject({ left: [] });
    expect(await signerOf(bob, (await erin.tip(note)).address)).toBe(alice.address);
  },
);
