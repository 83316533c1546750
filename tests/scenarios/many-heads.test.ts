/** Writers make more branches than one merge brings together: that root alone is left, and its owner goes on. */
import { expect, vi } from "vitest";
import { type Address, mutate } from "../../src/ibgib/index.js";
import { mergeFunctions, mergeLimits, mergeTips, overlaid } from "../../src/merge/index.js";
import { unshare } from "../../src/peer/index.js";
import { madeChanges } from "../../src/peer/home/made.js";
import type { Peer } from "../../src/testing/index.js";
import { sharedNote } from "./divergence.js";
import { scenario } from "./scenario.js";

vi.mock("../../src/merge/limits.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/merge/limits.js")>();
  return { ...original, mergeLimits: { ...original.mergeLimits, headsMax: 16 } };
});

/** So many edits of the frame that a home shows, none of which goes on from another. */
async function branchOut(peer: Peer, note: Address, count: number): Promise<void> {
  const tip = await peer.tip(note);
  const heads = Array.from({ length: count }, (_, at) => mutate(tip, { at }, { by: peer.address }));
  const addresses = heads.map(({ address }) => address);
  const merged = await mergeTips(addresses, overlaid(peer.space, heads), mergeFunctions());
  if ("same" in merged) throw new Error("there is something to merge");
  const { kind } = await peer.space.commit({
    ...{ holder: peer.address, sight: "anyone", puts: [...heads, merged.frame] },
    tips: [{ tjp: note, from: tip.address, to: merged.frame.address }],
    cells: await madeChanges(peer.space, heads),
  });
  expect(kind).toBe("committed");
}

scenario(
  "more branches than a merge may have: the owner syncs all else, withdraws who made them, and goes on (O3, O4) (threat 22)",
  async ({ alice, carol, erin, bob, dave }) => {
    const note = await sharedNote({ text: "first" }, [alice, carol, erin], [bob, dave]);
    for (const [peer, at] of [
      [carol, "bob"],
      [erin, "dave"],
    ] as const) {
      await branchOut(peer, note, mergeLimits.headsMax - 4);
      await peer.sync(note, { at });
    }
    await alice.sync(note);
    const diary = await alice.timeline("diary");
    const { left } = await alice.sync([note, diary], { at: "dave" });
    expect(left).toMatchObject([{ address: note, reason: "too_long" }]);
    expect((await dave.tip(diary)).address).toBe(diary);
    await unshare(alice.identity, { timeline: note, from: erin.address });
    for (let times = 0; times < 2; times++) await alice.sync(note, { at: "dave" });
    expect((await dave.tip(note)).address).toBe((await alice.tip(note)).address);
  },
);
