import { expect } from "vitest";
import type { Address, IbGib, Patch } from "../../src/ibgib/index.js";
import type { Peer, ReceiverPeer, SenderPeer } from "../../src/testing/index.js";
import { expectProved } from "./turns.js";

/** A note of the first peer that all peers hold and may write, in step at each receiver. */
export async function sharedNote(
  data: Patch,
  [owner, ...others]: readonly [SenderPeer, ...SenderPeer[]],
  receivers: readonly [ReceiverPeer, ...ReceiverPeer[]],
): Promise<Address> {
  const note = await owner.timeline("note", { data });
  for (const peer of others) await owner.share(note, peer);
  for (const { name } of receivers) await owner.sync(note, { at: name });
  for (const peer of others) await peer.sync(note, { at: receivers[0].name, direction: "pull" });
  return note;
}

/** Nothing is lost: each peer reaches all of `frames` from its tip of `root`. */
export async function expectKept(
  peers: readonly Peer[],
  root: Address,
  frames: readonly IbGib[],
): Promise<void> {
  for (const peer of peers)
    expect(await peer.graph(root)).toEqual(expect.arrayContaining(frames.map(({ address }) => address)));
}

/** All hold the same tips, and syncing again with each receiver moves nothing: no record travels, no frame is made. */
export async function expectSettled(
  senders: readonly SenderPeer[],
  receivers: readonly ReceiverPeer[],
  roots: readonly Address[],
): Promise<void> {
  const tips = await senders[0]?.space.tips(roots);
  for (const sender of senders) {
    for (const receiver of receivers) {
      const { totals } = await sender.sync(roots, { at: receiver.name });
      expect([totals.up.records, totals.down.records]).toEqual([0, 0]);
      await expectProved(sender, receiver, "same");
    }
  }
  for (const peer of [...senders, ...receivers]) expect(await peer.space.tips(roots)).toEqual(tips);
}
