import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/base/index.js";
import {
  type Address,
  checkFirst,
  checkMaker,
  checkSuccessor,
  createTimeline,
  fork,
  type IbGib,
  isFrame,
  isTjp,
  isWithinOwners,
  makerOf,
  mutate,
  nOf,
  ownerOf,
  parseAddress,
  previousOf,
  relate,
  sealRecord,
  tjpOf,
  withinOf,
} from "../../src/ibgib/index.js";
import { refusalOf } from "./refusals.js";

const owner = parseAddress(`keystone.identity^${"A".repeat(64)}`);
const a = parseAddress("a^gib");
const b = parseAddress("b^gib");
const first = createTimeline({ ib: "note", data: { text: "" }, owner, uuid: "u" });

/** A frame as other software might write it. */
function foreign(data: JsonObject, past: readonly Address[], tjp: IbGib): IbGib {
  return sealRecord({ ib: "note", data, rel8ns: { past, tjp: [tjp.address] } });
}

describe("createTimeline", () => {
  it("makes a first frame that names its owner", () => {
    expect(first.data).toEqual({ isTjp: true, n: 0, owner, text: "", uuid: "u" });
    expect(first.rel8ns).toBeUndefined();
    expect([isTjp(first), isFrame(first), tjpOf(first), nOf(first)]).toEqual([true, true, first.address, 0]);
    expect(previousOf(first)).toBeUndefined();
    checkFirst(first);
  });

  it("drops what is empty, and needs no owner", () => {
    const record = createTimeline({
      ib: "note",
      data: { a: undefined },
      rel8ns: { tag: [], comment: [a] },
      uuid: "u",
    });
    expect(record.data).toEqual({ isTjp: true, n: 0, uuid: "u" });
    expect(record.rel8ns).toEqual({ comment: [a] });
  });

  it("says what it is within in the first frame alone: no later frame and no fork is told", () => {
    const part = createTimeline({ ib: "note", owner, within: first.address, uuid: "u" });
    expect(part.data).toEqual({ isTjp: true, n: 0, owner, within: first.address, uuid: "u" });
    expect([ownerOf(part), withinOf(part), withinOf(first)]).toEqual([owner, first.address, undefined]);
    for (const next of [mutate(part, { text: "1" }), relate(part, { add: { tag: [a] } })]) {
      expect(next.data).not.toHaveProperty("within");
      expect(next.data).toMatchObject({ owner, n: 1 });
    }
    expect(fork(part, { uuid: "v" }).data).toEqual({ isTjp: true, n: 0, uuid: "v" });
  });

  it("takes nobody for an owner who has no address", () => {
    const foreignFirst = sealRecord({ ib: "note", data: { isTjp: true, owner: "alice", within: ["a^gib"] } });
    expect([ownerOf(foreignFirst), withinOf(foreignFirst)]).toEqual([undefined, undefined]);
  });

  it.each(["n", "isTjp", "uuid", "owner", "within", "merge"])("refuses to be told %s", (name) => {
    const refusal = "chain_refused timeline_member";
    expect(refusalOf(() => createTimeline({ ib: "note", data: { [name]: 1 }, uuid: "u" }))).toBe(refusal);
    expect(refusalOf(() => mutate(first, { [name]: undefined }))).toBe(refusal);
    expect(refusalOf(() => fork(first, { data: { [name]: 1 }, uuid: "u" }))).toBe(refusal);
  });

  it.each(["past", "tjp", "ancestor", "dna", "graftbase", "graftorphan"])("refuses to be told %s", (name) => {
    const refusal = "chain_refused structural_link";
    expect(refusalOf(() => createTimeline({ ib: "note", rel8ns: { [name]: [a] }, uuid: "u" }))).toBe(refusal);
    expect(refusalOf(() => relate(first, { add: { [name]: [a] } }))).toBe(refusal);
    expect(refusalOf(() => relate(first, { remove: { [name]: [a] } }))).toBe(refusal);
  });
});

describe("mutate", () => {
  it("merges members at the top level, and takes away those that are undefined", () => {
    const next = mutate(first, { text: undefined, title: "t", list: [1] }, { ib: "note t" });
    expect(next.ib).toBe("note t");
    expect(next.data).toEqual({ list: [1], n: 1, owner, title: "t", uuid: "u" });
    expect(next.rel8ns).toEqual({ past: [first.address], tjp: [first.address] });
    checkSuccessor(next, first);
  });

  it("writes only the frame before as past, and keeps foreign links", () => {
    const foreignFirst = sealRecord({ ib: "note", data: { isTjp: true }, rel8ns: { dna: [a], tag: [b] } });
    const one = mutate(foreignFirst, { text: "1" });
    const two = mutate(one, { text: "2" });
    expect([nOf(one), nOf(two)]).toEqual([0, 1]);
    expect(two.rel8ns).toEqual({ dna: [a], past: [one.address], tag: [b], tjp: [foreignFirst.address] });
  });

  it("does not carry on what says that the tip is a merge", () => {
    const links = {
      past: [first.address],
      tjp: [first.address],
      graftbase: [first.address],
      graftorphan: [owner],
    };
    const merge = sealRecord({
      ib: "note",
      data: { n: 1, merge: "text 1", conflicts: ["x"] },
      rel8ns: links,
    });
    const next = mutate(merge, { text: "edit" });
    expect(next.data).toEqual({ conflicts: ["x"], n: 2, text: "edit" });
    expect(next.rel8ns).toEqual({ past: [merge.address], tjp: [first.address] });
  });

  it("refuses stones, raw bytes, and an own __proto__ (threat 6)", () => {
    expect(refusalOf(() => mutate(sealRecord({ ib: "x", data: { a: 1 } }), {}))).toBe(
      "chain_refused not_a_frame",
    );
    expect(refusalOf(() => fork(sealRecord({ ib: "bin", data: Uint8Array.of(1) }), { uuid: "u" }))).toBe(
      "chain_refused raw_data",
    );
    expect(refusalOf(() => mutate(first, JSON.parse('{"__proto__":{"admin":true}}')))).toBe(
      "json_refused proto_key",
    );
    expect(refusalOf(() => relate(first, { add: JSON.parse('{"__proto__":["a^gib"]}') }))).toBe(
      "json_refused proto_key",
    );
  });
});

describe("relate", () => {
  it("treats links as sets", () => {
    const one = relate(first, { add: { tag: [a, b, a], constructor: [a] } });
    expect(one.rel8ns).toMatchObject({ tag: [a, b], constructor: [a] });
    const two = relate(one, {
      add: { tag: [b], seen: [a] },
      remove: { tag: [a], constructor: [a], never: [b] },
    });
    expect(two.rel8ns).toEqual({ past: [one.address], seen: [a], tag: [b], tjp: [first.address] });
    expect(two.data).toEqual({ n: 2, owner, text: "", uuid: "u" });
    checkSuccessor(two, one);
  });
});

describe("fork", () => {
  it("starts a timeline of its own, with the content of its source", () => {
    const tip = relate(mutate(first, { text: "edit", title: "t" }), { add: { tag: [a] } });
    const forked = fork(tip, { data: { title: undefined }, uuid: "v" });
    expect(forked.data).toEqual({ isTjp: true, n: 0, text: "edit", uuid: "v" });
    expect(forked.rel8ns).toEqual({ ancestor: [tip.address], tag: [a] });
    checkFirst(forked);
    expect(fork(forked, { ib: "other", owner, uuid: "w" }).rel8ns?.["ancestor"]).toEqual([forked.address]);
  });

  it("goes out from a stone as well", () => {
    const stone = sealRecord({ ib: "page", data: { text: "x" }, rel8ns: { past: [a] } });
    expect(fork(stone, { uuid: "v" }).rel8ns).toEqual({ ancestor: [stone.address] });
  });
});

describe("stones", () => {
  it("have no number and nothing before them", () => {
    const stone = sealRecord({ ib: "page", data: { n: 4 }, rel8ns: { past: [a] } });
    expect([isFrame(stone), tjpOf(stone), nOf(stone), previousOf(stone)]).toEqual([
      false,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe("chain rules", () => {
  // Other software knows no owners.
  const first = createTimeline({ ib: "note", data: { text: "" }, uuid: "u" });
  const one = mutate(first, { text: "1" });
  const two = mutate(one, { text: "2" });
  const three = mutate(two, { text: "3" });
  const other = createTimeline({ ib: "note", uuid: "other" });
  const unnumbered = sealRecord({ ib: "note", data: { isTjp: true, text: "" } });
  const addresses = (...records: readonly IbGib[]) => records.map((record) => record.address);
  const wholeTwo = foreign({ n: 2 }, addresses(first, one), first);

  it.each<[string, IbGib, IbGib]>([
    ["our frames", two, one],
    ["a whole past", foreign({ n: 3 }, addresses(first, one, two), first), two],
    ["a whole past after a whole past", foreign({ n: 3 }, addresses(first, one, wholeTwo), first), wholeTwo],
    ["our past after a whole past", mutate(wholeTwo, {}), wholeTwo],
    ["a first frame without n", foreign({ n: 0 }, addresses(unnumbered), unnumbered), unnumbered],
  ])("allow %s", (_, frame, parent) => {
    expect(refusalOf(() => checkSuccessor(frame, parent))).toBeUndefined();
  });

  it.each<[string, IbGib, IbGib, string]>([
    ["a skipped number", foreign({ n: 2 }, addresses(first), first), first, "n"],
    ["a repeated number", foreign({ n: 0 }, addresses(first), first), first, "n"],
    ["no number", foreign({ x: 1 }, addresses(first), first), first, "n"],
    ["a number as text", foreign({ n: "1" }, addresses(first), first), first, "n"],
    ["a fraction", foreign({ n: 1.5 }, addresses(first), first), first, "n"],
    ["number 1 after none", foreign({ n: 1 }, addresses(unnumbered), unnumbered), unnumbered, "n"],
    ["another timeline", foreign({ n: 2 }, addresses(one), other), one, "tjp"],
    ["a first frame", other, one, "tjp"],
    ["a stone", sealRecord({ ib: "note", data: { n: 2 }, rel8ns: { past: addresses(one) } }), one, "tjp"],
    ["a stone for a parent", two, sealRecord({ ib: "x", data: { n: 1 } }), "not_a_frame"],
    ["no past", sealRecord({ ib: "note", data: { n: 1 }, rel8ns: { tjp: addresses(first) } }), first, "past"],
    ["another frame before", foreign({ n: 3 }, addresses(one), first), two, "past"],
    ["a past that goes on", foreign({ n: 2 }, addresses(first, one, two), first), one, "past"],
    ["a first frame twice", foreign({ n: 1 }, addresses(first, first), first), first, "past"],
    ["a past with a gap", foreign({ n: 4 }, addresses(first, two, three), first), three, "past"],
    ["a past in another order", foreign({ n: 3 }, addresses(one, first, two), first), two, "past"],
    ["a past of others", foreign({ n: 3 }, addresses(other, one, two), first), two, "past"],
    ["a past with a frame twice", foreign({ n: 4 }, addresses(first, two, two, three), first), three, "past"],
    ["a past beyond a whole one", foreign({ n: 2 }, addresses(first, first, one), first), one, "past"],
  ])("refuse %s", (_, frame, parent, rule) => {
    expect(refusalOf(() => checkSuccessor(frame, parent))).toBe(`chain_refused ${rule}`);
  });

  it("want 0 or nothing for the number of a first frame", () => {
    const numbered = (n: number | string) => sealRecord({ ib: "note", data: { isTjp: true, n } });
    expect(refusalOf(() => checkFirst(unnumbered))).toBeUndefined();
    expect(refusalOf(() => checkFirst(numbered(0)))).toBeUndefined();
    for (const n of [1, -1, 0.5, "0"])
      expect(refusalOf(() => checkFirst(numbered(n)))).toBe("chain_refused n");
    expect(refusalOf(() => checkFirst(one))).toBe("chain_refused not_first");
  });
});

describe("who made a frame", () => {
  const me = parseAddress(`keystone.identity^${"B".repeat(64)}`);
  const unowned = createTimeline({ ib: "note", data: { by: "hand" }, uuid: "u" });
  const ruleOf = (data: JsonObject, start = first) =>
    refusalOf(() => checkMaker(foreign(data, [start.address], start), start));

  it("stands in it, unless that is the owner, and is not taken over by the next", () => {
    const mine = mutate(first, { text: "1" }, { by: me });
    const next = relate(mine, { add: { tag: [a] } });
    expect(mine.data).toMatchObject({ by: me, owner });
    expect(next.data).not.toHaveProperty("by");
    expect(mutate(mine, {}, { by: owner }).data).not.toHaveProperty("by");
    expect([first, mine, next].map((frame) => makerOf(frame, first))).toEqual([owner, me, owner]);
    for (const frame of [first, mine, next]) checkMaker(frame, first);
  });

  it("is nobody's business where nobody owns the timeline: `by` is a field like any other", () => {
    const next = mutate(unowned, { text: "1" }, { by: me });
    expect([makerOf(next, unowned), next.data]).toEqual([
      undefined,
      { by: "hand", n: 1, text: "1", uuid: "u" },
    ]);
    expect(mutate(next, { by: 1 }).data).toMatchObject({ by: 1 });
    expect(fork(unowned, { uuid: "v" }).data).toMatchObject({ by: "hand" });
    expect(fork(unowned, { uuid: "v", owner }).data).not.toHaveProperty("by");
    expect(ruleOf({ n: 1, by: me }, unowned)).toBeUndefined();
    expect(ruleOf({ n: 1, owner }, unowned)).toBe("chain_refused owner");
  });

  it("may not be told as data of a timeline that has an owner", () => {
    const refusal = "chain_refused timeline_member";
    expect(refusalOf(() => mutate(first, { by: me }))).toBe(refusal);
    expect(refusalOf(() => createTimeline({ ib: "note", data: { by: me }, owner, uuid: "u" }))).toBe(refusal);
    expect(refusalOf(() => fork(unowned, { data: { by: me }, owner, uuid: "u" }))).toBe(refusal);
    expect(refusalOf(() => mutate(first, {}, { by: a }))).toBe("chain_refused by");
  });

  it.each<[string, JsonObject, string | undefined]>([
    ["other software's frame, the owner's own", { n: 1 }, undefined],
    ["a maker", { n: 1, owner, by: me }, undefined],
    ["the owner once more", { n: 1, owner, by: owner }, "chain_refused by"],
    ["a name", { n: 1, owner, by: "alice" }, "chain_refused by"],
    ["an address of something else", { n: 1, owner, by: a }, "chain_refused by"],
    ["a merge", { n: 1, owner, by: me, merge: { function: "fields", version: 1 } }, "chain_refused by"],
    ["a maker, and no owner", { n: 1, by: me }, "chain_refused owner"],
    ["another owner", { n: 1, owner: me }, "chain_refused owner"],
  ])("is checked: %s", (_, data, refusal) => expect(ruleOf(data)).toBe(refusal));

  it("of a first frame for another owner is right only within a timeline of that owner (A22, A23)", () => {
    expect(refusalOf(() => createTimeline({ ib: "f", owner, by: me, uuid: "u" }))).toBe(
      "chain_refused within",
    );
    const alone = sealRecord({ ib: "f", data: { isTjp: true, n: 0, owner, by: me } });
    expect(refusalOf(() => checkFirst(alone))).toBe("chain_refused within");
    const file = createTimeline({ ib: "f", owner, by: me, within: first.address, uuid: "u" });
    checkFirst(file);
    const others = createTimeline({ ib: "f", owner: me, uuid: "u" });
    const outers = [first, others, file];
    expect(outers.map((outer) => isWithinOwners(file, outer))).toEqual([true, false, false]);
    expect(isWithinOwners(first, others)).toBe(true);
  });
});
