/** A file is what it says and where it came from, not its path: renames, files that come back, files made twice. */
import { mkdir, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Exchange } from "../../src/cli/folder/exchange.js";
import { contentOf } from "../../src/cli/folder/content.js";
import { findMoves, type Placed } from "../../src/cli/folder/moves.js";
import { readFolder } from "../../src/cli/folder/model.js";
import { linesOf } from "../../src/cli/folder/report.js";
import { historyOf } from "../../src/cli/folder/version.js";
import { createTimeline, InnerSpace, mutate } from "../../src/index.js";
import { readTree, writeTree } from "./directories.js";
import { type Home, homes } from "./meeting-homes.js";

interface World {
  readonly here: Home;
  readonly there: Home;
}
type Change = (dir: string) => Promise<unknown>;

const poem = "roses are red\nviolets are blue\nsugar is sweet\nand so are you\n";

async function twoHomes(files: Readonly<Record<string, string>>): Promise<World> {
  const [here, there] = (await homes(2, files)) as [Home, Home];
  return { here, there };
}

const nothing: Change = async () => {};

/** Both directories are changed apart, then synced until both have all of it. */
async function apart({ here, there }: World, changeHere: Change, changeThere: Change) {
  await changeHere(here.dir);
  await changeThere(there.dir);
  await here.sync();
  const second = await there.sync();
  const first = await here.sync();
  expect(await readTree(there.dir)).toEqual(await readTree(here.dir));
  return { first, second };
}

const move = (from: string, to: string) => async (at: string) => {
  await mkdir(join(at, to, ".."), { recursive: true });
  await rename(join(at, from), join(at, to));
};
const write = (files: Readonly<Record<string, string>>) => (at: string) => writeTree(at, files);

async function textsIn({ here }: { readonly here: Pick<Home, "dir"> }): Promise<Record<string, string>> {
  const files = Object.entries(await readTree(here.dir)).filter(([, text]) => text !== "directory");
  return Object.fromEntries(files.map(([path, text]) => [path, atob(text)]));
}

const tipsOf = ({ identity, folder }: Home) => identity.space.reachableTips([folder]);

/** Syncing both again makes no frame and no change. */
async function expectQuiet({ here, there }: World): Promise<void> {
  const tips = await tipsOf(there);
  for (const { sync } of [here, there, here])
    expect(await sync()).toMatchObject({ up: [], down: [], skipped: [] });
  for (const home of [here, there]) expect(await tipsOf(home)).toEqual(tips);
}

async function fileAt({ here: { identity, folder } }: World, path: string): Promise<string | undefined> {
  const { files } = await readFolder(identity.space, folder);
  return files.find((file) => file.path === path)?.file;
}

describe("a file that is renamed", () => {
  test("is the same file, with its history, and is told as renamed on both sides", async () => {
    const world = await twoHomes({ "a.md": poem });
    const before = await fileAt(world, "a.md");
    await move("a.md", "sub/b.md")(world.here.dir);
    const up = await world.here.sync();
    expect(up.up).toMatchObject([{ path: "sub/b.md", change: "renamed", was: "a.md" }]);
    const down = await world.there.sync();
    expect(down.down).toEqual([{ path: "sub/b.md", change: "renamed", was: "a.md" }]);
    expect(linesOf(down, 0)).toContain("↓ sub/b.md (renamed from a.md)");
    expect(await fileAt(world, "sub/b.md")).toBe(before);
    expect(await readTree(world.there.dir)).toEqual(await readTree(world.here.dir));
    await expectQuiet(world);
  });

  const edited = poem.replace("blue", "purple");
  for (const renamer of ["here", "there"] as const) {
    const both = (world: World, one: Change, other: Change) =>
      renamer === "here" ? apart(world, one, other) : apart(world, other, one);

    test(`${renamer}, and edited on the other side, has the edit under its new name`, async () => {
      const world = await twoHomes({ "a.md": poem });
      const { first, second } = await both(world, move("a.md", "b.md"), write({ "a.md": edited }));
      expect(await textsIn(world)).toEqual({ "b.md": edited });
      expect([...first.conflicts, ...second.conflicts]).toEqual([]);
      await expectQuiet(world);
    });

    test(`${renamer} with a small edit has the other side's edit as well`, async () => {
      const world = await twoHomes({ "a.md": poem });
      const renamed = async (at: string) => {
        await move("a.md", "b.md")(at);
        await writeTree(at, { "b.md": `${poem}and more\n` });
      };
      await both(world, renamed, write({ "a.md": edited }));
      expect(await textsIn(world)).toEqual({ "b.md": `${edited}and more\n` });
      await expectQuiet(world);
    });

    test(`${renamer} with its directory has an edit inside it, and a new file stays where it was made`, async () => {
      const world = await twoHomes({ "d/a.md": poem, "d/e/b.md": "b\n" });
      await both(world, move("d", "moved/d"), write({ "d/a.md": edited, "d/new.md": "new\n" }));
      expect(await textsIn(world)).toEqual({
        "moved/d/a.md": edited,
        "moved/d/e/b.md": "b\n",
        "d/new.md": "new\n",
      });
      await expectQuiet(world);
    });

    test(`${renamer}, and removed on the other side, is kept, which is told until somebody settles it`, async () => {
      const world = await twoHomes({ "a.md": poem, "z.md": "z" });
      const { first, second } = await both(world, move("a.md", "b.md"), (at) => unlink(join(at, "a.md")));
      expect(await textsIn(world)).toEqual({ "b.md": poem, "z.md": "z" });
      for (const { conflicts } of [first, second])
        expect(conflicts).toMatchObject([{ kind: "removal", path: "b.md" }]);
      await expectQuiet(world);
      await writeTree(world.there.dir, { "b.md": edited });
      expect(await world.there.sync()).toMatchObject({ conflicts: [] });
      expect(await world.here.sync()).toMatchObject({ conflicts: [] });
    });
  }

  test("to two names has one of them everywhere, and both are told", async () => {
    const world = await twoHomes({ "a.md": poem });
    const { first, second } = await apart(world, move("a.md", "b.md"), move("a.md", "c.md"));
    const [[path, text] = []] = Object.entries(await textsIn(world));
    expect(Object.keys(await textsIn(world))).toHaveLength(1);
    expect([["b.md", "c.md"].includes(path!), text]).toEqual([true, poem]);
    expect(first.conflicts).toEqual(second.conflicts);
    const told = linesOf(first, 0).join("\n");
    expect(told).toContain("b.md");
    expect(told).toContain("c.md");
    await expectQuiet(world);
    await move(path!, "settled.md")(world.here.dir);
    expect(await world.here.sync()).toMatchObject({ conflicts: [] });
  });

  test("onto a path that another one leaves swaps the two, and each has the other side's edit", async () => {
    const other = "one\ntwo\nthree\n";
    const world = await twoHomes({ "a.md": poem, "b.md": other });
    const swap = async (at: string) => {
      await move("a.md", "t.md")(at);
      await move("b.md", "a.md")(at);
      await move("t.md", "b.md")(at);
    };
    await apart(world, swap, write({ "a.md": edited, "b.md": `${other}four\n` }));
    expect(await textsIn(world)).toEqual({ "a.md": `${other}four\n`, "b.md": edited });
    await expectQuiet(world);
  });

  test("over another one takes its path: the other one is removed, unless it was edited elsewhere", async () => {
    for (const edit of [{ "a.md": edited }, { "b.md": "edited b\n" }]) {
      const world = await twoHomes({ "a.md": poem, "b.md": "b\n", "z.md": "z" });
      await apart(world, move("a.md", "b.md"), write(edit));
      const texts = Object.values(await textsIn(world));
      expect(texts).toContain(Object.values(edit)[0]);
      expect(texts).toHaveLength("a.md" in edit ? 2 : 3);
      await expectQuiet(world);
    }
  });

  test("to the path of one that the other side has removed has its edit there", async () => {
    const world = await twoHomes({ "a.md": poem, "b.md": "b\n", "z.md": "z" });
    await unlink(join(world.there.dir, "b.md"));
    await world.there.sync();
    await apart(world, move("a.md", "b.md"), write({ "a.md": edited }));
    expect(await textsIn(world)).toEqual({ "b.md": edited, "z.md": "z" });
    await expectQuiet(world);
  });

  test("directories that two people move into each other lose no file", async () => {
    const world = await twoHomes({ "a/x.md": "x\n", "b/y.md": "y\n" });
    await apart(world, move("a", "b/a"), move("b", "a/b"));
    expect(Object.values(await textsIn(world)).sort()).toEqual(["x\n", "y\n"]);
    await expectQuiet(world);
  });
});

describe("which file is at which path now", () => {
  const file = (path: string, text: string): Placed => ({
    path,
    content: contentOf(text),
    isExecutable: false,
  });
  const moved = async (
    gone: readonly Placed[],
    changed: readonly (readonly [was: Placed, text: string])[],
    fresh: readonly Placed[],
  ) => {
    const differences = {
      gone,
      changed: changed.map(([was, text]) => ({ was, now: file(was.path, text) })),
      fresh,
    };
    const moves = await findMoves(differences);
    return moves.moved.map(({ was, now }) => `${was.path} -> ${now.path}`).sort();
  };

  test("a backup copy of a file that was edited is a new file", async () => {
    expect(await moved([], [[file("a", poem), `${poem}more\n`]], [file("copy", poem)])).toEqual([]);
  });

  test("a log that was put aside for a new one is the old one's", async () => {
    expect(await moved([], [[file("log", poem), "started anew\n"]], [file("log.1", poem)])).toEqual([
      "log -> log.1",
    ]);
  });

  test("a chain of renames is followed", async () => {
    const [a, b] = [file("a", poem), file("b", "two\n")];
    expect(await moved([a], [[b, poem]], [file("c", "two\n")])).toEqual(["a -> b", "b -> c"]);
  });

  test("a rename over another file is one, however much the two have in common", async () => {
    expect(await moved([file("a", `${poem}more\n`)], [[file("b", poem), `${poem}more\n`]], [])).toEqual([
      "a -> b",
    ]);
  });

  test("of several files with one text each goes to the path with its own name", async () => {
    const gone = [file("a/1", "same"), file("a/2", "same")];
    expect(await moved(gone, [], [file("b/2", "same"), file("b/1", "same")])).toEqual([
      "a/1 -> b/1",
      "a/2 -> b/2",
    ]);
  });

  test("an empty file is known by its name alone", async () => {
    expect(await moved([file("a/1", ""), file("a/2", "")], [], [file("b/1", ""), file("new", "")])).toEqual([
      "a/1 -> b/1",
    ]);
  });

  test("another text at another path is another file", async () => {
    expect(await moved([file("a", poem)], [], [file("b", "something else\nentirely\n")])).toEqual([]);
  });
});

describe("a file that one side removes and the other edits", () => {
  for (const remover of ["here", "there"] as const) {
    const editor = remover === "here" ? "there" : "here";

    test(`removed ${remover}: the edited file is kept, and told to both until somebody settles it`, async () => {
      const world = await twoHomes({ "a.md": "1\n", "b.md": "1" });
      const file = await fileAt(world, "a.md");
      await writeTree(world[editor].dir, { "a.md": "edited\n" });
      await unlink(join(world[remover].dir, "a.md"));
      const { first, second } = await apart(world, nothing, nothing);
      const told = [{ kind: "removal", path: "a.md", timeline: file }];
      expect([first.conflicts, second.conflicts]).toEqual([told, told]);
      expect(linesOf(first, 0).join("\n")).toContain(
        "! a.md: removed on one side and changed on the other: it is kept",
      );
      expect(await textsIn(world)).toEqual({ "a.md": "edited\n", "b.md": "1" });
      await expectQuiet(world);

      await unlink(join(world[remover].dir, "a.md"));
      expect(await world[remover].sync()).toMatchObject({ conflicts: [] });
      expect(await world[editor].sync()).toMatchObject({ conflicts: [] });
      expect(await textsIn(world)).toEqual({ "b.md": "1" });
      await expectQuiet(world);
    });
  }

  test("comes back also where the edit is synced only after the removal lies in the other directory", async () => {
    const world = await twoHomes({ "a.md": "1\n", "b.md": "1" });
    await unlink(join(world.here.dir, "a.md"));
    await world.here.sync();
    const report = await world.there.sync(async (...saga) => {
      await writeTree(world.there.dir, { "a.md": "typed meanwhile\n" });
      return world.there.meet(...saga);
    });
    expect(report.skipped).toMatchObject([{ path: "a.md", reason: "changed meanwhile" }]);
    await apart(world, nothing, nothing);
    expect(await textsIn(world)).toEqual({ "a.md": "typed meanwhile\n", "b.md": "1" });
  });
});

describe("a file that comes back", () => {
  test("is the file that was removed from its path, and an edit made elsewhere meanwhile is in it", async () => {
    const world = await twoHomes({ "a.md": poem, "b.md": "1" });
    const before = await fileAt(world, "a.md");
    await unlink(join(world.here.dir, "a.md"));
    await world.here.sync();
    expect(await fileAt(world, "a.md")).toBeUndefined();
    await writeTree(world.here.dir, { "a.md": `${poem}last\n` });
    await apart(world, nothing, write({ "a.md": `first\n${poem}` }));
    expect(await fileAt(world, "a.md")).toBe(before);
    expect(Object.keys(await textsIn(world))).toEqual(["a.md", "b.md"]);
    expect((await textsIn(world))["a.md"]).toContain("last\n");
    expect((await textsIn(world))["a.md"]).toContain("first\n");
    await expectQuiet(world);
  });

  test("at another path with its text is that file as well", async () => {
    const world = await twoHomes({ "a.md": poem, "b.md": "1" });
    const before = await fileAt(world, "a.md");
    await unlink(join(world.here.dir, "a.md"));
    await world.here.sync();
    await writeTree(world.here.dir, { "sub/c.md": poem });
    await world.here.sync();
    expect(await fileAt(world, "sub/c.md")).toBe(before);
  });
});

describe("a file that is made on both sides", () => {
  const crash: Exchange = () => Promise.reject(new Error("crash"));

  async function madeApart(texts: readonly [string, string]) {
    const [here, there] = (await homes(2, { "z.md": "z" })) as [Home, Home];
    await writeTree(here.dir, { "n.md": texts[0] });
    await writeTree(there.dir, { "n.md": texts[1] });
    await here.sync();
    const { conflicts } = await there.sync();
    return { here, there, conflicts };
  }

  async function expectInStep(here: Home, there: Home, files: Readonly<Record<string, string>>) {
    expect((await here.sync()).conflicts).toEqual([]);
    for (const { sync } of [there, here])
      expect(await sync()).toMatchObject({ up: [], down: [], skipped: [] });
    for (const { dir } of [here, there]) expect(await textsIn({ here: { dir } })).toEqual(files);
  }

  test("with one text is one file, and neither side is told anything", async () => {
    const { here, there, conflicts } = await madeApart(["same\n", "same\n"]);
    expect(conflicts).toEqual([]);
    await expectInStep(here, there, { "n.md": "same\n", "z.md": "z" });
  });

  const cases = [
    ["", "written\n"],
    ["written\n", ""],
    ["\n", "written\n"],
  ] as const;
  for (const texts of cases)
    test(`${JSON.stringify(texts)}: what is written stands, alone`, async () => {
      const { here, there, conflicts } = await madeApart(texts);
      expect(conflicts).toEqual([]);
      await expectInStep(here, there, { "n.md": "written\n", "z.md": "z" });
    });

  test("with one text, and edited on both sides before they meet, is one file with both edits", async () => {
    const [here, there] = (await homes(2, { "z.md": "z" })) as [Home, Home];
    for (const [{ dir, sync }, edited] of [
      [here, `first\n${poem}`],
      [there, `${poem}last\n`],
    ] as const) {
      await writeTree(dir, { "n.md": poem });
      await expect(sync(crash)).rejects.toThrow("crash");
      await writeTree(dir, { "n.md": edited });
    }
    await here.sync();
    await there.sync();
    await expectInStep(here, there, { "n.md": `first\n${poem}last\n`, "z.md": "z" });
  });

  test("with one text, and edited on the side that has not heard of it yet, is one file with the edit", async () => {
    for (const late of [0, 1]) {
      const { here, there } = await madeApart(["same\n", "same\n"]);
      await writeTree([here, there][late]!.dir, { "n.md": "same\nand more\n" });
      await [here, there][late]!.sync();
      await [here, there][1 - late]!.sync();
      await expectInStep(here, there, { "n.md": "same\nand more\n", "z.md": "z" });
    }
  });

  test("by three at once with one text is one file", async () => {
    const all = await homes(3, { "z.md": "z" });
    for (const { dir } of all) await writeTree(dir, { "n.md": "same\n" });
    for (const { sync } of [...all, ...all]) await sync();
    for (const home of all) {
      expect(await home.sync()).toMatchObject({ up: [], down: [], conflicts: [] });
      expect(await textsIn({ here: home })).toEqual({ "n.md": "same\n", "z.md": "z" });
    }
  });

  test("with two texts is two files, as ever", async () => {
    const { here } = await madeApart(["one\n", "two\n"]);
    await here.sync();
    expect(Object.values(await textsIn({ here })).sort()).toEqual(["one\n", "two\n", "z"]);
  });
});

describe("what others may have one looked through", () => {
  test("is so many frames of a file's history, the newest", async () => {
    const space = new InnerSpace();
    const frames = [createTimeline({ ib: "file", uuid: "1" })];
    for (let at = 0; at < 9; at++) frames.push(mutate(frames[at]!, { text: String(at) }));
    const tips = [{ tjp: frames[0]!.address, from: undefined, to: frames[9]!.address }];
    await space.commit({ holder: frames[0]!.address, sight: "anyone", puts: frames, tips });
    expect(await historyOf(space, frames[9]!, 4)).toEqual(frames.slice(6).reverse());
  });
});
