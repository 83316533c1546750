import { describe, expect, it } from "vitest";
import {
  type Address,
  checkSuccessor,
  createTimeline,
  fork,
  type IbGib,
  mutate,
  parseAddress,
  type Relation,
  relate,
  isMerge,
} from "../../src/ibgib/index.js";
import { checkMerge, conflictsOf, mergeTips, resolveConflicts } from "../../src/merge/index.js";
import { Archive, addressesOf, functions, saidOf } from "./archive.js";

const x = parseAddress("x^gib");
const y = parseAddress("y^gib");
const z = parseAddress("z^gib");
const w = parseAddress("w^gib");

/** A base, and two edits of it: `ours` has the higher number, so it comes first. */
async function merged(base: object, ours: object, theirs: object) {
  const archive = new Archive();
  const root = archive.first({ ...base });
  const left = archive.edit(archive.edit(root, {}), { ...ours });
  const right = archive.edit(root, { ...theirs });
  const frame = await archive.merge(left, right);
  return { archive, root, left, right, frame, said: saidOf(frame) };
}

describe("a merge", () => {
  it("comes after the newest head, and carries what the timeline carries (M11)", async () => {
    const archive = new Archive();
    const owner = parseAddress(`keystone.identity^${"A".repeat(64)}`);
    const source = createTimeline({ ib: "note", data: { a: 1, b: 1 }, uuid: "u" });
    const root = archive.put(fork(source, { owner, uuid: "mine" }));
    const left = archive.edit(archive.edit(root, { a: 2 }), { a: 3 });
    const right = archive.edit(root, { b: 2 });
    const frame = await archive.merge(left, right);
    expect(frame.data).toEqual({
      ...{ a: 3, b: 2, n: 3, owner, uuid: "mine" },
      merge: { function: "fields", version: 1 },
    });
    expect(frame.rel8ns).toEqual({
      ancestor: [source.address],
      past: [left.address],
      tjp: [root.address],
      graftorphan: [right.address],
      graftbase: [root.address],
    });
    checkSuccessor(frame, left);
  });

  it("does not repeat what the timeline is within, as no frame after the first does (T4)", async () => {
    const archive = new Archive();
    const part = createTimeline({
      ib: "note",
      data: { a: 1 },
      within: parseAddress(`folder^${"A".repeat(64)}`),
      uuid: "u",
    });
    const root = archive.put(part);
    const frame = await archive.merge(archive.edit(root, { a: 2 }), archive.edit(root, { b: 2 }));
    expect(frame.data).not.toHaveProperty("within");
    await checkMerge(frame, archive, functions);
    const { address } = archive.forge(frame, { within: root.address });
    await expect(checkMerge(archive.get(address), archive, functions)).rejects.toMatchObject({
      code: "merge_refused",
      facts: { rule: "members" },
    });
  });

  it("is the same whoever makes it, in whichever order the tips come, in one step or several (M10)", async () => {
    const { archive, root, left, right, frame } = await merged({}, { a: 1 }, { b: 2 });
    const third = archive.edit(root, { c: 3 });
    const all = await archive.merge(left, right, third);
    expect(saidOf(all)).toEqual({ a: 1, b: 2, c: 3 });
    for (const tips of [
      [third, frame],
      [frame, third],
      [third, right, left],
      [await archive.merge(right, third), frame],
      [await archive.merge(third, left), right, all],
    ])
      expect((await archive.merge(...tips)).address).toBe(all.address);
  });

  it("is never made of an ancestor, nor of tips in step (M8)", async () => {
    const { archive, root, left, right, frame } = await merged({}, { a: 1 }, { b: 2 });
    const after = archive.edit(frame, { c: 3 });
    for (const [tip, ...others] of [
      [left, root],
      [frame, left],
      [frame, right, left, root],
      [after, frame, left],
      [after],
    ])
      expect(
        await mergeTips(
          [...others, tip!].map(({ address }) => address),
          archive,
          functions,
        ),
      ).toEqual({
        same: tip!.address,
      });
  });

  it("of the same heads by other functions is one state: the lower address stands (M9)", async () => {
    const { archive, frame } = await merged({}, { a: 1 }, { b: 2 });
    const foreign = archive.forge(frame, { merge: { function: "other", version: 1 } });
    const lower = frame.address < foreign.address ? frame : foreign;
    expect((await archive.merge(frame, foreign)).address).toBe(lower.address);
    expect((await archive.merge(foreign, frame)).address).toBe(lower.address);
  });

  it("across another converges and then stops", async () => {
    const { archive, left, right } = await merged(
      { text: "1\n2\n3\n" },
      { text: "one\n2\n3\n" },
      { text: "1\n2\nthree\n" },
    );
    let [alice, bob] = [left, right];
    for (let round = 0; round < 3; round++) {
      const [a, b] = [await archive.merge(alice, bob), await archive.merge(bob, alice)];
      expect(a.address).toBe(b.address);
      [alice, bob] = [archive.edit(a, { alice: round }), archive.edit(b, { bob: round })];
    }
    const [a, b] = [await archive.merge(alice, bob), await archive.merge(bob, alice)];
    expect(a.address).toBe(b.address);
    expect(saidOf(a)).toEqual({ text: "one\n2\nthree\n", alice: 2, bob: 2 });
    expect((await archive.merge(a, alice, b, bob)).address).toBe(a.address);
  });

  it("of edits on two different merges of the same frames has both as its base (M13)", async () => {
    const archive = new Archive();
    const root = archive.first({ text: "1\n2\n3\n4\n5\n" });
    const [a, b] = [
      archive.edit(root, { text: "a\n2\n3\n4\n5\n" }),
      archive.edit(root, { text: "1\n2\n3\n4\nb\n" }),
    ];
    const c = archive.edit(root, { c: 1 });
    const one = archive.edit(await archive.merge(a, b), { text: "a\n2\nthree\n4\nb\n" });
    const other = archive.edit(await archive.merge(a, b, c), { d: 1 });
    const frame = await archive.merge(one, other);
    expect(saidOf(frame)).toEqual({ text: "a\n2\nthree\n4\nb\n", c: 1, d: 1 });
    expect(new Set(frame.rel8ns?.["graftbase"])).toEqual(new Set([a.address, b.address]));
  });

  it("of criss-crosses deeper than a base is folded still comes to the same end (M13)", async () => {
    const archive = new Archive();
    const root = archive.first({ text: "0\n" });
    let [one, other]: [IbGib, IbGib] = [archive.edit(root, { a: 0 }), archive.edit(root, { b: 0 })];
    for (let round = 1; round <= 12; round++) {
      const third = archive.edit(root, { [`c${round}`]: round });
      const [narrow, wide] = [await archive.merge(one, other), await archive.merge(one, other, third)];
      [one, other] = [archive.edit(narrow, { a: round }), archive.edit(wide, { b: round })];
    }
    const frame = await archive.merge(one, other);
    expect((await archive.merge(other, one)).address).toBe(frame.address);
    expect(saidOf(frame)).toMatchObject({ a: 12, b: 12, c1: 1, c12: 12 });
    expect(conflictsOf(frame)).toEqual([]);
  });

  it("refuses tips of two timelines", async () => {
    const archive = new Archive();
    const tips = [archive.first({ a: 1 }), archive.first({ a: 2 })];
    await expect(archive.merge(...tips)).rejects.toMatchObject({
      code: "merge_refused",
      facts: { rule: "timeline" },
    });
  });
});

describe("fields", () => {
  it.each([
    ["different ones are both taken", { a: 1, b: 1 }, { a: 2 }, { b: 2 }, { a: 2, b: 2 }],
    ["the same edit is no conflict", { a: 1 }, { a: 2 }, { a: 2 }, { a: 2 }],
    ["new ones are both there", {}, { a: 1 }, { b: 2 }, { a: 1, b: 2 }],
    ["one that is removed stays away", { a: 1, b: 1 }, { a: undefined }, { b: 2 }, { b: 2 }],
    [
      "nested objects key by key",
      { o: { a: 1, b: { c: 1 } } },
      { o: { a: 2, b: { c: 1 } } },
      { o: { a: 1, b: { c: 1, d: 2 } } },
      { o: { a: 2, b: { c: 1, d: 2 } } },
    ],
    ["objects that both made", {}, { o: { a: 1 } }, { o: { b: 1 } }, { o: { a: 1, b: 1 } }],
    [
      "names that objects inherit",
      { o: {} },
      { o: { constructor: 1 } },
      { o: { toString: 2 } },
      { o: { constructor: 1, toString: 2 } },
    ],
    [
      "lists: edits apart",
      { l: [1, 2, 3, 4] },
      { l: [0, 1, 2, 3, 4] },
      { l: [1, 2, 3, 4, 5] },
      { l: [0, 1, 2, 3, 4, 5] },
    ],
    [
      "lists: both append, ours first",
      { l: ["a"] },
      { l: ["a", "b"] },
      { l: ["a", "c"] },
      { l: ["a", "b", "c"] },
    ],
    ["lists: both append the same", { l: [] }, { l: [{ id: 1 }] }, { l: [{ id: 1 }] }, { l: [{ id: 1 }] }],
    ["lists: one removes, one appends", { l: [1, 2] }, { l: [1] }, { l: [1, 2, 3] }, { l: [1, 3] }],
  ])("%s", async (_name, base, ours, theirs, expected) => {
    expect((await merged(base, ours, theirs)).said).toEqual(expected);
    expect((await merged(base, theirs, ours)).said).toMatchObject(
      _name.includes("ours first") ? {} : expected,
    );
  });

  it("which both edited show the first head's value and keep both (T5)", async () => {
    const { left, right, said, frame } = await merged({ title: "a" }, { title: "b" }, { title: "c" });
    expect(said["title"]).toBe("b");
    expect(conflictsOf(frame)).toEqual([
      {
        path: ["data", "title"],
        chosen: "first",
        values: [
          { heads: [left.address], value: "b" },
          { heads: [right.address], value: "c" },
        ],
      },
    ]);
  });

  it("which one edited and one removed show the edit (T1)", async () => {
    for (const [ours, theirs] of [
      [{ title: "b" }, { title: undefined }],
      [{ title: undefined }, { title: "b" }],
    ] as const) {
      const { frame, said } = await merged({ title: "a" }, ours, theirs);
      expect(said["title"]).toBe("b");
      expect(conflictsOf(frame)).toMatchObject([
        { chosen: "edit", values: [{ value: "b" }, { state: "deleted" }] },
      ]);
    }
  });

  it("include the ib", async () => {
    const archive = new Archive();
    const root = archive.first();
    const left = archive.put(mutate(root, { a: 1 }, { ib: "note Left" }));
    expect((await archive.merge(left, archive.edit(root, { b: 1 }))).ib).toBe("note Left");
    const right = archive.put(mutate(root, { b: 1 }, { ib: "note Right" }));
    const frame = await archive.merge(left, right);
    expect(frame.ib).toBe(left.address > right.address ? "note Left" : "note Right");
    expect(conflictsOf(frame)).toMatchObject([{ path: ["ib"], chosen: "first" }]);
  });

  it("whose values are long or deep are named by head alone", async () => {
    let deep: object = {};
    for (let i = 0; i < 60; i++) deep = { deep };
    const { frame } = await merged({ t: 1, d: 1 }, { t: "x".repeat(5000), d: [deep] }, { t: "short", d: 2 });
    expect(conflictsOf(frame)).toMatchObject([
      { path: ["data", "d"], values: [{ state: "omitted" }, { value: 2 }] },
      { path: ["data", "t"], values: [{ state: "omitted" }, { value: "short" }] },
    ]);
  });
});

describe("links", () => {
  const root = createTimeline({ ib: "note", rel8ns: { tag: [x, y] }, uuid: "u" });
  it.each<[string, readonly Relation[], readonly Relation[], readonly Address[] | undefined]>([
    ["both add", [{}, { add: { tag: [z] } }], [{ add: { tag: [w] } }], [x, y, z, w]],
    ["both add the same", [{}, { add: { tag: [z] } }], [{ add: { tag: [z] } }], [x, y, z]],
    ["one removes", [{}, { remove: { tag: [x] } }], [{ add: { tag: [w] } }], [y, w]],
    ["both remove", [{}, { remove: { tag: [x] } }], [{ remove: { tag: [x, y] } }], undefined],
    [
      "one removes what the other removed and put back",
      [{ add: { a: [z] }, remove: { tag: [x] } }],
      [{ remove: { tag: [x] } }, { add: { tag: [x] } }],
      [y],
    ],
    ["of different names", [{ add: { a: [z] } }], [{ add: { b: [w] } }], [x, y]],
  ])("%s", async (_name, ours, theirs, expected) => {
    const archive = new Archive();
    archive.put(root);
    const related = (steps: readonly Relation[]) =>
      steps.reduce((tip, step) => archive.put(relate(tip, step)), root);
    const frame = await archive.merge(related(ours), related(theirs));
    expect(frame.rel8ns?.["tag"]).toEqual(expected);
    expect(conflictsOf(frame)).toEqual([]);
  });
});

describe("links that one side left as they were", () => {
  it("are the other's, order and repetitions too", async () => {
    const { archive, root, left, right } = await merged({}, { a: 1 }, { b: 1 });
    const foreign = archive.forge(left, {}, { tag: [y, x, y] });
    const frame = await archive.merge(foreign, right, archive.edit(root, { c: 1 }));
    expect(frame.rel8ns?.["tag"]).toEqual([y, x, y]);
  });
});

describe("conflicts", () => {
  it("that are still open when the field is edited on both sides again stay beside the new one", async () => {
    const { archive, frame } = await merged({ a: 1 }, { a: 2 }, { a: 3 });
    const again = await archive.merge(archive.edit(frame, { a: 4 }), archive.edit(frame, { a: 5 }));
    const met = conflictsOf(again).map(({ values }) => new Set(values.map(({ value }) => value)));
    expect(new Set(met)).toEqual(new Set([new Set([2, 3]), new Set([4, 5])]));
  });

  it("of many heads on one field are one entry", async () => {
    const archive = new Archive();
    const root = archive.first({ title: "", text: "" });
    const tips = ["a", "b", "c", "d"].map((title) => archive.edit(root, { title, text: `${title}\n` }));
    const frame = await archive.merge(...tips);
    expect(conflictsOf(frame)).toHaveLength(2);
    for (const { values } of conflictsOf(frame)) {
      expect(new Set(values.flatMap(({ heads }) => heads))).toEqual(new Set(addressesOf(tips)));
      expect(values.map(({ value }) => String(value).trim()).sort()).toEqual(["a", "b", "c", "d"]);
    }
    expect(String(saidOf(frame)["text"]).trim().split("\n").sort()).toEqual(["a", "b", "c", "d"]);
  });

  it("are resolved by an edit that removes them, for whoever merges with it (T6)", async () => {
    const { archive, frame } = await merged({ a: 1, b: 1 }, { a: 2, b: 2 }, { a: 3, b: 3 });
    const [first, second] = conflictsOf(frame);
    const resolved = archive.put(resolveConflicts(frame, [first!], { a: "by hand" }));
    expect(isMerge(resolved)).toBe(false);
    expect(conflictsOf(resolved)).toEqual([second]);
    const both = await archive.merge(resolved, archive.edit(frame, { c: 1 }));
    expect(saidOf(both)).toMatchObject({ a: "by hand", b: 2, c: 1 });
    expect(conflictsOf(both)).toEqual([second]);
    const done = resolveConflicts(both, conflictsOf(both));
    expect(saidOf(done)).not.toHaveProperty("conflicts");
  });

  it("of both sides stay together, whatever foreign software has put there", async () => {
    const { archive, frame } = await merged({ a: 1 }, { a: 2 }, { a: 3 });
    const foreign = archive.edit(frame, { conflicts: "theirs" });
    const other = archive.edit(frame, { b: 1 });
    const both = await archive.merge(foreign, other);
    expect(conflictsOf(both)).toEqual([]);
    expect(saidOf(both)).toEqual({ a: saidOf(frame)["a"], b: 1, conflicts: ["theirs"] });
  });

  it("that do not fit into a record leave the first head shown, and say so", async () => {
    const long = (letter: string) => `${letter.repeat(200_000)}\n`;
    const { frame, left, right } = await merged({ a: "" }, { a: long("a") }, { b: long("b") });
    expect(saidOf(frame)["a"]).toBe(long("a"));
    expect(conflictsOf(frame)).toEqual([
      {
        path: [],
        chosen: "whole",
        values: [
          { heads: [left.address], state: "omitted" },
          { heads: [right.address], state: "omitted" },
        ],
      },
    ]);
  });
});

describe("many heads", () => {
  it("200 peers' lines are all there, in a record that fits", async () => {
    const archive = new Archive();
    const root = archive.first({ text: "# Guests\n" });
    const tips = Array.from({ length: 200 }, (_, i) =>
      archive.edit(root, { text: `# Guests\nguest ${i}\n` }),
    );
    const frame = await archive.merge(...tips);
    const lines = String(saidOf(frame)["text"]).trim().split("\n");
    expect(new Set(lines).size).toBe(201);
    expect(conflictsOf(frame)).toHaveLength(1);
    expect(frame.bytes.length).toBeLessThan(128 * 1024);
    let pauses = 0;
    const pause = () => Promise.resolve(void pauses++);
    await mergeTips(addressesOf(tips), archive, functions, { pause });
    expect(pauses).toBeGreaterThanOrEqual(199);
  });
});
