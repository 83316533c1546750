/** A machine on which lmdb is not installed: `npm install --omit=optional`, or a platform that it has no build for. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { describeError, errorTable } from "../../src/index.js";
import { start } from "../cli/command.js";
import { root } from "../docs/markdown.js";

const dataUrl = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;

/** Node's options for a process in which importing lmdb throws this. */
function lmdbThrows(code: string, message: string): Readonly<Record<string, string>> {
  const hook = `export async function resolve(name, context, next) {
    if (name === "lmdb") throw Object.assign(new Error(${JSON.stringify(message)}), { code: "${code}" });
    return next(name, context);
  }`;
  const register = `import { register } from "node:module"; register(${JSON.stringify(dataUrl(hook))});`;
  return { NODE_OPTIONS: `--import=${dataUrl(register)}` };
}

const absent = lmdbThrows("ERR_MODULE_NOT_FOUND", "Cannot find package 'lmdb' imported from here");
const unbuilt = lmdbThrows(
  "",
  "No native build was found for platform=plan9 arch=x64\n    loaded from: here",
);

test.each([
  ["is not installed", absent, "not installed"],
  ["has no build for the platform", unbuilt, "No native build was found for platform=plan9 arch=x64"],
])("where lmdb %s, the command says what to install, and makes no home", async (_, env, reason) => {
  const dir = mkdtempSync(join(tmpdir(), "keysaga-no-lmdb-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const { code, stdout, stderr } = await start(["init", "--home", dir, "--no-passphrase"], env).ended;
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toBe(`keysaga: ${describeError("lmdb_missing", { reason })}\n`);
  expect(readdirSync(dir)).toEqual([]);
});

test("what needs no store goes without lmdb", async () => {
  const { code, stderr } = await start(["--help"], absent).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

test("the version of lmdb that people are told to install is the one that this package names", () => {
  const { optionalDependencies } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
  expect(errorTable.lmdb_missing.remedy).toContain(`npm install lmdb@${optionalDependencies.lmdb}`);
});
