import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Address,
  closure,
  createTimeline,
  dependenciesFirst,
  type GraphReader,
  graphLimits,
  type IbGib,
  isExactLink,
  linksOf,
  mutate,
  parseAddress,
  relate,
  sameGraph,
  sealRecord,
  tjpOf,
  walk,
} from "../../src/ibgib/index.js";

/** A reader over records; the last frame given of each timeline is its tip. Counts the calls. */
function readerOf(...records: readonly IbGib[]): GraphReader & { reads: Address[] } {
  const byAddress = new Map(records.map((record) => [record.address, record]));
  const tips = new Map(records.map((record) => [tjpOf(record), { address: record.address }]));
  const reads: Address[] = [];
  return {
    reads,
    getMany: async (addresses) => {
      reads.push(...addresses);
      return addresses.map((address) => byAddress.get(address));
    },
    tips: async (tjps) => tjps.map((tjp) => tips.get(tjp)),
  };
}

const addressesOf = (records: Iterable<IbGib>) => [...records].map((record) => record.address).sort(byText);
const byText = (a: string, b: string) => (a < b ? -1 : 1);

const stone = sealRecord({ ib: "stone", data: { a: 1 } });
const noteFirst = createTimeline({ ib: "note", uuid: "note" });
const noteTjp = noteFirst.address;
const note0 = relate(noteFirst, {});
const note1 = mutate(note0, { text: "x" });
const note2 = relate(note1, { add: { picture: [stone.address, parseAddress("root^gib")] } });
const folderFirst = createTimeline({ ib: "folder", rel8ns: { note: [noteTjp] }, uuid: "folder" });
const folder1 = mutate(folderFirst, { title: "t" });
const everything = [stone, noteFirst, note0, note1, note2, folderFirst, folder1];

describe("links", () => {
  it("are listed with what they mean, without primitives", () => {
    expect(linksOf(note2)).toEqual([
      { name: "past", target: note1.address, isExact: true },
      { name: "picture", target: stone.address, isExact: false },
      { name: "tjp", target: noteTjp, isExact: true },
    ]);
    expect(linksOf(stone)).toEqual([]);
  });

  it("mean that very record under the structural names, and under all in keystones and contexts", () => {
    const names = ["past", "tjp", "ancestor", "dna", "identity", "graftbase", "graftorphan"];
    expect(names.every(isExactLink)).toBe(true);
    expect(["note", "Past", "tag"].some(isExactLink)).toBe(false);
    const context = sealRecord({ ib: "context x", rel8ns: { session: [noteTjp] } });
    expect(linksOf(context)[0]?.isExact).toBe(true);
  });
});

describe("closure", () => {
  it("brings a linked timeline along at its newest", async () => {
    const found = await closure([folder1.address], readerOf(...everything));
    expect(found.missing).toEqual([]);
    expect(addressesOf(found.present)).toEqual(addressesOf(everything));
  });

  it("takes a root that is a first frame for its timeline, and an exact link for the record itself", async () => {
    const pinned = sealRecord({ ib: "pin", rel8ns: { ancestor: [noteTjp] } });
    const reader = readerOf(...everything, pinned);
    expect(addressesOf((await closure([pinned.address], reader)).present)).toEqual(
      addressesOf([pinned, noteFirst]),
    );
    expect(addressesOf((await closure([noteTjp], reader)).present)).toEqual(
      addressesOf([stone, noteFirst, note0, note1, note2]),
    );
    const both = (await closure([pinned.address, folder1.address], reader)).present;
    expect(addressesOf(both)).toEqual(addressesOf([...everything, pinned]));
  });

  it("reads nothing twice, and ends where timelines link each other (threat 12)", async () => {
    const back = relate(note2, { add: { parent: [folderFirst.address] } });
    const reader = readerOf(...everything, back);
    const found = await closure([folderFirst.address, folderFirst.address, stone.address], reader);
    expect(addressesOf(found.present)).toEqual(addressesOf([...everything, back]));
    expect(new Set(reader.reads).size).toBe(reader.reads.length);
  });

  it("tells what is missing, and needs no tip where none is known", async () => {
    const reader = readerOf(folder1, folderFirst, note2, note1);
    const found = await closure([folder1.address, note2.address], reader);
    expect(addressesOf(found.present)).toEqual(addressesOf([folder1, folderFirst, note2, note1]));
    expect([...found.missing].sort(byText)).toEqual([noteTjp, note0.address, stone.address].sort(byText));
    const bare: GraphReader = {
      getMany: readerOf(noteFirst).getMany,
      tips: async (tjps) => tjps.map(() => undefined),
    };
    expect((await closure([noteTjp], bare)).present).toEqual([noteFirst]);
  });

  it("gives dependencies first", async () => {
    const { present } = await closure([folder1.address], readerOf(...everything));
    expectDependenciesFirst(present);
  });

  it("walks a history of thousands, which is not deep", async () => {
    const frames = [noteFirst];
    for (let n = 1; n <= 3000; n++) frames.push(mutate(frames[n - 1]!, { n1: n }));
    const { present } = await closure([frames.at(-1)!.address], readerOf(...frames));
    expect(present).toEqual(frames);
  });

  it("stops at its limits (threat 11)", async () => {
    const chain = [stone];
    for (let at = 0; at < 5; at++)
      chain.push(sealRecord({ ib: `${at}`, rel8ns: { next: [chain[at]!.address] } }));
    const reader = readerOf(...chain);
    const top = chain.at(-1)!.address;
    await expect(closure([top], reader, { ...graphLimits, depth: 5 })).resolves.toMatchObject({
      missing: [],
    });
    await expect(closure([top], reader, { ...graphLimits, depth: 4 })).rejects.toMatchObject({
      code: "limit_exceeded",
      facts: { limit: "depth" },
    });
    await expect(closure([top], reader, { ...graphLimits, addressesMet: 5 })).rejects.toMatchObject({
      code: "limit_exceeded",
      facts: { limit: "addressesMet" },
    });
  });

  it("reads in batches of the size asked for, as the walk is consumed", async () => {
    const leaves = Array.from({ length: 10 }, (_, at) => sealRecord({ ib: `leaf ${at}`, data: { at } }));
    const root = sealRecord({ ib: "root", rel8ns: { leaf: leaves.map((leaf) => leaf.address) } });
    const reader = readerOf(root, ...leaves);
    const steps = walk([root.address], reader, { ...graphLimits, batch: 4 });
    const readAt: number[] = [];
    for await (const _ of steps) readAt.push(reader.reads.length);
    expect(readAt).toEqual([1, 5, 5, 5, 5, 9, 9, 9, 9, 11, 11]);
  });
});

describe("dependenciesFirst", () => {
  it("orders any records so that links come before what has them", () => {
    const more = Array.from({ length: 6 }, (_, at) =>
      sealRecord({ ib: `x${at}`, rel8ns: { tag: [note1.address] } }),
    );
    fc.assert(
      fc.property(fc.shuffledSubarray([...everything, ...more]), (records) => {
        const ordered = dependenciesFirst([...records, ...records]);
        expect(addressesOf(ordered)).toEqual(addressesOf(records));
        expectDependenciesFirst(ordered);
      }),
      { numRuns: 100 },
    );
  });
});

describe("sameGraph", () => {
  it("compares by address", () => {
    expect(sameGraph(everything, [...everything].reverse())).toBe(true);
    expect(sameGraph(everything, everything.slice(1))).toBe(false);
    expect(sameGraph([note1], [note2])).toBe(false);
  });
});

function expectDependenciesFirst(records: readonly IbGib[]): void {
  const placeOf = new Map(records.map((record, at) => [record.address, at]));
  for (const [at, record] of records.entries()) {
    for (const { target } of linksOf(record)) expect(placeOf.get(target) ?? -1).toBeLessThan(at);
  }
}
