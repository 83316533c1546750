import { describe, expect, it } from "vitest";
import { createTimeline } from "../../src/ibgib/index.js";
import { mergedHeadsOf } from "../../src/merge/check-merge.js";
import {
  type Content,
  checkMerge,
  isBuiltInMerge,
  type MergeFunction,
  type MergeFunctions,
  mergeFunctions,
  mergeTips,
} from "../../src/merge/index.js";
import { Archive, functions, saidOf } from "./archive.js";

const sum: MergeFunction = {
  name: "sum",
  version: 2,
  merge: (base, ours, theirs) => {
    const total = (content: Content) => Number(content.data["total"] ?? 0);
    return { ...ours, data: { ...ours.data, total: total(ours) + total(theirs) - total(base) } };
  },
};

/** A timeline of three heads, each of which added something to its total. */
function counters(ib = "counter of bikes") {
  const archive = new Archive();
  const root = archive.put(createTimeline({ ib, data: { total: 1, kind: "count" }, uuid: "u" }));
  const heads = [2, 3, 4].map((total) => archive.edit(root, { total }));
  const merge = (known: MergeFunctions) =>
    mergeTips(
      heads.map(({ address }) => address),
      archive,
      known,
    );
  return { archive, root, heads, merge };
}

describe("a merge function of one's own", () => {
  it.each([
    ["the ib's first word", { ib: "counter" }],
    ["the whole ib", { ib: "counter of bikes" }],
    ["a member", { member: "kind", value: "count" }],
  ])("is chosen by %s, folds all heads, and is named in the frame", async (_what, kind) => {
    const merged = await counters().merge(mergeFunctions([{ kind, function: sum }]));
    if ("same" in merged) throw new Error("there was something to merge");
    expect(merged.frame.data).toMatchObject({ total: 7, merge: { function: "sum", version: 2 } });
  });

  it("is not chosen for another kind (T7)", async () => {
    const known = mergeFunctions([
      { kind: { ib: "count" }, function: sum },
      { kind: { member: "constructor", value: "count" }, function: sum },
    ]);
    expect(await counters().merge(known)).toMatchObject({
      frame: { data: { merge: { function: "fields", version: 1 } } },
    });
  });

  const bad: Record<string, MergeFunction["merge"]> = {
    threw: () => {
      throw new Error("no");
    },
    result: (_base, ours) => ({ ...ours, data: { ...ours.data, n: 7 } }),
    not_deterministic: (() => {
      let calls = 0;
      return (_base: Content, ours: Content) => ({ ...ours, data: { calls: calls++ } });
    })(),
  };
  it.each(Object.entries(bad))("that %s is a typed error, and the tips stay", async (rule, merge) => {
    const { archive, heads, merge: mergeAll } = counters();
    const known = mergeFunctions([{ kind: { ib: "counter" }, function: { ...sum, merge } }]);
    await expect(mergeAll(known)).rejects.toMatchObject({ code: "merge_failed", facts: { rule } });
    expect(saidOf(await archive.merge(...heads))).toMatchObject({ kind: "count" });
  });

  it("cannot change what it is given", async () => {
    const merge: MergeFunction["merge"] = (_base, ours) => {
      Object.assign(ours.data, { total: 99 });
      return ours;
    };
    const known = mergeFunctions([{ kind: { ib: "counter" }, function: { ...sum, merge } }]);
    await expect(counters().merge(known)).rejects.toMatchObject({ facts: { rule: "threw" } });
  });

  it.each([
    ["", 1],
    ["fields", 2],
    ["sum", 0],
    ["sum", 1.5],
  ])("cannot be registered as %j, version %d", (name, version) => {
    const register = () => mergeFunctions([{ kind: { ib: "x" }, function: { ...sum, name, version } }]);
    expect(register).toThrow(expect.objectContaining({ code: "merge_failed" }));
  });

  it("may serve two kinds, but two functions not one name", () => {
    const twice = [
      { kind: { ib: "x" }, function: sum },
      { kind: { ib: "y" }, function: sum },
    ];
    expect(mergeFunctions(twice).named({ function: "sum", version: 2 })).toBe(sum);
    expect(() => mergeFunctions([...twice, { kind: { ib: "z" }, function: { ...sum } }])).toThrow();
  });
});

describe("checkMerge", () => {
  it("computes a built-in merge again (T8, A28)", async () => {
    const { archive, heads } = counters();
    const frame = await archive.merge(...heads);
    const named = [...heads.map(({ address }) => address)].sort().reverse();
    expect(mergedHeadsOf(frame)).toEqual(named);
    expect(isBuiltInMerge(frame)).toBe(true);
    await checkMerge(frame, archive, functions);
  });

  it("checks links and number of a function it does not know, and what it says where it knows it (M5)", async () => {
    const { archive, merge } = counters();
    const known = mergeFunctions([{ kind: { ib: "counter" }, function: sum }]);
    const merged = await merge(known);
    if ("same" in merged) throw new Error("there was something to merge");
    expect(isBuiltInMerge(merged.frame)).toBe(false);
    await checkMerge(merged.frame, archive, functions);
    await checkMerge(merged.frame, archive, known);
    const forged = archive.forge(merged.frame, { total: 1000 });
    await checkMerge(forged, archive, functions);
    await expect(checkMerge(forged, archive, known)).rejects.toMatchObject({ facts: { rule: "content" } });
    const forgedLinks = archive.forge(merged.frame, {}, { graftbase: [merged.frame.address] });
    await expect(checkMerge(forgedLinks, archive, functions)).rejects.toMatchObject({
      facts: { rule: "graftbase" },
    });
  });

  it("refuses what a merge is not, rule by rule (M3)", async () => {
    const { archive, root, heads } = counters();
    const frame = await archive.merge(...heads);
    const [first, second, third] = [...heads]
      .sort((a, b) => (a.address < b.address ? 1 : -1))
      .map((h) => h.address);
    const two = await archive.merge(...heads.slice(0, 2));
    const other = archive.first({ other: true });
    const forged: Record<string, ReturnType<Archive["forge"]>> = {
      content: archive.forge(frame, { total: 1000 }),
      "content (a link)": archive.forge(frame, {}, { tag: [root.address] }),
      n: archive.forge(frame, { n: 3 }),
      order: archive.forge(frame, {}, { graftorphan: [third!, second!] }),
      heads: archive.forge(frame, {}, { graftorphan: [second!, root.address] }),
      "heads (a merge)": archive.forge(frame, {}, { past: [two.address], graftorphan: [third!] }),
      "heads (twice the same)": archive.forge(frame, {}, { graftorphan: [first!, first!] }),
      graftbase: archive.forge(frame, {}, { graftbase: [first!] }),
      "graftbase (too few heads for it)": archive.forge(frame, {}, { graftbase: [root.address, first!] }),
      members: archive.forge(frame, { owner: "mallory" }),
      "members (uuid)": archive.forge(frame, { uuid: "other" }),
      "members (a longer past)": archive.forge(frame, {}, { past: [root.address, first!] }),
      not_a_merge: archive.forge(frame, { merge: true }),
      timeline: archive.forge(frame, {}, { graftorphan: [second!, other.address] }),
    };
    for (const [rule, record] of Object.entries(forged))
      await expect(checkMerge(record, archive, functions), rule).rejects.toMatchObject({
        code: "merge_refused",
        facts: { rule: rule.split(" ")[0] },
      });
  });
});
