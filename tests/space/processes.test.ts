import { expect, test } from "vitest";
import { decodeRecord } from "../../src/ibgib/index.js";
import type { Space } from "../../src/space/index.js";
import { openLmdbSpace } from "../../src/space/lmdb-space.js";
import { newDirectory } from "./homes.js";
import { type Child, startChild } from "./processes/child.js";
import { framesPerCommit, laneFirst, laneGroup, lanes } from "./processes/lanes.js";
import { alice, bob, commitOf, eyesOf, first, keep, moveTo, newest, stone, timeline } from "./records.js";

/** How often each process has to win; how often a process is killed. */
const races = Number(process.env["KEYSAGA_RACES"] ?? 150);
const kills = Number(process.env["KEYSAGA_KILLS"] ?? 20);

test("of two processes that compare and set at once, exactly one wins each time (threats 5, 26)", async () => {
  const path = newDirectory();
  const note = timeline("note", 1);
  const space = await openLmdbSpace({ path });
  await keep(space, note);
  const children = [1, 2].map(() =>
    startChild("space/processes/count.ts", path, first(note).address, String(races)),
  );
  await Promise.all(children.map((child) => child.printed(1)));
  await space.commit(commitOf({ cells: [{ key: "go", from: undefined, to: new Uint8Array(1) }] }));
  expect(await Promise.all(children.map(({ ended }) => ended))).toEqual([0, 0]);

  const won = children.flatMap(({ lines }) => lines.slice(1, -1).map(Number));
  expect(won.sort((a, b) => a - b)).toEqual(Array.from({ length: 2 * races }, (_, at) => at + 1));
  const late = children.map(({ lines }) => Number(lines.at(-1)?.replace("late ", "")));
  expect(late[0]! + late[1]!).toBeGreaterThan(0); // else they did not meet
  expect(await space.tip(first(note).address)).toMatchObject({ n: 2 * races });
  expect(text(await space.cell("count"))).toBe(String(2 * races));
  expect(await space.missing([first(note).address], eyesOf(alice, first(note).address))).toEqual([]);
  await space.close();
});

test(
  `of a process that is killed ${kills} times, all that it said is there and nothing is half`,
  async () => {
    const path = newDirectory();
    for (let round = 0; round < kills; round++) {
      const child = startChild("space/processes/write-on.ts", path);
      await child.printed(1);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
      child.kill();
      expect(await child.ended).toBeUndefined();
      const space = await openLmdbSpace({ path });
      await expectWhole(space, child);
      await space.close();
    }
  },
  600_000 + kills * 5000,
);

test("a second process that opens the store leaves the stages of the first alone", async () => {
  const path = newDirectory();
  const note = timeline("note", 3);
  const space = await openLmdbSpace({ path, limits: { stagedBytesInMemoryMax: 0 } });
  await keep(space, timeline("other", 1));
  await space.stage("s", alice, eyesOf(alice), note);
  const child = startChild("space/processes/write-on.ts", path);
  await child.printed(3);
  child.kill();
  await child.ended;
  expect(await space.commit(commitOf({ saga: "s", tips: [moveTo(note)] }))).toEqual({ kind: "committed" });
  expect(await space.frames(first(note).address, 0, 2)).toHaveLength(3);
  await space.close();
});

test("what one process commits, another sees in its next call", async () => {
  const path = newDirectory();
  const [here, there] = [await openLmdbSpace({ path }), await openLmdbSpace({ path })];
  const note = timeline("note", 2);
  expect(await there.tip(first(note).address)).toBeUndefined();
  await keep(here, note);
  expect(await there.tip(first(note).address)).toMatchObject({ address: newest(note).address });
  await there.close();
  await here.close();
});

test("a space that is closed with something staged leaves nothing of it", async () => {
  const path = newDirectory();
  const staging = await openLmdbSpace({ path, limits: { stagedBytesInMemoryMax: 0 } });
  const record = stone();
  await staging.stage("s", bob, eyesOf(bob), [record]);
  await staging.close();
  const space = await openLmdbSpace({ path });
  for await (const each of space.scan()) expect(each).toBeUndefined();
  await space.close();
});

/** What the child printed is the least that is there; what is there is whole commits. */
async function expectWhole(space: Space, child: Child): Promise<void> {
  let commits = 0;
  for (const lane of lanes) {
    const said = Number(child.lines.findLast((line) => line.startsWith(lane))?.split(" ")[1] ?? 0);
    const count = Number(text(await space.cell(lane)) ?? 0);
    expect(count).toBeGreaterThanOrEqual(said);
    const tjp = laneFirst(lane).address;
    const tip = await space.tip(tjp);
    expect(tip?.n ?? 0).toBe(count * framesPerCommit);
    expect(await space.proofs(laneGroup(lane))).toHaveLength(count);
    if (tip !== undefined) expect(await space.missing([tjp], eyesOf(tjp))).toEqual([]);
    commits += count === 0 ? 0 : 1 + count * framesPerCommit;
  }
  let records = 0;
  for await (const each of space.scan()) {
    expect(each.kind).not.toBe("damaged");
    if (each.kind !== "record") continue;
    expect(decodeRecord(each.bytes).gib).toBe(each.gib);
    records++;
  }
  expect(records).toBe(commits);
}

function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString();
}
