import { expect, test } from "vitest";
import type { OpenSpace } from "./contract.js";
import {
  addresses,
  alice,
  bob,
  commitOf,
  edited,
  eve,
  eyesOf,
  first,
  keep,
  moveTo,
  newest,
  relating,
  stone,
  timeline,
} from "./records.js";

/** Runs twice: with stages that stay in memory, and with stages that are moved to the store at once. */
export function stageContract(open: OpenSpace): void {
  test("staged records are invisible until they are committed (threat 12)", async () => {
    const space = await open();
    const note = timeline("note", 3);
    const bytes = note.reduce((sum, frame) => sum + frame.bytes.length, 0);
    expect(await space.stage("s", alice, eyesOf(alice), note)).toEqual({ records: 3, bytes });
    expect(await space.hasMany(addresses(note), eyesOf(alice))).toEqual([false, false, false]);
    expect(await space.tip(first(note).address)).toBeUndefined();
    await space.commit(commitOf({ saga: "s", tips: [moveTo(note)] }));
    expect(await space.hasMany(addresses(note), eyesOf(alice))).toEqual([true, true, true]);
    expect(await space.tip(first(note).address)).toMatchObject({ address: newest(note).address, n: 2 });
  });

  test("what is staged can be read, with what each record takes on a disk", async () => {
    const space = await open();
    const [note, whole] = [timeline("note", 3), stone("whole")];
    for (const records of [note, [whole]]) await space.stage("s", alice, eyesOf(alice), records);
    const staged = await space.readStage("s");
    const found = staged.map(({ record }) => record.address);
    expect(new Set(found)).toEqual(new Set(addresses([...note, whole])));
    for (const { record, bytes } of staged) expect(bytes).toBeGreaterThan(record.bytes.length);
    expect(await space.readStage("another")).toEqual([]);
  });

  test("a record staged twice counts once", async () => {
    const space = await open();
    const record = stone();
    await space.stage("s", alice, eyesOf(alice), [record, record]);
    expect(await space.stage("s", alice, eyesOf(alice), [record])).toEqual({
      records: 1,
      bytes: record.bytes.length,
    });
  });

  test("what the holder has already is not staged", async () => {
    const space = await open();
    const note = timeline("note", 2);
    await keep(space, note);
    expect(await space.stage("s", alice, eyesOf(alice), note)).toEqual({ records: 0, bytes: 0 });
  });

  test("dependencies come first, or the call is refused as a whole (threat 12)", async () => {
    const space = await open();
    const part = stone();
    const whole = stone("whole", [part]);
    const other = stone();
    const early = space.stage("s", alice, eyesOf(alice), [other, whole, part]);
    await expect(early).rejects.toMatchObject({ code: "record_missing" });
    expect(await space.stage("s", alice, eyesOf(alice), [part, whole])).toMatchObject({ records: 2 });
    expect(await space.commit(commitOf({ saga: "s", roots: [other.address] }))).toMatchObject({
      kind: "notClosed",
      missing: [other.address],
    });
  });

  test("what another saga has staged is not present", async () => {
    const space = await open();
    const part = stone();
    await space.stage("s", alice, eyesOf(alice), [part]);
    const building = space.stage("t", alice, eyesOf(alice), [stone("whole", [part])]);
    await expect(building).rejects.toMatchObject({ code: "record_missing" });
  });

  test("two sagas can stage and commit the same records", async () => {
    const space = await open();
    const note = timeline("note", 3);
    await space.stage("s", alice, eyesOf(alice), note);
    await space.stage("t", alice, eyesOf(alice), note);
    await space.commit(commitOf({ saga: "s", tips: [moveTo(note)] }));
    const again = commitOf({ saga: "t", tips: [{ ...moveTo(note), from: newest(note).address }] });
    expect(await space.commit(again)).toEqual({ kind: "committed" });
    expect(await space.missing([first(note).address], eyesOf(alice))).toEqual([]);
  });

  test("dropping one of two stages leaves the other whole", async () => {
    const space = await open();
    const note = timeline("note", 3);
    await space.stage("s", alice, eyesOf(alice), note);
    await space.stage("t", alice, eyesOf(alice), note);
    await space.drop("s");
    await space.drop("s");
    expect(await space.commit(commitOf({ saga: "t", tips: [moveTo(note)] }))).toEqual({ kind: "committed" });
    expect(await space.frames(first(note).address, 0, 2)).toHaveLength(3);
  });

  test("a dropped stage is gone", async () => {
    const space = await open();
    const note = timeline("note", 3);
    await space.stage("s", alice, eyesOf(alice), note);
    await space.drop("s");
    const commit = commitOf({ saga: "s", tips: [moveTo(note)] });
    expect(await space.commit(commit)).toEqual({ kind: "notClosed", missing: [newest(note).address] });
    expect(await space.stage("s", bob, eyesOf(bob), note)).toMatchObject({ records: 3 });
  });

  test("a stage that was committed in part leaves nothing of the rest", async () => {
    const space = await open();
    const [note, other] = [timeline("note", 3), timeline("other", 3)];
    const loose = stone();
    await space.stage("s", alice, eyesOf(alice), [first(note), ...other]);
    await space.stage("s", alice, eyesOf(alice), [...note.slice(1), loose]);
    await space.commit(commitOf({ saga: "s", tips: [moveTo(note)] }));
    expect(await space.hasMany(addresses([...note, ...other, loose]))).toEqual([
      ...note.map(() => true),
      ...other.map(() => false),
      false,
    ]);
    // The saga has ended: nothing of it is staged either.
    const rest = commitOf({ saga: "s", roots: [loose.address] });
    expect(await space.commit(rest)).toMatchObject({ kind: "notClosed" });
  });

  test("a commit may stop short of the newest frame that was staged", async () => {
    const space = await open();
    const note = timeline("note", 70);
    await space.stage("s", alice, eyesOf(alice), note);
    const short = note.slice(0, 40);
    await space.commit(commitOf({ saga: "s", tips: [moveTo(short)] }));
    const tjp = first(note).address;
    expect(await space.tip(tjp)).toMatchObject({ n: 39 });
    expect(await space.frameAt(tjp, 33)).toBe(note[33]?.address);
    expect(await space.hasMany(addresses(note.slice(40)))).toEqual(note.slice(40).map(() => false));
  });

  test("puts come on top of what is staged", async () => {
    const space = await open();
    const note = timeline("note", 3);
    await space.stage("s", alice, eyesOf(alice), note.slice(0, 2));
    const commit = commitOf({ saga: "s", puts: [newest(note)], tips: [moveTo(note)] });
    expect(await space.commit(commit)).toEqual({ kind: "committed" });
    expect(await space.missing([first(note).address], eyesOf(alice))).toEqual([]);
  });

  test("a stage outlives a commit that did not succeed", async () => {
    const space = await open();
    const note = timeline("note", 2);
    await keep(space, note);
    const [mine, theirs] = [edited(newest(note)), edited(newest(note))];
    await space.stage("s", alice, eyesOf(alice), [mine]);
    await space.commit(commitOf({ puts: [theirs], tips: [moveTo([...note, theirs], newest(note))] }));
    const stale = commitOf({ saga: "s", tips: [moveTo([...note, mine], newest(note))] });
    expect((await space.commit(stale)).kind).toBe("moved");
    const kept = commitOf({ saga: "s", roots: [mine.address] });
    expect(await space.commit(kept)).toEqual({ kind: "committed" });
  });

  test("records counted on while staging have to count at the commit", async () => {
    const space = await open();
    const part = stone();
    await space.commit(commitOf({ holder: bob, sight: eyesOf(), puts: [part], roots: [part.address] }));
    const whole = stone("whole", [part]);
    await space.stage("s", alice, eyesOf(alice, bob), [whole]);
    const narrow = commitOf({ saga: "s", roots: [whole.address] });
    expect(await space.commit(narrow)).toEqual({ kind: "notClosed", missing: [part.address] });
    expect(await space.commit({ ...narrow, sight: eyesOf(bob) })).toEqual({ kind: "committed" });
  });

  test("links to timelines without a tip are held against the commit, whenever they were staged", async () => {
    const space = await open();
    const note = timeline("note", 2);
    const folder = timeline("folder", 1);
    folder.push(relating(newest(folder), [first(note)]));
    await space.stage("s", alice, eyesOf(alice), note);
    await space.stage("s", alice, eyesOf(alice), folder);
    const without = commitOf({ saga: "s", tips: [moveTo(folder)], roots: [newest(note).address] });
    expect(await space.commit(without)).toEqual({ kind: "notClosed", missing: [first(note).address] });
    const withBoth = commitOf({ saga: "s", tips: [moveTo(folder), moveTo(note)] });
    expect(await space.commit(withBoth)).toEqual({ kind: "committed" });
  });

  test.each([
    ["stagedRecordsPerHolderMax", { stagedRecordsPerHolderMax: 3 }, true],
    ["stagedBytesPerHolderMax", { stagedBytesPerHolderMax: 400 }, true],
    ["stagedRecordsInSpaceMax", { stagedRecordsInSpaceMax: 3 }, false],
    ["stagedBytesInSpaceMax", { stagedBytesInSpaceMax: 400 }, false],
  ])("the limit %s is kept, over all sagas, and given back", async (limit, limits, isPerHolder) => {
    const space = await open(limits);
    const batch = (): ReturnType<typeof stone>[] => [stone("x".repeat(40)), stone("y".repeat(40))];
    await space.stage("s", alice, eyesOf(alice), [stone("1")]);
    await space.stage("t", alice, eyesOf(alice), [stone("2")]);
    const refused = space.stage("u", alice, eyesOf(alice), batch());
    await expect(refused).rejects.toMatchObject({ code: "limit_exceeded", facts: { limit } });
    const others = space.stage("v", eve, eyesOf(eve), batch());
    if (isPerHolder) await expect(others).resolves.toMatchObject({ records: 2 });
    else await expect(others).rejects.toMatchObject({ code: "limit_exceeded" });
    await space.drop("s");
    await space.drop("t");
    await space.drop("v");
    expect(await space.stage("u", alice, eyesOf(alice), batch())).toMatchObject({ records: 2 });
  });

  test("calls for one saga that are under way together take effect in order", async () => {
    const space = await open();
    const note = timeline("note", 20);
    const staging = note.map((frame) => space.stage("s", alice, eyesOf(alice), [frame]));
    const committing = space.commit(commitOf({ saga: "s", tips: [moveTo(note)] }));
    expect((await Promise.all(staging)).map(({ records }) => records)).toEqual(note.map((_, at) => at + 1));
    expect(await committing).toEqual({ kind: "committed" });
  });
}
