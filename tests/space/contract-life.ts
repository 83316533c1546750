import { expect, test } from "vitest";
import { readRecord } from "../../src/ibgib/index.js";
import type { Scanned, Space } from "../../src/space/index.js";
import type { OpenSpace } from "./contract.js";
import {
  addresses,
  alice,
  commitOf,
  eyesOf,
  first,
  keep,
  moveTo,
  newest,
  stone,
  timeline,
} from "./records.js";

export function lifeContract(open: OpenSpace): void {
  test("a scan yields everything that is committed, and nothing that is only staged", async () => {
    const space = await open({ stagedBytesInMemoryMax: 0 });
    const note = timeline("note", 300);
    await keep(space, note);
    const proof = { group: stone().address, record: stone() };
    const value = Uint8Array.of(1);
    await space.commit(commitOf({ proofs: [proof], cells: [{ key: "k", from: undefined, to: value }] }));
    await space.stage("s", alice, eyesOf(alice), [stone(), stone()]);
    const scanned = await scan(space);
    const records = scanned.flatMap((each) => (each.kind === "record" ? [readRecord(each.bytes)] : []));
    expect(records).toHaveLength(note.length);
    expect(new Set(addresses(records))).toEqual(new Set(addresses(note)));
    expect(scanned.filter(({ kind }) => kind !== "record")).toEqual([
      { kind: "tip", tip: { tjp: first(note).address, address: newest(note).address, n: 299 } },
      { kind: "cell", key: "k", value },
      { kind: "proof", gib: proof.record.gib, group: proof.group, bytes: proof.record.bytes },
    ]);
  });

  test("a scan can be left in the middle", async () => {
    const space = await open();
    await keep(space, timeline("note", 600));
    for await (const _each of space.scan()) break;
    await space.close();
  });

  test("after close every call is refused, and closing again is none", async () => {
    const space = await open();
    const note = timeline("note", 2);
    await keep(space, note);
    await space.close();
    await space.close();
    const closed = { code: "store_failed", facts: { reason: "closed" } };
    const tjp = first(note).address;
    const calls = [
      () => space.get(tjp),
      () => space.getMany([tjp]),
      () => space.hasMany([tjp]),
      () => space.view("s").getMany([tjp]),
      () => space.tip(tjp),
      () => space.tips([tjp]),
      () => space.frameAt(tjp, 0),
      () => space.frames(tjp, 0, 1),
      () => space.reachableTips([tjp]),
      () => space.missing([tjp], eyesOf(alice)),
      () => space.stage("s", alice, eyesOf(alice), []),
      () => space.drop("s"),
      () => space.commit(commitOf({})),
      () => space.cell("k"),
      () => space.cells(""),
      () => space.proof(tjp),
      () => space.proofs(tjp),
      () => scan(space),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject(closed);
  });

  test("closing waits for what is under way", async () => {
    const space = await open();
    const notes = Array.from({ length: 20 }, () => timeline("note", 3));
    const commits = notes.map((note) => space.commit(commitOf({ puts: note, tips: [moveTo(note)] })));
    await space.close();
    for (const commit of commits) expect(await commit).toEqual({ kind: "committed" });
  });
}

async function scan(space: Space): Promise<Scanned[]> {
  const all: Scanned[] = [];
  for await (const each of space.scan()) all.push(each);
  return all;
}
