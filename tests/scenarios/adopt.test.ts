import { expect } from "vitest";
import { changeList, listsOf } from "../../src/lists/index.js";
import { madeChanges } from "../../src/peer/home/made.js";
import {
  adopt,
  leftOut,
  saveRecords,
  setAside,
  share,
  unshare,
  verifySpace,
  whoMay,
} from "../../src/peer/index.js";
import { createTimeline, relate } from "../../src/ibgib/index.js";
import { expectKept, sharedNote } from "./divergence.js";
import { scenario } from "./scenario.js";
import { expectInStep } from "./turns.js";

scenario(
  "what came too late is left out for everybody, until the owner adopts it (C11, AL20, W11, W12) (threat 22)",
  async (cast) => {
    const { alice, carol, erin, bob } = cast;
    const note = await sharedNote({ text: "first" }, [alice, carol, erin], [bob]);
    await unshare(alice.identity, { timeline: note, from: carol.address });
    const late = await carol.edit(note, { hand: "carol" });
    expect((await carol.sync(note)).left).toEqual([]); // bob has not heard of it
    await erin.sync(note);
    expect((await erin.tip(note)).address).toBe(late.address);
    const mine = await alice.edit(note, { text: "by alice" });

    expect((await alice.sync(note)).left).toMatchObject([
      { address: note, reason: "may_not_write", head: late.address, by: carol.address },
    ]);
    await expectInStep(alice, bob, [note]);
    expect((await alice.tip(note)).address).toBe(mine.address);
    expect(await leftOut(alice.identity, note)).toEqual([
      { timeline: note, frame: late.address, by: carol.address },
    ]);

    // Who had shown it shows it no more, and goes on from what counts.
    await erin.sync(note);
    await expectInStep(erin, bob, [note]);
    const erins = await erin.edit(note, { hand: "erin" });
    await erin.sync(note);

    await adopt(alice.identity, { timeline: note, frame: late.address });
    expect(await leftOut(alice.identity, note)).toEqual([]);
    await alice.sync(note);
    for (const peer of [erin, alice]) await peer.sync(note);
    await expectKept([alice, erin, bob], note, [late, mine, erins]);
    for (const peer of [alice, erin]) await expectInStep(peer, bob, [note]);
    expect((await alice.tip(note)).data).toMatchObject({ text: "by alice" });
  },
);

scenario(
  "who is withdrawn learns of it, and keeps what it writes to itself (M16, C15, C16, AL7)",
  async (cast) => {
    const { alice, carol, bob } = cast;
    const note = await sharedNote({ text: "first" }, [alice, carol], [bob]);
    await unshare(alice.identity, { timeline: note, from: carol.address });
    await alice.sync(note);
    const [one, two] = [await carol.edit(note, { at: 1 }), await carol.edit(note, { at: 2 })];
    for (let times = 0; times < 2; times++) {
      const { left } = await carol.sync(note);
      expect(left).toMatchObject([{ address: note, by: carol.address }]);
      expect(await whoMay(carol.identity, note)).toMatchObject([{ with: carol.address, state: "withdrawn" }]);
      expect((await carol.tip(note)).address).toBe(two.address);
      expect(await bob.space.hasMany([one.address, two.address])).toEqual([false, false]);
    }
    await alice.share(note, carol);
    await alice.sync(note);
    expect((await carol.sync(note)).left).toEqual([]);
    expect((await bob.tip(note)).address).toBe(two.address);
  },
);

scenario(
  "a frame that is set aside counts nowhere, and the others say whose it is (M18, C10, AL21, AL25, AL27, W10, W13)",
  async (cast) => {
    const { alice, carol, erin, bob } = cast;
    const note = await sharedNote({ text: "first" }, [alice, carol, erin], [bob]);
    const junk = await carol.edit(note, { text: "junk" });
    await carol.sync(note);
    for (const peer of [alice, erin]) await peer.sync(note);
    await setAside(alice.identity, { timeline: note, frame: junk.address, why: "a paste by mistake" });
    expect((await alice.tip(note)).data).toMatchObject({ text: "first" });
    await alice.sync(note);
    expect((await bob.tip(note)).data).toMatchObject({ text: "first" });

    await erin.sync(note);
    expect((await erin.tip(note)).data).toMatchObject({ text: "first" });
    expect(await leftOut(erin.identity, note)).toEqual([
      { timeline: note, frame: junk.address, by: carol.address, why: "a paste by mistake" },
    ]);
    expect((await carol.sync(note)).left).toMatchObject([{ reason: "set_aside", by: carol.address }]);

    await adopt(alice.identity, { timeline: note, frame: junk.address });
    await alice.sync(note);
    for (const peer of [erin, carol]) await peer.sync(note);
    for (const peer of [alice, erin, carol]) {
      expect((await peer.tip(note)).data).toMatchObject({ text: "junk" });
      await expectInStep(peer, bob, [note]);
    }
  },
);

scenario("one root that is left keeps nothing else back (O3, O4) (threat 22)", async (cast) => {
  const { alice, carol, bob } = cast;
  const note = await sharedNote({ text: "first" }, [alice, carol], [bob]);
  const diary = await carol.timeline("diary");
  await unshare(alice.identity, { timeline: note, from: carol.address });
  await alice.sync(note);
  await carol.edit(note, { hand: "carol" });
  const page = await carol.edit(diary, { text: "dear diary" });
  const { left, tips } = await carol.sync([note, diary]);
  expect(left).toMatchObject([{ address: note, reason: "may_not_write", by: carol.address }]);
  expect(left).toHaveLength(1);
  expect(tips.map(({ address }) => address)).toContain(diary);
  expect((await bob.tip(diary)).address).toBe(page.address);
});

scenario(
  "a file that somebody added, and others went on from, stays when its maker is withdrawn (A24)",
  async (cast) => {
    const { alice, carol, erin, bob } = cast;
    const folder = await alice.timeline("folder");
    for (const writer of [carol, erin]) await alice.share(folder, writer);
    await alice.sync(folder);
    for (const writer of [carol, erin]) await writer.sync(folder, { direction: "pull" });
    const by = carol.address;
    const file = createTimeline({ ib: "file", owner: alice.address, by, within: folder, uuid: "file" });
    const linked = relate(await carol.tip(folder), { add: { file: [file.address] } }, { by });
    await saveRecords(carol, [file, linked]);
    await carol.sync(folder);
    await erin.sync(folder);
    const edit = await erin.edit(file.address, { text: "by erin" });
    await erin.sync(folder);
    await unshare(alice.identity, { timeline: folder, from: carol.address }); // she has not seen the file
    await alice.sync(folder);
    expect((await bob.tip(file.address)).address).toBe(edit.address);
    expect((await alice.tip(file.address)).address).toBe(edit.address);
  },
);

scenario("a share that is made again says what comes back with it (A16)", async (cast) => {
  const { alice, carol, bob } = cast;
  const note = await sharedNote({ text: "first" }, [alice, carol], [bob]);
  await unshare(alice.identity, { timeline: note, from: carol.address });
  const late = await carol.edit(note, { hand: "carol" });
  await carol.sync(note);
  await alice.sync(note);
  const { back } = await share(alice.identity, { timeline: note, with: carol.address, access: "write" });
  expect(back).toEqual([{ timeline: note, frame: late.address, by: carol.address }]);
  expect((await alice.tip(note)).address).toBe(late.address);
  await alice.sync(note);
  await expectInStep(alice, bob, [note]);
});

scenario(
  "a file that is set aside as a whole is shown to nobody, and comes back when it is adopted (C8)",
  async (cast) => {
    const { alice, carol, erin, bob, dave } = cast;
    const folder = await sharedNote({}, [alice, carol, erin], [bob]);
    const file = createTimeline({
      ...{ ib: "file", owner: alice.address, by: carol.address, within: folder, uuid: "junk" },
      data: { text: "junk" },
    });
    await saveRecords(carol, [file]);
    await carol.link(folder, "file", [file.address]);
    for (const peer of [carol, alice, erin]) await peer.sync(folder);
    expect(await erin.space.tip(file.address)).toBeDefined();

    await setAside(alice.identity, { timeline: folder, frame: file.address, why: "junk" });
    for (const peer of [alice, erin]) await peer.sync(folder);
    for (const peer of [alice, bob, erin]) expect(await peer.space.tip(file.address)).toBeUndefined();
    await alice.sync(folder, { at: "dave" });
    await erin.edit(folder, { hand: "erin" });
    for (const peer of [erin, alice]) await peer.sync(folder);
    expect(await dave.space.hasMany([file.address])).toEqual([false]);
    for (const peer of [alice, erin]) await expectInStep(peer, bob, [folder]);
    for (const { space } of [alice, bob, erin])
      for await (const found of verifySpace(space)) expect(found).toMatchObject({ kind: "summary" });
    // Its maker's home shows it as its own.
    await carol.sync(folder);
    expect(await carol.space.tip(file.address)).toBeDefined();
    expect(await bob.space.tip(file.address)).toBeUndefined();

    expect(await leftOut(alice.identity, folder)).toMatchObject([{ frame: file.address, why: "junk" }]);
    await adopt(alice.identity, { timeline: folder, frame: file.address });
    for (const peer of [alice, erin, carol]) await peer.sync(folder);
    await alice.sync(folder, { at: "dave" });
    for (const peer of [alice, bob, erin, carol, dave])
      expect(await peer.space.tip(file.address)).toMatchObject({ address: file.address });
  },
);

scenario(
  "of two frames that one attested, the second is set aside: the first counts, with the second as its proof (C12)",
  async (cast) => {
    const { alice, carol, erin, bob, dave } = cast;
    const note = await sharedNote({ text: "first" }, [alice, carol, erin], [bob]);
    const [one, two] = [await carol.edit(note, { text: "good" }), await carol.edit(note, { text: "junk" })];
    for (const peer of [carol, alice]) await peer.sync(note);
    await setAside(alice.identity, { timeline: note, frame: two.address, why: "junk" });
    expect((await alice.tip(note)).address).toBe(one.address);
    await alice.sync(note, { at: "dave" });
    expect((await dave.tip(note)).address).toBe(one.address);
    expect(await leftOut(dave.identity, note)).toMatchObject([{ frame: two.address }]);
    await erin.sync(note, { at: "dave", direction: "pull" });
    expect((await erin.tip(note)).address).toBe(one.address);
    await expectInStep(erin, dave, [note]);
    for (const [peer, at] of [
      [erin, "bob"],
      [carol, "bob"],
      [alice, "bob"],
    ] as const)
      await peer.sync(note, { at });
    for (const peer of [alice, erin, bob]) expect((await peer.tip(note)).address).toBe(one.address);

    await adopt(alice.identity, { timeline: note, frame: two.address });
    await alice.sync(note, { at: "dave" });
    expect((await dave.tip(note)).address).toBe(two.address);
  },
);

scenario(
  "what a withdrawal names comes along though it is set aside: what is below it counts (AL18)",
  async (cast) => {
    const { alice, carol, erin, bob, dave } = cast;
    const note = await sharedNote({ text: "first" }, [alice, carol, erin], [bob]);
    const one = await carol.edit(note, { text: "good" });
    await carol.sync(note);
    const two = await carol.edit(note, { text: "junk" });
    for (const peer of [carol, alice]) await peer.sync(note);
    await unshare(alice.identity, { timeline: note, from: carol.address });
    await setAside(alice.identity, { timeline: note, frame: two.address, why: "junk" });
    expect((await alice.tip(note)).address).toBe(one.address);
    await alice.sync(note, { at: "dave" });
    expect((await dave.tip(note)).address).toBe(one.address);
    await erin.sync(note, { at: "dave", direction: "pull" });
    expect((await erin.tip(note)).address).toBe(one.address);
    await expectInStep(erin, dave, [note]);
  },
);

scenario(
  "a list that names odd frames stops nobody, whichever of them are here already (AL21, C13, O1) (threat 22)",
  async ({ alice, carol, erin, bob, dave }) => {
    const note = await sharedNote({ text: "first" }, [alice, carol, erin], [bob, dave]);
    const own = await alice.edit(note, { hand: "alice" });
    await alice.sync(note, { at: "dave" });
    await carol.sync(note, { at: "dave" });
    const { writers } = listsOf(note, alice.address);
    const [tip, moved] = [
      await alice.tip(writers),
      { tjp: writers, from: (await alice.tip(writers)).address },
    ];
    const odd = changeList(tip, [{ do: "setAside", frame: own.address, no: 0, why: "" }]);
    await alice.space.commit({
      ...{ holder: alice.address, sight: "anyone", puts: [odd], tips: [{ ...moved, to: odd.address }] },
      cells: await madeChanges(alice.space, [odd]),
    });
    await alice.sync(writers); // bob has not got the frame
    for (const at of ["bob", "dave", "bob"])
      for (const peer of [carol, erin, alice]) expect((await peer.sync(note, { at })).left).toEqual([]);
    for (const peer of [alice, carol, erin, bob, dave]) {
      expect((await peer.tip(writers)).address).toBe(odd.address);
      expect((await peer.tip(note)).address).toBe(own.address);
    }
  },
);
