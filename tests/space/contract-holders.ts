import { expect, test } from "vitest";
import type { OpenSpace } from "./contract.js";
import {
  addresses,
  alice,
  bob,
  commitOf,
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

export function holderContract(open: OpenSpace): void {
  test("a record of a holder that is not named is not present", async () => {
    const space = await open();
    const record = stone();
    await space.commit(commitOf({ puts: [record], roots: [record.address] }));
    expect(await space.get(record.address, eyesOf(bob))).toBeUndefined();
    expect(await space.hasMany([record.address], eyesOf(bob, alice))).toEqual([true]);
    expect(await space.missing([record.address], eyesOf(bob))).toEqual([record.address]);
    const whole = stone("whole", [record]);
    const building = space.stage("s", bob, eyesOf(bob), [whole]);
    await expect(building).rejects.toMatchObject({ code: "record_missing" });
  });

  test("a record that another holder has becomes one's own by committing it", async () => {
    const space = await open();
    const note = timeline("note", 3);
    await keep(space, note);
    await space.stage("s", bob, eyesOf(bob), note);
    expect(await space.hasMany(addresses(note), eyesOf(bob))).toEqual([false, false, false]);
    const tips = [{ ...moveTo(note), from: newest(note).address }];
    await space.commit({ saga: "s", holder: bob, sight: eyesOf(), tips });
    expect(await space.hasMany(addresses(note), eyesOf(bob))).toEqual([true, true, true]);
    expect(await space.hasMany(addresses(note), eyesOf(alice))).toEqual([true, true, true]);
    expect(await space.hasMany(addresses(note), eyesOf(eve))).toEqual([false, false, false]);
  });

  test("a root that only another holder has is not there", async () => {
    const space = await open();
    const record = stone();
    await space.commit(commitOf({ puts: [record], roots: [record.address] }));
    expect(await space.commit({ holder: bob, sight: eyesOf(), roots: [record.address] })).toEqual({
      kind: "notClosed",
      missing: [record.address],
    });
    expect(await space.commit({ holder: bob, sight: eyesOf(alice), roots: [record.address] })).toEqual({
      kind: "committed",
    });
  });

  test("a timeline counts at its tip for those who have that, else as its first record", async () => {
    const space = await open();
    const part = stone();
    const note = timeline("note", 1);
    note.push(relating(newest(note), [part]));
    await space.commit(commitOf({ puts: [part, ...note], tips: [moveTo(note)] }));
    const folder = timeline("folder", 1);
    folder.push(relating(newest(folder), [first(note)]));
    const puts = [first(note), ...folder];
    await space.commit({ holder: bob, sight: eyesOf(), puts, tips: [moveTo(folder)] });
    expect(await space.missing([first(folder).address], eyesOf(bob))).toEqual([]);
    expect(await space.missing([first(folder).address], eyesOf(bob, alice))).toEqual([]);
    expect(await space.missing([first(note).address], eyesOf(bob))).toEqual([]);
    expect(await space.missing([newest(note).address], eyesOf(bob))).toEqual([newest(note).address]);
  });

  test("what is missing is all that is missing, wherever it hangs", async () => {
    const space = await open();
    const [mine, theirs, absent] = [stone(), stone(), stone()];
    await space.commit({ holder: bob, sight: eyesOf(), puts: [theirs], roots: [theirs.address] });
    const whole = stone("whole", [mine, theirs]);
    await space.commit({ holder: alice, sight: eyesOf(bob), puts: [mine, whole], roots: [whole.address] });
    expect(new Set(await space.missing([whole.address, absent.address], eyesOf(alice)))).toEqual(
      new Set([theirs.address, absent.address]),
    );
    expect(await space.missing([whole.address], eyesOf(alice, bob))).toEqual([]);
  });
}
