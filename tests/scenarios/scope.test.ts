import { expect } from "vitest";
import { type Address, createTimeline, isMerge, relate } from "../../src/ibgib/index.js";
import { listsOf } from "../../src/lists/index.js";
import { cellKinds, newCell } from "../../src/peer/home/cells.js";
import { saveRecords, unshare, whoMay } from "../../src/peer/index.js";
import type { Peer, SenderPeer } from "../../src/testing/index.js";
import { sharedNote } from "./divergence.js";
import { scenario } from "./scenario.js";

/** What a peer shows of a timeline; undefined where it has nothing of it. */
async function textAt(peer: Peer, timeline: Address): Promise<unknown> {
  const tip = await peer.space.tip(timeline);
  const record = tip && (await peer.space.get(tip.address));
  return record === undefined ? undefined : (record.data as { text?: unknown }).text;
}

/** A timeline with text. */
async function diaryOf(peer: SenderPeer, text: string): Promise<Address> {
  const diary = await peer.timeline("diary");
  await peer.edit(diary, { text });
  return diary;
}

/** Takes a link away. */
async function unlink(peer: Peer, timeline: Address, name: string, target: Address): Promise<void> {
  const tip = await peer.tip(timeline);
  await saveRecords(peer, [relate(tip, { remove: { [name]: [target] } }, { by: peer.address })]);
}

scenario(
  "bob, a receiver, links what he had once: what alice adds to it stays hers (SC18) (threat 22)",
  async (cast) => {
    const { alice, bob, dave } = cast;
    const diary = await diaryOf(alice, "harmless");
    await alice.sync(diary, { at: "bob" });
    await alice.edit(diary, { text: "secret, for dave alone" });
    await alice.sync(diary, { at: "dave" });
    const page = await bob.timeline("page");
    await bob.share(page, alice, "read");
    await alice.sync(page, { direction: "pull" });
    await bob.link(page, "see", [diary]);
    for (let times = 0; times < 3; times++) await alice.sync(page);
    expect(await textAt(bob, diary)).toBe("harmless");
    expect(await textAt(alice, diary)).toBe("secret, for dave alone");
    expect(await textAt(dave, diary)).toBe("secret, for dave alone");
  },
);

scenario(
  "eve, who may write, links what alice never gave that receiver: it stays (SC3) (threat 22)",
  async (cast) => {
    const { alice, carol: eve, bob } = cast;
    const diary = await diaryOf(alice, "harmless");
    const folder = await alice.timeline("folder");
    await alice.share(diary, eve, "read");
    await alice.share(folder, eve, "write");
    await alice.sync(diary, { at: "dave" });
    await alice.sync(folder);
    await eve.sync(diary, { at: "dave", direction: "pull" });
    await eve.sync(folder);
    await unshare(alice.identity, { timeline: diary, from: eve.address });
    await alice.edit(diary, { text: "secret" });
    await alice.sync(diary, { at: "dave" });
    await eve.link(folder, "see", [diary]);
    await eve.sync(folder);
    for (let times = 0; times < 3; times++) await alice.sync(folder);
    expect(await textAt(bob, diary)).not.toBe("secret");
    expect(await textAt(eve, diary)).toBe("harmless");
  },
);

scenario(
  "carol's saga brings up the photo that she links, and bob's does not (SC3, SC12, RF1, RF2)",
  async (cast) => {
    const { alice, carol, bob, dave } = cast;
    const folder = await sharedNote({}, [alice, carol], [bob]);
    const photo = await carol.timeline("photo");
    await carol.share(photo, alice, "read");
    await carol.link(folder, "photo", [photo]);
    await carol.sync(folder);
    expect(await bob.space.tip(photo)).toBeDefined();

    await alice.sync(folder); // the photo comes to her
    expect(await alice.space.tip(photo)).toBeDefined();
    await alice.sync(folder, { at: "dave" });
    expect(await dave.space.tip(photo)).toBeUndefined();
    expect(await dave.space.references([folder])).toMatchObject([{ target: photo, isOpen: true }]);
    expect((await dave.tip(folder)).address).toBe((await bob.tip(folder)).address);

    await carol.sync(folder, { at: "dave" });
    expect(await dave.space.tip(photo)).toBeDefined();
  },
);

scenario(
  "what alice changes of carol's photo goes up where she names it, and is told else (SC9)",
  async (cast) => {
    const { alice, carol, bob } = cast;
    const folder = await sharedNote({}, [alice, carol], [bob]);
    const photo = await carol.timeline("photo");
    await carol.share(photo, alice, "write");
    await carol.link(folder, "photo", [photo]);
    await carol.sync(folder);
    expect((await alice.sync(folder)).stayed).toEqual([]);
    const edit = await alice.edit(photo, { text: "by alice" });
    expect((await alice.sync(folder)).stayed).toEqual([photo]);
    expect(await textAt(bob, photo)).toBeUndefined();
    expect((await alice.sync([folder, photo])).stayed).toEqual([]);
    expect((await bob.tip(photo)).address).toBe(edit.address);
  },
);

scenario("what this identity links goes up until it takes the link away (SC3)", async ({ alice, bob }) => {
  const [folder, one, two] = [
    await alice.timeline("folder"),
    await diaryOf(alice, "one"),
    await diaryOf(alice, "two"),
  ];
  await alice.link(folder, "see", [one, two]);
  await unlink(alice, folder, "see", two);
  await alice.sync(folder);
  expect(await textAt(bob, one)).toBe("one");
  expect(await bob.space.hasMany([two])).toEqual([false]);
  expect(await bob.space.references([folder])).toMatchObject([{ target: two, isOpen: true }]);
});

scenario(
  "what is within goes up without a link, and what it links, and so on (SC1, SC2, SC4)",
  async (cast) => {
    const { alice, bob } = cast;
    const folder = await alice.timeline("folder");
    const inner = await alice.timeline("inner", { within: folder });
    const file = await alice.timeline("file", { within: inner });
    const [photo, other] = [await diaryOf(alice, "photo"), await diaryOf(alice, "other")];
    await alice.link(file, "photo", [photo]);
    await alice.link(photo, "next", [other]);
    await alice.sync(folder);
    for (const timeline of [folder, inner, file, photo, other])
      expect((await bob.tip(timeline)).address).toBe((await alice.tip(timeline)).address);
  },
);

scenario("a merge puts no link: who made it brings up nothing more by it (SC6)", async (cast) => {
  const { alice, carol, bob, dave } = cast;
  const folder = await sharedNote({}, [alice, carol], [bob, dave]);
  const photo = await carol.timeline("photo");
  await carol.share(photo, alice, "read");
  await carol.link(folder, "photo", [photo]);
  await carol.sync(folder);
  await alice.edit(folder, { text: "by alice" }, { text: "by alice again" });
  await alice.sync(folder); // merges, on top of her own, and the photo comes to her
  expect(isMerge(await alice.tip(folder))).toBe(true);
  expect(await alice.space.tip(photo)).toBeDefined();
  await alice.sync(folder, { at: "dave" });
  expect((await dave.tip(folder)).address).toBe((await alice.tip(folder)).address);
  expect(await dave.space.tip(photo)).toBeUndefined();
  expect(await dave.space.references([folder])).toMatchObject([{ target: photo, isOpen: true }]);
});

scenario("each timeline comes down with its list of writers (SC13)", async (cast) => {
  const { alice, carol, erin } = cast;
  const folder = await alice.timeline("folder");
  const photo = await carol.timeline("photo");
  for (const writer of [carol, erin]) await alice.share(folder, writer, writer === erin ? "read" : "write");
  await carol.share(photo, alice);
  await carol.share(photo, erin, "read");
  await alice.sync(folder);
  await carol.sync(folder);
  await carol.link(folder, "photo", [photo]);
  await carol.sync(folder);
  await erin.sync(folder, { direction: "pull" });
  const writersAt = async (timeline: Address) =>
    (await whoMay(erin.identity, timeline)).filter(({ access }) => access === "write");
  expect(await writersAt(folder)).toMatchObject([{ with: carol.address, state: "in_force" }]);
  expect(await writersAt(photo)).toMatchObject([{ with: alice.address, state: "in_force" }]);
});

scenario(
  "what is within comes down without a link, also where the outer one is as it was (SC11)",
  async (cast) => {
    const { alice, carol } = cast;
    const folder = await alice.timeline("folder");
    await alice.share(folder, carol, "read");
    await alice.sync(folder);
    await carol.sync(folder, { direction: "pull" });
    const inner = await alice.timeline("inner", { within: folder });
    const file = await alice.timeline("file", { within: inner });
    await alice.edit(file, { text: "new" });
    await alice.sync(folder);
    expect((await carol.sync(folder, { direction: "pull" })).found.map(({ address }) => address)).toEqual(
      expect.arrayContaining([inner, file]),
    );
    expect(await textAt(carol, file)).toBe("new");
    expect((await carol.sync(folder)).totals.down.records).toBe(0);
  },
);

scenario(
  "stones go with the record that links them, and lead to what this identity links (SC7)",
  async (cast) => {
    const { alice, bob } = cast;
    const photo = await diaryOf(alice, "photo");
    const part = await alice.stone("part", { data: { of: "album" } });
    const album = await alice.stone("album", { rel8ns: { part: [part], photo: [photo] } });
    const folder = await alice.timeline("folder");
    await alice.link(folder, "album", [album]);
    await alice.sync(folder);
    expect(await bob.space.hasMany([part, album])).toEqual([true, true]);
    expect(await textAt(bob, photo)).toBe("photo");
  },
);

scenario(
  "eve links the list that rules her: the owner's withdrawal goes up all the same (SC5) (threat 22)",
  async (cast) => {
    const { alice, carol: eve, erin, bob } = cast;
    const note = await sharedNote({ text: "first" }, [alice, eve, erin], [bob]);
    const { writers } = listsOf(note, alice.address);
    await eve.link(note, "see", [writers]);
    for (const peer of [eve, alice, erin]) await peer.sync(note);
    await unshare(alice.identity, { timeline: note, from: eve.address });
    await alice.sync(note);
    const withdrawn = expect.arrayContaining([
      expect.objectContaining({ with: eve.address, state: "withdrawn" }),
    ]);
    expect(await whoMay(bob.identity, note)).toEqual(withdrawn);
    const late = await eve.edit(note, { text: "late" });
    expect((await eve.sync(note)).left).toMatchObject([{ address: note }]);
    for (const peer of [alice, erin]) await peer.sync(note);
    for (const peer of [alice, erin, bob])
      expect(await peer.space.tip(note)).not.toMatchObject({ address: late.address });
  },
);

scenario(
  "eve refers to a later frame that is to come: that blocks nobody (RF7) (threat 22)",
  async (cast) => {
    const { alice, carol: eve, erin, bob } = cast;
    const note = await sharedNote({ text: "first" }, [alice, eve, erin], [bob]);
    const { address: target } = await alice.edit(note, { text: "later" });
    const own = createTimeline({ ib: "own", owner: eve.address, rel8ns: { see: [target] }, uuid: "own" });
    const link = relate(await eve.tip(note), { add: { see: [own.address] } }, { by: eve.address });
    const done = await eve.space.commit({
      ...{ holder: eve.address, sight: "anyone", puts: [own, link], references: new Set([target]) },
      tips: [
        { tjp: own.address, from: undefined, to: own.address },
        { tjp: note, from: note, to: link.address },
      ],
      cells: [own, link].map(({ gib }) => newCell(cellKinds.made, gib, {})),
    });
    expect(done).toEqual({ kind: "committed" });
    for (const reader of [alice, erin]) await eve.share(own.address, reader, "read");
    await eve.sync(note);
    await alice.edit(note, { hand: "alice" });
    for (const peer of [alice, eve, erin, alice, eve, erin]) await peer.sync(note);
    for (const peer of [alice, eve, erin]) {
      expect(await peer.graph(note)).toEqual(expect.arrayContaining([target, link.address]));
      expect((await peer.tip(note)).address).toBe((await bob.tip(note)).address);
    }
  },
);

scenario(
  "A25: eve links a first frame that names alice as its owner: alice goes on without it (threat 22)",
  async (cast) => {
    const { alice, carol: eve, erin, bob } = cast;
    for (const isWithin of [false, true]) {
      const note = await sharedNote({ text: "first" }, [alice, eve, erin], [bob]);
      const within = isWithin ? { within: note } : {};
      const forged = createTimeline({ ib: "own", owner: alice.address, ...within, uuid: "eve's" });
      const link = relate(await eve.tip(note), { add: { see: [forged.address] } }, { by: eve.address });
      const done = await eve.space.commit({
        ...{ holder: eve.address, sight: "anyone", puts: [forged, link] },
        tips: [
          { tjp: forged.address, from: undefined, to: forged.address },
          { tjp: note, from: note, to: link.address },
        ],
        cells: [forged, link].map(({ gib }) => newCell(cellKinds.made, gib, {})),
      });
      expect(done).toEqual({ kind: "committed" });
      await eve.sync(note).catch(() => undefined); // hers to answer for
      const edit = await alice.edit(note, { hand: "alice" });
      for (const peer of [alice, erin, alice]) expect((await peer.sync(note)).left).toEqual([]);
      for (const peer of [alice, erin, bob]) expect(await peer.graph(note)).toContain(edit.address);
      for (const { space } of [alice, erin]) expect(await space.tip(forged.address)).toBeUndefined();
    }
  },
);

scenario(
  "erin links the beginning of a diary of which carol links a later frame: carol goes on (RF7, O1) (threat 22)",
  async ({ alice, carol, erin, bob, dave }) => {
    const note = await sharedNote({ text: "first" }, [alice, carol, erin], [bob]);
    const diary = await erin.timeline("diary");
    const pages = [await erin.edit(diary, { page: 1 }), await erin.edit(diary, { page: 2 })] as const;
    await erin.share(diary, carol, "read");
    await erin.sync(diary);
    for (const early of [diary, pages[0].address]) await erin.link(note, "see", [early]);
    await erin.sync(note);
    await carol.sync([note, diary]);
    await carol.link(note, "page", [pages[1].address]);
    expect((await carol.sync(note, { at: "dave" })).left).toEqual([]);
    expect((await dave.tip(note)).address).toBe((await carol.tip(note)).address);
    expect(await dave.space.hasMany([diary, ...pages.map(({ address }) => address)])).toEqual([
      true,
      true,
      true,
    ]);
  },
);
