import { expect, test } from "vitest";
import { type Address, createTimeline, fork, type IbGib, sealRecord, tjpOf } from "../../src/ibgib/index.js";
import { mergeFunctions, mergeTips } from "../../src/merge/index.js";
import type { Sight, Space, TipMove } from "../../src/space/index.js";
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

const committed = { kind: "committed" };

/** Says yes to these timelines, by any of their frames. */
function readsOnly(...readable: readonly IbGib[]): (first: IbGib) => boolean {
  const names = new Set(readable.map(tjpOf));
  return ({ address }) => names.has(address);
}

/** What bob holds and may read. */
function bobReading(...readable: readonly IbGib[]): Sight {
  return { holders: [bob], reads: readsOnly(...readable) };
}

/** A folder of alice's whose newest frame links `items`; they have to be committed, or in `along`. */
async function aliceKeepsFolder(space: Space, items: readonly IbGib[], along: readonly IbGib[] = []) {
  const folder = timeline("folder", 1);
  folder.push(relating(newest(folder), items));
  const result = await space.commit(commitOf({ puts: [...along, ...folder], tips: [moveTo(folder)] }));
  expect(result).toEqual(committed);
  return folder;
}

/** The move of a timeline from one frame to another. */
function move(from: IbGib, to: IbGib): TipMove {
  return { tjp: tjpOf(to)!, from: from.address, to: to.address };
}

/** Runs twice: with stages that stay in memory, and with stages that are moved to the store at once. */
export function sightContract(open: OpenSpace): void {
  test("the frames of a timeline that may be read are present, whoever holds them; no others are", async () => {
    const space = await open();
    const [note, secret] = [timeline("note", 3), timeline("secret", 3)];
    await keep(space, note);
    await keep(space, secret);
    const branch = edited(note[1]!);
    await space.commit({ holder: eve, sight: eyesOf(alice), puts: [branch], roots: [branch.address] });
    await space.stage("s", alice, eyesOf(), [edited(newest(note), "staged")]);
    const sight = bobReading(first(note));
    expect(await space.hasMany(addresses([...note, branch]), sight)).toEqual([true, true, true, true]);
    expect(await space.hasMany(addresses(secret), sight)).toEqual([false, false, false]);
    expect((await space.get(newest(note).address, sight))?.address).toBe(newest(note).address);
    expect(await space.get(newest(secret).address, sight)).toBeUndefined();
    expect(await space.getMany([edited(newest(note), "staged").address], sight)).toEqual([undefined]);
  });

  test("a call asks once for each timeline, with its first frame", async () => {
    const space = await open();
    const [note, other] = [timeline("note", 5), timeline("other", 5)];
    await keep(space, note);
    await keep(space, other);
    const asked: Address[] = [];
    const reads = ({ address }: IbGib) => {
      asked.push(address);
      return true;
    };
    await space.hasMany(addresses([...note.slice(1), ...other, ...note]), { holders: [], reads });
    expect(asked).toEqual(addresses([first(note), first(other)]));
  });

  test("what a frame that may be read links to, frames after it carry on", async () => {
    const space = await open();
    const part = stone();
    const folder = await aliceKeepsFolder(space, [part], [part]);
    const [next, more] = [edited(newest(folder)), stone()];
    const last = relating(next, [more]);
    const sight = bobReading(first(folder));
    await space.stage("s", bob, sight, [next]);
    await space.stage("s", bob, sight, [more, last]);
    const tips = [move(newest(folder), last)];
    expect(await space.commit({ saga: "s", holder: bob, sight, tips })).toEqual(committed);
    // It is not bob's for all that: by itself, or to whoever may not read the folder, it is not there.
    expect(await space.hasMany([part.address], sight)).toEqual([false]);
    expect(await space.missing([first(folder).address], sight)).toEqual([]);
    expect(await space.missing([last.address], eyesOf(bob))).toEqual(
      expect.arrayContaining(addresses([part, ...folder])),
    );
  });

  test("a frame that may be read can be brought again by itself", async () => {
    const space = await open();
    const part = stone();
    const folder = await aliceKeepsFolder(space, [part], [part]);
    const tips = [move(newest(folder), newest(folder))];
    const again = { holder: bob, puts: folder, tips };
    expect(await space.commit({ ...again, sight: eyesOf() })).toEqual({
      kind: "notClosed",
      missing: [part.address],
    });
    expect(await space.commit({ ...again, sight: bobReading(first(folder)) })).toEqual(committed);
  });

  test("a merge carries on what the branches it takes in link to", async () => {
    const space = await open();
    const part = stone();
    const folder = await aliceKeepsFolder(space, [part], [part]);
    const longer = [edited(first(folder))];
    while (longer.length < 3) longer.push(edited(newest(longer)));
    const sight = bobReading(first(folder));
    await space.stage("s", bob, sight, longer);
    const tips = [newest(folder).address, newest(longer).address];
    const merged = await mergeTips(tips, space.view("s"), mergeFunctions([]));
    if (!("frame" in merged)) throw new Error("one tip holds the other");
    expect(merged.frame.rel8ns).toMatchObject({
      past: [newest(longer).address],
      graftorphan: [newest(folder).address],
      item: [part.address],
    });
    await space.stage("s", bob, sight, [merged.frame]);
    const over = { saga: "s", holder: bob, tips: [move(newest(folder), merged.frame)] };
    expect(await space.commit({ ...over, sight })).toEqual(committed);
  });

  test("a link that no frame before has, and one of a stone, need what they lead to", async () => {
    const space = await open();
    const inner = stone();
    const [part, other] = [stone("part", [inner]), stone()];
    const folder = await aliceKeepsFolder(space, [part], [inner, part]);
    await space.commit(commitOf({ puts: [other], roots: [other.address] }));
    const sight = bobReading(first(folder));
    const bring = async (...puts: IbGib[]) => {
      const to = relating(newest(folder), [puts.at(-1) ?? other]);
      return space.commit({ holder: bob, sight, puts: [...puts, to], tips: [move(newest(folder), to)] });
    };
    expect(await bring()).toEqual({ kind: "notClosed", missing: [other.address] });
    // What only a stone leads to has to be held, although the folder leads there as well: it is sent again.
    const [box, deep] = [stone("box", [part]), stone("deep", [inner])];
    expect(await bring(box)).toEqual({ kind: "notClosed", missing: [part.address] });
    expect(await bring(deep)).toEqual({ kind: "notClosed", missing: [inner.address] });
    const rel8ns = { graftorphan: [newest(folder).address], item: [part.address] };
    expect(await bring(sealRecord({ ib: "posing as a frame", rel8ns }))).toMatchObject({
      missing: [part.address],
    });
    expect(await bring(inner, part, deep, box)).toEqual(committed);
  });

  test("a link to a timeline that may not be read means its first frame, which needs no tip", async () => {
    const space = await open();
    const secret = timeline("secret", 1);
    const folder = timeline("folder", 1);
    folder.push(relating(newest(folder), secret));
    const commit = { holder: bob, puts: [first(secret), ...folder], tips: [moveTo(folder)] };
    const untipped = { kind: "notClosed", missing: [first(secret).address] };
    expect(await space.commit({ ...commit, sight: eyesOf() })).toEqual(untipped);
    expect(await space.commit({ ...commit, sight: "anyone" })).toEqual(untipped);
    expect(await space.commit({ ...commit, sight: bobReading(...folder, ...secret) })).toEqual(untipped);
    const without = { ...commit, puts: folder, sight: bobReading(first(folder)) };
    expect(await space.commit(without)).toEqual(untipped); // the record itself is asked for
    expect(await space.commit({ ...commit, sight: bobReading(first(folder)) })).toEqual(committed);
    expect(await space.tip(first(secret).address)).toBeUndefined();
    expect(await space.missing([first(folder).address], eyesOf(bob))).toEqual([]);
  });

  test("where a first frame lies without a tip, frames go on linking it, and no others may", async () => {
    const space = await open();
    const secret = timeline("secret", 1);
    const folder = timeline("folder", 1);
    folder.push(relating(newest(folder), secret));
    const puts = [first(secret), ...folder];
    const sight = { holders: [], reads: readsOnly(first(folder)) };
    expect(await space.commit(commitOf({ puts, tips: [moveTo(folder)], sight }))).toEqual(committed);
    folder.push(edited(newest(folder)));
    const going = commitOf({ puts: [newest(folder)], tips: [moveTo(folder, folder[1])] });
    expect(await space.commit(going)).toEqual(committed);
    // A frame that links it anew needs its tip; so does one after a fork of it, whose link meant that very record.
    for (const start of [timeline("other", 1), [fork(first(secret), { uuid: "fork" })]]) {
      const frames = [...start, relating(newest(start), secret)];
      expect(await space.commit(commitOf({ puts: frames, tips: [moveTo(frames)] }))).toEqual({
        kind: "notClosed",
        missing: [first(secret).address],
      });
    }
  });

  test("a timeline that may not be read is missing; what of it is held is there, and not followed", async () => {
    const space = await open();
    const part = stone();
    const secret = await aliceKeepsFolder(space, [part], [part]);
    const folder = await aliceKeepsFolder(space, [first(secret)]);
    const sight = bobReading(first(folder));
    expect(await space.missing([first(secret).address], sight)).toEqual([first(secret).address]);
    expect(await space.missing([first(folder).address], sight)).toEqual([]);
    await space.commit({ holder: bob, sight, puts: [first(secret)], roots: [first(secret).address] });
    expect(await space.missing([first(secret).address], sight)).toEqual([]);
    expect(await space.hasMany(addresses(secret), sight)).toEqual([true, false]);
    // Bob adds to it while he may read it; afterwards he is not asked for what hangs on the tip he holds.
    const next = edited(newest(secret));
    const allowed = { holder: bob, sight: bobReading(first(secret)), puts: [next] };
    expect(await space.commit({ ...allowed, tips: [move(newest(secret), next)] })).toEqual(committed);
    expect(await space.missing([next.address], sight)).toEqual(
      expect.arrayContaining(addresses([part, newest(secret)])),
    );
    expect(await space.missing([first(secret).address], sight)).toEqual([]);
  });

  test("the timelines that are reached are those that the sight does not deny", async () => {
    const space = await open();
    const [shared, later, quoted] = [timeline("shared", 3), timeline("later", 3), timeline("quoted", 3)];
    for (const frames of [shared, later, quoted]) await keep(space, frames);
    const secret = [
      createTimeline({ ib: "secret", uuid: "secret", rel8ns: { item: [first(quoted).address] } }),
    ];
    secret.push(relating(newest(secret), [first(later)]));
    await keep(space, secret);
    const folder = await aliceKeepsFolder(space, [first(shared), first(secret)]);
    const sight = bobReading(first(folder), first(shared), first(later), first(quoted));
    const tip = (frame: IbGib, n: number) => ({ tjp: tjpOf(frame), address: frame.address, n });
    const reached = await space.reachableTips([first(folder).address], sight);
    expect(reached).toHaveLength(2);
    expect(reached).toEqual(expect.arrayContaining([tip(newest(folder), 1), tip(newest(shared), 2)]));
    expect(await space.reachableTips([first(folder).address])).toHaveLength(5);
    expect(await space.reachableTips([first(secret).address], sight)).toEqual([]);
  });

  test("nothing is reached through a timeline without a tip, whoever holds its first frame", async () => {
    const space = await open();
    const later = timeline("later", 2);
    await keep(space, later);
    const untipped = createTimeline({
      ib: "untipped",
      uuid: "untipped",
      rel8ns: { item: [first(later).address] },
    });
    const folder = timeline("folder", 1);
    folder.push(relating(newest(folder), [untipped]));
    const sight = { holders: [], reads: readsOnly(first(later)) };
    const puts = [untipped, ...folder];
    expect(await space.commit(commitOf({ puts, tips: [moveTo(folder)], sight }))).toEqual(committed);
    await space.commit({
      holder: bob,
      sight: "anyone",
      puts: [first(folder)],
      roots: [first(folder).address],
    });
    for (const seen of [undefined, eyesOf(bob), bobReading(first(folder), untipped, first(later))]) {
      const reached = await space.reachableTips([first(folder).address], seen);
      expect(reached.map(({ address }) => address)).toEqual([newest(folder).address]);
    }
  });

  test("a stage that was checked with one sight is checked again for one that may count less", async () => {
    const space = await open();
    const part = stone();
    const folder = await aliceKeepsFolder(space, [part], [part]);
    const next = edited(newest(folder));
    const sight = bobReading(first(folder));
    await space.stage("s", bob, sight, [next]);
    const commit = { saga: "s", holder: bob, tips: [move(newest(folder), next)] };
    const missing = await space.commit({ ...commit, sight: eyesOf(bob) });
    expect(missing.kind === "notClosed" && new Set(missing.missing)).toEqual(
      new Set(addresses([part, ...folder])),
    );
    const denying = { holders: [bob], reads: () => false };
    expect((await space.commit({ ...commit, sight: denying })).kind).toBe("notClosed");
    expect(await space.commit({ ...commit, sight: bobReading(first(folder)) })).toEqual(committed);
  });

  test("a tip that the staging sight did not ask for is asked for by the committing one", async () => {
    const space = await open();
    const secret = timeline("secret", 1);
    const folder = timeline("folder", 1);
    folder.push(relating(newest(folder), secret));
    const sight = bobReading(first(folder));
    await space.stage("s", bob, sight, [...secret, ...folder]);
    const commit = { saga: "s", holder: bob, tips: [moveTo(folder)] };
    const untipped = { kind: "notClosed", missing: [first(secret).address] };
    expect(await space.commit({ ...commit, sight: "anyone" })).toEqual(untipped);
    expect(await space.commit({ ...commit, sight: bobReading(...folder, ...secret) })).toEqual(untipped);
    expect(await space.commit({ ...commit, sight })).toEqual(committed);
  });

  test("a view shows what is committed, with what one saga has staged", async () => {
    const space = await open();
    const [mine, theirs, other] = [stone(), stone(), stone()];
    const kept = stone();
    await space.commit({ holder: eve, sight: eyesOf(), puts: [kept], roots: [kept.address] });
    const view = space.view("s");
    await space.stage("t", alice, eyesOf(), [theirs]);
    const staging = space.stage("s", bob, eyesOf(), [mine]);
    const asked = addresses([mine, kept, theirs, other]);
    const shown = await view.getMany(asked);
    expect(shown.map((record) => record?.address)).toEqual([
      mine.address,
      kept.address,
      undefined,
      undefined,
    ]);
    await staging;
    await space.drop("s");
    expect((await view.getMany(asked)).map((record) => record?.address)).toEqual([
      undefined,
      kept.address,
      undefined,
      undefined,
    ]);
  });
}
