/** A run that would remove much asks first, whichever way the removal goes. */
import { PassThrough } from "node:stream";
import { mkdir, rename, rm, unlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { removalSource } from "../../src/cli/ask-removal.js";
import type { MassRemoval } from "../../src/cli/folder/removal.js";
import { readTree, writeTree } from "./directories.js";
import { agree, changesOf, inStep, twoDirectories } from "./folders.js";

const filesOf = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`${at + 1}.md`, `text ${at + 1}`]));

describe("files that are gone from a directory", () => {
  const counts: readonly (readonly [gone: number, of: number, isAsked: boolean])[] = [
    [1, 1, true],
    [2, 2, true],
    [1, 2, false],
    [2, 3, false],
    [3, 9, false],
    [3, 8, true],
    [4, 10, true],
    [3, 10, false],
  ];
  for (const [gone, of, isAsked] of counts) {
    test(`${gone} of ${of}: ${isAsked ? "refused until it is said that it is meant" : "removed"}`, async () => {
      const { here, there, sync } = await twoDirectories(filesOf(of));
      for (let at = 1; at <= gone; at++) await unlink(join(here, `${at}.md`));
      if (isAsked) {
        for (let round = 0; round < 2; round++)
          await expect(sync(here)).rejects.toMatchObject({
            rule: "missing",
            facts: { gone: `${gone} of ${of}` },
          });
        expect(await sync(there)).toMatchObject({ down: [], unchanged: of });
      }
      const { up } = await sync(here, inStep, agree);
      expect(up).toHaveLength(gone);
      expect(await sync(here)).toMatchObject({ up: [], down: [], unchanged: of - gone });
    });
  }

  test("but lie at other paths were moved, and nobody is asked", async () => {
    const { here, there, sync } = await twoDirectories({
      "a/1.md": "1",
      "a/2.md": "2",
      "a/3.md": "",
      "a/4.md": "",
    });
    await rename(join(here, "a"), join(here, "b"));
    for (const changes of [(await sync(here)).up, (await sync(there)).down])
      expect(changes.map(({ change }) => change)).toEqual(Array(4).fill("renamed"));
    expect(await readTree(there)).toEqual(await readTree(here));
  });

  test("are asked about where only some of them lie elsewhere: each new file stands for one", async () => {
    const { here, sync } = await twoDirectories({
      "1.md": "same",
      "2.md": "same",
      "3.md": "same",
      "4.md": "x",
    });
    for (const at of [1, 2, 3]) await unlink(join(here, `${at}.md`));
    await writeTree(here, { "new.md": "same", "5.md": "new" });
    expect((await sync(here)).up).toHaveLength(4); // two of four
    await rm(join(here, "new.md"));
    await rm(join(here, "5.md"));
    await rm(join(here, "4.md"));
    await expect(sync(here)).rejects.toMatchObject({ rule: "missing", facts: { gone: "3 of 3" } });
  });
});

describe("removals that come down", () => {
  async function emptied(count: number) {
    const world = await twoDirectories(filesOf(count));
    await rm(world.here, { recursive: true });
    await mkdir(world.here);
    await world.sync(world.here, inStep, agree);
    return world;
  }

  test("are refused again and again, with nothing written, until they are meant; none comes back by it", async () => {
    const { here, there, sync } = await emptied(5);
    await writeTree(here, { "new.md": "1" });
    await sync(here);
    const before = await readTree(there);
    for (let round = 0; round < 2; round++)
      await expect(sync(there)).rejects.toMatchObject({ rule: "removed_there", facts: { gone: "5 of 5" } });
    expect(await readTree(there)).toEqual(before);
    expect(await sync(here)).toMatchObject({ up: [], down: [] });
    const { up, down } = await sync(there, inStep, agree);
    expect(up).toEqual([]);
    expect(down).toHaveLength(6);
    expect(await readTree(there)).toEqual(await readTree(here));
  });

  test("an edit made beside them is sent once, and keeps its file", async () => {
    const { there, sync } = await emptied(5);
    await writeTree(there, { "1.md": "edited", "mine.md": "1" });
    for (let round = 0; round < 2; round++)
      await expect(sync(there)).rejects.toMatchObject({ rule: "removed_there" });
    const { up, down } = await sync(there, inStep, agree);
    expect(up).toEqual([]); // both were sent by the first of them
    expect(changesOf(down).filter((change) => change.startsWith("removed"))).toHaveLength(4);
    expect(Object.keys(await readTree(there))).toEqual(["1.md", "mine.md"]);
  });

  test("below the threshold they are written unasked", async () => {
    const { here, there, sync } = await twoDirectories(filesOf(9));
    for (const at of [1, 2, 3]) await unlink(join(here, `${at}.md`));
    await sync(here);
    expect((await sync(there)).down).toHaveLength(3);
  });
});

describe("who says that it is meant", () => {
  const missing: MassRemoval = { kind: "missing", gone: 4, of: 5 };
  const never = new AbortController().signal;
  const contextOf = (isTTY: boolean) => {
    const [stdin, stdout, stderr] = [
      Object.assign(new PassThrough(), { isTTY }),
      new PassThrough(),
      new PassThrough(),
    ];
    return { stdin, stdout, stderr, env: {} };
  };

  for (const [typed, meant] of Object.entries({
    "y\n": true,
    "Yes\r\n": true,
    "\n": false,
    "n\n": false,
    "yet\n": false,
  })) {
    test(`a person at a terminal who types ${JSON.stringify(typed)}: ${meant ? "yes" : "no"}`, async () => {
      const context = contextOf(true);
      const answer = removalSource(context, false, never)?.(missing);
      expect(String(context.stderr.read())).toBe(
        "4 of 5 files are gone from the directory. Remove them for everybody? [y/N] ",
      );
      context.stdin.write(typed);
      expect(await answer).toBe(meant);
    });
  }

  test("an input that ends, or a stop, is a no", async () => {
    const [ending, stopped] = [contextOf(true), contextOf(true)];
    const stop = new AbortController();
    const answers = [
      removalSource(ending, false, never)?.(missing),
      removalSource(stopped, false, stop.signal)?.(missing),
    ];
    ending.stdin.end("y");
    stop.abort();
    expect(await Promise.all(answers)).toEqual([false, false]);
  });

  test("the option says yes unasked; without it and without a terminal nobody does", async () => {
    const context = contextOf(false);
    expect(await removalSource(context, true, never)?.(missing)).toBe(true);
    expect(removalSource(context, false, never)).toBeUndefined();
    expect(context.stderr.read()).toBeNull();
  });
});
