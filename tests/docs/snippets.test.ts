/**
 * The code in README and docs is real. Of each section the `ts` blocks, joined, are one program: it is type-checked
 * and run, and a `text` block right behind a `ts` block is what the program prints. Blocks marked `ts check` are
 * type-checked only.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Block, blocksOf, pages, root } from "./markdown.js";
import { freePort } from "./port.js";

interface Program {
  readonly name: string;
  readonly code: string;
  readonly runs: boolean;
  readonly prints: string | undefined;
}

const programs = pages().flatMap((page) => programsOf(blocksOf(page)));
const examples = ["embed-node", "own-store", "simulate-merge"];
let dir: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "keysaga-snippets-"));
  mkdirSync(join(dir, "runs"));
  writeFileSync(join(dir, "tsconfig.json"), JSON.stringify(tsconfig()));
  for (const [at, { code, runs }] of programs.entries()) {
    writeFileSync(join(dir, fileOf(at)), code);
    // The port of the text may be taken on this machine; and a server would keep the process alive.
    const local = code.replaceAll("4747", String(await freePort()));
    if (runs) writeFileSync(join(dir, "runs", fileOf(at)), `${local}\nprocess.exit();\n`);
  }
  for (const name of examples)
    for (const folder of [dir, join(dir, "runs")])
      writeFileSync(join(folder, `${name}.mts`), readFileSync(`${root}examples/${name}.ts`, "utf8"));
  await bundlePrograms();
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("there is code to check", () => {
  expect(programs.filter(({ runs }) => runs).length).toBeGreaterThanOrEqual(3);
});

test("all code has the types it uses", async () => {
  const { output } = await run([`${root}node_modules/typescript/bin/tsc`, "-p", dir]);
  expect(output).toBe("");
});

describe("runs", () => {
  for (const [at, { name, runs, prints }] of programs.entries()) {
    if (!runs) continue;
    test(name, async () => {
      const { output, status } = await runProgram(fileOf(at));
      expect({ output, status }).toEqual({ output: prints ?? output, status: 0 });
    });
  }

  test("examples/embed-node.ts", async () => {
    const { output, status } = await runProgram("embed-node.mts");
    expect(status, output).toBe(0);
    expect(output).toContain(String.raw`alice and carol read: "title by alice\n\nbody\n\nend by carol\n"`);
    expect(output).toContain("dave is told: may_not_write");
    expect(output).toContain(String.raw`dave reads: "title by alice\n\nbody by dave\n\nend by carol\n"`);
  });

  test("examples/own-store.ts", async () => {
    const { output, status } = await runProgram("own-store.mts");
    expect({ output, status }).toEqual({
      output: "the store has the note\nthe receiver has 1 record\n",
      status: 0,
    });
  });

  test("examples/simulate-merge.ts", async () => {
    const { output, status } = await runProgram("simulate-merge.mts");
    expect(status, output).toBe(0);
    expect(output).toBe("10 worlds, 0 in which something broke\n");
  });
});

function programsOf(blocks: readonly Block[]): Program[] {
  const isCode = ({ info }: Block) => info === "ts";
  const sections = new Set(blocks.filter(isCode).map(({ section }) => section));
  const run = [...sections].map((section): Program => {
    const own = blocks.filter((block) => block.section === section && /^(ts|text)$/.test(block.info));
    const printed = own.filter(({ info }, i) => info === "text" && own[i - 1]?.info === "ts");
    const code = own.filter(isCode).map((block) => block.code);
    return {
      name: `${blocks[0]?.page}, ${section}`,
      code: code.join("\n"),
      runs: true,
      prints: printed.length === 0 ? undefined : printed.map((block) => block.code).join(""),
    };
  });
  const checked = blocks.filter(({ info }) => info === "ts check");
  return [
    ...run,
    ...checked.map(({ page, line, code }) => ({
      name: `${page}:${line}`,
      code,
      runs: false,
      prints: undefined,
    })),
  ];
}

/** What users import, and where it stands here. */
const sources = {
  keysaga: "index.ts",
  "keysaga/node": "node/index.ts",
  "keysaga/testing": "testing/index.ts",
};

function tsconfig() {
  const paths = Object.entries(sources).map(([name, file]) => [name, [`${root}src/${file}`]]);
  return {
    extends: `${root}tsconfig.json`,
    compilerOptions: {
      paths: Object.fromEntries(paths),
      typeRoots: [`${root}node_modules/@types`],
    },
    include: ["*.mts"],
  };
}

const fileOf = (at: number) => `snippet-${at}.mts`;

/** All that runs is bundled at once: the sources are read for all of it once. */
async function bundlePrograms(): Promise<void> {
  await build({
    entryPoints: [join(dir, "runs/*.mts")],
    outdir: join(dir, "bundled"),
    bundle: true,
    splitting: true,
    alias: Object.fromEntries(Object.entries(sources).map(([name, file]) => [name, `${root}src/${file}`])),
    conditions: ["source"],
    external: ["lmdb", "ws"],
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "warning",
  });
  writeFileSync(join(dir, "package.json"), JSON.stringify({ type: "module" }));
  symlinkSync(`${root}node_modules`, join(dir, "node_modules"));
}

function runProgram(file: string) {
  const cwd = join(dir, `${file}.cwd`);
  mkdirSync(cwd);
  return run([join(dir, "bundled", file.replace(".mts", ".js"))], cwd);
}

function run(args: readonly string[], cwd = dir): Promise<{ output: string; status: number | null }> {
  const child = spawn(process.execPath, args, { cwd });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ output, status }));
  });
}
