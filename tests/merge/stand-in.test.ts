import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkSuccessor,
  createTimeline,
  type IbGib,
  isStandIn,
  mutate,
  sealRecord,
} from "../../src/ibgib/index.js";
import {
  checkMerge,
  fieldsFunction,
  headsOf,
  type MergeFunction,
  type MergeFunctions,
  mergeFunctions,
  mergeTips,
  standInFor,
} from "../../src/merge/index.js";
import { Archive } from "./archive.js";

const sum: MergeFunction = {
  name: "sum",
  version: 1,
  merge: (base, ours, theirs) => {
    const [was, a, b] = [base, ours, theirs].map(({ data }) => Number(data["total"]));
    return { ...ours, data: { ...ours.data, total: a! + b! - was! } };
  },
};
const kind = { ib: "counter" };
const withSum = mergeFunctions([{ kind, function: sum }]);
const without = mergeFunctions([{ kind }]);
const plain = mergeFunctions();

function counter() {
  const archive = new Archive();
  const root = archive.put(createTimeline({ ib: "counter", data: { total: 0, kept: "a" }, uuid: "u" }));
  return { archive, root };
}

/** The tip of these, put into the archive. */
async function tipOf(archive: Archive, tips: readonly IbGib[], functions: MergeFunctions): Promise<IbGib> {
  const merged = await mergeTips(
    tips.map(({ address }) => address),
    archive,
    functions,
  );
  if ("frame" in merged) return archive.put(merged.frame);
  return (await archive.getMany([merged.same]))[0]!;
}

const totalOf = ({ data }: IbGib) => (data as { readonly total: number }).total;

describe("where a kind's function is not here", () => {
  it("the highest head is shown, and an edit is an edit of that head (M21)", async () => {
    const { archive, root } = counter();
    const [low, high] = [
      archive.edit(root, { total: 1 }),
      archive.edit(archive.edit(root, { total: 2 }), { kept: "b" }),
    ];
    const shown = await tipOf(archive, [low, high], without);
    expect(isStandIn(shown)).toBe(true);
    expect(await headsOf(shown.address, archive)).toEqual([high.address, low.address]);
    expect(shown.data).toMatchObject({ total: 2, kept: "b" });
    expect(mutate(shown, { total: 7 })).toEqual(mutate(high, { total: 7 }));
    await checkMerge(shown, archive, plain);
    const onTop = sealRecord({
      ib: "counter",
      data: { total: 9, n: 4, uuid: "u" },
      rel8ns: { past: [shown.address], tjp: [root.address] },
    });
    expect(() => checkSuccessor(onTop, shown)).toThrow(
      expect.objectContaining({ facts: { rule: "stand_in" } }),
    );
  });

  it("and gives way to every other merge of the same heads, whoever has that (M9, M21)", async () => {
    const { archive, root } = counter();
    const heads = [1, 2, 3].map((total) => archive.edit(root, { total }));
    const shown = await tipOf(archive, heads, without);
    const merge = await tipOf(archive, [shown], withSum);
    expect(totalOf(merge)).toBe(6);
    for (const known of [without, withSum, plain])
      expect((await tipOf(archive, [shown, merge], known)).address).toBe(merge.address);
    expect((await tipOf(archive, [shown], without)).address).toBe(shown.address);
    expect((await tipOf(archive, [shown], plain)).data).toMatchObject({ merge: { function: "fields" } });
  });

  it("which the newest merge says of a kind that is not registered, a while (M21)", async () => {
    const { archive, root } = counter();
    const merge = await tipOf(
      archive,
      [1, 2].map((total) => archive.edit(root, { total })),
      withSum,
    );
    const partedAfter = async (frames: number, known: MergeFunctions) => {
      let tip = merge;
      for (let at = 1; at < frames; at++) tip = archive.edit(tip, { at });
      return tipOf(
        archive,
        [archive.edit(tip, { left: frames }), archive.edit(tip, { right: frames })],
        known,
      );
    };
    expect(isStandIn(await partedAfter(1, plain))).toBe(true);
    expect(isStandIn(await partedAfter(62, plain))).toBe(true);
    expect((await partedAfter(63, plain)).data).toMatchObject({ merge: { function: "fields" } });
    const said = mergeFunctions([{ kind, function: fieldsFunction }]);
    expect((await partedAfter(1, said)).data).toMatchObject({ merge: { function: "fields" } });
    const elsewhere = mergeFunctions([{ kind: { ib: "other" }, function: sum }]);
    expect((await partedAfter(1, elsewhere)).data).toMatchObject({ merge: { function: "sum" } });
  });

  it("nothing is lost by it, whoever edits what is shown, and in whatever order tips meet (M21)", async () => {
    const peer = fc.nat({ max: 3 });
    const act = fc.oneof(
      fc.record({ do: fc.constant("edit" as const), at: peer, by: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ do: fc.constant("meet" as const), at: peer, with: peer }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 14 }), async (acts) => {
        const { archive, root } = counter();
        const tips = [root, root, root, root];
        const known = [withSum, without, without, withSum];
        let added = 0;
        for (const [step, each] of acts.entries()) {
          const tip = tips[each.at]!;
          if (each.do === "meet") {
            tips[each.at] = await tipOf(archive, [tip, tips[each.with]!], known[each.at]!);
            continue;
          }
          added += each.by;
          const edit = archive.put(mutate(tip, { total: totalOf(tip) + each.by, step }));
          const others = isStandIn(tip) ? (tip.rel8ns?.["graftorphan"] ?? []) : [];
          const beside = await standInFor([edit.address, ...others], archive);
          tips[each.at] = "frame" in beside ? archive.put(beside.frame) : edit;
        }
        const ends = await Promise.all([tips, tips.toReversed()].map((all) => tipOf(archive, all, withSum)));
        expect(ends.map(({ address }) => address)).toEqual([ends[0]!.address, ends[0]!.address]);
        expect(totalOf(ends[0]!)).toBe(added);
      }),
    );
  });

  it("a merge of a list is none of anything else", async () => {
    const { archive, root } = counter();
    const merge = await tipOf(
      archive,
      [1, 2].map((total) => archive.edit(root, { total })),
      plain,
    );
    const { data, rel8ns } = merge;
    const { n, uuid } = data as { n: number; uuid: string };
    const emptied = sealRecord({
      ib: "counter",
      data: { of: null, n, uuid, merge: { function: "list", version: 1 } },
      ...(rel8ns && { rel8ns }),
    });
    await expect(checkMerge(emptied, archive, plain)).rejects.toMatchObject({
      code: "merge_refused",
      facts: { rule: "content" },
    });
  });
});
