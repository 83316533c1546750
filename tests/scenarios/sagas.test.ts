import { expect } from "vitest";
import type { Address } from "../../src/ibgib/index.js";
import { sagaLimits } from "../../src/saga/index.js";
import { scenario } from "./scenario.js";
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
  for (let i = 0; i < 12; i++) leaves.push(await alice.constant("leaf", { data: { i } }));
  for (let i = 0; i < 12; i++) expect(await carol.constant("leaf", { data: { i } })).toBe(leaves[i]);
  const few = await carol.constant("branch", { rel8ns: { leaf: leaves.slice(0, 8) } });
  await carol.sync(few);
  transcript();

  const all = await alice.constant("root", { rel8ns: { leaf: leaves }, data: { kind: "all" } });
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
  await alice.sync(roots.slice(0, 2));
  await carol.sync(roots[0]!, { direction: "pull" });
  await carol.edit(roots[0]!, { by: "carol" });
  await carol.sync(roots[0]!);

  await alice.edit(roots[1]!, { by: "alice" });
  const folder = await alice.timeline("folder");
  await alice.link(folder, "note", roots);
  await alice.sync(folder);
  await expectInStep(alice, bob, [folder, ...roots]);
  await expectProved(alice, bob, "both ways");
});

scenario("lists that are too long for one message travel ahead of their turns", async (cast) => {
  const { alice, carol, bob } = cast;
  const roots: Address[] = [];
  const tooMany = Math.ceil(sagaLimits.entriesCharsMax / 60); // an address has more than 60 characters
  for (let i = 0; i < tooMany; i++) roots.push(await alice.timeline("note", { data: { i } }));
  const folder = await alice.timeline("folder");
  await alice.link(folder, "note", roots);
  await alice.sync(folder);
  await expectInStep(alice, bob, [folder, ...roots]);
  await expectProved(alice, bob, "push");

  await carol.sync(folder, { direction: "pull" });
  await expectInStep(carol, bob, [folder, ...roots]);
  await expectProved(carol, bob, "pull");

  const leaves: Address[] = [];
  for (let i = 0; i < tooMany; i++) leaves.push(await alice.constant("leaf", { data: { i } }));
  const parent = await alice.constant("parent", { rel8ns: { leaf: leaves } });
  await alice.sync(parent);
  await expectInStep(alice, bob, [parent]);
  await expectProved(alice, bob, "push with an offer");
});

scenario("a timeline both sides have changed ends in a typed error that changes nothing", async (cast) => {
  const { alice, carol, bob } = cast;
  const notes = await alice.timeline("notes");
  await alice.sync(notes);
  await carol.sync(notes, { direction: "pull" });
  await alice.edit(notes, { by: "alice" });
  await carol.edit(notes, { by: "carol" }, { by: "carol again" });
  await carol.sync(notes);
  const [atBob, atAlice] = [await bob.graph(notes), await alice.graph(notes)];

  await expect(alice.sync(notes)).rejects.toMatchObject({ code: "diverged" });
  await alice.edit(notes, { by: "alice again" }, { by: "alice, longer" });
  const longer = await alice.graph(notes);
  await expect(alice.sync(notes)).rejects.toMatchObject({ code: "diverged" });
  expect(await bob.graph(notes)).toEqual(atBob);
  expect(longer).toEqual(expect.arrayContaining([...atAlice]));
  expect(await alice.graph(notes)).toEqual(longer);
});
