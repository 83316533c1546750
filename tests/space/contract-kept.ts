import { expect, test } from "vitest";
import type { Address, IbGib } from "../../src/ibgib/index.js";
import { mergeFunctions, mergeTips } from "../../src/merge/index.js";
import type { Space, StageTotals } from "../../src/space/index.js";
import type { OpenSpace } from "./contract.js";
import {
  addresses,
  alice,
  bob,
  commitOf,
  edited,
  eyesOf,
  first,
  keep,
  moveTo,
  newest,
  stone,
  timeline,
} from "./records.js";

const nothing = { records: 0, bytes: 0, tips: [] };

function totalsOf(records: readonly IbGib[]): StageTotals {
  return { records: records.length, bytes: records.reduce((sum, { bytes }) => sum + bytes.length, 0) };
}

/** Stages for alice as saga "s" in calls of so many records, and keeps it as it was after the first `upTo`. */
async function kept(space: Space, records: readonly IbGib[], upTo: number, atOnce = 4): Promise<boolean> {
  for (let at = 0; at < records.length; at += atOnce)
    await space.stage("s", alice, eyesOf(alice), records.slice(at, at + atOnce));
  return space.keep("s", totalsOf(records.slice(0, upTo)));
}

/** Runs twice: with stages that stay in memory, and with stages that are moved to the store at once. */
export function keptContract(open: OpenSpace): void {
  test.each([20, 17, 12, 1])("of 20 records the first %i are kept, and taken over", async (upTo) => {
    const space = await open();
    const note = timeline("note", 20);
    const short = note.slice(0, upTo);
    expect(await kept(space, note, upTo)).toBe(true);
    const tip = newest(short);
    expect(await space.takeOver("t", "s", eyesOf(alice))).toEqual({
      ...totalsOf(short),
      tips: [{ tjp: first(note).address, address: tip.address, n: upTo - 1 }],
    });
    const held = await space.view("t", eyesOf(alice)).hasMany(addresses(note));
    expect(held).toEqual(note.map((_, at) => at < upTo));
    // It goes on from there, and is committed like any stage.
    const rest = note.slice(upTo);
    expect(await space.stage("t", alice, eyesOf(alice), rest)).toEqual(totalsOf(note));
    expect(await space.commit(commitOf({ saga: "t", tips: [moveTo(note)] }))).toEqual({ kind: "committed" });
    expect(await space.frames(first(note).address, 0, 19)).toEqual(note);
  });

  test("nobody sees what is kept, and it cannot be committed", async () => {
    const space = await open();
    const note = timeline("note", 8);
    await kept(space, note, 8);
    expect(await space.hasMany(addresses(note))).toEqual(note.map(() => false));
    expect(await space.view("s").hasMany(addresses(note))).toEqual(note.map(() => false));
    const commit = await space.commit(commitOf({ saga: "s", tips: [moveTo(note)] }));
    expect(commit).toMatchObject({ kind: "notClosed" });
    const onTop = space.stage("t", alice, eyesOf(alice), [edited(newest(note))]);
    await expect(onTop).rejects.toMatchObject({ code: "record_missing" });
  });

  test("it can be taken over once, and what was never kept is nothing", async () => {
    const space = await open();
    await kept(space, timeline("note", 8), 8);
    const [one, other] = await Promise.all([
      space.takeOver("t", "s", eyesOf(alice)),
      space.takeOver("u", "s", eyesOf(alice)),
    ]);
    expect([one.records, other.records].sort((a, b) => a - b)).toEqual([0, 8]);
    expect(await space.takeOver("v", "nobody's", eyesOf(alice))).toEqual(nothing);
    expect(await space.keep("nobody's", { records: 0, bytes: 0 })).toBe(false);
  });

  test("a saga that was committed leaves nothing to keep; one that staged nothing by then neither", async () => {
    const space = await open();
    const note = timeline("note", 3);
    await space.stage("s", alice, eyesOf(alice), note);
    const committing = space.commit(commitOf({ saga: "s", tips: [moveTo(note)] }));
    const keeping = space.keep("s", totalsOf(note));
    expect([await committing, await keeping]).toEqual([{ kind: "committed" }, false]);
    expect(await kept(space, timeline("other", 8), 0)).toBe(false);
    expect(await space.takeOver("t", "s", eyesOf(alice))).toEqual(nothing);
  });

  test("of a timeline the newest frame is told, and no merge", async () => {
    const space = await open();
    const [note, other] = [timeline("note", 3), timeline("other", 2)];
    await keep(space, note);
    const branch = [edited(newest(note)), edited(newest(note))];
    const held = new Map([...note, ...branch].map((frame) => [frame.address, frame]));
    const reader = { getMany: async (wanted: readonly Address[]) => wanted.map((one) => held.get(one)) };
    const merged = await mergeTips(addresses(branch), reader, mergeFunctions([]));
    if (!("frame" in merged)) return expect.fail("two branches make a merge");
    const records = [...branch, merged.frame, ...other, stone()];
    await kept(space, records, records.length);
    const { tips } = await space.takeOver("t", "s", eyesOf(alice));
    expect(tips).toEqual([
      { tjp: first(note).address, address: branch[0]?.address, n: 3 },
      { tjp: first(other).address, address: newest(other).address, n: 1 },
    ]);
  });

  test("where any of it rests on what may not be seen any more, all of it is dropped", async () => {
    const space = await open();
    const theirs = stone();
    await space.commit(commitOf({ holder: bob, sight: eyesOf(), puts: [theirs], roots: [theirs.address] }));
    const [mine, whole, later] = [stone(), stone("whole", [theirs]), stone()];
    for (const record of [mine, whole, later]) await space.stage("s", alice, eyesOf(alice, bob), [record]);
    await space.keep("s", totalsOf([mine, whole, later]));
    expect(await space.takeOver("t", "s", eyesOf(alice))).toEqual(nothing);
    const held = await space.view("t", eyesOf(alice)).hasMany(addresses([mine, whole, later]));
    expect(held).toEqual([false, false, false]);
    const again = await space.stage("u", alice, eyesOf(alice, bob), [mine, whole, later]);
    expect(again).toEqual(totalsOf([mine, whole, later]));
  });

  test("what is kept counts for its holder, once, until it is dropped", async () => {
    const records = Array.from({ length: 8 }, () => stone());
    const space = await open({ stagedRecordsPerHolderMax: 8 });
    await kept(space, [...records], 6);
    const stage = (saga: string, count: number) =>
      space.stage(
        saga,
        alice,
        eyesOf(alice),
        Array.from({ length: count }, () => stone()),
      );
    await expect(stage("t", 3)).rejects.toMatchObject({ code: "limit_exceeded" });
    expect(await stage("t", 2)).toMatchObject({ records: 2 });
    expect(await space.takeOver("u", "s", eyesOf(alice))).toMatchObject({ records: 6 });
    await expect(stage("t", 1)).rejects.toMatchObject({ code: "limit_exceeded" });
    expect(await space.keep("u", totalsOf(records.slice(0, 6)))).toBe(true);
    await Promise.all([space.drop("u"), space.drop("u")]);
    expect(await stage("t", 6)).toMatchObject({ records: 8 });
    expect(await space.takeOver("v", "u", eyesOf(alice))).toEqual(nothing);
  });

  test("calls that are under way together take effect in order", async () => {
    const space = await open();
    const note = timeline("note", 12);
    const staging = note.map((frame) => space.stage("s", alice, eyesOf(alice), [frame]));
    const keeping = space.keep("s", totalsOf(note.slice(0, 9)));
    const taking = space.takeOver("t", "s", eyesOf(alice));
    const dropping = space.drop("t");
    await Promise.all(staging);
    expect([await keeping, (await taking).records]).toEqual([true, 9]);
    await dropping;
    expect(await space.view("t").hasMany(addresses(note))).toEqual(note.map(() => false));
  });
}
