import { describe, expect, test } from "vitest";
import { type Address, type IbGib, mutate, relate } from "../../src/ibgib/index.js";
import type { Access } from "../../src/keystone/index.js";
import { mergeFunctions, mergeTips } from "../../src/merge/index.js";
import { type Identity, saveRecords, share, unshare } from "../../src/peer/index.js";
import { loadAuthors } from "../../src/peer/rights/authors.js";
import { bring, first, own, person } from "./parties.js";

async function cast() {
  const [alice, bob, eve] = await Promise.all([person(), person(), person()]);
  return { alice, bob, eve, note: await own(alice) };
}

/** Does a head of `by` count at alice's? Frames of `more` are there, and not committed. */
async function counts(alice: Identity, by: Identity, note: IbGib, head: IbGib, more: readonly IbGib[] = []) {
  const authors = await loadAuthors(alice.space, note);
  const staged = new Map([head, ...more].map((record) => [record.address, record]));
  const getMany = async (addresses: readonly Address[]) => {
    const kept = await alice.space.getMany(addresses);
    return addresses.map((address, at) => staged.get(address) ?? kept[at]);
  };
  return authors.wrote(by.address, head.address, { getMany });
}

async function letIn(alice: Identity, bob: Identity, note: IbGib, access: Access) {
  await share(alice, { timeline: note.address, with: bob.address, access });
}

describe("a head counts", () => {
  test("of the owner, and of whom the owner lets write; of nobody else", async () => {
    const { alice, bob, eve, note } = await cast();
    const head = mutate(note, { text: "1" });
    await letIn(alice, bob, note, "write");
    await letIn(alice, eve, note, "read");
    expect(await counts(alice, alice, note, head)).toBe(true);
    expect(await counts(alice, bob, note, head)).toBe(true);
    expect(await counts(alice, eve, note, head)).toBe(false);
  });

  test("of a grantee in what is within what was granted", async () => {
    const { alice, bob, eve, note: folder } = await cast();
    await letIn(alice, bob, folder, "write");
    const file = first({ owner: alice.address, within: folder.address });
    expect(await counts(alice, bob, file, file)).toBe(true);
    expect(await counts(alice, eve, file, file)).toBe(false);
    const evil = first({ owner: eve.address, within: folder.address });
    expect(await counts(alice, bob, evil, evil)).toBe(false);
  });

  test("of anyone, where a timeline has no owner", async () => {
    const { alice, eve } = await cast();
    const open = first();
    expect(await counts(alice, eve, open, open)).toBe(true);
  });
});

describe("once a grant was withdrawn", () => {
  test("what came before still counts, and nothing that is dated back before the withdrawal", async () => {
    const { alice, bob, note } = await cast();
    await letIn(alice, bob, note, "write");
    const bobs = mutate(note, { text: "bob" }, { by: bob.address });
    const alices = mutate(bobs, { text: "alice" });
    await bring(alice, bob, [bobs]);
    await saveRecords(alice, [alices]);
    await unshare(alice, { timeline: note.address, from: bob.address });
    expect(await counts(alice, bob, note, bobs)).toBe(true);
    const after = mutate(alices, { text: "bob, later" });
    const beside = mutate(note, { text: "bob, as if it had been then" });
    expect(await counts(alice, bob, note, after)).toBe(false);
    expect(await counts(alice, bob, note, beside)).toBe(false);
    expect(await counts(alice, alice, note, after)).toBe(true);
  });

  test("what a merge had taken in counts, and its branches", async () => {
    const { alice, bob, note } = await cast();
    await letIn(alice, bob, note, "write");
    const [left, right] = [mutate(note, { a: 1 }), mutate(note, { b: 1 })];
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
    expect(await counts(alice, bob, note, right)).toBe(true);
    expect(await counts(alice, bob, note, mutate(right, { b: 2 }))).toBe(false);
  });

  test("what was in the files of a folder counts, and no file that is added later", async () => {
    const { alice, bob, note: folder } = await cast();
    await letIn(alice, bob, folder, "write");
    const file = await own(alice, { within: folder.address });
    const bobs = mutate(file, { text: "bob" }, { by: bob.address });
    await bring(alice, bob, [bobs]);
    await saveRecords(alice, [relateTo(folder, file)]);
    await unshare(alice, { timeline: folder.address, from: bob.address });
    expect(await counts(alice, bob, file, bobs)).toBe(true);
    expect(await counts(alice, bob, file, mutate(bobs, { text: "bob, later" }))).toBe(false);
    const later = first({ owner: alice.address, within: folder.address });
    expect(await counts(alice, bob, later, later)).toBe(false);
  });
});

function relateTo(folder: IbGib, file: IbGib): IbGib {
  return relate(folder, { add: { file: [file.address] } });
}
