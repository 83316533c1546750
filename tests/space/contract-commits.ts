import { describe, expect, test } from "vitest";
import { addressOf, sealRecord } from "../../src/ibgib/index.js";
import type { Commit, Space } from "../../src/space/index.js";
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
  relating,
  stone,
  timeline,
} from "./records.js";

export function commitContract(open: OpenSpace): void {
  test("a committed record is there as it came", async () => {
    const space = await open();
    const record = sealRecord({ ib: "bin", data: Uint8Array.of(0, 255, 7) });
    expect(await space.commit(commitOf({ puts: [record], roots: [record.address] }))).toEqual({
      kind: "committed",
    });
    const found = await space.get(record.address);
    expect(found?.bytes).toEqual(record.bytes);
    expect(found?.address).toBe(record.address);
  });

  test("many are answered in the order asked, absent ones too", async () => {
    const space = await open();
    const [a, b, absent] = [stone(), stone(), stone()];
    await space.commit(commitOf({ puts: [a, b], roots: addresses([a, b]) }));
    const asked = addresses([b, absent, a, b]);
    expect((await space.getMany(asked)).map((found) => found?.address)).toEqual([
      b.address,
      undefined,
      a.address,
      b.address,
    ]);
    expect(await space.hasMany(asked)).toEqual([true, false, true, true]);
  });

  test("an address with the right gib and another ib names nothing", async () => {
    const space = await open();
    const record = stone();
    await space.commit(commitOf({ puts: [record], roots: [record.address] }));
    const posing = addressOf("other", record.gib);
    expect(await space.hasMany([record.address, posing])).toEqual([true, false]);
    const linking = sealRecord({ ib: "link", rel8ns: { to: [posing] } });
    expect(await space.commit(commitOf({ puts: [linking], roots: [linking.address] }))).toEqual({
      kind: "notClosed",
      missing: [posing],
    });
  });

  test("a link that dangles is refused, by name, and nothing is changed (threat 12)", async () => {
    const space = await open();
    const absent = stone();
    const holding = stone("holds", [absent]);
    const commit = commitOf({ puts: [holding], roots: [holding.address], cells: [cell("c", "1")] });
    expect(await space.commit(commit)).toEqual({ kind: "notClosed", missing: [absent.address] });
    expect(await space.get(holding.address)).toBeUndefined();
    expect(await space.cell("c")).toBeUndefined();
  });

  test("at most so many dangling links are named as the limit says", async () => {
    const space = await open({ missingReportedMax: 2 });
    const holding = stone("holds", [stone(), stone(), stone()]);
    const result = await space.commit(commitOf({ puts: [holding], roots: [holding.address] }));
    expect(result.kind === "notClosed" && result.missing.length).toBe(2);
  });

  test("a root that is not there is refused", async () => {
    const space = await open();
    const absent = stone();
    expect(await space.commit(commitOf({ roots: [absent.address] }))).toEqual({
      kind: "notClosed",
      missing: [absent.address],
    });
  });

  test("what lies outside the closure of tips and roots is not taken", async () => {
    const space = await open();
    const [inside, outside] = [stone(), stone()];
    const root = stone("root", [inside]);
    await space.commit(commitOf({ puts: [inside, outside, root], roots: [root.address] }));
    expect(await space.hasMany(addresses([inside, root, outside]))).toEqual([true, true, false]);
  });

  test("a link to a timeline needs its tip, before or in the same commit", async () => {
    const space = await open();
    const note = timeline("note", 3);
    const folder = [...timeline("folder", 1)];
    folder.push(relating(newest(folder), [first(note)]));
    const puts = [...note, ...folder];
    expect(await space.commit(commitOf({ puts, tips: [moveTo(folder)] }))).toEqual({
      kind: "notClosed",
      missing: [first(note).address],
    });
    const both = commitOf({ puts, tips: [moveTo(folder), moveTo(note)] });
    expect(await space.commit(both)).toEqual({ kind: "committed" });
    const later = stone("later", [first(note)]);
    const alone = commitOf({ puts: [later], roots: [later.address] });
    expect(await space.commit(alone)).toEqual({ kind: "committed" });
  });

  test("nor does a link to one that is to get no tip; what nothing links of it is not taken", async () => {
    const space = await open();
    const [note, other] = [timeline("note", 3), timeline("other", 1)];
    const link = stone("link", [first(note)]);
    const tipless = addresses([first(note), first(other)]);
    const commit = commitOf({ puts: [...note, ...other, link], roots: [link.address], tipless });
    expect(await space.commit(commit)).toEqual({ kind: "committed" });
    expect(await space.hasMany(addresses([first(note), newest(note), first(other)]))).toEqual([
      true,
      false,
      false,
    ]);
    expect(await space.tips(tipless)).toEqual([undefined, undefined]);
  });

  test("an exact link to a first frame asks for no tip", async () => {
    const space = await open();
    const note = timeline("note", 1);
    const quote = sealRecord({ ib: "quote", rel8ns: { ancestor: addresses(note) } });
    const commit = commitOf({ puts: [...note, quote], roots: [quote.address] });
    expect(await space.commit(commit)).toEqual({ kind: "committed" });
    expect(await space.tip(first(note).address)).toBeUndefined();
  });

  test("a tip moves once: who comes second is told how it is", async () => {
    const space = await open();
    const note = timeline("note", 2);
    await keep(space, note);
    const [mine, theirs] = [edited(newest(note)), edited(newest(note))];
    const move = (frame: typeof mine) =>
      space.commit(commitOf({ puts: [frame], tips: [moveTo([...note, frame], newest(note))] }));
    expect(await move(mine)).toEqual({ kind: "committed" });
    const tjp = first(note).address;
    expect(await move(theirs)).toEqual({
      kind: "moved",
      tips: [{ tjp, tip: { tjp, address: mine.address, n: 2 } }],
      cells: [],
    });
    expect(await space.get(theirs.address)).toBeUndefined();
  });

  test("a new timeline where there is one already has moved", async () => {
    const space = await open();
    const note = timeline("note", 2);
    await keep(space, note);
    const result = await space.commit(commitOf({ puts: note, tips: [moveTo(note)] }));
    expect(result.kind).toBe("moved");
  });

  test("of tips and cells, all that moved are told and none is changed", async () => {
    const space = await open();
    const note = timeline("note", 2);
    await keep(space, note);
    await space.commit(commitOf({ cells: [cell("a", "1"), cell("b", "1")] }));
    const next = [...note, edited(newest(note))];
    const result = await space.commit(
      commitOf({
        puts: [newest(next)],
        tips: [moveTo(next, newest(note))],
        cells: [cell("a", "2"), cell("b", "2", "1"), cell("c", "2")],
      }),
    );
    expect(result).toEqual({ kind: "moved", tips: [], cells: ["a"] });
    expect(await space.tip(first(note).address)).toMatchObject({ n: 1 });
    expect(await space.cell("c")).toBeUndefined();
  });

  test("a tip does not move to what does not descend from it (C9)", async () => {
    const space = await open();
    const note = timeline("note", 3);
    await keep(space, note);
    const start = first(note);
    const other = [start, edited(start)];
    other.push(edited(newest(other)), edited(newest(other)));
    other.push(edited(newest(other)));
    const commit = commitOf({ puts: other.slice(1), tips: [moveTo(other, newest(note))] });
    await expect(space.commit(commit)).rejects.toMatchObject({
      code: "chain_refused",
      facts: { rule: "not_descended" },
    });
    expect(await space.hasMany(addresses(other))).toEqual([true, false, false, false, false]);
  });

  test("a tip does not move back (threat 14)", async () => {
    const space = await open();
    const note = timeline("note", 3);
    await keep(space, note);
    const back = commitOf({ tips: [moveTo(note.slice(0, 2), newest(note))] });
    await expect(space.commit(back)).rejects.toMatchObject({ code: "chain_refused" });
  });

  test("a timeline of which nothing counts has no tip, keeps its frames, and may get one again (C8)", async () => {
    const space = await open();
    const note = timeline("note", 40);
    const other = timeline("other", 1);
    other.push(relating(first(other), note.slice(0, 1)));
    await keep(space, note);
    await keep(space, other);
    const told: unknown[] = [];
    space.watch((tips, gone) => told.push([tips.length, gone]));
    const gone = { tjp: first(note).address, from: newest(note).address, to: undefined };
    await expect(space.commit(commitOf({ tips: [gone] }))).rejects.toMatchObject({ code: "chain_refused" });
    expect(await space.commit(commitOf({ tips: [{ ...gone, isBack: true }] }))).toEqual({
      kind: "committed",
    });
    expect(await space.tip(gone.tjp)).toBeUndefined();
    expect(await space.hasMany(addresses(note))).toEqual(note.map(() => true));
    expect(await space.reachableTips([first(other).address], "anyone")).toHaveLength(1);
    expect(await space.missing([first(other).address], "anyone")).toEqual([]);
    expect(told).toEqual([[0, [gone.tjp]]]);

    const again = await space.commit(commitOf({ tips: [moveTo(note.slice(0, 35))] }));
    expect(again).toEqual({ kind: "committed" });
    expect(await space.frameAt(gone.tjp, 33)).toBe(note[33]?.address);
    expect(await space.frameAt(gone.tjp, 36)).toBeUndefined();
  });

  test("a tip does not move to a frame of another timeline, or to a stone", async () => {
    const space = await open();
    const [note, other] = [timeline("note", 1), timeline("other", 2)];
    const loose = stone();
    for (const wrong of [newest(other), loose]) {
      const tips = [{ tjp: first(note).address, from: undefined, to: wrong.address }];
      const commit = commitOf({ puts: [...note, ...other, loose], tips });
      await expect(space.commit(commit)).rejects.toMatchObject({
        code: "chain_refused",
        facts: { rule: "tjp" },
      });
    }
  });

  test("a tip that is to stay where it is is only compared", async () => {
    const space = await open();
    const note = timeline("note", 2);
    await keep(space, note);
    const tips = [{ ...moveTo(note), from: newest(note).address }];
    expect(await space.commit(commitOf({ tips }))).toEqual({ kind: "committed" });
    const stale = [{ ...moveTo(note), from: first(note).address }];
    expect((await space.commit(commitOf({ tips: stale }))).kind).toBe("moved");
  });

  test("a frame that does not continue its timeline is refused", async () => {
    const space = await open();
    const note = timeline("note", 2);
    const skipping = sealRecord({
      ib: "note",
      data: { n: 7 },
      rel8ns: { past: [newest(note).address], tjp: [first(note).address] },
    });
    const frames = [...note, skipping];
    const commit = commitOf({ puts: frames, tips: [moveTo(frames)] });
    await expect(space.commit(commit)).rejects.toMatchObject({ code: "chain_refused", facts: { rule: "n" } });
  });

  test("keystone frames and contexts are no domain records", async () => {
    const space = await open();
    const frame = sealRecord({ ib: "keystone", data: { a: 1 } });
    const commit = commitOf({ puts: [frame], roots: [frame.address] });
    await expect(space.commit(commit)).rejects.toMatchObject({ code: "reserved_record" });
    await expect(space.stage("s", alice, eyesOf(), [frame])).rejects.toMatchObject({
      code: "reserved_record",
    });
  });

  describe("what a commit adds is told to whoever counts it", () => {
    const note = timeline("charged", 40);
    const commit = { puts: note, tips: [moveTo(note)], cells: [cell("cell", "some text")] };

    /** What is told of a commit, and what of that is admitted. */
    async function chargedFor(space: Space, more: Partial<Commit> = {}, max = Number.POSITIVE_INFINITY) {
      const told: number[] = [];
      const admit = (bytes: number) => {
        told.push(bytes);
        if (bytes > max) throw new Error("too much");
      };
      const count = (bytes: number) => {
        told.push(bytes);
        return [cell("held", String(bytes))];
      };
      const outcome = await space.commit(commitOf({ ...commit, ...more, charge: { admit, count } }));
      expect(outcome.kind).toBe("committed");
      return told;
    }

    test("before it is signed and behind that, with the cells that say it (threat 11)", async () => {
      const space = await open();
      const proof = sealRecord({ ib: "context", data: { of: "x".repeat(1000) } });
      const attest = () => ({ proofs: [{ group: proof.address, record: proof }] });
      const [admitted = 0, counted = 0] = await chargedFor(space, { attest });
      expect(admitted).toBeGreaterThan(note.reduce((sum, { bytes }) => sum + bytes.length, 0));
      expect(counted).toBeGreaterThan(admitted + proof.bytes.length);
      expect(Buffer.from((await space.cell("held")) ?? []).toString()).toBe(String(counted));
    });

    test("the same whether it was staged, in memory or in the store, or not", async () => {
      const plain = await chargedFor(await open());
      for (const stagedBytesInMemoryMax of [1, 1_000_000]) {
        const space = await open({ stagedBytesInMemoryMax });
        for (const frame of note) await space.stage("s", alice, eyesOf(), [frame]);
        const staged = await chargedFor(space, { saga: "s", puts: [] });
        expect(Math.abs(staged[1]! - plain[1]!)).toBeLessThan(500); // a batch of its own
      }
    });

    test("the same of records that others hold already", async () => {
      const space = await open();
      const stones = [stone(), stone()];
      const kept = { puts: stones, roots: addresses(stones), tips: [], cells: [] };
      await space.commit(commitOf({ ...kept, holder: bob }));
      const [shared] = await chargedFor(space, kept);
      const other = await open();
      const others = stone();
      await other.commit(commitOf({ holder: bob, puts: [others], roots: [others.address] }));
      const [alone] = await chargedFor(other, kept);
      expect(shared).toBe(alone);
      expect((await chargedFor(space, kept))[0]).toBe(0); // she holds them herself by now
    });

    test("and where that is refused, nothing is signed and nothing is changed", async () => {
      const space = await open();
      let signed = 0;
      const attest = () => {
        signed += 1;
        return { proofs: [] };
      };
      await expect(chargedFor(space, { attest }, 100)).rejects.toThrow("too much");
      expect(signed).toBe(0);
      expect(await space.tip(first(note).address)).toBeUndefined();
      expect(await space.cell("cell")).toBeUndefined();
    });
  });

  test("primitives need no storage", async () => {
    const space = await open();
    const root = sealRecord({ ib: "root", rel8ns: { kind: [addressOf("folder", "gib")] } });
    expect(await space.commit(commitOf({ puts: [root], roots: [root.address] }))).toEqual({
      kind: "committed",
    });
  });
}

function cell(key: string, to: string, from?: string) {
  const bytes = (text: string) => new TextEncoder().encode(text);
  return { key, from: from === undefined ? undefined : bytes(from), to: bytes(to) };
}
