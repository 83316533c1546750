import { expect } from "vitest";
import { type Address, relate } from "../../src/ibgib/index.js";
import { saveRecords } from "../../src/peer/index.js";
import type { Peer, SenderPeer } from "../../src/testing/index.js";
import { sharedNote } from "./divergence.js";
import { type Cast, scenario } from "./scenario.js";

/** Two timelines of alice's that carol may write in. */
async function twoNotes({ alice, carol, bob }: Cast): Promise<readonly [Address, Address]> {
  const one = await sharedNote({ text: "one" }, [alice, carol], [bob]);
  return [one, await sharedNote({ text: "two" }, [alice, carol], [bob])];
}

/** Links the newest frame of a timeline from another. */
async function linkNewest(peer: Peer, from: Address, to: Address): Promise<void> {
  const [tip, { address }] = [await peer.tip(from), await peer.tip(to)];
  await saveRecords(peer, [relate(tip, { add: { see: [address] } }, { by: peer.address })]);
}

/** Both take it in turns until nothing is new, and have the same. */
async function expectInStep(senders: readonly SenderPeer[], at: Peer, roots: readonly Address[]) {
  for (let times = 0; times < 2; times++) for (const peer of senders) await peer.sync(roots);
  for (const root of roots)
    for (const peer of senders) {
      expect(await peer.graph(root)).toEqual(await at.graph(root));
      expect((await peer.tip(root)).address).toBe((await at.tip(root)).address);
    }
}

scenario(
  "what carol adds links newest frames of what alice has changed as well: alice goes on (threat 22)",
  async (cast) => {
    const { alice, carol, bob } = cast;
    const [one, two] = await twoNotes(cast);
    await carol.edit(two, { hand: "carol" });
    await linkNewest(carol, one, two);
    await carol.sync([one, two]);
    await alice.edit(two, { text: "of alice" });
    expect((await alice.sync([one, two])).left).toEqual([]);
    await expectInStep([alice, carol], bob, [one, two]);
  },
);

scenario("whatever is changed more often there or here comes in one sync", async (cast) => {
  const { alice, carol, bob } = cast;
  for (const isMoreHere of [false, true]) {
    const [one, two] = await twoNotes(cast);
    await carol.edit(two, { hand: "carol" });
    await linkNewest(carol, one, two);
    await carol.edit(one, { hand: "carol" });
    await linkNewest(carol, two, one);
    await linkNewest(carol, one, two);
    await carol.sync([one, two]);
    await alice.edit(two, ...(isMoreHere ? [1, 2, 3, 4, 5] : [1]).map((text) => ({ text: `${text}` })));
    expect((await alice.sync([one, two])).left).toEqual([]);
    expect((await alice.tip(one)).address).toBe((await bob.tip(one)).address);
    await expectInStep([alice, carol], bob, [one, two]);
  }
});

scenario(
  "what is within what this side has changed comes in the same sync (SC11)",
  async ({ alice, carol, bob }) => {
    const folder = await sharedNote({ text: "folder" }, [alice, carol], [bob]);
    const file = await alice.timeline("file", { within: folder });
    await alice.edit(file, { text: "new" });
    await alice.sync(folder);
    await carol.edit(folder, { hand: "carol" });
    expect((await carol.sync(folder)).found.map(({ address }) => address)).toEqual([file]);
    await expectInStep([alice, carol], bob, [folder, file]);
  },
);

scenario("and where it links what both have changed (SC11)", async ({ alice, carol, bob }) => {
  for (const isChanged of [false, true]) {
    const folder = await sharedNote({ text: "folder" }, [alice, carol], [bob]);
    await alice.edit(folder, { hand: "alice" });
    const file = await alice.timeline("file", { within: folder });
    await linkNewest(alice, file, folder);
    await alice.sync(folder);
    if (isChanged) await carol.edit(folder, { text: "1" }, { text: "2" }, { text: "3" });
    expect((await carol.sync(folder)).found.map(({ address }) => address)).toEqual([file]);
    await expectInStep([alice, carol], bob, [folder, file]);
  }
});
