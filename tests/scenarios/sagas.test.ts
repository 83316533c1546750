import { isMerge } from "../../src/ibgib/index.js";
import { expect } from "vitest";
import type { Address, IbGib } from "../../src/ibgib/index.js";
import { conflictsOf } from "../../src/merge/index.js";
import { sagaLimits } from "../../src/saga/index.js";
import type { Peer } from "../../src/testing/index.js";
import { expectKept, expectSettled, sharedNote } from "./divergence.js";
import { scenario } from "./scenario.js";
import { textCases } from "./text-cases.js";
import { expectInStep, expectProved } from "./turns.js";

const texts = (count: number, from = 1) =>
  Array.from({ length: count }, (_, i) => ({ text: `edit ${from + i}` }));

scenario("1. a timeline and its mutations are pushed", async ({ alice, bob, transcript }) => {
  const notes = await alice.timeline("notes", { data: { text: "first" } });
  await alice.edit(notes, ...texts(5));
  await alice.sync(notes);
  await expectInStep(alice, bob, [notes]);
  await expectProved(alice, bob, "push");
  expect(transcript().map((line) => line.replace(/\^\w+…/g, ""))).toEqual([
    "alice -> bob | init    notes n=5",
    "bob -> alice | ack     unknown",
    "alice -> bob | payload 6 records",
    "alice -> bob | commit  notes n=5",
    "bob -> alice | receipt notes n=5",
  ]);
});

scenario("2. constants with linked constants: nothing is sent again that is there", async (cast) => {
  const { alice, carol, bob, transcript } = cast;
  const leaves: Address[] = [];
  for (let i = 0; i < 12; i++) leaves.push(await alice.stone("leaf", { data: { i } }));
  for (let i = 0; i < 12; i++) expect(await carol.stone("leaf", { data: { i } })).toBe(leaves[i]);
  await alice.sync(await alice.stone("branch", { rel8ns: { leaf: leaves.slice(0, 8) } }));
  await carol.sync(await carol.stone("branch", { rel8ns: { leaf: leaves.slice(8) } })); // nobody else's business
  transcript();

  const all = await alice.stone("root", { rel8ns: { leaf: leaves }, data: { kind: "all" } });
  await alice.sync(all);
  await expectInStep(alice, bob, [all]);
  await expectProved(alice, bob, "push with an offer");
  expect(transcript().filter((line) => line.includes("payload"))).toEqual([
    "alice -> bob | payload 5 records",
  ]);

  await alice.sync(all);
  await expectProved(alice, bob, "same");
  expect(transcript().filter((line) => line.includes("payload"))).toEqual([]);
});

scenario(
  "3. a receiver with part of the history is sent the rest and no more",
  async ({ alice, bob, transcript }) => {
    const notes = await alice.timeline("notes");
    await alice.edit(notes, ...texts(3));
    await alice.sync(notes);
    await alice.edit(notes, ...texts(2, 4));
    transcript();
    await alice.sync(notes);
    await expectInStep(alice, bob, [notes]);
    await expectProved(alice, bob, "push");
    expect(transcript().filter((line) => /ack|payload/.test(line))).toEqual([
      expect.stringMatching(/ack +behind n=3$/),
      "alice -> bob | payload 2 records",
    ]);
  },
);

scenario("4. a deep history arrives in order, in bounded frames", async ({ alice, bob, transcript }) => {
  const log = await alice.timeline("log");
  await alice.edit(log, ...texts(2_000));
  await alice.sync(log);
  await expectInStep(alice, bob, [log]);
  await expectProved(alice, bob, "push");
  const payloads = transcript().filter((line) => line.includes("payload"));
  expect(payloads).toHaveLength(Math.ceil(2_001 / 256));
});

scenario("5. a receiver that is ahead is pulled from, and both converge", async ({ alice, carol, bob }) => {
  const notes = await alice.timeline("notes", { data: { text: "shared" } });
  await alice.share(notes, carol);
  await alice.sync(notes);
  await carol.sync(notes, { direction: "pull" });
  await carol.edit(notes, ...texts(3));
  await carol.sync(notes);
  const report = await alice.sync(notes);
  expect(report.totals.down.records).toBe(3);
  await expectInStep(alice, bob, [notes]);
  await expectInStep(carol, bob, [notes]);
  await expectProved(alice, bob, "pull");
});

scenario("6. several independent timelines travel in one saga", async ({ alice, carol, bob }) => {
  const roots: Address[] = [];
  for (let i = 0; i < 5; i++) roots.push(await alice.timeline(`note ${i}`, { data: { i } }));
  await alice.share(roots[0]!, carol);
  await alice.sync(roots.slice(0, 2));
  await carol.sync(roots[0]!, { direction: "pull" });
  await carol.edit(roots[0]!, { hand: "carol" });
  await carol.sync(roots[0]!);

  await alice.edit(roots[1]!, { hand: "alice" });
  const folder = await alice.timeline("folder");
  await alice.link(folder, "note", roots);
  await alice.sync(folder);
  await expectInStep(alice, bob, [folder, ...roots]);
  await expectProved(alice, bob, "both ways");
});

scenario("7. divergence in different fields: one merged tip (M14)", async (cast) => {
  const { alice, carol, bob, transcript } = cast;
  const note = await sharedNote({ title: "draft", body: "none" }, [alice, carol], [bob]);
  const mine = await alice.edit(note, { title: "by alice" });
  const theirs = await carol.edit(note, { body: "by carol" });
  await carol.sync(note);
  transcript();

  await alice.sync(note);
  await expectInStep(alice, bob, [note]);
  await expectProved(alice, bob, "diverged");
  expect(transcript().map(withoutNotes)).toEqual([
    "alice -> bob | init",
    "bob -> alice | ack",
    "alice -> bob | ask",
    "bob -> alice | payload 1 records",
    "bob -> alice | branch",
    "alice -> bob | payload 2 records",
    "alice -> bob | commit",
    "bob -> alice | receipt",
  ]);
  const merged = await alice.tip(note);
  expect(isMerge(merged)).toBe(true);
  expect(merged.data).toMatchObject({ title: "by alice", body: "by carol" });
  expect(conflictsOf(merged)).toEqual([]);

  await carol.sync(note);
  await expectProved(carol, bob, "pull");
  await expectKept([alice, carol, bob], note, [mine, theirs]);
  await expectSettled([alice, carol], [bob], [note]);
});

scenario("7. divergence in the same field: one is shown, and both are kept", async (cast) => {
  const { alice, carol, bob } = cast;
  const note = await sharedNote({ title: "draft" }, [alice, carol], [bob]);
  const edits = [
    await alice.edit(note, { title: "by alice" }),
    await carol.edit(note, { title: "by carol" }, { title: "by carol, on second thoughts" }),
  ];
  await carol.sync(note);
  await alice.sync(note);
  await expectInStep(alice, bob, [note]);
  await expectProved(alice, bob, "diverged");
  const merged = await alice.tip(note);
  expect(merged.data).toMatchObject({ title: "by carol, on second thoughts" }); // she has the higher n
  expect(conflictsOf(merged)).toMatchObject([
    {
      path: ["data", "title"],
      chosen: "first",
      values: [{ value: "by carol, on second thoughts" }, { value: "by alice" }],
    },
  ]);

  await carol.sync(note);
  await expectKept([alice, carol, bob], note, edits);
  await expectSettled([alice, carol], [bob], [note]);
});

scenario("8. divergence in which one side relates a new timeline: it comes along", async (cast) => {
  const { alice, carol, bob } = cast;
  const folder = await sharedNote({ title: "plans" }, [alice, carol], [bob]);
  const photo = await carol.timeline("photo");
  await carol.edit(photo, ...texts(3));
  await carol.share(photo, alice, "read");
  await carol.link(folder, "photo", [photo]);
  const theirs = await carol.tip(folder);
  const mine = await alice.edit(folder, { title: "better plans" });
  await carol.sync(folder);

  await alice.sync(folder);
  await expectInStep(alice, bob, [folder, photo]);
  await expectProved(alice, bob, "diverged");
  const merged = await alice.tip(folder);
  expect(merged.data).toMatchObject({ title: "better plans" });
  expect(merged.rel8ns?.["photo"]).toEqual([photo]);
  expect((await alice.tip(photo)).data).toMatchObject({ n: 3, text: "edit 3" });

  await carol.sync(folder);
  await expectKept([alice, carol, bob], folder, [mine, theirs]);
  await expectSettled([alice, carol], [bob], [folder, photo]);
});

scenario("8. divergence in which both sides relate a new timeline: both come along", async (cast) => {
  const { alice, carol, bob } = cast;
  const folder = await sharedNote({}, [alice, carol], [bob]);
  const photos: Address[] = [];
  for (const [peer, other] of [
    [carol, alice],
    [alice, carol],
  ] as const) {
    const photo = await peer.timeline("photo", { data: { hand: peer.name } });
    await peer.share(photo, other, "read");
    await peer.edit(photo, { text: "framed" });
    await peer.link(folder, "photo", [photo]);
    photos.push(photo);
  }
  const edits = [await alice.tip(folder), await carol.tip(folder)];
  await carol.sync(folder);

  await alice.sync(folder);
  await expectInStep(alice, bob, [folder, ...photos]);
  await expectProved(alice, bob, "diverged");
  const merged = await alice.tip(folder);
  expect(new Set(merged.rel8ns?.["photo"])).toEqual(new Set(photos));
  expect(conflictsOf(merged)).toEqual([]);

  await carol.sync(folder);
  await expectInStep(carol, bob, [folder, ...photos]);
  await expectKept([alice, carol, bob], folder, edits);
  await expectSettled([alice, carol], [bob], [folder, ...photos]);
});

for (const { what, before, byAlice, byCarol, both, chosen } of textCases) {
  scenario(`9. text edited on both sides: ${what}`, async ({ alice, carol, bob }) => {
    const note = await sharedNote({ text: before }, [alice, carol], [bob]);
    const edits = [
      await alice.edit(note, { text: byAlice }, { seen: true }), // two frames: hers is the first head
      await carol.edit(note, { text: byCarol, hand: "carol" }),
    ];
    await carol.sync(note);
    await alice.sync(note);
    await expectInStep(alice, bob, [note]);
    await expectProved(alice, bob, "diverged");
    const merged = await alice.tip(note);
    expect(merged.data).toMatchObject({ text: both, seen: true, hand: "carol" });
    expect(conflictsOf(merged).map((conflict) => conflict.chosen)).toEqual(chosen ? [chosen] : []);

    await carol.sync(note);
    await expectKept([alice, carol, bob], note, edits);
    await expectSettled([alice, carol], [bob], [note]);
  });
}

scenario("10. several rounds and timelines with parallel divergent edits", async (cast) => {
  const { alice, carol, bob } = cast;
  const folder = await alice.timeline("folder");
  await alice.share(folder, carol);
  const notes: Address[] = [];
  for (let i = 0; i < 3; i++)
    notes.push(await alice.timeline(`note ${i}`, { data: { text: "middle\n" }, within: folder }));
  await alice.link(folder, "note", notes);
  await alice.sync(folder);
  await carol.sync(folder, { direction: "pull" });
  const edits = new Map<Address, IbGib[]>(notes.map((note) => [note, []]));
  for (let round = 1; round <= 3; round++) {
    for (const note of notes) {
      edits.get(note)?.push(await alice.edit(note, { text: `alice ${round}\n${await textOf(alice, note)}` }));
      edits.get(note)?.push(await carol.edit(note, { text: `${await textOf(carol, note)}carol ${round}\n` }));
    }
    await carol.sync(folder);
    await alice.sync(folder);
    await expectInStep(alice, bob, [folder, ...notes]);
    await expectProved(alice, bob, "diverged");
    await carol.sync(folder);
    await expectInStep(carol, bob, [folder, ...notes]);
  }
  for (const note of notes) {
    expect(await textOf(bob, note)).toBe("alice 3\nalice 2\nalice 1\nmiddle\ncarol 1\ncarol 2\ncarol 3\n");
    expect(conflictsOf(await bob.tip(note))).toEqual([]);
    await expectKept([alice, carol, bob], note, edits.get(note) ?? []);
  }
  await expectSettled([alice, carol], [bob], [folder, ...notes]);
});

scenario("10. three peers at once through one receiver", async ({ alice, carol, erin, bob }) => {
  const peers = [alice, carol, erin] as const;
  const note = await sharedNote({}, peers, [bob]);
  const edits: IbGib[] = [];
  for (let round = 1; round <= 3; round++) {
    for (const peer of peers) edits.push(await peer.edit(note, { [peer.name]: round }));
    await Promise.all(peers.map((peer) => peer.sync(note)));
    await Promise.all(peers.map((peer) => peer.sync(note)));
    for (const peer of peers) await expectInStep(peer, bob, [note]);
  }
  expect((await bob.tip(note)).data).toMatchObject({ alice: 3, carol: 3, erin: 3 });
  expect(conflictsOf(await bob.tip(note))).toEqual([]);
  await expectKept([...peers, bob], note, edits);
  await expectSettled(peers, [bob], [note]);
});

scenario("10. three peers through two receivers that only they connect", async (cast) => {
  const { alice, carol, erin, bob, dave } = cast;
  const peers = [alice, carol, erin] as const;
  const note = await sharedNote({}, peers, [bob, dave]);
  const edits: IbGib[] = [];
  for (let round = 1; round <= 3; round++) {
    for (const peer of peers) edits.push(await peer.edit(note, { [peer.name]: round }));
    await alice.sync(note, { at: "bob" });
    await erin.sync(note, { at: "dave" });
    await carol.sync(note, { at: "bob" });
    await expectProved(carol, bob, "diverged");
    await carol.sync(note, { at: "dave" });
    await expectProved(carol, dave, "diverged");
    await expectInStep(carol, dave, [note]);
    await erin.sync(note, { at: "bob" }); // has not heard of what carol merged: both merge the same
    await expectProved(erin, bob, "diverged");
    await expectInStep(erin, carol, [note]);
    await alice.sync(note, { at: "dave" });
    await expectInStep(alice, dave, [note]);
    await expectInStep(alice, bob, [note]);
  }
  expect((await bob.tip(note)).data).toMatchObject({ alice: 3, carol: 3, erin: 3 });
  await expectKept([...peers, bob, dave], note, edits);
  await expectSettled(peers, [bob, dave], [note]);
});

scenario("10. criss-cross: what two peers merge in parallel, they merge once", async (cast) => {
  const { alice, carol, bob, dave } = cast;
  const note = await sharedNote({ text: "middle\n" }, [alice, carol], [bob, dave]);
  const edits: IbGib[] = [];
  for (let round = 1; round <= 3; round++) {
    edits.push(await alice.edit(note, { text: `alice ${round}\n${await textOf(alice, note)}` }));
    edits.push(await carol.edit(note, { text: `${await textOf(carol, note)}carol ${round}\n` }));
    await alice.sync(note, { at: "bob" });
    await carol.sync(note, { at: "dave" });
    await Promise.all([alice.sync(note, { at: "dave" }), carol.sync(note, { at: "bob" })]);
    for (const peer of [carol, bob, dave]) await expectInStep(peer, alice, [note]);
  }
  await expectKept([alice, carol, bob, dave], note, edits);
  await expectSettled([alice, carol], [bob, dave], [note]);
});

scenario("lists that are too long for one message travel ahead of their turns", async (cast) => {
  const { alice, carol, bob } = cast;
  const roots: Address[] = [];
  const tooMany = Math.ceil(sagaLimits.entriesCharsMax / 60); // an address has more than 60 characters
  const folder = await alice.timeline("folder");
  await alice.share(folder, carol, "read");
  for (let i = 0; i < tooMany; i++) roots.push(await alice.timeline("note", { data: { i }, within: folder }));
  await alice.link(folder, "note", roots);
  await alice.sync(folder);
  await expectInStep(alice, bob, [folder, ...roots]);
  await expectProved(alice, bob, "push after comparing");

  await carol.sync(folder, { direction: "pull" });
  await expectInStep(carol, bob, [folder, ...roots]);
  await expectProved(carol, bob, "pull");

  const leaves: Address[] = [];
  for (let i = 0; i < tooMany; i++) leaves.push(await alice.stone("leaf", { data: { i } }));
  const parent = await alice.stone("parent", { rel8ns: { leaf: leaves } });
  await alice.sync(parent);
  await expectInStep(alice, bob, [parent]);
  await expectProved(alice, bob, "push with an offer");
});

scenario(
  "a push onto what both sides have changed ends in a typed error that changes nothing",
  async (cast) => {
    const { alice, carol, bob } = cast;
    const note = await sharedNote({}, [alice, carol], [bob]);
    await alice.edit(note, { hand: "alice" });
    await carol.edit(note, { hand: "carol" }, { hand: "carol again" });
    await carol.sync(note);
    const [atBob, atAlice] = [await bob.graph(note), await alice.graph(note)];
    await expect(alice.sync(note, { direction: "push" })).rejects.toMatchObject({ code: "diverged" });
    expect(await bob.graph(note)).toEqual(atBob);
    expect(await alice.graph(note)).toEqual(atAlice);
  },
);

scenario("a pull of what both sides have changed is merged by the puller, and not told", async (cast) => {
  const { alice, carol, bob } = cast;
  const note = await sharedNote({}, [alice, carol], [bob]);
  const mine = await alice.edit(note, { title: "by alice" });
  const theirs = await carol.edit(note, { body: "by carol" });
  await carol.sync(note);
  const atBob = await bob.graph(note);
  await alice.sync(note, { direction: "pull" });
  expect(await bob.graph(note)).toEqual(atBob);
  expect((await alice.tip(note)).data).toMatchObject({ title: "by alice", body: "by carol" });
  await expectKept([alice], note, [mine, theirs]);

  await alice.sync(note);
  await expectInStep(alice, bob, [note]);
  await carol.sync(note);
  await expectSettled([alice, carol], [bob], [note]);
});

/** Who says what kind of turn, without what is noted beside it. */
function withoutNotes(line: string): string {
  return line.replace(/(?<=\| (?!payload)\w+) .*/, "");
}

async function textOf(peer: Peer, note: Address): Promise<string> {
  const { data } = await peer.tip(note);
  return data instanceof Uint8Array ? "" : String(data?.["text"]);
}
