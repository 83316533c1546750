/** One file that cannot be read or written stops no other: it is named, with what to do, and done when the cause is gone. */
import { execFileSync } from "node:child_process";
import { chmod, mkdir, readdir, rename, rm, symlink, unlink } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { skippedLine } from "../../src/cli/folder/report.js";
import { needsAttention } from "../../src/cli/folder/skipped.js";
import { readTree, writeTree } from "./directories.js";
import { agree, changesOf, inStep, twoDirectories } from "./folders.js";

/** What the file system refuses, by the call and a part of a path: for root, who runs some tests, little is refused. */
type Refusals = Partial<Record<"rename" | "unlink" | "open" | "writeFile" | "lstat" | "readdir", string>>;
const refused = vi.hoisted(() => ({ path: "", code: "", calls: {} as Record<string, true> }));

function refuse(path: string, code: string, ...calls: (keyof Refusals)[]): void {
  Object.assign(refused, { path, code, calls: Object.fromEntries(calls.map((call) => [call, true])) });
}
const refuseNothing = () => refuse("", "");

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const guarded =
    (name: string, call: (...given: never[]) => Promise<unknown>, at: number) =>
    async (...given: never[]) => {
      if (refused.calls[name] && String(given[at]).endsWith(refused.path))
        throw Object.assign(new Error("refused"), { code: refused.code, syscall: name });
      return call(...given);
    };
  return {
    ...real,
    rename: guarded("rename", real.rename, 1),
    unlink: guarded("unlink", real.unlink, 0),
    open: guarded("open", real.open, 0),
    writeFile: guarded("writeFile", real.writeFile, 0),
    lstat: guarded("lstat", real.lstat, 0),
    readdir: guarded("readdir", real.readdir as never, 0),
  };
});

beforeEach(refuseNothing);

type World = Awaited<ReturnType<typeof twoDirectories>>;

const files = { "a.md": "a\n", "d/b.md": "b\n", "d/c.md": "c\n", "z.md": "z\n" };

/** A sync of `there`, which has to name just this, in a line with what to do, and a second one to do what was left. */
async function expectLeft(
  { there, here, sync }: World,
  {
    path,
    reason,
    down,
  }: { readonly path: string; readonly reason: string; readonly down: readonly string[] },
  remedy: () => unknown,
  later: readonly string[],
): Promise<void> {
  const first = await sync(there, inStep, agree);
  expect(first.skipped).toEqual([{ path, reason }]);
  expect(needsAttention(first.skipped[0]!)).toBe(true);
  expect(skippedLine(first.skipped[0]!)).toMatch(new RegExp(`^skipped ${path}: ${reason}; .+$`));
  expect(changesOf(first.down)).toEqual(down);
  await remedy();
  const second = await sync(there, inStep, agree);
  expect(second.skipped).toEqual([]);
  expect(changesOf(second.down)).toEqual(later);
  await sync(here, inStep, agree);
  expect(await readTree(there)).toEqual(await readTree(here));
  expect((await readdir(there)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
}

describe("an edit that comes down to", () => {
  const edited = { "a.md": "a edited\n", "d/b.md": "b edited\n", "z.md": "z edited\n" };
  const rest = ["edited a.md", "edited z.md"];
  const left = { path: "d/b.md", down: rest };

  async function changed(): Promise<World> {
    const world = await twoDirectories(files);
    await writeTree(world.here, edited);
    await world.sync(world.here);
    return world;
  }

  test("a read-only file leaves it, and comes once it is writable", async () => {
    const world = await changed();
    const file = join(world.there, "d/b.md");
    await chmod(file, 0o444);
    await expectLeft(world, { ...left, reason: "read-only here" }, () => chmod(file, 0o644), [
      "edited d/b.md",
    ]);
  });

  for (const code of ["EACCES", "EPERM", "EROFS"])
    test(`a directory that may not be written (${code}) comes once it may`, async () => {
      const world = await changed();
      refuse("d/b.md", code, "rename");
      await expectLeft(world, { ...left, reason: "no right to write it here" }, refuseNothing, [
        "edited d/b.md",
      ]);
    });

  test("a file that another program has locked comes once it is closed", async () => {
    const world = await changed();
    refuse("d/b.md", "EBUSY", "rename");
    await expectLeft(world, { ...left, reason: "in use by another program" }, refuseNothing, [
      "edited d/b.md",
    ]);
  });

  test("a disk that fails at one file leaves that one", async () => {
    const world = await changed();
    refuse("d/b.md", "EIO", "rename");
    await expectLeft(world, { ...left, reason: "the disk refuses it" }, refuseNothing, ["edited d/b.md"]);
  });

  test("a disk that is full changes nothing, and says so of the file", async () => {
    const { there, sync } = await changed();
    const before = await readTree(there);
    refuse(".tmp", "ENOSPC", "writeFile");
    await expect(sync(there)).rejects.toMatchObject({ code: "disk_full" });
    expect(await readTree(there)).toEqual(before);
  });

  for (const [what, make, reason] of [
    ["a link", (at: string) => symlink("a.md", at), "a symbolic link is in its place"],
    ["an empty directory", (at: string) => mkdir(at), "a directory is in its place"],
  ] as const)
    test(`${what} in the file's place leaves that, and removes the file for nobody`, async () => {
      const world = await changed();
      const file = join(world.there, "d/b.md");
      await unlink(file);
      await make(file);
      const remedy = async () => {
        await rm(file, { recursive: true });
        await writeTree(world.there, { "d/b.md": "b\n" });
      };
      await expectLeft(world, { ...left, reason }, remedy, ["edited d/b.md"]);
    });

  test("a link in the directory's place leaves what is in it", async () => {
    const world = await changed();
    await rename(join(world.there, "d"), join(world.dir, "elsewhere"));
    await symlink(join(world.dir, "elsewhere"), join(world.there, "d"));
    const { skipped, down } = await world.sync(world.there);
    expect(changesOf(down)).toEqual(rest);
    expect(skipped).toEqual([
      { path: "d", reason: "a symbolic link is in its place" },
      { path: "d/b.md", reason: "its directory is no directory here" },
    ]);
    await unlink(join(world.there, "d"));
    await rename(join(world.dir, "elsewhere"), join(world.there, "d"));
    expect(changesOf((await world.sync(world.there)).down)).toEqual(["edited d/b.md"]);
  });
});

describe("a new file that comes down", () => {
  async function added(more: Readonly<Record<string, string>>): Promise<World> {
    const world = await twoDirectories(files);
    await writeTree(world.here, { ...more, "new.md": "new\n" });
    await world.sync(world.here);
    return world;
  }
  const rest = ["added new.md"];

  for (const code of ["ENAMETOOLONG", "EINVAL", "EILSEQ"])
    test(`under a name that the disk does not hold (${code}) leaves the others theirs`, async () => {
      const world = await added({ "what?.md": "1" });
      refuse("what?.md", code, "lstat");
      const told = { path: "what\\?.md", reason: "this disk cannot hold its name" };
      const { skipped, down } = await world.sync(world.there);
      expect(skipped).toEqual([{ ...told, path: "what?.md" }]);
      expect(changesOf(down)).toEqual(rest);
      refuseNothing();
      expect(changesOf((await world.sync(world.there)).down)).toEqual(["added what?.md"]);
    });

  test("where a directory stands whose files stay out of it leaves that", async () => {
    const world = await added({ "x.md": "1" });
    const directory = join(world.there, "x.md");
    await writeTree(directory, { "ignored.log": "1", ".gitignore": "*.log\n" });
    const told = { path: "x.md", reason: "a directory is in its place", down: rest };
    await expectLeft(world, told, () => rm(directory, { recursive: true }), ["added x.md"]);
  });

  test("where an empty directory stands lies beside it", async () => {
    const world = await added({ "x.md": "1" });
    await mkdir(join(world.there, "x.md"));
    const { up, down, conflicts } = await world.sync(world.there);
    expect(changesOf(up)).toEqual(["added x.md/"]);
    expect(down.map(({ path }) => path.replace(/\(.*\)/, "(digits)"))).toEqual(["new.md", "x (digits).md"]);
    expect(conflicts).toMatchObject([{ kind: "name", named: "x.md" }]);
  });

  test("below what is a special file here leaves that", async () => {
    const world = await added({ "e/x.md": "1" });
    execFileSync("mkfifo", [join(world.there, "e")]);
    const { skipped, down } = await world.sync(world.there);
    expect(changesOf(down)).toEqual(rest);
    expect(skipped).toContainEqual({ path: "e/x.md", reason: "its directory is no directory here" });
    await unlink(join(world.there, "e"));
    expect(changesOf((await world.sync(world.there)).down)).toEqual(["added e/x.md"]);
  });
});

describe("a removal that comes down", () => {
  test("to a directory that may not be written leaves the file there, and removes the others", async () => {
    const world = await twoDirectories(files);
    for (const path of ["a.md", "d/b.md"]) await unlink(join(world.here, path));
    await world.sync(world.here);
    refuse("d/b.md", "EACCES", "unlink");
    const told = { path: "d/b.md", reason: "no right to write it here", down: ["removed a.md"] };
    await expectLeft(world, told, refuseNothing, ["removed d/b.md"]);
  });
});

describe("a rename that comes down", () => {
  test("to where it cannot be put leaves the file under its old name, whole", async () => {
    const world = await twoDirectories(files);
    await rename(join(world.here, "d/b.md"), join(world.here, "renamed.md"));
    await writeTree(world.here, { "a.md": "a edited\n" });
    await world.sync(world.here);
    refuse("renamed.md", "EACCES", "rename");
    const told = { path: "renamed.md", reason: "no right to write it here", down: ["edited a.md"] };
    const check = async () => {
      expect((await readTree(world.there))["d/b.md"]).toBe(btoa("b\n"));
      refuseNothing();
    };
    await expectLeft(world, told, check, ["renamed renamed.md"]);
  });

  test("as a swap of which one cannot be put leaves both as they were", async () => {
    const world = await twoDirectories(files);
    await rename(join(world.here, "a.md"), join(world.here, "t"));
    await rename(join(world.here, "z.md"), join(world.here, "a.md"));
    await rename(join(world.here, "t"), join(world.here, "z.md"));
    await world.sync(world.here);
    const before = await readTree(world.there);
    refuse("z.md", "EPERM", "rename");
    const told = { path: "z.md", reason: "no right to write it here", down: [] };
    const check = async () => {
      expect(await readTree(world.there)).toEqual(before);
      refuseNothing();
    };
    await expectLeft(world, told, check, ["renamed a.md", "renamed z.md"]);
  });
});

describe("reading", () => {
  for (const [call, code, reason] of [
    ["open", "EACCES", "unreadable"],
    ["open", "EBUSY", "in use by another program"],
    ["open", "ENOENT", "vanished while it was read"],
    ["lstat", "ENOENT", "vanished while it was read"],
  ] as const)
    test(`a file where ${call} says ${code} removes it for nobody, and sends the others`, async () => {
      const { here, there, sync } = await twoDirectories(files);
      await writeTree(here, { "a.md": "a edited\n", "d/b.md": "b edited\n" });
      refuse("here/d/b.md", code, call);
      const { up, skipped } = await sync(here);
      expect(changesOf(up)).toEqual(["edited a.md"]);
      expect(skipped).toEqual([{ path: "d/b.md", reason }]);
      refuseNothing();
      expect(changesOf((await sync(here)).up)).toEqual(["edited d/b.md"]);
      await sync(there);
      expect(await readTree(there)).toEqual(await readTree(here));
    });

  for (const [code, reason] of [
    ["EACCES", "unreadable"],
    ["ENOENT", "vanished while it was read"],
  ] as const)
    test(`a directory that cannot be listed (${code}) removes nothing that is in it`, async () => {
      const { here, there, sync } = await twoDirectories(files);
      await writeTree(here, { "a.md": "a edited\n" });
      refuse("here/d", code, "readdir");
      const { up, skipped } = await sync(here);
      expect(changesOf(up)).toEqual(["edited a.md"]);
      expect(skipped).toEqual([{ path: "d", reason }]);
      expect(changesOf((await sync(there)).down)).toEqual(["edited a.md"]);
    });

  test("the directory itself, where it cannot be, is an error that names it", async () => {
    const { here, sync } = await twoDirectories(files);
    refuse("/here", "EACCES", "readdir");
    await expect(sync(here)).rejects.toMatchObject({ code: "file_refused", facts: { path: here } });
  });
});
