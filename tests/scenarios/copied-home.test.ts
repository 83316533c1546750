/** A home that somebody runs from two copies forks its identity. That stops nobody but the one whose home it is. */
import { expect } from "vitest";
import { createIdentity, createSender, openIdentity, systemPlatform } from "../../src/peer/index.js";
import { InnerSpace } from "../../src/space/index.js";
import { SenderPeer, type ReceiverPeer } from "../../src/testing/index.js";
import { signsTwice } from "../one-time/ledger.js";
import { copyOf } from "../protocol/copies.js";
import { scenario } from "./scenario.js";

/** Eve's home and a copy of it that was taken before she met anybody; the first reaches `one`, the other `two`. */
async function copies(one: ReceiverPeer, two: ReceiverPeer): Promise<readonly [SenderPeer, SenderPeer]> {
  const platform = systemPlatform;
  const [secret, recoverySecret] = [platform.random.bytes(32), platform.random.bytes(32)];
  const home = await createIdentity({ space: new InnerSpace(), secret, recoverySecret, platform });
  const copied = await copyOf(home.space, home.address);
  const copy = await openIdentity({ space: copied, secret, platform });
  const peers = [
    new SenderPeer("eve", home, platform),
    new SenderPeer("eve's copy", copy, platform),
  ] as const;
  for (const [at, { name, listening }] of [one, two].entries()) {
    const { identity } = peers[at]!;
    peers[at]!.reach(createSender({ identity, ...listening, access: "owners", platform }), name);
  }
  return peers;
}

scenario(
  "everybody else goes on, whichever copy they meet first (C13, C14, O1) (threat 13)",
  ({ alice, carol, erin, bob, dave }) =>
    signsTwice(async () => {
      const [eve, copy] = await copies(bob, dave);
      const folder = await alice.timeline("folder");
      for (const other of [eve, carol, erin]) await alice.share(folder, other);
      for (const at of ["bob", "dave"]) await alice.sync(folder, { at });
      for (const [peer, text] of [
        [eve, "home"],
        [copy, "copy"],
      ] as const) {
        await peer.sync(folder, { direction: "pull" });
        await peer.edit(folder, { [text]: true });
        await peer.sync(folder);
      }
      for (const [peer, order] of [
        [carol, ["bob", "dave"]],
        [erin, ["dave", "bob"]],
      ] as const) {
        for (const at of [...order, ...order]) expect((await peer.sync(folder, { at })).left).toEqual([]);
        await peer.edit(folder, { [peer.name]: true });
      }
      for (let round = 0; round < 2; round++)
        for (const peer of [carol, erin, alice])
          for (const at of ["bob", "dave"]) expect((await peer.sync(folder, { at })).left).toEqual([]);
      const tips = await Promise.all([alice, carol, erin, bob, dave].map((peer) => peer.tip(folder)));
      expect(new Set(tips.map(({ address }) => address)).size).toBe(1);
      expect(tips[0]!.data).toMatchObject({ home: true, copy: true, carol: true, erin: true });
    }),
);
