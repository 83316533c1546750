import { describe, expect, it } from "vitest";
import { type IbGib, sealRecord, isMerge, mergeMarkOf } from "../../src/ibgib/index.js";
import { lowestCommonAncestors } from "../../src/merge/bases.js";
import { History } from "../../src/merge/history.js";
import { compareTips, headsOf, mergeLimits } from "../../src/merge/index.js";
import { Archive, addressesOf } from "./archive.js";

const archive = new Archive();
const root = archive.first();
const base = archive.edits(root, 3);
const a = archive.edit(base, { by: "a" });
const b = archive.edit(base, { by: "b" });
const b2 = archive.edit(b, { by: "b2" });
const merge = await archive.merge(a, b2);

describe("a merge frame", () => {
  it("is one whose data.merge names a function and a version (M2)", () => {
    expect(mergeMarkOf(merge)).toEqual({ function: "fields", version: 1 });
    expect(merge.rel8ns).toMatchObject({
      past: [b2.address],
      graftorphan: [a.address],
      graftbase: [base.address],
    });
  });

  it.each([
    true,
    {},
    { function: "fields" },
    { function: "", version: 1 },
    { function: "f", version: 0 },
    null,
  ])("is not one that says %j: that is an edit, even with a graftorphan", async (mark) => {
    const edit = archive.forge(merge, { merge: mark });
    expect(isMerge(edit)).toBe(false);
    expect(await headsOf(edit.address, archive)).toEqual([edit.address]);
  });
});

describe("heads", () => {
  it("of an edit are the edit, of a merge the edits it brings together, newest first (M7)", async () => {
    expect(await headsOf(a.address, archive)).toEqual([a.address]);
    expect(await headsOf(merge.address, archive)).toEqual([b2.address, a.address]);
  });

  it("leave out ancestors that a forged merge names", async () => {
    const forged = archive.forge(merge, {}, { graftorphan: [a.address, b.address, root.address] });
    expect(await headsOf(forged.address, archive)).toEqual([b2.address, a.address]);
  });

  it("follow links to lower numbers of the same timeline only", async () => {
    const ahead = archive.edits(b2, 5);
    const other = archive.first({ other: true });
    const forged = archive.forge(a, {}, { graftorphan: [ahead.address, other.address] });
    const low = archive.edit(root, { low: true });
    const all = await archive.merge(forged, ahead, low);
    expect(await headsOf(all.address, archive)).toEqual(addressesOf([ahead, forged, low]));
  });
});

describe("compareTips", () => {
  const edited = archive.edit(merge, { by: "after" });
  it.each([
    ["same", a, a],
    ["behind", base, a],
    ["ahead", a, root],
    ["diverged", a, b],
    ["behind", a, merge],
    ["behind", b2, merge],
    ["behind", b, merge],
    ["ahead", merge, b],
    ["behind", merge, edited],
    ["behind", a, edited],
  ] as const)("says %s", async (relation, one, other) => {
    expect(await compareTips(one.address, other.address, archive)).toBe(relation);
    const mirrored = { same: "same", behind: "ahead", ahead: "behind", diverged: "diverged" } as const;
    expect(await compareTips(other.address, one.address, archive)).toBe(mirrored[relation]);
  });

  it("takes two merges of the same heads for one state, whoever's functions made them", async () => {
    const foreign = archive.forge(merge, { merge: { function: "theirs", version: 7 } });
    expect(await compareTips(merge.address, foreign.address, archive)).toBe("same");
  });

  it("refuses tips of two timelines, stones and what is not there", async () => {
    const other = archive.first({ other: true });
    const stone = archive.put(sealRecord({ ib: "stone", data: { a: 1 } }));
    const missing = new Archive().first({ missing: true });
    const refusal = { code: "merge_refused" };
    await expect(compareTips(a.address, other.address, archive)).rejects.toMatchObject(refusal);
    await expect(headsOf(stone.address, archive)).rejects.toMatchObject(refusal);
    await expect(headsOf(missing.address, archive)).rejects.toMatchObject({ code: "record_missing" });
  });
});

describe("cost", () => {
  const long = archive.edits(root, 2000, "long");
  const [left, right] = [archive.edits(long, 5, "left"), archive.edits(long, 3, "right")];

  it("of a recent divergence in a long history is that of the divergence", async () => {
    archive.reads = 0;
    expect(await compareTips(left.address, right.address, archive)).toBe("diverged");
    await archive.merge(left, right);
    expect(archive.reads).toBeLessThan(40 + 64); // so far a merge is looked for
  });

  it("lets others in between the steps of a long walk", async () => {
    let pauses = 0;
    const pause = () => Promise.resolve(void pauses++);
    expect(await compareTips(left.address, a.address, archive, { pause })).toBe("diverged");
    expect(pauses).toBeGreaterThan(0);
  });

  it("of an old divergence is bounded (threat 25)", async () => {
    const limits = { ...mergeLimits, framesMax: 100 };
    const refusal = { code: "limit_exceeded", facts: { limit: "framesMax", max: 100 } };
    await expect(compareTips(left.address, a.address, archive, { limits })).rejects.toMatchObject(refusal);
    const few = { ...mergeLimits, headsMax: 1 };
    await expect(headsOf(merge.address, archive, { limits: few })).rejects.toMatchObject({
      code: "limit_exceeded",
    });
  });
});

describe("lowest common ancestors", () => {
  async function lowest(others: readonly IbGib[], head: IbGib) {
    const history = new History(archive);
    const frames = await history.frames(addressesOf(others));
    const found = await lowestCommonAncestors(frames, await history.frame(head.address), history);
    return found.map(({ address }) => address);
  }

  it("are one in a fork, and the merge itself where both went on from one merge", async () => {
    expect(await lowest([b2], a)).toEqual([base.address]);
    const [one, other] = [archive.edit(merge, { x: 1 }), archive.edit(merge, { x: 2 })];
    expect(await lowest([one], other)).toEqual([merge.address]);
  });

  it("are two where two peers went on from merges that share heads", async () => {
    const c = archive.edit(base, { by: "c" });
    const one = archive.edit(merge, { x: 1 });
    const other = archive.edit(await archive.merge(a, b2, c), { x: 2 });
    expect(await lowest([one], other)).toEqual([b2.address, a.address]);
  });

  it("are asked of the union of the histories that were folded (M4)", async () => {
    const onA = archive.edit(a, { by: "on a" });
    expect(await lowest([b2, onA], archive.edit(a, { by: "also on a" }))).toEqual([a.address]);
  });
});
