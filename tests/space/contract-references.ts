import { expect, test } from "vitest";
import { type Address, createTimeline, type IbGib, relate, sealRecord } from "../../src/ibgib/index.js";
import { verifySpace } from "../../src/index.js";
import type { Space } from "../../src/space/index.js";
import type { OpenSpace } from "./contract.js";
import {
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

const committed = { kind: "committed" };

const targets = (...records: readonly IbGib[]): ReadonlySet<Address> =>
  new Set(records.map(({ address }) => address));

/** A folder whose second frame links `items`. */
function folderOf(...items: readonly IbGib[]): IbGib[] {
  const folder = timeline("folder", 1);
  return [...folder, relating(first(folder), items)];
}

/** Stages a folder for alice with items that stay away, and commits it. */
async function keepApart(space: Space, folder: readonly IbGib[], ...items: readonly IbGib[]): Promise<void> {
  await space.stage("s", alice, eyesOf(alice), folder, targets(...items));
  expect(await space.commit(commitOf({ saga: "s", tips: [moveTo(folder)] }))).toEqual(committed);
}

async function problemsOf(space: Space): Promise<readonly string[]> {
  const problems: string[] = [];
  for await (const found of verifySpace(space))
    if (found.kind === "problem") problems.push(`${found.problem.rule} ${found.problem.detail}`);
  return problems;
}

/** Runs twice: with stages that stay in memory, and with stages that are moved to the store at once. */
export function referenceContract(open: OpenSpace): void {
  test("a link whose target stays away is filed by the commit that brings it, for who has it (RF4)", async () => {
    const space = await open();
    const [photo, part] = [first(timeline("photo", 1)), stone()];
    const whole = stone("whole", [part]);
    const folder = folderOf(photo, whole);
    const [tjp, by] = [first(folder).address, newest(folder).address];
    await space.stage("s", alice, eyesOf(alice), [whole, ...folder], targets(photo, part));
    expect(await space.references([tjp, whole.address])).toEqual([]);
    expect(await space.commit(commitOf({ saga: "s", tips: [moveTo(folder)] }))).toEqual(committed);
    expect(await space.references([tjp, whole.address, photo.address])).toEqual([
      { holder: tjp, target: photo.address, by, isOpen: true },
      { holder: whole.address, target: part.address, by: whole.address, isOpen: true },
    ]);
    expect(await space.missing([tjp], eyesOf(alice))).toEqual([]);
    expect(await space.missing([tjp], "anyone")).toEqual([]);
    expect(await problemsOf(space)).toEqual([]);
  });

  test("what is put brings references as well", async () => {
    const space = await open();
    const away = stone();
    const folder = folderOf(away);
    const commit = commitOf({ puts: folder, tips: [moveTo(folder)] });
    expect(await space.commit(commit)).toMatchObject({ kind: "notClosed", missing: [away.address] });
    expect(await space.commit({ ...commit, references: targets(away) })).toEqual(committed);
    expect(await space.references([first(folder).address])).toMatchObject([{ target: away.address }]);
  });

  test("it is present for that timeline and for no other, and for nothing else (RF5)", async () => {
    const space = await open();
    const away = stone();
    const [folder, other] = [folderOf(away), folderOf(away)];
    await keepApart(space, folder, away);
    expect(await space.hasMany([away.address])).toEqual([false]);
    expect(await space.missing([away.address], "anyone")).toEqual([away.address]);
    await expect(space.stage("t", alice, eyesOf(alice), other)).rejects.toMatchObject({
      code: "record_missing",
    });
    const later = edited(newest(folder));
    const move = { tjp: first(folder).address, from: newest(folder).address, to: later.address };
    expect(await space.commit(commitOf({ puts: [later], tips: [move] }))).toEqual(committed);
    expect(await space.references([first(folder).address])).toHaveLength(1);
  });

  test("no link of a chain stays away, nor one into the timeline itself (RF3)", async () => {
    const space = await open();
    const note = timeline("note", 3);
    const [one, two, three] = [note[0]!, note[1]!, note[2]!];
    const refused = { code: "record_missing" };
    await expect(space.stage("a", alice, eyesOf(alice), [one, three], targets(two))).rejects.toMatchObject(
      refused,
    );
    await expect(space.stage("b", alice, eyesOf(alice), [two, three], targets(one))).rejects.toMatchObject(
      refused,
    );
    const back = relate(one, { add: { see: [three.address] } });
    await expect(space.stage("c", alice, eyesOf(alice), [one, back], targets(three))).rejects.toMatchObject(
      refused,
    );
    const plain = sealRecord({ ib: "page", rel8ns: { past: [two.address] } });
    expect(await space.stage("d", alice, eyesOf(alice), [plain], targets(two))).toMatchObject({ records: 1 });
  });

  test("it is filed alike, whether the target is here or not (RF6)", async () => {
    const space = await open();
    const photo = timeline("photo", 2);
    await space.commit({ holder: bob, sight: eyesOf(bob), puts: photo, tips: [moveTo(photo)] });
    const folder = folderOf(first(photo));
    await keepApart(space, folder, first(photo));
    expect(await space.references([first(folder).address])).toMatchObject([
      { target: first(photo).address, isOpen: true },
    ]);
  });

  test("what comes takes its place, once it is said that it came for that (RF11)", async () => {
    const space = await open();
    const photo = timeline("photo", 2);
    const folder = folderOf(first(photo));
    const tjp = first(folder).address;
    await keepApart(space, folder, first(photo));
    const settled = [{ holder: tjp, target: first(photo).address }];
    expect(await space.commit(commitOf({ settled }))).toEqual(committed);
    expect(await space.references([tjp])).toMatchObject([{ isOpen: true }]); // it is not here

    await keep(space, photo);
    expect(await space.references([tjp])).toMatchObject([{ isOpen: true }]); // it came for another reason
    const tips = (await space.reachableTips([tjp])).map((tip) => tip.tjp);
    expect(new Set(tips)).toEqual(new Set([tjp, first(photo).address]));
    expect(await space.commit(commitOf({ settled }))).toEqual(committed);
    expect(await space.references([tjp])).toMatchObject([{ isOpen: false }]);
    expect(await problemsOf(space)).toEqual([]);
  });

  test("a walk that finds nothing at a link goes on with the others (RF12)", async () => {
    const space = await open();
    const [away, here] = [timeline("photo", 1), timeline("page", 2)];
    const folder = folderOf(first(away), first(here));
    await space.stage("s", alice, eyesOf(alice), [...here, ...folder], targets(first(away)));
    expect(await space.commit(commitOf({ saga: "s", tips: [moveTo(here), moveTo(folder)] }))).toEqual(
      committed,
    );
    const tips = await space.reachableTips([first(folder).address]);
    expect(new Set(tips.map(({ address }) => address))).toEqual(
      new Set([newest(here).address, newest(folder).address]),
    );
    expect(await space.missing([first(folder).address], "anyone")).toEqual([]);
    expect(await problemsOf(space)).toEqual([]);
  });

  test("what is reached through a stone that came for its place is reached", async () => {
    const space = await open();
    const photo = timeline("photo", 2);
    const page = sealRecord({ ib: "page", rel8ns: { photo: [first(photo).address] } });
    const folder = folderOf(page);
    const tjp = first(folder).address;
    await keepApart(space, folder, page);
    const settled = [{ holder: tjp, target: page.address }];
    const commit = commitOf({
      puts: [...photo, page],
      tips: [moveTo(photo)],
      roots: [page.address],
      settled,
    });
    expect(await space.commit(commit)).toEqual(committed);
    expect(await space.reachableTips([tjp])).toHaveLength(2);
  });

  test("what a stone links in its turn is found from what leads to the stone, also once it has come", async () => {
    const space = await open();
    const photo = timeline("photo", 2);
    const page = sealRecord({ ib: "page", rel8ns: { photo: [first(photo).address] } });
    const album = sealRecord({ ib: "album", rel8ns: { page: [page.address] } });
    const folder = folderOf(album);
    const tjp = first(folder).address;
    await space.stage("s", alice, eyesOf(alice), [page, album, ...folder], targets(first(photo)));
    expect(await space.commit(commitOf({ saga: "s", tips: [moveTo(folder)] }))).toEqual(committed);
    const link = { holder: page.address, target: first(photo).address };
    expect(await space.references([tjp])).toEqual([]);
    expect(await space.referencesFrom([tjp])).toMatchObject([{ ...link, isOpen: true }]);
    expect(await space.referencesFrom([first(photo).address])).toEqual([]);

    await space.commit(commitOf({ puts: photo, tips: [moveTo(photo)], settled: [link] }));
    expect(await space.referencesFrom([tjp])).toMatchObject([{ isOpen: false }]);
    expect(await space.reachableTips([tjp])).toHaveLength(2);
  });

  test("a link that is here already is not taken back by saying that its target stays away", async () => {
    const space = await open();
    const part = stone();
    const folder = folderOf(part);
    await space.commit(commitOf({ puts: [part, ...folder], tips: [moveTo(folder)] }));
    const later = edited(newest(folder));
    const tjp = first(folder).address;
    await space.stage("s", bob, eyesOf(alice), [later], targets(part));
    const move = { tjp, from: newest(folder).address, to: later.address };
    expect(await space.commit({ saga: "s", holder: bob, sight: eyesOf(alice), tips: [move] })).toEqual(
      committed,
    );
    expect(await space.references([tjp])).toEqual([]);
  });

  test("what is not taken files nothing", async () => {
    const space = await open();
    const away = stone();
    const [folder, other] = [folderOf(away), folderOf(away)];
    await space.stage("s", alice, eyesOf(alice), [...folder, ...other], targets(away));
    await space.commit(commitOf({ saga: "s", tips: [moveTo(folder)] }));
    expect(await space.references([first(other).address])).toEqual([]);
    expect(await space.references([first(folder).address])).toHaveLength(1);
  });

  test("what was kept of a lost connection is kept with what stays away", async () => {
    const space = await open();
    const away = stone();
    const folder = folderOf(away);
    const totals = await space.stage("s", alice, eyesOf(alice), folder, targets(away));
    expect(await space.keep("s", totals)).toBe(true);
    expect(await space.takeOver("t", "s", eyesOf(alice))).toMatchObject({ records: 2 });
    expect(await space.commit(commitOf({ saga: "t", tips: [moveTo(folder)] }))).toEqual(committed);
    expect(await space.references([first(folder).address])).toHaveLength(1);
  });

  test("a reference under a name that its record does not have is a problem", async () => {
    const space = await open();
    const away = stone();
    const folder = [
      createTimeline({ ib: "folder", rel8ns: { item: [away.address] }, uuid: "with a reference" }),
    ];
    await space.commit(commitOf({ puts: folder, tips: [moveTo(folder)], references: targets(away) }));
    const reference = (await space.references([first(folder).address]))[0]!;
    expect(reference.by).toBe(first(folder).address);
    expect(await problemsOf(space)).toEqual([]);
    const scan = space.scan.bind(space);
    space.scan = async function* () {
      yield* scan();
      yield { kind: "reference", reference: { ...reference, target: stone().address } };
    };
    expect(await problemsOf(space)).toEqual([expect.stringMatching(/^link_missing a reference to/)]);
  });
}
