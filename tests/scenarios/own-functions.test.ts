/** Merges by functions that not every peer has: somebody who may write says that they are right. */
import { expect } from "vitest";
import { isMerge, makerOf } from "../../src/ibgib/index.js";
import { type MergeFunction, mergeFunctions } from "../../src/merge/index.js";
import { attestationOf, createSender } from "../../src/peer/index.js";
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
const functions = mergeFunctions([{ kind: { ib: "note" }, function: sum }]);

/** From now on `peer` merges notes by `sum` when it syncs with these receivers. */
function sums(peer: SenderPeer, receivers: readonly ReceiverPeer[]): void {
  for (const { name, listening } of receivers)
    peer.reach(createSender({ identity: peer.identity, ...listening, functions }), name);
}

const signerOf = async ({ space }: Peer, frame: Parameters<typeof attestationOf>[1]) =>
  (await attestationOf(space, frame))?.identity;

scenario(
  "a merge by another function is one frame, whoever makes it, and who has made it here attests it (A29, A30, A32)",
  async ({ alice, carol, erin, bob, dave }) => {
    const note = await sharedNote({ total: 1 }, [alice, carol, erin], [bob, dave]);
    for (const peer of [alice, carol]) sums(peer, [bob, dave]);
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
