import { readFile, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { conflictLines, conflictTextOf } from "../../src/cli/folder/conflict-text.js";
import { inFull, shortened } from "../../src/cli/folder/conflict-values.js";
import { openConflicts } from "../../src/cli/folder/conflicts.js";
import { readFolder } from "../../src/cli/folder/model.js";
import { brokenPathRule, parentsOf } from "../../src/cli/folder/paths.js";
import { placesOf } from "../../src/cli/folder/places.js";
import { linesOf } from "../../src/cli/folder/report.js";
import { cloneFolder } from "../../src/cli/folder/clone.js";
import { conflictsIn, syncFolder } from "../../src/cli/folder/sync.js";
import {
  type Address,
  conflictsOf,
  createTimeline,
  gibOf,
  headsOf,
  type IbGib,
  type Identity,
  isMerge,
  mutate,
  nOf,
  parseAddress,
  previousOf,
  saveRecords,
} from "../../src/index.js";
import { readTree, temporaryDirectory, writeTree } from "./directories.js";
import {
  changesOf,
  type FileIn,
  filesIn,
  inStep,
  letWrite,
  makeIdentity,
  twoDirectories,
} from "./folders.js";

type World = Awaited<ReturnType<typeof twoDirectories>>;

const textIn = (dir: string, path: string) => readFile(join(dir, path), "utf8");

async function fileAt({ identity, folder }: World, path: string): Promise<FileIn> {
  const files = await filesIn(identity.space, folder);
  return files.find((file) => file.path === path)!;
}

/** The first frame of a file whose address is lower than that of another. */
function newFileBelow(
  other: Address,
  data: { readonly path: string; readonly text: string },
  where: { readonly owner: Address; readonly within: Address },
): IbGib {
  for (let uuid = 0; ; uuid++) {
    const first = createTimeline({ ib: "file", data, ...where, uuid: String(uuid) });
    if (first.address < other) return first;
  }
}

/** Both directories are edited apart, then synced until both have all of it. Returns what the last two reports say. */
async function editApart(
  world: World,
  here: Readonly<Record<string, string>>,
  there: Readonly<Record<string, string>>,
) {
  await writeTree(world.here, here);
  await writeTree(world.there, there);
  await world.sync(world.here);
  const second = await world.sync(world.there);
  const first = await world.sync(world.here);
  return { first, second };
}

/** Both directories hold the same, and syncing them again makes no frame and no change. */
async function expectInStep({ identity, folder, here, there, sync }: World): Promise<void> {
  expect(await readTree(there)).toEqual(await readTree(here));
  const tips = await identity.space.reachableTips([folder]);
  for (const place of [here, there])
    expect(await sync(place)).toMatchObject({ up: [], down: [], skipped: [] });
  expect(await identity.space.reachableTips([folder])).toEqual(tips);
}

describe("files that both sides have edited", () => {
  test("edits at different places are both in the text, on both sides, and nobody is bothered", async () => {
    const world = await twoDirectories({ "a.md": "1\n2\n3\n", "b.md": "1" });
    const { first, second } = await editApart(world, { "a.md": "one\n2\n3\n" }, { "a.md": "1\n2\nthree\n" });
    expect(changesOf(second.up)).toEqual(["edited a.md"]);
    expect(changesOf(second.down)).toEqual(["edited a.md"]);
    expect([...first.conflicts, ...second.conflicts]).toEqual([]);
    expect(await textIn(world.there, "a.md")).toBe("one\n2\nthree\n");
    await expectInStep(world);
  });

  test("an edit goes on from the frame that its directory was written from; the tip is the merge", async () => {
    const world = await twoDirectories({ "a.md": "1\n2\n3\n" });
    const base = await fileAt(world, "a.md");
    await editApart(world, { "a.md": "one\n2\n3\n" }, { "a.md": "1\n2\nthree\n" });
    const { tip } = await fileAt(world, "a.md");
    const { space } = world.identity;
    expect(isMerge(tip)).toBe(true);
    const edits = await space.getMany(await headsOf(tip.address, space));
    expect(edits.map((edit) => edit && previousOf(edit))).toEqual([base.tip.address, base.tip.address]);
  });

  test("several edits before and after: only edits and merges are made, and the last text is on both sides", async () => {
    const world = await twoDirectories({ "a.md": "1\n2\n3\n4\n5\n" });
    for (let round = 1; round <= 4; round++) {
      const [{ text: before }] = (await filesIn(world.identity.space, world.folder)) as [FileIn];
      const lines = before.split("\n");
      const here = lines.with(0, `here ${round}`).join("\n");
      await editApart(world, { "a.md": here }, { "a.md": lines.with(4, `there ${round}`).join("\n") });
      await expectInStep(world);
    }
    expect(await textIn(world.here, "a.md")).toBe("here 4\n2\n3\n4\nthere 4\n");
    const { tip } = await fileAt(world, "a.md");
    expect(nOf(tip)).toBe(8);
  });

  test("one line edited twice: one is on disk, both are told, and the sync is a success", async () => {
    const world = await twoDirectories({ "sub/a.md": "1\n2\n3\n" });
    const edits = ["1\nby here\n3\n", "1\nby there\n3\n"];
    const { first, second } = await editApart(world, { "sub/a.md": edits[0]! }, { "sub/a.md": edits[1]! });
    expect(first.conflicts).toEqual(second.conflicts);
    expect(first.conflicts).toMatchObject([
      { kind: "edits", path: "sub/a.md", places: [{ path: ["data", "text"], chosen: "lines" }] },
    ]);
    const told = linesOf(second, 0).filter((line) => line.startsWith("!") || line.startsWith("    "));
    expect(told[0]).toBe("! sub/a.md: edited on both sides in 1 place");
    expect(told[1]).toContain('"by here"');
    expect(told[1]).toContain('"by there"');
    expect(edits).toContain(await textIn(world.here, "sub/a.md"));
    await expectInStep(world);
    expect((await world.sync(world.here)).conflicts).toEqual(first.conflicts); // until somebody settles it
  });

  test("the next edit of the file settles its conflicts for everyone", async () => {
    const world = await twoDirectories({ "a.md": "1\n", "b.md": "1\n" });
    await editApart(world, { "a.md": "here\n", "b.md": "here\n" }, { "a.md": "there\n", "b.md": "there\n" });
    await writeTree(world.there, { "a.md": "here and there\n" });
    const settled = await world.sync(world.there);
    expect(settled.conflicts).toMatchObject([{ path: "b.md" }]);
    expect((await world.sync(world.here)).conflicts).toEqual(settled.conflicts);
    expect(conflictsOf((await fileAt(world, "a.md")).tip)).toEqual([]);
    expect(await textIn(world.here, "a.md")).toBe("here and there\n");
    await expectInStep(world);
  });

  test("an edit by someone who has not seen a conflict does not settle it", async () => {
    const world = await twoDirectories({ "a.md": "1\n2\n3\n4\n5\n6\n7\n" });
    const third = join(world.dir, "third");
    await cloneFolder(world.identity, world.folder, third, inStep);
    await editApart(world, { "a.md": "here\n2\n3\n4\n5\n6\n7\n" }, { "a.md": "there\n2\n3\n4\n5\n6\n7\n" });
    await writeTree(third, { "a.md": "1\n2\n3\n4\n5\n6\nthird\n" });
    expect((await world.sync(third)).conflicts).toMatchObject([{ path: "a.md", places: [{}] }]);
    expect(await textIn(third, "a.md")).toMatch(/^(here|there)\n2\n3\n4\n5\n6\nthird\n$/);
  });

  test("what came down and was not written before a crash merges with the edit typed since", async () => {
    const world = await twoDirectories({ "a.md": "1\n2\n3\n" });
    const { tip } = await fileAt(world, "a.md");
    const foreign = mutate(tip, { text: "1\n2\nfrom afar\n" });
    const crash = async () => {
      await saveRecords(world.identity, [foreign]);
      throw new Error("crash");
    };
    await expect(world.sync(world.here, crash)).rejects.toThrow("crash");
    await writeTree(world.here, { "a.md": "typed\n2\n3\n" });
    expect(await world.sync(world.here)).toMatchObject({ conflicts: [], skipped: [] });
    expect(await textIn(world.here, "a.md")).toBe("typed\n2\nfrom afar\n");
  });
});

describe("files that are removed", () => {
  test("removed by both, or removed as the other side knew it, is nothing to tell", async () => {
    const world = await twoDirectories({ "a.md": "1\n", "b.md": "1", "c.md": "1" });
    for (const place of [world.here, world.there]) await unlink(join(place, "a.md"));
    await unlink(join(world.here, "b.md"));
    for (const place of [world.here, world.there]) expect((await world.sync(place)).conflicts).toEqual([]);
    await expectInStep(world);
  });

  test("both sides add and remove other files: the list has all of it", async () => {
    const world = await twoDirectories({ "a.md": "1", "b.md": "1", "c.md": "1" });
    await unlink(join(world.here, "a.md"));
    await unlink(join(world.there, "b.md"));
    await editApart(world, { "d.md": "by here" }, { "e/e.md": "by there" });
    expect(Object.keys(await readTree(world.here))).toEqual(["c.md", "d.md", "e", "e/e.md"]);
    await expectInStep(world);
  });
});

describe("files with one path", () => {
  test("both sides add a.md: one keeps the path, the other lies beside it, alike on both sides", async () => {
    const world = await twoDirectories({});
    const { first, second } = await editApart(world, { "a.md": "by here" }, { "a.md": "by there" });
    const files = await filesIn(world.identity.space, world.folder);
    const [a, beside] = files.toSorted((x, y) => (x.file < y.file ? -1 : 1)) as [FileIn, FileIn];
    const place = `a (${gibOf(beside.file).slice(0, 6)}).md`;
    expect([a.path, beside.path]).toEqual(["a.md", place]);
    expect(await readTree(world.here)).toEqual({ [place]: btoa(beside.text), "a.md": btoa(a.text) });
    expect([a.text, beside.text].sort()).toEqual(["by here", "by there"]);
    const told = { kind: "name", path: place, timeline: beside.file, named: "a.md" };
    for (const { conflicts } of [first, second]) expect(conflicts).toEqual([told]);
    expect(linesOf(second, 0)).toContain(`! ${place}: another file is a.md; rename one of the two`);
    await expectInStep(world);
    expect(nOf(beside.tip)).toBe(0); // where it is shown is no edit
  });

  test("each is edited under the name it has in the directory, and that name is never recorded", async () => {
    const world = await twoDirectories({});
    await editApart(world, { "a.md": "1" }, { "a.md": "2" });
    const paths = Object.keys(await readTree(world.here));
    const edits = Object.fromEntries(paths.map((path) => [path, `edit of ${path}`]));
    await writeTree(world.here, edits);
    await world.sync(world.here);
    await world.sync(world.there);
    const files = await filesIn(world.identity.space, world.folder);
    expect(files.length).toBe(2);
    for (const { path, text, tip } of files) {
      expect(text).toBe(`edit of ${path}`);
      expect(tip.data).toMatchObject({ path: "a.md" });
    }
    await expectInStep(world);
  });

  test("renaming one of the two ends it: the other has the path alone", async () => {
    for (const renamed of [0, 1]) {
      const world = await twoDirectories({});
      await editApart(world, { "a.md": "1" }, { "a.md": "2" });
      const before = await readTree(world.here);
      const [moved, other] = [Object.keys(before)[renamed]!, Object.keys(before)[1 - renamed]!];
      await rename(join(world.here, moved), join(world.here, "mine.md"));
      await world.sync(world.here);
      for (const place of [world.there, world.here])
        expect(await world.sync(place)).toMatchObject({ conflicts: [], skipped: [] });
      expect(await readTree(world.there)).toEqual({ "a.md": before[other], "mine.md": before[moved] });
      await expectInStep(world);
    }
  });

  test("a file in the place of another one's directory lies beside it", async () => {
    const world = await twoDirectories({});
    const { second } = await editApart(world, { a: "a file" }, { "a/b.md": "below" });
    expect(second.conflicts).toMatchObject([{ kind: "name", named: "a" }]);
    const tree = await readTree(world.here);
    expect(Object.keys(tree)).toEqual([second.conflicts[0]?.path, "a", "a/b.md"].sort());
    await expectInStep(world);
  });

  test("a crash while names change hands loses no file", async () => {
    const world = await twoDirectories({});
    await editApart(world, { "a.md": "1" }, { "a.md": "2" });
    const beside = Object.keys(await readTree(world.there)).find((path) => path !== "a.md")!;
    const text = await textIn(world.there, beside);
    await unlink(join(world.here, "a.md"));
    await world.sync(world.here);
    // Written as far as that the name beside is gone, and the file itself still the old one.
    await unlink(join(world.there, beside));
    const report = await world.sync(world.there);
    expect(report.up).toEqual([]);
    expect(await textIn(world.there, "a.md")).toBe(text);
    await world.sync(world.here);
    await expectInStep(world);
  });

  test("edits of one file under its old and its new name, after a crash between the two, are merged", async () => {
    const world = await twoDirectories({ "a.md": "1\n2\n3\n" });
    const { file } = await fileAt(world, "a.md");
    const where = { owner: world.identity.address, within: world.folder };
    const lower = newFileBelow(file, { path: "a.md", text: "first" }, where);
    await saveRecords(world.identity, [lower]);
    const beside = `a (${gibOf(file).slice(0, 6)}).md`;
    // Written as far as that the new name is there, and the old one still what it was.
    await writeTree(world.here, { [beside]: "1\n2\n3\n" });
    const crash = () => Promise.reject(new Error("crash"));
    await expect(world.sync(world.here, crash)).rejects.toThrow("crash");
    await writeTree(world.here, { "a.md": "one\n2\n3\n", [beside]: "1\n2\nthree\n" });
    expect((await world.sync(world.here)).skipped).toEqual([]);
    expect(await readTree(world.here)).toEqual({
      [beside]: btoa("one\n2\nthree\n"),
      "a.md": btoa("first"),
    });
  });

  test("the same new file in two directories of one home is one file", async () => {
    const world = await twoDirectories({});
    await writeTree(world.here, { "a.md": "same" });
    await writeTree(world.there, { "a.md": "same" });
    await world.sync(world.here);
    expect(await world.sync(world.there)).toMatchObject({ up: [], down: [], unchanged: 1, conflicts: [] });
    await expectInStep(world);
  });
});

describe("places", () => {
  const address = (n: number) => parseAddress(`file^${n.toString(16).toUpperCase().padStart(64, "0")}`);
  const names = fc.constantFrom("a", "a/b", "a/b/c", "a.md", "a (000001)", "a (000001).md", "x/a.md", "é");
  const files = fc
    .array(names, { maxLength: 12 })
    .map((paths) => paths.map((named, at) => ({ file: address(at), named })));

  test("are the same in whichever order the files are named, one for each, none inside a file", () => {
    const property = fc.property(files, fc.infiniteStream(fc.nat()), (list, random) => {
      const shuffled = list
        .map((file) => ({ file, by: random.next().value }))
        .sort((a, b) => a.by - b.by)
        .map(({ file }) => file);
      const places = placesOf(list);
      const placeOf = new Map(list.map(({ file }, at) => [file, places[at]]));
      expect(placesOf(shuffled)).toEqual(shuffled.map(({ file }) => placeOf.get(file)));
      const all = new Set(places);
      expect(all.size).toBe(list.length);
      for (const place of places) expect(parentsOf(place!).filter((parent) => all.has(parent))).toEqual([]);
    });
    fc.assert(property, { numRuns: 500 });
  });

  test("a path that nobody else has stays as it is", () => {
    const list = ["b", "a/b", "a.tar.gz", "x"].map((named, at) => ({ file: address(at), named }));
    expect(placesOf(list)).toEqual(["b", "a/b", "a.tar.gz", "x"]);
  });

  test("a name beside keeps its ending, and is cut where it would be too long", () => {
    const beside = (named: string) => placesOf([0, 0xabc].map((n) => ({ file: address(n), named })))[1]!;
    expect(beside("sub/a.tar.gz")).toBe("sub/a.tar (000000).gz");
    expect(beside("README")).toBe("README (000000)");
    const deep = `${"d".repeat(250)}/`.repeat(4);
    for (const long of [`${"é".repeat(126)}.md`, `a.${"x".repeat(253)}`, `${deep}${"n".repeat(17)}.md`]) {
      expect(brokenPathRule(long)).toBeUndefined();
      expect(brokenPathRule(beside(long))).toBeUndefined();
      expect(beside(long)).toMatch(/ \(000000\)(\.md)?$/);
    }
  });

  test("a name that others have taken shows more digits; with the whole hash taken, it has none", () => {
    const takenBy = (digits: number) => `a (${gibOf(address(9)).slice(0, digits)})`;
    const list = [takenBy(6), takenBy(16), "a", "a"];
    const named = list.map((path, at) => ({ file: address(at === 3 ? 9 : at), named: path }));
    expect(placesOf(named)[3]).toBe(takenBy(64));
    const all = [...named, { file: address(4), named: takenBy(64) }];
    expect(placesOf(all)).toContain(undefined);
  });
});

describe("what conflicts say", () => {
  test("is short and printable in a report, and whole where somebody asks for all of it", async () => {
    const world = await twoDirectories({ "a.md": "1\n" });
    const [long, steering] = [`${"x".repeat(6000)}\n`, "\u001B[2J\u202Eevil\n"];
    await editApart(world, { "a.md": long }, { "a.md": steering });
    const [conflict] = await conflictsIn(world.identity.space, world.here);
    const told = [JSON.stringify(shortened(conflict!)), ...conflictLines(conflict!)].join("\n");
    expect(told).toContain("evil");
    expect(told).not.toMatch(/[^\P{C}\n]|\\u|x{200}/u); // neither as they are nor spelled out
    const whole = await inFull(world.identity.space, conflict!);
    expect(conflictTextOf(whole)).toContain(long);
    expect(conflictTextOf(whole)).toContain("evil");
  });

  test("a folder itself has conflicts too, and they are told as its own", async () => {
    const { space, address } = await makeIdentity();
    const first = createTimeline({ ib: "folder", data: { name: "a" }, owner: address, uuid: "1" });
    const values = [{ heads: [first.address], value: "b" }];
    const tip = mutate(first, { conflicts: [{ path: ["data", "name"], chosen: "first", values }] });
    const puts = [first, tip];
    const tips = [{ tjp: first.address, from: undefined, to: tip.address }];
    await space.commit({ holder: address, sight: { holders: [address] }, puts, tips });
    expect(await openConflicts(space, await readFolder(space, first.address))).toMatchObject([
      { path: ".", kind: "edits" },
    ]);
  });

  test("a directory that was never synced has none to ask for", async () => {
    const { space } = await makeIdentity();
    const dir = await temporaryDirectory();
    await expect(conflictsIn(space, dir)).rejects.toMatchObject({ rule: "not_synced" });
  });
});

describe("whose a new file is", () => {
  /** A folder without files, by somebody else. */
  async function folderOf(identity: Identity, owner: Address): Promise<Address> {
    const first = createTimeline({ ib: "folder", owner, uuid: "1" });
    const { space, address } = identity;
    const tips = [{ tjp: first.address, from: undefined, to: first.address }];
    await space.commit({ holder: address, sight: { holders: [address] }, puts: [first], tips });
    return first.address;
  }

  test("it is within the folder, and of the folder's owner, whoever adds it", async () => {
    const identity = await makeIdentity();
    const owner = parseAddress(`keystone.identity^${"A".repeat(64)}`);
    const folder = await folderOf(identity, owner);
    const dir = join(await temporaryDirectory(), "clone");
    await cloneFolder(identity, folder, dir, inStep);
    await letWrite(identity, folder, owner);
    await writeTree(dir, { "a.md": "1" });
    await syncFolder(identity, dir, inStep);
    const [file] = await filesIn(identity.space, folder);
    expect(file?.tip.data).toMatchObject({ owner, within: folder });
  });
});
