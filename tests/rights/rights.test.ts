import { describe, expect, test } from "vitest";
import type { Address, IbGib } from "../../src/ibgib/index.js";
import { type Identity, share, unshare } from "../../src/peer/index.js";
import { foundTimeline, loadRights, type RightsOptions } from "../../src/peer/rights/rights.js";
import { first, later, now, own, person, platform } from "./parties.js";

/** What `of` may do with a timeline at alice's: "write" includes "read". */
async function may(
  { space, address }: Identity,
  of: Address,
  timeline: IbGib,
  options: Partial<RightsOptions> = {},
): Promise<string> {
  const rights = await loadRights(space, of, { now, self: address, ...options });
  if (rights.writes(timeline)) return rights.reads(timeline) ? "write" : "write without read";
  return rights.reads(timeline) ? "read" : "nothing";
}

async function aliceWithNote() {
  const alice = await person();
  const [note, bob, eve] = [await own(alice), (await person()).address, (await person()).address];
  return { alice, note, bob, eve };
}

describe("a timeline with an owner", () => {
  test("is its owner's, and nobody else's", async () => {
    const { alice, note, eve } = await aliceWithNote();
    expect(await may(alice, alice.address, note)).toBe("write");
    expect(await may(alice, eve, note)).toBe("nothing");
  });

  test("may be read, or read and written, by whom its owner granted it", async () => {
    const { alice, note, bob, eve } = await aliceWithNote();
    await share(alice, { timeline: note.address, with: bob, access: "read" });
    expect(await may(alice, bob, note)).toBe("read");
    await share(alice, { timeline: note.address, with: bob, access: "write" });
    expect(await may(alice, bob, note)).toBe("write");
    expect(await may(alice, eve, note)).toBe("nothing");
    expect(await may(alice, bob, await own(alice))).toBe("nothing");
  });

  test("is granted until the grant expires", async () => {
    const { alice, note, bob } = await aliceWithNote();
    await share(alice, { timeline: note.address, with: bob, access: "read", expires: now + 1 }, platform);
    expect(await may(alice, bob, note)).toBe("read");
    expect(await may(alice, bob, note, { now: now + 1 })).toBe("nothing");
    expect(await may(alice, bob, note, { now: later.clock.now() })).toBe("nothing");
  });

  test("is granted until the owner takes it back, and may be granted again", async () => {
    const { alice, note, bob, eve } = await aliceWithNote();
    for (const who of [bob, eve]) await share(alice, { timeline: note.address, with: who, access: "write" });
    await share(alice, { timeline: note.address, with: bob, access: "read" });
    await unshare(alice, { timeline: note.address, from: bob });
    expect(await may(alice, bob, note)).toBe("nothing");
    expect(await may(alice, eve, note)).toBe("write");
    await share(alice, { timeline: note.address, with: bob, access: "read" });
    expect(await may(alice, bob, note)).toBe("read");
  });

  test("is not granted by anyone else, the one whose store it is included", async () => {
    const { alice, bob, eve } = await aliceWithNote();
    const eves = first({ owner: eve });
    const within = first({ owner: alice.address, within: eves.address });
    await share(alice, { timeline: (await own(alice)).address, with: bob, access: "write" });
    expect(await may(alice, bob, eves)).toBe("nothing");
    expect(await may(alice, bob, within)).toBe("nothing");
    expect(await may(alice, alice.address, eves)).toBe("nothing");
  });

  test("that names no identity as its owner has none", async () => {
    const { alice, note, bob } = await aliceWithNote();
    const foreign = first({ owner: note.address });
    expect(await may(alice, alice.address, foreign)).toBe("write");
    expect(await may(alice, bob, foreign)).toBe("nothing");
    expect(await may(alice, bob, foreign, { authorize: () => true })).toBe("write");
  });
});

describe("what a folder's owner grants", () => {
  test("extends to what says that it is within it and has the same owner, whoever made it", async () => {
    const { alice, note: folder, bob } = await aliceWithNote();
    await share(alice, { timeline: folder.address, with: bob, access: "write" });
    const file = first({ owner: alice.address, within: folder.address });
    expect(await may(alice, bob, file)).toBe("write");
    expect(await may(alice, bob, first({ owner: alice.address }))).toBe("nothing");
    const deeper = first({ owner: alice.address, within: file.address });
    expect(await may(alice, bob, deeper)).toBe("nothing");
  });

  test("does not extend to what another owner keeps within it", async () => {
    const { alice, note: folder, bob, eve } = await aliceWithNote();
    await share(alice, { timeline: folder.address, with: bob, access: "write" });
    expect(await may(alice, bob, first({ owner: eve, within: folder.address }))).toBe("nothing");
    expect(await may(alice, bob, first({ within: folder.address }))).toBe("nothing");
  });
});

describe("a timeline without an owner", () => {
  test("is open to who brought it here first, and to whose store it is", async () => {
    const { alice, bob, eve } = await aliceWithNote();
    const open = first();
    const founded = foundTimeline(bob, open.address);
    await alice.space.commit({ holder: bob, sight: { holders: [] }, cells: [founded] });
    expect(await may(alice, bob, open)).toBe("write");
    expect(await may(alice, alice.address, open)).toBe("write");
    expect(await may(alice, eve, open)).toBe("nothing");
    expect(await may(alice, bob, first())).toBe("nothing");
  });
});

describe("an embedder's rule", () => {
  test("comes before the built-in one, and leaves to it what it says nothing about", async () => {
    const { alice, note, bob, eve } = await aliceWithNote();
    await share(alice, { timeline: note.address, with: bob, access: "write" });
    const authorize: RightsOptions["authorize"] = (identity, action) =>
      identity === eve ? action === "read" : action === "write" ? false : undefined;
    expect(await may(alice, eve, note, { authorize })).toBe("read");
    expect(await may(alice, bob, note, { authorize })).toBe("read");
  });
});

describe("a commit that rests on a grant", () => {
  async function commitOn(alice: Identity, bob: Address) {
    const { unmoved } = await loadRights(alice.space, bob, { now, self: alice.address });
    return () => alice.space.commit({ holder: bob, sight: { holders: [] }, cells: unmoved });
  }

  test("happens while nothing was withdrawn", async () => {
    const { alice, note, bob } = await aliceWithNote();
    await share(alice, { timeline: note.address, with: bob, access: "write" });
    const commit = await commitOn(alice, bob);
    expect(await commit()).toEqual({ kind: "committed" });
    expect(await commit()).toEqual({ kind: "committed" });
  });

  test("does not once the grant was taken back: the withdrawal takes effect with the very next turn", async () => {
    const { alice, note, bob } = await aliceWithNote();
    await share(alice, { timeline: note.address, with: bob, access: "write" });
    const commit = await commitOn(alice, bob);
    await unshare(alice, { timeline: note.address, from: bob });
    expect(await commit()).toMatchObject({ kind: "moved" });
  });

  test("of whom nothing is granted to rests on nothing", async () => {
    const { alice, eve } = await aliceWithNote();
    expect((await loadRights(alice.space, eve, { now, self: alice.address })).unmoved).toEqual([]);
  });
});
