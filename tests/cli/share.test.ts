import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { adopt } from "../../src/cli/commands/adopt.js";
import { clone } from "../../src/cli/commands/clone.js";
import { setAside } from "../../src/cli/commands/set-aside.js";
import { share } from "../../src/cli/commands/share.js";
import { sync } from "../../src/cli/commands/sync.js";
import { unshare, unshareBy } from "../../src/cli/commands/unshare.js";
import { parseIdentity } from "../../src/cli/addresses.js";
import { who } from "../../src/cli/commands/who.js";
import { mappingOf } from "../../src/cli/folder/directory.js";
import { readFolder } from "../../src/cli/folder/model.js";
import { syncFolder } from "../../src/cli/folder/sync.js";
import { parseWhen } from "../../src/cli/when.js";
import { createReceiver, KeysagaError, type SyncReport, systemPlatform } from "../../src/index.js";
import { createHome, openHome, serve } from "../../src/node/index.js";
import { run } from "./command.js";
import { readTree, temporaryDirectory, writeTree } from "./directories.js";
import { type Person, receiverFor, runHere, shareFolder } from "./receiver.js";

const bob = `keystone.identity^${"B".repeat(64)}`;
const carol = `keystone.identity^${"C".repeat(64)}`;

/** Alice's home, with a directory that has become a folder in it, though no receiver could be reached. */
async function aliceWithFolder() {
  const dir = await temporaryDirectory();
  const [home, notes] = [join(dir, "home"), join(dir, "notes")];
  const { address } = await createHome({ dir: home });
  await writeTree(notes, { "a.md": "1" });
  const { identity, space, close } = await openHome({ dir: home });
  const unreachable = () => Promise.reject(new KeysagaError("cannot_connect"));
  await expect(syncFolder(identity, notes, unreachable)).rejects.toMatchObject({ code: "cannot_connect" });
  const [cell] = await space.cells("folder/");
  const { folder } = JSON.parse(Buffer.from(cell!.value).toString());
  await close();
  return { home, notes, folder, address };
}

describe("keysaga share, unshare and who", () => {
  test("tell who may do what with a folder, named by its directory or its address", async () => {
    const { home, notes, folder, address } = await aliceWithFolder();
    const at = ["--home", home];
    expect(await runHere(who, notes, ...at)).toMatchObject({ stdout: `${address} owns it\n` });
    expect(await runHere(share, notes, bob, ...at)).toEqual({
      exitCode: 0,
      stdout: `${bob} may read and write ${folder}\n`,
      stderr: "sync the folder, so that its receiver knows\n",
    });
    const until = ["--read", "--expires", "2100-12-31"];
    const granted = await runHere(share, folder, "C".repeat(64), ...until, ...at);
    expect(granted.stdout).toBe(`${carol} may read ${folder} until 2101-01-01T00:00:00.000Z\n`);
    const { stdout } = await runHere(who, folder.slice("folder^".length), ...at);
    expect(new Set(stdout.split("\n"))).toEqual(
      new Set([
        `${address} owns it`,
        `${bob} may read and write it`,
        `${carol} may read it until 2101-01-01T00:00:00.000Z`,
        "",
      ]),
    );
    const taken = await runHere(unshare, notes, bob, ...at);
    expect(taken.stdout).toBe(`${bob} may no longer read or write ${folder}\n`);
    expect((await runHere(who, notes, ...at)).stdout).not.toContain(bob);
  });

  test("print JSON, in which what was taken back is still listed", async () => {
    const { home, notes, folder, address } = await aliceWithFolder();
    const at = ["--json", "--home", home];
    const said = JSON.parse((await runHere(share, notes, bob, ...at)).stdout);
    expect(said).toEqual({ timeline: folder, with: bob, access: "write", back: [] });
    expect(JSON.parse((await runHere(unshare, notes, bob, ...at)).stdout)).toEqual({
      timeline: folder,
      from: bob,
      stays: [],
      leaves: [],
    });
    expect(JSON.parse((await runHere(who, notes, ...at)).stdout)).toEqual({
      folder,
      owner: address,
      entries: [{ timeline: folder, with: bob, access: "write", state: "withdrawn" }],
    });
  });

  test("refuse in one line what cannot be shared or taken back", async () => {
    const { home, notes, folder, address } = await aliceWithFolder();
    const elsewhere = await temporaryDirectory();
    const other = join(elsewhere, "home");
    await createHome({ dir: other });
    const refusals: readonly [string[], number, RegExp][] = [
      [["share", elsewhere, bob], 1, /^the directory was never synced from this home/],
      [["share", join(elsewhere, "none"), bob], 1, /^there is no such directory/],
      [["share", notes, "bob"], 2, /^IDENTITY takes an identity/],
      [["share", notes, address], 2, /^IDENTITY is that of this home itself/],
      [["share", notes, bob, "--expires", "soon"], 2, /^--expires takes 30m, 12h/],
      [["share", notes, bob, "--expires", "2001-01-01"], 2, /^--expires 2001-01-01 has passed already/],
      [["unshare", notes, bob], 1, /^The timeline is not shared with that identity/],
      [["share", folder, bob, "--home", other], 1, /^There is no such record here/],
      [["who", folder, "--home", other], 1, /^There is no such record here/],
    ];
    const ended = await Promise.all(
      refusals.map(([args]) => run(args.includes("--home") ? args : [...args, "--home", home])),
    );
    for (const [at, { code, stdout, stderr }] of ended.entries()) {
      const [args, exitCode, line] = refusals[at]!;
      expect({ args, code, stdout }).toEqual({ args, code: exitCode, stdout: "" });
      expect(stderr).toMatch(/^keysaga: [^\n]+\n$/);
      expect(stderr.slice("keysaga: ".length)).toMatch(line);
    }
  });
});

/** Alice's folder at a receiver, its clock as many milliseconds ahead as is said. */
async function served(aheadMs = 0) {
  const { receiver, people } = await receiverFor("alice", "bob", "carol");
  const [alice, bob, carol] = people;
  const home = await openHome({ dir: receiver.home });
  const clock = { ...systemPlatform.clock, now: () => Date.now() + aheadMs };
  const server = await serve({
    host: "127.0.0.1",
    port: 0,
    receiver: (url) =>
      createReceiver({
        identity: home.identity,
        audiences: [url],
        admission: { kind: "open" },
        platform: { ...systemPlatform, clock },
      }),
  });
  onTestFinished(async () => {
    await server.close();
    await home.close();
  });
  const { url } = server;
  await writeTree(alice.dir, { "a.md": "1\n2\n3\n", "b.md": "1\n" });
  const folder = await syncOf(alice, url);
  return { alice, bob, carol, url, folder };
}

/** Syncs, which has to go well, and gives the folder's address. */
async function syncOf({ dir, home }: Person, url: string): Promise<string> {
  const { stdout, stderr, exitCode } = await runHere(sync, dir, url, "--home", home, "--json");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.anything() });
  return JSON.parse(stdout).folder;
}

const cloneOf = ({ dir, home }: Person, url: string, folder: string) =>
  runHere(clone, url, folder, dir, "--home", home);
const textIn = ({ dir }: Person, path: string) => readFile(join(dir, path), "utf8");

/** Syncs as a person would, and expects one line that says why not all of it was done. */
async function expectRefused({ dir, home }: Person, url: string, line: RegExp): Promise<void> {
  const { code, stdout, stderr } = await run(["sync", dir, url, "--home", home]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/^keysaga: [^\n]+; [^\n]*ask [^\n]+ to run keysaga share, then to sync[^\n]*\n$/);
  expect(stderr.slice("keysaga: ".length)).toMatch(line);
}

describe("a folder that is shared", () => {
  test("is cloned and edited by the grantee, whose edits come back to the owner", async () => {
    const { alice, bob, url, folder } = await served();
    await expect(cloneOf(bob, url, folder)).rejects.toMatchObject({ rule: "unknown_folder" });
    await runHere(share, alice.dir, bob.identity, "--home", alice.home);
    await expect(cloneOf(bob, url, folder)).rejects.toMatchObject({ rule: "unknown_folder" });
    await syncOf(alice, url); // from here on the receiver knows
    await cloneOf(bob, url, folder);
    await writeTree(bob.dir, { "a.md": "by bob\n2\n3\n", "sub/new.md": "by bob" });
    await syncOf(bob, url);
    await syncOf(alice, url);
    expect(await readTree(alice.dir)).toEqual(await readTree(bob.dir));
    expect(await textIn(alice, "a.md")).toBe("by bob\n2\n3\n");
    const told = await runHere(who, bob.dir, "--home", bob.home);
    expect(told.stdout).toBe(`${alice.identity} owns it\n${bob.identity} may read and write it\n`);
  });

  test("is edited by all its writers at once, and ends as one folder", async () => {
    const { alice, bob, carol, url, folder } = await served();
    const others = [bob, carol];
    await writeTree(alice.dir, { "a.md": "1\n2\n3\n4\n5\n" });
    for (const other of others) await shareFolder(alice, url, other);
    for (const other of others) await cloneOf(other, url, folder);
    const all = [alice, ...others];
    for (const [at, { dir }] of all.entries())
      await writeTree(dir, {
        "a.md": ["1", "2", "3", "4", "5", ""].with(2 * at, `by writer ${at}`).join("\n"),
        [`by-writer-${at}.md`]: "new",
      });
    for (let round = 0; round < 2; round++) for (const person of all) await syncOf(person, url);
    const tree = await readTree(alice.dir);
    for (const { dir } of others) expect(await readTree(dir)).toEqual(tree);
    expect(Object.keys(tree)).toEqual(["a.md", "b.md", "by-writer-0.md", "by-writer-1.md", "by-writer-2.md"]);
    expect(await textIn(alice, "a.md")).toBe("by writer 0\n2\nby writer 1\n4\nby writer 2\n");
  });

  test("to read: changes are not taken and stay as they are, what others change comes down all the same", async () => {
    const { alice, bob, url, folder } = await served();
    await shareFolder(alice, url, bob, "--read");
    await cloneOf(bob, url, folder);
    await writeTree(bob.dir, { "a.md": "1\n2\nby bob\n" });
    await writeTree(alice.dir, { "a.md": "by alice\n2\n3\n", "b.md": "2\n" });
    await syncOf(alice, url);
    await expectRefused(bob, url, /^you may only read this folder, .* undo them, .* \(changes: 1\)$/m);
    expect(await textIn(bob, "a.md")).toBe("1\n2\nby bob\n");
    expect(await textIn(bob, "b.md")).toBe("2\n");
    await syncOf(alice, url);
    expect(await textIn(alice, "a.md")).toBe("by alice\n2\n3\n");

    await writeTree(bob.dir, { "a.md": "1\n2\n3\n" }); // undone
    await syncOf(bob, url);
    expect(await textIn(bob, "a.md")).toBe("by alice\n2\n3\n");
    await writeTree(bob.dir, { "a.md": "by alice\n2\nby bob\n" });
    await shareFolder(alice, url, bob);
    for (const person of [bob, alice]) await syncOf(person, url);
    expect(await textIn(alice, "a.md")).toBe("by alice\n2\nby bob\n");
  });

  test("until a time: the receiver's clock says when that is", async () => {
    const { alice, bob, carol, url, folder } = await served(2 * 3_600_000);
    await shareFolder(alice, url, bob, "--expires", "1h");
    await shareFolder(alice, url, carol, "--expires", "3h");
    await expect(cloneOf(bob, url, folder)).rejects.toMatchObject({ rule: "unknown_folder" });
    await cloneOf(carol, url, folder);
    expect(await readTree(carol.dir)).toEqual(await readTree(alice.dir));
  });

  test("until it is taken back: what the grantee did before counts, nothing after is given or taken", async () => {
    const { alice, bob, url, folder } = await served();
    await shareFolder(alice, url, bob);
    await cloneOf(bob, url, folder);
    await writeTree(bob.dir, { "a.md": "bob in time\n2\n3\n" });
    for (const person of [bob, alice]) await syncOf(person, url);
    await runHere(unshare, alice.dir, bob.identity, "--home", alice.home);
    await writeTree(alice.dir, { "b.md": "not for bob\n" });
    await syncOf(alice, url);

    await expectRefused(bob, url, /^the receiver gives you nothing of this folder any more/);
    await writeTree(bob.dir, { "a.md": "bob in time\n2\nbob too late\n" });
    await expectRefused(bob, url, /^the receiver gives you nothing of this folder any more/);
    expect(await textIn(bob, "a.md")).toBe("bob in time\n2\nbob too late\n");
    expect(await textIn(bob, "b.md")).toBe("1\n");
    await syncOf(alice, url);
    expect(await textIn(alice, "a.md")).toBe("bob in time\n2\n3\n");

    await shareFolder(alice, url, bob); // and what had stayed goes up
    for (const person of [bob, alice]) await syncOf(person, url);
    expect(await textIn(alice, "a.md")).toBe("bob in time\n2\nbob too late\n");
    expect(await readTree(bob.dir)).toEqual(await readTree(alice.dir));
  });
});

describe("taken back at a receiver", () => {
  /** Bob has changed what alice shares with him, and she has not heard of it. */
  async function changedByBob() {
    const { alice, bob, url, folder } = await served();
    await shareFolder(alice, url, bob);
    await cloneOf(bob, url, folder);
    await writeTree(bob.dir, { "a.md": "bob in time\n2\n3\n" });
    await syncOf(bob, url);
    return { alice, bob, url };
  }

  test("it keeps what that has of the grantee, and the receiver refuses from then on", async () => {
    const { alice, bob, url } = await changedByBob();
    const taken = await runHere(unshare, alice.dir, bob.identity, url, "--home", alice.home);
    expect(taken).toMatchObject({ exitCode: 0, stderr: "" });
    await expectRefused(bob, url, /^the receiver gives you nothing of this folder any more/);
    expect(await runHere(sync, alice.dir, url, "--home", alice.home)).toMatchObject({ exitCode: 0 });
    expect(await textIn(alice, "a.md")).toBe("bob in time\n2\n3\n");
  });

  test("nothing is taken back where it cannot be reached", async () => {
    const { alice, bob } = await changedByBob();
    const nowhere = runHere(unshare, alice.dir, bob.identity, "ws://127.0.0.1:1", "--home", alice.home);
    await expect(nowhere).rejects.toMatchObject({ code: "cannot_connect" });
    expect((await runHere(who, alice.dir, "--home", alice.home)).stdout).toContain(bob.identity);
  });

  test("it is said what is done where the receiver cannot be told of it", async () => {
    const { home, notes, folder } = await aliceWithFolder();
    await runHere(share, notes, bob, "--home", home);
    const { identity, close } = await openHome({ dir: home });
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const exchange = async (_: unknown, direction: string) => {
      if (direction === "push") throw new KeysagaError("connection_lost");
      return {} as SyncReport;
    };
    const taken = unshareBy(
      { stdin, stdout, stderr, env: {} },
      identity,
      { timeline: folder, from: parseIdentity(bob, "IDENTITY") },
      exchange,
    );
    await expect(taken).rejects.toMatchObject({ code: "connection_lost" });
    await close();
    expect(String(stderr.read())).toContain("the receiver has not heard of it");
    expect((await runHere(who, notes, "--home", home)).stdout).not.toContain(bob);
  });

  test("what came too late is listed by the next withdrawal, and by the share that brings it back", async () => {
    const { alice, bob, url } = await changedByBob();
    await runHere(unshare, alice.dir, bob.identity, "--home", alice.home);
    await runHere(sync, alice.dir, url, "--home", alice.home); // brings what came first there
    const at = ["--home", alice.home];
    await runHere(share, alice.dir, bob.identity, "--read", ...at);
    const again = await runHere(unshare, alice.dir, bob.identity, ...at);
    expect(again.exitCode).toBe(3);
    expect(again.stderr).toMatch(/^left out file\^\S+: keysaga adopt takes it over\n/);
    const back = await runHere(share, alice.dir, bob.identity, ...at);
    expect(back.stdout).toMatch(/\nfile\^\S+ is back \(made by keystone\.identity\S+\)\n$/);
    await syncOf(alice, url);
    expect(await textIn(alice, "a.md")).toBe("bob in time\n2\n3\n");
  });
});

test("who takes back without having synced is told what to do about the changes that came before", async () => {
  const { alice, bob, url, folder } = await served();
  await shareFolder(alice, url, bob);
  await cloneOf(bob, url, folder);
  await writeTree(bob.dir, { "a.md": "bob in time\n2\n3\n" });
  await syncOf(bob, url);
  await runHere(unshare, alice.dir, bob.identity, "--home", alice.home);
  const left = await runHere(sync, alice.dir, url, "--home", alice.home);
  expect(left.exitCode).toBe(3);
  const lines = left.stderr.split("\n").filter((line) => line.startsWith("left out "));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(
    /^left out file\^\S+: by somebody who may not write it; keysaga adopt .*keystone\.identity/,
  );
  expect(await textIn(alice, "a.md")).toBe("1\n2\n3\n");

  const frame = lines[0]!.slice("left out ".length).split(": ")[0]!;
  expect((await runHere(adopt, alice.dir, frame, "--home", alice.home)).stdout).toBe(`${frame} counts\n`);
  await syncOf(alice, url);
  expect(await textIn(alice, "a.md")).toBe("bob in time\n2\n3\n");

  const aside = await runHere(setAside, alice.dir, frame, "--why", "a slip", "--home", alice.home);
  expect(aside.stdout).toBe(`${frame} is set aside\n`);
  await syncOf(alice, url);
  expect(await textIn(alice, "a.md")).toBe("1\n2\n3\n");
  expect((await runHere(adopt, alice.dir, "all", "--json", "--home", alice.home)).stdout).toContain(frame);
  await expect(runHere(adopt, alice.dir, "nothing", "--home", alice.home)).rejects.toThrow("FRAME takes");
});

test("a file that somebody added and the owner sets aside goes from all directories, until it is adopted", async () => {
  const { alice, bob, carol, url, folder } = await served();
  for (const other of [bob, carol]) {
    await shareFolder(alice, url, other);
    await cloneOf(other, url, folder);
  }
  await writeTree(bob.dir, { "junk.md": "junk" });
  for (const person of [bob, alice, carol]) await syncOf(person, url);
  expect(await textIn(carol, "junk.md")).toBe("junk");
  const frame = (await filesOf(alice)).find(({ path }) => path === "junk.md")!.tip;
  await runHere(setAside, alice.dir, frame, "--why", "junk", "--home", alice.home);
  await syncOf(alice, url);
  const told = await runHere(sync, carol.dir, url, "--home", carol.home);
  expect(told).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining("set aside by the folder's owner"),
  });
  for (const person of [alice, carol])
    expect(Object.keys(await readTree(person.dir))).toEqual(["a.md", "b.md"]);
  await writeTree(carol.dir, { "a.md": "carol goes on" });
  for (const person of [carol, alice]) await syncOf(person, url);

  await runHere(adopt, alice.dir, frame, "--home", alice.home);
  for (const person of [alice, carol]) await syncOf(person, url);
  for (const person of [alice, carol]) expect(await textIn(person, "junk.md")).toBe("junk");
});

/** The files of a person's folder, as the home has them. */
async function filesOf({ home, dir }: Person) {
  const { space, close } = await openHome({ dir: home });
  const { mapping } = await mappingOf(space, dir);
  const { files } = await readFolder(space, mapping.folder);
  await close();
  return files;
}

describe("a moment", () => {
  const now = Date.parse("2030-01-31T12:00Z");
  test.each([
    ["30m", "2030-01-31T12:30Z"],
    ["12h", "2030-02-01T00:00Z"],
    ["7d", "2030-02-07T12:00Z"],
    ["2w", "2030-02-14T12:00Z"],
    ["2030-01-31", "2030-02-01T00:00Z"],
    ["2032-02-29", "2032-03-01T00:00Z"],
    ["2030-01-31T12:01Z", "2030-01-31T12:01Z"],
    ["2030-02-01T00:30:15+02:00", "2030-01-31T22:30:15Z"],
  ])("%s is %s", (text, when) => {
    expect(parseWhen(text, "--expires", now)).toBe(Date.parse(when));
  });

  test.each([
    "",
    "7",
    "d",
    "7y",
    "0.5h",
    "-1d",
    "2030-02-30",
    "2030-13-01",
    "2030-02-01T12:00",
    "2030-02-01T25:00Z",
    "1 Feb 2031",
  ])("%j is none", (text) => {
    expect(() => parseWhen(text, "--expires", now)).toThrow("--expires takes");
  });

  test.each(["0m", "2030-01-30", "2030-01-31T12:00Z"])("%s has passed", (text) => {
    expect(() => parseWhen(text, "--expires", now)).toThrow("has passed already");
  });
});
