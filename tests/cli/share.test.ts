import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { share } from "../../src/cli/commands/share.js";
import { unshare } from "../../src/cli/commands/unshare.js";
import { who } from "../../src/cli/commands/who.js";
import { syncFolder } from "../../src/cli/folder/sync.js";
import { parseWhen } from "../../src/cli/when.js";
import { KeysagaError } from "../../src/index.js";
import { createHome, openHome } from "../../src/node/index.js";
import { run } from "./command.js";
import { temporaryDirectory, writeTree } from "./directories.js";
import { runHere } from "./receiver.js";

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

describe("keysaga share, unshare and who", { timeout: 90_000 }, () => {
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
    const { grant, ...said } = JSON.parse((await runHere(share, notes, bob, ...at)).stdout);
    expect(said).toEqual({ timeline: folder, with: bob, access: "write" });
    expect(JSON.parse((await runHere(unshare, notes, bob, ...at)).stdout)).toEqual({
      timeline: folder,
      from: bob,
    });
    expect(JSON.parse((await runHere(who, notes, ...at)).stdout)).toEqual({
      folder,
      owner: address,
      grants: [{ grant, timeline: folder, with: bob, access: "write", state: "withdrawn" }],
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
      [["share", folder, bob, "--home", other], 1, /^There is no such record in this home/],
      [["who", folder, "--home", other], 1, /^There is no such record in this home/],
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
