/** The history of a folder's files: what was done, and how to have it back. */
import { chmod, readFile, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { clone } from "../../src/cli/commands/clone.js";
import { log } from "../../src/cli/commands/log.js";
import { restore } from "../../src/cli/commands/restore.js";
import { sync } from "../../src/cli/commands/sync.js";
import { saveMapping } from "../../src/cli/folder/bring-down.js";
import { mappingOf } from "../../src/cli/folder/directory.js";
import { folderLimits } from "../../src/cli/folder/limits.js";
import { logOf, revisionDigits } from "../../src/cli/folder/log.js";
import { readFolder } from "../../src/cli/folder/model.js";
import { restoreFile } from "../../src/cli/folder/restore.js";
import { mutate, saveRecords, tjpOf } from "../../src/index.js";
import { readTree, writeTree } from "./directories.js";
import { agree, changesOf, filesIn, inStep, twoDirectories } from "./folders.js";
import { homes } from "./meeting-homes.js";
import { receiverFor, runHere, shareFolder } from "./receiver.js";

const body = "a text that is long enough to be known again\n";

/** A file that was edited, renamed, edited and removed, each in a sync of its own. */
async function longLife() {
  const world = await twoDirectories({ "a.md": body, "other.md": "1" });
  const { here, sync } = world;
  await writeTree(here, { "a.md": `${body}two\n` });
  await sync(here);
  await rename(join(here, "a.md"), join(here, "b.md"));
  await sync(here);
  await writeTree(here, { "b.md": `${body}three\n` });
  await sync(here);
  return world;
}

const told = async (...given: Parameters<typeof logOf>) => changesOf((await logOf(...given)).entries);

describe("the log", () => {
  test("of a file has each revision, the newest first, through its renames", async () => {
    const { here, identity } = await longLife();
    const { entries, isCut } = await logOf(identity.space, join(here, "b.md"));
    expect(changesOf(entries)).toEqual(["edited b.md", "renamed b.md", "edited a.md", "added a.md"]);
    expect(entries[1]?.was).toBe("a.md");
    expect(entries.map(({ by }) => by)).toEqual(Array(4).fill(identity.address));
    expect(isCut).toBe(false);
  });

  test("of a directory has all its files, those that are gone as well; a part of it those below", async () => {
    const { here, identity, sync } = await longLife();
    await writeTree(here, { "d/c.md": "c" });
    await unlink(join(here, "b.md"));
    await sync(here);
    expect((await told(identity.space, here)).sort()).toEqual([
      "added a.md",
      "added d/c.md",
      "added other.md",
      "edited a.md",
      "edited b.md",
      "removed b.md",
      "renamed b.md",
    ]);
    expect(await told(identity.space, join(here, "d"))).toEqual(["added d/c.md"]);
    expect((await told(identity.space, join(here, "b.md")))[0]).toBe("removed b.md");
    for (const path of ["none.md", "b", "a.md/x"])
      await expect(logOf(identity.space, join(here, path))).rejects.toMatchObject({ rule: "unknown_file" });
  });

  test("tells a merge by what it is, and each edit by its maker", async () => {
    const [alice, bob] = await homes(2, { "a.md": "1\n\n2\n" });
    await writeTree(alice!.dir, { "a.md": "1 alice\n\n2\n" });
    await alice!.sync();
    await writeTree(bob!.dir, { "a.md": "1\n\n2 bob\n" });
    await bob!.sync();
    await alice!.sync();
    const { entries } = await logOf(alice!.identity.space, join(alice!.dir, "a.md"));
    expect(changesOf(entries)).toEqual(["merged a.md", "edited a.md", "edited a.md", "added a.md"]);
    const [merge, ...edits] = entries.map(({ by }) => by);
    expect(merge).toBeUndefined();
    expect(new Set(edits)).toEqual(new Set([alice!.identity.address, bob!.identity.address]));
  });

  test("of several files shows the newest of one with very many, and says so; of that file more", async () => {
    const { here, identity } = await twoDirectories({ "a.md": "0", "b.md": "0" });
    const { entries } = await logOf(identity.space, join(here, "a.md"));
    const first = (await identity.space.get(entries[0]!.revision))!;
    const frames = [first];
    const count = folderLimits.logFramesPerFileMax + 10;
    while (frames.length < count) frames.push(mutate(frames.at(-1)!, { text: String(frames.length) }));
    const tjp = tjpOf(first) ?? first.address;
    await saveRecords(identity, frames.slice(1), {
      tips: [{ tjp, from: first.address, to: frames.at(-1)!.address }],
    });
    const all = await logOf(identity.space, here);
    expect(all.isCut).toBe(true);
    expect(all.entries.length).toBe(folderLimits.logFramesPerFileMax + 1);
    expect(all.entries[0]?.revision).toBe(frames.at(-1)!.address);
    const one = await logOf(identity.space, join(here, "a.md"));
    expect({ isCut: one.isCut, length: one.entries.length }).toEqual({ isCut: false, length: count });
  });
});

describe("restore", () => {
  async function revisionOf(world: Awaited<ReturnType<typeof longLife>>, path: string, nth: number) {
    const { entries } = await logOf(world.identity.space, join(world.here, path));
    return revisionDigits(entries.at(nth)!.revision);
  }
  const textOf = (dir: string, path: string) => readFile(join(dir, path), "utf8");

  test("brings a file to a revision under the name that it has now, as an edit that a sync carries", async () => {
    const world = await longLife();
    const { here, there, identity, sync } = world;
    await chmod(join(here, "b.md"), 0o600);
    const revision = await revisionOf(world, "b.md", -1);
    expect(await restoreFile(identity, join(here, "b.md"), revision)).toMatchObject({
      path: "b.md",
      isChanged: true,
    });
    expect(await textOf(here, "b.md")).toBe(body);
    expect(await restoreFile(identity, join(here, "b.md"), revision)).toMatchObject({ isChanged: false });
    expect(changesOf((await sync(here)).up)).toEqual(["edited b.md"]);
    await sync(there);
    expect(await textOf(there, "b.md")).toBe(body);
  });

  test("brings back a file that was removed, with its history", async () => {
    const world = await longLife();
    const { here, there, identity, sync } = world;
    await unlink(join(here, "b.md"));
    await sync(here);
    await expect(
      restoreFile(identity, join(here, "b.md"), await revisionOf(world, "b.md", 0)),
    ).rejects.toMatchObject({ rule: "removed_then" });
    await restoreFile(identity, join(here, "b.md"), await revisionOf(world, "b.md", 1));
    expect(await textOf(here, "b.md")).toBe(`${body}three\n`);
    expect(changesOf((await sync(here)).up)).toEqual(["added b.md"]);
    expect(await told(identity.space, join(here, "b.md"))).toEqual([
      "added b.md",
      "removed b.md",
      "edited b.md",
      "renamed b.md",
      "edited a.md",
      "added a.md",
    ]);
    await sync(there, inStep, agree);
    expect(await textOf(there, "b.md")).toBe(`${body}three\n`);
  });

  test("loses no edit that no sync has recorded, nor a new file in the place of a removed one", async () => {
    const world = await longLife();
    const { here, identity, sync } = world;
    const revision = await revisionOf(world, "b.md", -1);
    await writeTree(here, { "b.md": "unsynced" });
    const attempt = () => restoreFile(identity, join(here, "b.md"), revision);
    await expect(attempt()).rejects.toMatchObject({ rule: "unsynced_edit", message: /sync first/ });
    await unlink(join(here, "b.md"));
    await sync(here);
    await writeTree(here, { "b.md": "new" });
    await expect(attempt()).rejects.toMatchObject({ rule: "unsynced_edit" });
    expect(await textOf(here, "b.md")).toBe("new");
    await unlink(join(here, "b.md"));
    await writeTree(here, { ".gitignore": "b.md\n" });
    await expect(attempt()).rejects.toMatchObject({ rule: "ignored_here" });
    await unlink(join(here, ".gitignore"));
    expect(await attempt()).toMatchObject({ isChanged: true });
  });

  test("refuses what is no revision, several of them, no file, and what cannot be written", async () => {
    const world = await longLife();
    const { here, identity } = world;
    const attempt = (path: string, revision: string) => restoreFile(identity, join(here, path), revision);
    const revision = await revisionOf(world, "b.md", -1);
    for (const text of ["0".repeat(64), "", "zzzz", revision.slice(0, 3)])
      await expect(attempt("b.md", text)).rejects.toMatchObject({ rule: "unknown_revision" });
    await expect(attempt("other.md", revision)).rejects.toMatchObject({ rule: "unknown_revision" });
    for (const path of ["", "none.md"])
      await expect(attempt(path, revision)).rejects.toMatchObject({ rule: "unknown_file" });
    await chmod(join(here, "b.md"), 0o444);
    await expect(attempt("b.md", revision)).rejects.toMatchObject({
      rule: "not_restored",
      facts: { reason: "read-only here" },
    });
  });

  test("writes nothing to a path that no file of a folder may have, whatever the last frame says", async () => {
    const { here, identity, folder } = await twoDirectories({ "a.md": "1", "b.md": "1" });
    const now = await readFolder(identity.space, folder);
    const { file, tip } = (await filesIn(identity.space, folder)).find(({ path }) => path === "a.md")!;
    const removal = mutate(tip, { path: ".git/hooks/x", text: undefined });
    const tips = [{ tjp: file, from: tip.address, to: removal.address }];
    await saveRecords(identity, [removal], { tips });
    await unlink(join(here, "a.md"));
    const named = join(here, ".git/hooks/x");
    await saveMapping(identity, await mappingOf(identity.space, here), {
      folder,
      base: now.files.filter(({ path }) => path === "b.md"),
      unsent: [],
    });
    const revision = revisionDigits(tip.address);
    await expect(restoreFile(identity, named, revision)).rejects.toMatchObject({
      rule: "not_restored",
      facts: { rule: "hidden_name" },
    });
    expect(Object.keys(await readTree(here))).toEqual(["b.md"]);
  });

  test("asks for more digits where several revisions begin with those", async () => {
    const { here, identity } = await twoDirectories({ "a.md": "0" });
    const { entries } = await logOf(identity.space, join(here, "a.md"));
    const frames = [(await identity.space.get(entries[0]!.revision))!];
    const seen = new Set<string>();
    let digits: string | undefined;
    while (digits === undefined) {
      frames.push(mutate(frames.at(-1)!, { text: String(frames.length) }));
      const four = revisionDigits(frames.at(-1)!.address).slice(0, 4);
      if (seen.has(four)) digits = four;
      seen.add(four);
    }
    const tjp = frames[0]!.address;
    await saveRecords(identity, frames.slice(1), {
      tips: [{ tjp, from: tjp, to: frames.at(-1)!.address }],
    });
    await expect(restoreFile(identity, join(here, "a.md"), digits)).rejects.toMatchObject({
      rule: "ambiguous_revision",
    });
  });
});

test("keysaga log says who and by when, and keysaga restore brings it back for everybody", async () => {
  const { people, serve } = await receiverFor("alice", "bob");
  const [alice, bob] = people;
  const { url } = await serve();
  const [hers, his] = [
    ["--home", alice.home],
    ["--home", bob.home],
  ];
  await writeTree(alice.dir, { "a.md": body });
  await runHere(sync, alice.dir, url, ...hers!);
  await shareFolder(alice, url, bob);
  const { folder } = await logOfHome(alice.dir, hers!);
  await runHere(clone, url, folder, bob.dir, ...his!);
  await writeTree(bob.dir, { "a.md": "all of it gone" });
  await runHere(sync, bob.dir, ...his!);
  await runHere(sync, alice.dir, ...hers!);

  const line = (who: string, words: string) =>
    String.raw`[0-9A-F]{12}  \d{4}-\d\d-\d\dT\d\d:\d\dZ  ${who.padEnd(8)}  ${words}\n`;
  const bobs = bob.identity.split("^")[1]!.slice(0, 8);
  const printed = await runHere(log, join(alice.dir, "a.md"), ...hers!);
  expect(printed.stdout).toMatch(
    new RegExp(`^${line(bobs, "edited a\\.md")}${line("you", "added a\\.md")}$`),
  );
  const revision = printed.stdout.split("\n")[1]!.slice(0, 8);
  const restored = await runHere(restore, join(alice.dir, "a.md"), revision, ...hers!);
  expect(restored.stdout).toMatch(/^restored a\.md as of [0-9A-F]{12}\n$/);
  const unsent = await runHere(log, join(alice.dir, "a.md"), ...hers!);
  expect(unsent.stdout).toBe(printed.stdout);
  await runHere(sync, alice.dir, ...hers!);
  await runHere(sync, bob.dir, ...his!);
  expect(await readFile(join(bob.dir, "a.md"), "utf8")).toBe(body);
});

async function logOfHome(dir: string, home: readonly string[]) {
  return JSON.parse((await runHere(log, dir, "--json", ...home)).stdout);
}
