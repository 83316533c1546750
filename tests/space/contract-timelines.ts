import { expect, test } from "vitest";
import { admitRecord, createTimeline, fork, gibV1, type IbGib, sealRecord } from "../../src/ibgib/index.js";
import type { Space } from "../../src/space/index.js";
import type { OpenSpace } from "./contract.js";
import {
  addresses,
  alice,
  commitOf,
  edited,
  eyesOf,
  first,
  keep,
  moveTo,
  newest,
  relating,
  stone,
  timeline,
} from "./records.js";

export function timelineContract(open: OpenSpace): void {
  test("every frame is found by its number, and no other number names one", async () => {
    const space = await open();
    const note = timeline("note", 100);
    await space.stage("s", alice, eyesOf(alice), note.slice(0, 50));
    await space.stage("s", alice, eyesOf(alice), note.slice(50));
    await space.commit(commitOf({ saga: "s", tips: [moveTo(note)] }));
    const tjp = first(note).address;
    for (const [n, frame] of note.entries()) expect(await space.frameAt(tjp, n)).toBe(frame.address);
    for (const n of [-1, 100, 0.5, Number.NaN]) expect(await space.frameAt(tjp, n)).toBeUndefined();
    expect(await space.frameAt(stone().address, 0)).toBeUndefined();
  });

  test("the index goes on when a timeline grows by commits of any size", async () => {
    const space = await open();
    const note = timeline("note", 140);
    let kept = 0;
    for (const size of [1, 31, 1, 1, 63, 33, 10]) {
      const from = kept === 0 ? undefined : note[kept - 1];
      const puts = note.slice(kept, kept + size);
      kept += size;
      await space.commit(commitOf({ puts, tips: [moveTo(note.slice(0, kept), from)] }));
    }
    const tjp = first(note).address;
    for (const [n, frame] of note.entries()) expect(await space.frameAt(tjp, n)).toBe(frame.address);
  });

  test("frames come oldest first, those that are there", async () => {
    const space = await open();
    const note = timeline("note", 70);
    await keep(space, note);
    const tjp = first(note).address;
    const numbered = async (from: number, to: number) => addresses(await space.frames(tjp, from, to));
    expect(await numbered(30, 66)).toEqual(addresses(note.slice(30, 67)));
    expect(await numbered(68, 99)).toEqual(addresses(note.slice(68)));
    expect(await numbered(0, 0)).toEqual(addresses(note.slice(0, 1)));
    expect(await numbered(5, 4)).toEqual([]);
    expect(await space.frames(stone().address, 0, 9)).toEqual([]);
  });

  test("frames that were committed before they were on the chain are found too", async () => {
    const space = await open();
    const note = timeline("note", 80);
    const [start, middle] = [note.slice(0, 10), note.slice(0, 70)];
    await keep(space, start);
    const quote = sealRecord({ ib: "quote", rel8ns: { ancestor: [newest(middle).address] } });
    await space.commit(commitOf({ puts: [...middle.slice(10), quote], roots: [quote.address] }));
    await space.commit(commitOf({ puts: note.slice(70), tips: [moveTo(note, newest(start))] }));
    const tjp = first(note).address;
    for (const [n, frame] of note.entries()) expect(await space.frameAt(tjp, n)).toBe(frame.address);
  });

  test("of two branches that were staged, the index follows the one that was committed", async () => {
    const space = await open();
    const trunk = timeline("note", 40);
    const branch = (): IbGib[] => {
      const frames = [...trunk];
      while (frames.length < 100) frames.push(edited(newest(frames)));
      return frames;
    };
    const [left, right] = [branch(), branch()];
    await space.stage("s", alice, eyesOf(alice), trunk);
    for (let n = 40; n < 100; n++) await space.stage("s", alice, eyesOf(alice), [left[n]!, right[n]!]);
    await space.commit(commitOf({ saga: "s", tips: [moveTo(right)], roots: [newest(left).address] }));
    const tjp = first(trunk).address;
    for (const [n, frame] of right.entries()) expect(await space.frameAt(tjp, n)).toBe(frame.address);
    expect(await space.get(newest(left).address)).toBeDefined();
  });

  test("a first frame without a number stands before number 0", async () => {
    const space = await open();
    const data = { isTjp: true, uuid: "foreign" };
    const tjp = admitRecord({ ib: "note", gib: gibV1({ ib: "note", data }), data });
    const frames = [tjp, edited(tjp), edited(tjp)];
    const chain = [tjp, frames[1]!];
    await keep(space, chain);
    expect(await space.tip(tjp.address)).toMatchObject({ n: 0 });
    expect(await space.frameAt(tjp.address, -1)).toBe(tjp.address);
    expect(await space.frameAt(tjp.address, 0)).toBe(newest(chain).address);
  });

  test("tips are answered in the order asked", async () => {
    const space = await open();
    const [note, other] = [timeline("note", 2), timeline("other", 3)];
    await keep(space, note);
    await keep(space, other);
    const asked = [first(other), stone(), first(note), newest(note)];
    expect((await space.tips(addresses(asked))).map((tip) => tip?.n)).toEqual([2, undefined, 1, undefined]);
  });

  test("the timelines in a closure are those that links lead to, by whatever way", async () => {
    const space = await open();
    const [a, b, c, d] = [timeline("a", 2), timeline("b", 2), timeline("c", 2), timeline("d", 2)];
    for (const frames of [a, b, c, d]) await keep(space, frames);
    const card = stone("card", [first(b)]);
    const box = stone("box", [card]);
    const folder = timeline("folder", 1);
    folder.push(relating(newest(folder), [first(a)]));
    folder.push(relating(newest(folder), [box]));
    await keep(space, [...folder.slice(0, 2)]);
    expect(await reached(space, first(folder))).toEqual(tjps([folder, a]));
    await space.commit(commitOf({ puts: [card, box, newest(folder)], tips: [moveTo(folder, folder[1])] }));
    expect(await reached(space, first(folder))).toEqual(tjps([folder, a, b]));
    // Reached through another timeline's tip, and no longer linked to by the newest frame.
    const next = [...a, relating(newest(a), [first(c)])];
    next.push(edited(newest(next)));
    await space.commit(commitOf({ puts: next.slice(2), tips: [moveTo(next, newest(a))] }));
    expect(await reached(space, first(folder))).toEqual(tjps([folder, a, b, c]));
    expect(await reached(space, box)).toEqual(tjps([b]));
    expect(await reached(space, first(d))).toEqual(tjps([d]));
    expect(await reached(space, stone())).toEqual([]);
  });

  test("a fork brings what its source reached then, not what it reaches later", async () => {
    const space = await open();
    const [early, late] = [timeline("early", 1), timeline("late", 1)];
    await keep(space, early);
    await keep(space, late);
    const source = timeline("source", 1);
    source.push(relating(newest(source), [first(early)]));
    await keep(space, source);
    const forked = [fork(newest(source), { uuid: "fork" })];
    await keep(space, forked);
    const grown = [...source, relating(newest(source), [first(late)])];
    await space.commit(commitOf({ puts: [newest(grown)], tips: [moveTo(grown, newest(source))] }));
    expect(await reached(space, first(forked))).toEqual(tjps([forked, early]));
    expect(await reached(space, first(source))).toEqual(tjps([source, early, late]));
  });

  test("timelines that relate each other are each reached once", async () => {
    const space = await open();
    const [a, b] = [[createTimeline({ ib: "a", uuid: "a" })], [createTimeline({ ib: "b", uuid: "b" })]];
    a.push(relating(newest(a), [first(b)]));
    b.push(relating(newest(b), [first(a)]));
    const puts = [first(a), first(b), newest(a), newest(b)];
    await space.commit(commitOf({ puts, tips: [moveTo(a), moveTo(b)] }));
    expect(await reached(space, first(a))).toEqual(tjps([a, b]));
    expect(await space.missing([first(a).address], eyesOf(alice))).toEqual([]);
  });

  test("what a listener is told is what moved", async () => {
    const space = await open();
    const told: number[][] = [];
    const stop = space.watch((tips) => told.push(tips.map(({ n }) => n)));
    const [note, other] = [timeline("note", 2), timeline("other", 3)];
    await space.commit(commitOf({ puts: [...note, ...other], tips: [moveTo(note), moveTo(other)] }));
    await space.commit(commitOf({ tips: [{ ...moveTo(note), from: newest(note).address }] }));
    stop();
    const next = [...note, edited(newest(note))];
    await space.commit(commitOf({ puts: [newest(next)], tips: [moveTo(next, newest(note))] }));
    expect(told).toEqual([[1, 2]]);
  });
}

/** The first frames of the timelines in a closure, sorted. */
async function reached(space: Space, root: IbGib): Promise<string[]> {
  return (await space.reachableTips([root.address])).map(({ tjp }) => tjp).sort(byText);
}

function tjps(timelines: readonly (readonly IbGib[])[]): string[] {
  return timelines.map((frames) => first(frames).address).sort(byText);
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}
