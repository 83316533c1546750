/** Others go on while sets are compared: between the ranges, `init` and the commit. */
import { expect } from "vitest";
import { type Address, relate } from "../../src/ibgib/index.js";
import { createSender, saveRecords, unshare } from "../../src/peer/index.js";
import { type Peer, type SenderPeer, tapDial } from "../../src/testing/index.js";
import { nameOf } from "../protocol/faults.js";
import { type Cast, scenario } from "./scenario.js";
import { expectInStep } from "./turns.js";

/** A folder of alice's with eight files, which carol may write, in step everywhere. */
async function sharedFolder({ alice, carol }: Cast): Promise<readonly [folder: Address, ...Address[]]> {
  const folder = await alice.timeline("folder");
  const files: Address[] = [];
  for (let at = 0; at < 8; at++) files.push(await alice.timeline("file", { within: folder }));
  await alice.share(folder, carol, "write");
  await alice.sync(folder);
  await carol.sync(folder);
  return [folder, ...files];
}

/** Links the newest frame of a timeline from another. */
async function linkNewest(peer: Peer, from: Address, to: Address): Promise<void> {
  const [tip, { address }] = [await peer.tip(from), await peer.tip(to)];
  await saveRecords(peer, [relate(tip, { add: { see: [address] } }, { by: peer.address })]);
}

/** Syncs, and lets something happen once the receiver has said a turn for the first time. */
async function syncWhile(
  who: SenderPeer,
  root: Address,
  { world }: Cast,
  turn: "alike" | "ack",
  happens: () => Promise<void>,
) {
  let isHeld = false;
  const tap = tapDial(world.dial, ({ message }) => {
    if (isHeld || nameOf(message) !== turn) return [message];
    isHeld = true;
    void happens().then(() => tap.inject("sender", message));
    return [];
  });
  const { identity } = who;
  const { audience } = world;
  const sender = createSender({ identity, dial: tap.dial, audience, limits: { comparedMin: 8 } });
  try {
    return await sender.sync([root]);
  } finally {
    await sender.disconnect();
    expect(isHeld).toBe(true);
  }
}

for (const turn of ["alike", "ack"] as const)
  scenario(
    `others merge past a tip that both have, and link what comes of it: behind ${turn}`,
    async (cast) => {
      const { alice, carol, bob } = cast;
      const all = await sharedFolder(cast);
      const [folder, one, two, three] = all;
      await alice.edit(one!, { who: "alice" });
      await alice.sync(folder);
      await carol.edit(two!, { who: "carol" });
      await carol.sync(two!);
      await alice.edit(three!, { who: "alice" });
      await carol.edit(one!, { a: 1 }, { b: 1 }, { c: 1 });
      const report = await syncWhile(alice, folder, cast, turn, async () => {
        await carol.sync(folder);
        expect(await bob.space.frameAt(one!, 1)).not.toBe((await alice.tip(one!)).address);
        for (const from of [two!, three!]) await linkNewest(carol, from, one!);
        await carol.sync(folder);
      });
      expect(report.left).toEqual([]);
      await alice.sync(folder);
      await expectInStep(alice, bob, all);
    },
  );

scenario(
  "a right that ends while sets are compared: nothing more is told, and nothing comes (threat 22)",
  async (cast) => {
    const { alice, carol } = cast;
    const all = await sharedFolder(cast);
    const [folder, one, two] = all;
    await alice.edit(two!, { before: true });
    await alice.sync(folder);
    for (const turn of ["alike", "ack"] as const) {
      const tip = await carol.tip(one!);
      await syncWhile(carol, folder, cast, turn, async () => {
        await unshare(alice.identity, { timeline: folder, from: carol.address });
        await alice.edit(one!, { secret: turn });
        await alice.link(two!, "see", [(await alice.tip(one!)).address]);
        await alice.sync(folder);
      });
      expect(await carol.tip(one!)).toEqual(tip);
      expect(await carol.space.get((await alice.tip(one!)).address)).toBe(undefined);
      await alice.share(folder, carol, "write");
      await alice.sync(folder);
      await carol.sync(folder);
      await alice.edit(two!, { again: turn });
      await alice.sync(folder);
    }
  },
);
