import { describe, expect, it } from "vitest";
import { framesBeyond } from "../../src/merge/index.js";
import { Archive, addressesOf } from "./archive.js";

const archive = new Archive();
const root = archive.first();
const base = archive.edits(root, 3);
const a = archive.edit(base, { by: "a" });
const b = archive.edit(base, { by: "b" });
const b2 = archive.edit(b, { by: "b2" });
const merge = await archive.merge(a, b2);
const after = archive.edit(merge, { by: "after" });

describe("what a tip has beyond others", () => {
  it("is its whole history where nothing is known, oldest first", async () => {
    const frames = await framesBeyond(base.address, [], archive);
    expect(frames).toHaveLength(4);
    expect(frames[0]).toBe(root.address);
    expect(frames.at(-1)).toBe(base.address);
  });

  it("is nothing where it is known, or an ancestor of what is", async () => {
    expect(await framesBeyond(a.address, [a.address], archive)).toEqual([]);
    expect(await framesBeyond(a.address, [after.address], archive)).toEqual([]);
  });

  it("takes in merged branches, each frame once and behind those it stands on", async () => {
    const frames = await framesBeyond(after.address, [a.address], archive);
    expect(frames).toEqual(addressesOf([b, b2, merge, after]));
  });

  it("leaves out what any of several known tips has", async () => {
    expect(await framesBeyond(after.address, [a.address, b.address], archive)).toEqual(
      addressesOf([b2, merge, after]),
    );
    expect(await framesBeyond(after.address, [merge.address, root.address], archive)).toEqual([
      after.address,
    ]);
  });

  it("of another branch is that branch from where both parted", async () => {
    expect(await framesBeyond(b2.address, [a.address], archive)).toEqual(addressesOf([b, b2]));
  });

  it("does not read what lies before the point where they parted", async () => {
    const deep = archive.edits(root, 500, "deep");
    const one = archive.edit(deep, { by: "one" });
    const other = archive.edits(deep, 3, "other");
    archive.reads = 0;
    expect(await framesBeyond(one.address, [other.address], archive)).toEqual([one.address]);
    expect(archive.reads).toBeLessThan(10);
  });
});
