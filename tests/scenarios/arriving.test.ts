import { expect, test } from "vitest";
import { type Address, createTimeline, type IbGib, mutate, sealRecord } from "../../src/ibgib/index.js";
import { attestationOf, saveRecords } from "../../src/peer/index.js";
import { createWorld, type Peer, type ReceiverPeer, type SenderPeer } from "../../src/testing/index.js";
import { sharedNote } from "./divergence.js";
import { scenario } from "./scenario.js";

/** Bob says of these timelines too that they belong to whatever he is asked for. */
function bobSendsAlong(bob: ReceiverPeer, timelines: readonly Address[]): void {
  const reachableTips = bob.space.reachableTips.bind(bob.space);
  bob.space.reachableTips = async (...asked) => {
    const tips = await bob.space.tips(timelines);
    return [...(await reachableTips(...asked)), ...tips.flatMap((tip) => tip ?? [])];
  };
}

/** A page of bob's that alice may read and does not have. */
async function bobsPage(bob: ReceiverPeer, alice: SenderPeer): Promise<Address> {
  const page = await bob.timeline("page");
  await bob.share(page, alice, "read");
  return page;
}

/** A timeline as other software makes it: nobody owns it. */
async function unowned(peer: Peer, uuid: string): Promise<IbGib> {
  const first = createTimeline({ ib: "list", data: { text: "milk" }, uuid });
  await saveRecords(peer, [first]);
  return first;
}

const notAskedFor = { code: "not_asked_for" };

scenario(
  "what was not asked for, and nothing asked for leads to, is not taken (SC10, SC16) (threat 22)",
  async (cast) => {
    const { alice, bob } = cast;
    const page = await bobsPage(bob, alice);
    const junk = await bob.timeline("junk");
    await bob.edit(junk, { text: "x" });
    bobSendsAlong(bob, [junk]);
    await expect(alice.sync(page, { direction: "pull" })).rejects.toMatchObject(notAskedFor);
    expect(await alice.space.tips([page, junk])).toEqual([undefined, undefined]);
  },
);

scenario(
  "nor does it belong to what was asked for because it leads back to itself (SC16) (threat 22)",
  async (cast) => {
    const { alice, bob } = cast;
    const page = await bobsPage(bob, alice);
    const junk = await bob.timeline("junk");
    const stone = await bob.stone("stone", { rel8ns: { of: [junk, page] } });
    await bob.link(junk, "stone", [stone]);
    bobSendsAlong(bob, [junk]);
    await expect(alice.sync(page, { direction: "pull" })).rejects.toMatchObject(notAskedFor);
    expect(await alice.space.tip(junk)).toBeUndefined();
  },
);

scenario(
  "what a stone that came before links belongs to what was asked for, once it may be read (SC12, O1) (threat 22)",
  async ({ alice, carol, bob }) => {
    const note = await sharedNote({ text: "first" }, [alice, carol], [bob]);
    const diary = await carol.timeline("diary");
    const album = await carol.stone("album", { rel8ns: { item: [diary] } });
    await carol.link(note, "see", [album]);
    await carol.sync(note);
    expect((await alice.sync(note)).found).toEqual([]);
    await carol.share(diary, alice, "read");
    await carol.edit(note, { text: "second" });
    await carol.sync(note);
    const { found, tips } = await alice.sync(note);
    expect([...found, ...tips].map(({ address }) => address)).toContain(diary);
    expect((await alice.tip(diary)).address).toBe(diary);
    expect((await alice.tip(note)).data).toMatchObject({ text: "second" });
  },
);

scenario(
  "what is within a timeline that was asked for is taken only where it has its owner (SC11) (threat 22)",
  async (cast) => {
    const { alice, carol, bob } = cast;
    const page = await bobsPage(bob, alice);
    const note = await bob.timeline("note", { within: page });
    await alice.sync(page, { direction: "pull" });
    expect((await alice.tip(note)).address).toBe(note);

    const other = await carol.timeline("other", { within: page });
    await carol.share(other, alice, "read");
    await carol.sync(other);
    await bob.edit(page, { text: "news" });
    bobSendsAlong(bob, [other]);
    await expect(alice.sync(page, { direction: "pull" })).rejects.toMatchObject(notAskedFor);
    expect(await alice.space.tip(other)).toBeUndefined();
  },
);

scenario(
  "a timeline without an owner is moved only where it is named, and is not attested (SC17, W4) (threat 22)",
  async (cast) => {
    const { alice, bob } = cast;
    const list = await unowned(alice, "alice's list");
    await alice.sync(list.address);
    const page = await bobsPage(bob, alice);
    await bob.link(page, "list", [list.address]);
    await alice.sync(page);
    const second = mutate(list, { text: "milk, and what alice never asked for" });
    await saveRecords(bob, [second]);
    await alice.sync(page, { direction: "pull" });
    await alice.sync(page);
    expect((await alice.tip(list.address)).address).toBe(list.address);
    const mine = mutate(list, { text: "tea" });
    await saveRecords(alice, [mine]);
    await alice.sync(page);
    expect((await alice.tip(list.address)).address).toBe(mine.address);

    await alice.sync(list.address, { direction: "pull" }); // and now it is named
    expect(await alice.graph(list.address)).toEqual(expect.arrayContaining([second.address, mine.address]));
    for (const { space } of [alice, bob])
      for (const frame of [list, second, mine])
        expect(await attestationOf(space, frame.address)).toBeUndefined();
  },
);

scenario(
  "a timeline without an owner that is here is not moved by a receiver's word (SC17) (threat 22)",
  async (cast) => {
    const { alice, bob } = cast;
    const list = await unowned(alice, "alice's list");
    await alice.sync(list.address);
    await saveRecords(bob, [mutate(list, { text: "poison" })]);
    const mine = mutate(list, { text: "tea" });
    await saveRecords(alice, [mine]);
    const page = await bobsPage(bob, alice);
    await bob.link(page, "list", [list.address]);
    const { found } = await alice.sync(page, { direction: "pull" });
    expect(found).toEqual([]);
    expect((await alice.tip(list.address)).address).toBe(mine.address);
  },
);

scenario("stones come with the record that links them, and no others (threat 22)", async ({ alice, bob }) => {
  const page = await bobsPage(bob, alice);
  const linked = await bob.stone("photo", { data: { of: "the lake" } });
  await bob.link(page, "photo", [linked]);
  await alice.sync(page, { direction: "pull" });
  expect(await alice.space.get(linked)).toBeDefined();

  const stray = sealRecord({ ib: "photo", data: { of: "nothing that was asked for" } });
  await saveRecords(bob, [stray]);
  await bob.edit(page, { text: "news" });
  const reachableTips = bob.space.reachableTips.bind(bob.space);
  bob.space.reachableTips = async (...asked) => [
    ...(await reachableTips(...asked)),
    { tjp: stray.address, address: stray.address, n: 0 },
  ];
  await expect(alice.sync(page, { direction: "pull" })).rejects.toMatchObject(notAskedFor);
  expect(await alice.space.get(stray.address)).toBeUndefined();
});

test("a timeline without an owner is taken along where it is not there yet (SC17)", async () => {
  const world = await createWorld({ access: "open" });
  const [alice] = world.senders;
  const bob = world.receiver;
  const list = await unowned(bob, "bob's list");
  const page = await bob.timeline("page");
  await bob.link(page, "list", [list.address]);
  await alice.sync(page, { direction: "pull" });
  await saveRecords(bob, [mutate(list, { text: "poison" })]);
  await alice.sync(page, { direction: "pull" });
  expect((await alice.tip(list.address)).address).toBe(list.address);
  await world.close();
});
