import { describe, expect, test } from "vitest";
import { type Address, type IbGib, mutate, relate } from "../../src/ibgib/index.js";
import type { Access } from "../../src/lists/index.js";
import { mergeFunctions, mergeTips } from "../../src/merge/index.js";
import { type Identity, saveRecords, share, unshare } from "../../src/peer/index.js";
import { headIsCounted, ListedHeads } from "../../src/peer/rights/head-judge.js";
import { bring, first, own, person } from "./parties.js";

async function cast() {
  const [alice, bob, eve] = await Promise.all([person(), person(), person()]);
  return { alice, bob, eve, note: await own(alice) };
}

/** Does a head count at alice's? Frames of `more` are there, and not committed. */
async function counts(alice: Identity, note: IbGib, head: IbGib, more: readonly IbGib[] = []) {
  const staged = new Map([head, ...more].map((record) => [record.address, record]));
  const getMany = async (addresses: readonly Address[]) => {
    const kept = await alice.space.getMany(addresses);
    return addresses.map((address, at) => staged.get(address) ?? kept[at]);
  };
  return headIsCounted(head, new ListedHeads(alice.space, note), { getMany }, {});
}

/** A head on `note` by each of them. */
const byEach = (note: IbGib, ...makers: readonly Identity[]) =>
  makers.map(({ address: by }) => mutate(note, { text: "1" }, { by }));

async function letIn(alice: Identity, bob: Identity, note: IbGib, access: Access) {
  await share(alice, { timeline: note.address, with: bob.address, access });
}

describe("a head counts", () => {
  test("of the owner, and of whom the owner lets write; of nobody else", async () => {
    const { alice, bob, eve, note } = await cast();
    const [alices, bobs, eves] = byEach(note, alice, bob, eve);
    await letIn(alice, bob, note, "write");
    await letIn(alice, eve, note, "read");
    expect(await counts(alice, note, alices!)).toBe(true);
    expect(await counts(alice, note, bobs!)).toBe(true);
    expect(await counts(alice, note, eves!)).toBe(false);
  });

  test("in what is within what is shared", async () => {
    const { alice, bob, eve, note: folder } = await cast();
    await letIn(alice, bob, folder, "write");
    const file = (by: Identity) => first({ owner: alice.address, within: folder.address, by: by.address });
    const [bobs, eves] = [file(bob), file(eve)];
    expect(await counts(alice, bobs, bobs)).toBe(true);
    expect(await counts(alice, eves, eves)).toBe(false);
    const evil = first({ owner: eve.address, within: folder.address });
    expect(await counts(alice, evil, mutate(evil, {}, { by: bob.address }), [evil])).toBe(false);
  });

  test("of anyone, where a timeline has no owner (C2)", async () => {
    const { alice } = await cast();
    const open = first();
    expect(await counts(alice, open, mutate(open, { text: "by eve" }))).toBe(true);
  });
});

describe("once a writer was withdrawn", () => {
  test("what came before still counts, and nothing that is dated back before the withdrawal (AL15)", async () => {
    const { alice, bob, note } = await cast();
    await letIn(alice, bob, note, "write");
    const bobs = mutate(note, { text: "bob" }, { by: bob.address });
    const alices = mutate(bobs, { text: "alice" });
    await bring(alice, bob, [bobs]);
    await saveRecords(alice, [alices]);
    const { stays } = await unshare(alice, { timeline: note.address, from: bob.address });
    expect(stays).toEqual([bobs.address]); // it lies below alice's head
    expect(await counts(alice, note, bobs)).toBe(true);
    const by = bob.address;
    expect(await counts(alice, note, mutate(alices, { text: "later" }, { by }))).toBe(false);
    expect(await counts(alice, note, mutate(note, { text: "as if it had been then" }, { by }))).toBe(false);
    expect(await counts(alice, note, mutate(alices, { text: "alice" }))).toBe(true);
  });

  test("what a merge had taken in counts, and its branches", async () => {
    const { alice, bob, note } = await cast();
    await letIn(alice, bob, note, "write");
    const [left, right] = [mutate(note, { a: 1 }), mutate(note, { b: 1 }, { by: bob.address })];
    await saveRecords(alice, [left]);
    const branches = new Map([note, left, right].map((record) => [record.address, record]));
    const getMany = async (addresses: readonly Address[]) => addresses.map((at) => branches.get(at));
    const merged = await mergeTips([left.address, right.address], { getMany }, mergeFunctions());
    if ("same" in merged) throw new Error("there is something to merge");
    await alice.space.commit({
      ...{ holder: alice.address, sight: { holders: [alice.address] }, puts: [right, merged.frame] },
      tips: [{ tjp: note.address, from: left.address, to: merged.frame.address }],
    });
    await unshare(alice, { timeline: note.address, from: bob.address });
    expect(await counts(alice, note, right)).toBe(true);
    expect(await counts(alice, note, mutate(right, { b: 2 }, { by: bob.address }))).toBe(false);
  });

  test("what was in the files of a folder counts, linked or not, and no file that is added later (AL15)", async () => {
    const { alice, bob, note: folder } = await cast();
    await letIn(alice, bob, folder, "write");
    const [linked, loose] = [
      await own(alice, { within: folder.address }),
      await own(alice, { within: folder.address }),
    ];
    const by = bob.address;
    const bobs = [linked, loose].map((file) => mutate(file, { text: "bob" }, { by }));
    for (const frame of bobs) await bring(alice, bob, [frame]);
    await saveRecords(alice, [relateTo(folder, linked)]);
    await unshare(alice, { timeline: folder.address, from: bob.address });
    for (const [at, file] of [linked, loose].entries()) {
      expect(await counts(alice, file, bobs[at]!)).toBe(true);
      expect(await counts(alice, file, mutate(bobs[at]!, { text: "bob, later" }, { by }))).toBe(false);
    }
    const later = first({ owner: alice.address, within: folder.address, by });
    expect(await counts(alice, later, later)).toBe(false);
  });
});

function relateTo(folder: IbGib, file: IbGib): IbGib {
  return relate(folder, { add: { file: [file.address] } });
}
