import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { TestProject } from "vitest/node";

const root = fileURLToPath(new URL("../../", import.meta.url));

declare module "vitest" {
  interface ProvidedContext {
    /** Where `build.ts` has put what child processes run. */
    readonly programs: string;
  }
}

/** What tests start as processes of their own, and what is loaded in front of that. */
const programs = [
  "src/cli/main.ts",
  "src/node/verify-child.ts",
  "tests/invites/processes/receive.ts",
  "tests/one-time/in-child.ts",
  "tests/one-time/sign.ts",
  "tests/processes/member.ts",
  "tests/space/processes/count.ts",
  "tests/space/processes/fill-up.ts",
  "tests/space/processes/write-on.ts",
  "tests/teardown/many/fail-often.ts",
];

/**
 * Run once, before the tests: bundles the programs. A process starts from that in a fraction of the time that it takes
 * from TypeScript, and it is never older than the sources. What several of them import is one file for all, so that
 * what is loaded in front of a program (`--import`) meets its very modules.
 */
export default async function buildPrograms(project: TestProject): Promise<() => Promise<void>> {
  const dir = await mkdtemp(join(tmpdir(), "keysaga-programs-"));
  await build({
    entryPoints: programs.map((program) => join(root, program)),
    outbase: root,
    outdir: dir,
    bundle: true,
    splitting: true,
    chunkNames: "src/node/[name]-[hash]", // as deep as what looks for its neighbours, or for the package's own files
    conditions: ["source"],
    external: ["lmdb", "ws"],
    format: "esm",
    platform: "node",
    target: "node20",
    sourcemap: true,
    logLevel: "warning",
  });
  const manifest = await readFile(join(root, "package.json"));
  await writeFile(join(dir, "package.json"), manifest);
  await symlink(join(root, "node_modules"), join(dir, "node_modules"));
  project.provide("programs", dir);
  return () => rm(dir, { recursive: true, force: true });
}
