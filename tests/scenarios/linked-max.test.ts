import { expect } from "vitest";
import type { Address } from "../../src/ibgib/index.js";
import { verifySpace } from "../../src/index.js";
import { unshare } from "../../src/peer/index.js";
import type { Peer, ReceiverPeer, SenderPeer } from "../../src/testing/index.js";
import { type Cast, scenario } from "./scenario.js";

/** Timelines of alice's that erin may read, in the order in which they come: by address. */
async function photosOf({ alice, erin }: Cast, count: number): Promise<readonly Address[]> {
  const photos: Address[] = [];
  for (let at = 0; at < count; at++) photos.push(await readable(alice, erin));
  return photos.sort((a, b) => (a < b ? -1 : 1));
}

async function readable(owner: Peer, reader: Peer): Promise<Address> {
  const photo = await owner.timeline("photo");
  await owner.edit(photo, { text: "of the lake" });
  await owner.share(photo, reader, "read");
  return photo;
}

/** A folder of alice's that erin may read and that links these, at bob. */
async function folderWith({ alice, erin }: Cast, ...photos: readonly Address[]): Promise<Address> {
  const folder = await alice.timeline("folder");
  await alice.share(folder, erin, "read");
  await alice.link(folder, "photo", photos);
  await alice.sync(folder);
  return folder;
}

async function areHere({ space }: Peer, timelines: readonly Address[]): Promise<readonly boolean[]> {
  return (await space.tips(timelines)).map((tip) => tip !== undefined);
}

/** Everything that is linked is here, or is a reference. */
async function expectClosed({ space }: SenderPeer): Promise<void> {
  for await (const found of verifySpace(space)) expect(found.kind).not.toBe("problem");
}

const pull = (linkedMax: number) => ({ direction: "pull", linkedMax }) as const;

scenario(
  "what is only linked comes down up to a limit of the caller's, and the rest is named (SC14, SC15)",
  async (cast) => {
    const { alice, erin } = cast;
    const photos = await photosOf(cast, 3);
    const [one, two, three] = photos;
    const folder = await folderWith(cast, ...photos);
    const beyond = (target: Address | undefined) => ({ holder: folder, target, maker: alice.address });

    const none = await erin.sync(folder, pull(0));
    expect([none.found, none.references]).toEqual([[], [one, two, three].map(beyond)]);
    expect(await areHere(erin, [folder, ...photos])).toEqual([true, false, false, false]);
    await expectClosed(erin);

    for (let times = 0; times < 2; times++) {
      erin.events.splice(0);
      const { references } = await erin.sync(folder, pull(2));
      expect(await areHere(erin, photos)).toEqual([true, true, false]);
      expect(references).toEqual([beyond(three)]);
      const told = erin.events.filter(({ kind }) => kind === "staysAway");
      expect(told).toMatchObject([{ direction: "down", holder: folder, target: three }]);
      await expectClosed(erin);
    }

    const edit = await alice.edit(one!, { text: "of the mountain" });
    await alice.sync(one!);
    await erin.sync(folder, pull(1)); // what came is kept in step
    expect((await erin.tip(one!)).address).toBe(edit.address);

    expect((await erin.sync(folder, { direction: "pull" })).references).toEqual([]);
    expect(await areHere(erin, photos)).toEqual([true, true, true]);
    await expectClosed(erin);
  },
);

scenario(
  "what is nearer comes first, and what only leads on through the rest stays away (SC14)",
  async (cast) => {
    const { alice, erin } = cast;
    const [near, far] = [await photosOf(cast, 2), await photosOf(cast, 2)];
    for (const [at, photo] of near.entries()) await alice.link(photo, "next", [far[at]!]);
    const folder = await folderWith(cast, ...near);
    await erin.sync(folder, pull(1));
    expect(await areHere(erin, [...near, ...far])).toEqual([true, false, false, false]);
    const { references } = await erin.sync(folder, pull(3));
    expect((await areHere(erin, [...near, ...far])).slice(0, 2)).toEqual([true, true]);
    expect(await areHere(erin, far)).toEqual(
      far.map((photo) => !references.some(({ target }) => target === photo)),
    );
    expect(references).toHaveLength(1);
    await erin.sync(folder, { direction: "pull" });
    expect(await areHere(erin, [...near, ...far])).toEqual([true, true, true, true]);
  },
);

scenario("what is within what comes belongs to it, and is not counted (SC14)", async (cast) => {
  const { alice, erin } = cast;
  const [photo] = await photosOf(cast, 1);
  const inner = await alice.timeline("part", { within: photo! });
  await alice.link(photo!, "part", [inner]);
  const folder = await folderWith(cast, photo!);
  const files = [
    await alice.timeline("file", { within: folder }),
    await alice.timeline("file", { within: folder }),
  ];
  await alice.link(folder, "file", files.slice(1));
  await alice.sync(folder);
  await erin.sync(folder, pull(0));
  expect(await areHere(erin, [...files, photo!, inner])).toEqual([true, true, false, false]);
  await erin.sync(folder, pull(1));
  await erin.sync(folder, pull(1));
  expect(await areHere(erin, [photo!, inner])).toEqual([true, true]);
});

scenario("a frame of another timeline counts like that timeline (SC14)", async (cast) => {
  const { alice, erin } = cast;
  const [photo, other] = await photosOf(cast, 2);
  await alice.link(photo!, "next", [other!]);
  const { address: frame } = await alice.edit(photo!, { text: "of the sea" });
  const folder = await folderWith(cast);
  await alice.link(folder, "seen", [frame]);
  await alice.sync([folder, photo!, other!]);

  const { references } = await erin.sync(folder, pull(0));
  expect(references).toMatchObject([{ holder: folder, target: frame }]);
  expect(await erin.space.hasMany([photo!, frame, other!])).toEqual([false, false, false]);
  await erin.sync(folder, pull(1));
  expect(await erin.space.hasMany([photo!, frame, other!])).toEqual([true, true, false]);
  await expectClosed(erin);
  await erin.sync(folder, { direction: "pull" });
  expect(await erin.space.hasMany([photo!, frame])).toEqual([true, true]);
  await expectClosed(erin);
});

scenario("what stones link counts, and the stones come (SC14, SC15)", async (cast) => {
  const { alice, erin } = cast;
  const photos = await photosOf(cast, 2);
  const album = await alice.stone("album", { rel8ns: { photo: [...photos] } });
  const folder = await folderWith(cast, album);
  const { references } = await erin.sync(folder, pull(1));
  expect(await erin.space.hasMany([album, ...photos])).toEqual([true, true, false]);
  expect(references).toEqual([{ holder: album, target: photos[1], maker: undefined }]);
  expect((await erin.sync(folder, pull(1))).references).toEqual(references);
  expect((await erin.sync(folder, { direction: "pull" })).references).toEqual([]);
  expect(await areHere(erin, photos)).toEqual([true, true]);
  await expectClosed(erin);
});

scenario(
  "where both sides have changed something, what comes with that has the limit as well (SC14)",
  async (cast) => {
    const { alice, carol, erin } = cast;
    const photos = await photosOf(cast, 2);
    for (const photo of photos) await alice.share(photo, carol, "read");
    const folder = await alice.timeline("folder");
    for (const writer of [carol, erin]) await alice.share(folder, writer);
    await alice.sync([folder, ...photos]);
    for (const writer of [carol, erin]) await writer.sync(folder);
    await alice.link(folder, "photo", photos);
    await alice.sync(folder);
    const edit = await erin.edit(folder, { text: "by erin" });
    const { references } = await erin.sync(folder, { linkedMax: 1 });
    expect(references).toMatchObject([{ target: photos[1] }]);
    expect(await areHere(erin, photos)).toEqual([true, false]);
    expect(await cast.bob.graph(folder)).toContain(edit.address);
    await expectClosed(erin);
  },
);

/** Bob sends these timelines too, whatever limit he is told. */
function bobSendsMore({ space }: ReceiverPeer, more: readonly Address[]): void {
  const tips = space.tips.bind(space);
  space.tips = async (...asked) => [...(await tips(...asked)), ...(await tips(more))];
}

scenario(
  "a receiver that sends more than the limit is not heard, and nothing of it is taken (SC14, SC16) (threat 22)",
  async (cast) => {
    const { erin, bob } = cast;
    const photos = await photosOf(cast, 3);
    const folder = await folderWith(cast, ...photos);
    bobSendsMore(bob, photos.slice(1));
    for (const linkedMax of [0, 1, 2]) {
      const refused = { code: "not_asked_for", facts: { linkedMax } };
      await expect(erin.sync(folder, pull(linkedMax))).rejects.toMatchObject(refused);
      expect(await areHere(erin, [folder, ...photos])).toEqual([false, false, false, false]);
    }
    await erin.sync(folder, pull(3));
    expect(await areHere(erin, photos)).toEqual([true, true, true]);
  },
);

scenario("a limit that is no number is refused before anything is said (SC14)", async ({ alice }) => {
  const folder = await alice.timeline("folder");
  for (const linkedMax of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
    await expect(alice.sync(folder, { linkedMax })).rejects.toThrow(RangeError);
});

scenario(
  "what counts by the lists of one side only is named, with whose doing it is (SC15)",
  async ({ alice, carol, bob }) => {
    const folder = await alice.timeline("folder");
    const note = await alice.timeline("note");
    await alice.link(folder, "note", [note]);
    for (const timeline of [folder, note]) await alice.share(timeline, carol);
    await alice.sync(folder);
    await carol.sync(folder);
    await unshare(alice.identity, { timeline: note, from: carol.address });
    const late = await carol.edit(note, { text: "late" });
    await carol.sync([folder, note]);
    expect((await bob.tip(note)).address).toBe(late.address); // bob has not heard of it

    const { left } = await alice.sync(folder, { direction: "pull" });
    expect(left).toEqual([{ address: note, reason: "may_not_write", head: late.address, by: carol.address }]);
    expect((await alice.tip(note)).address).toBe(note);
  },
);
