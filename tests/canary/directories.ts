/** Temporary directories of tests: every file that is left in one is looked at before it goes, or when the tests end. */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { searchFiles } from "./watch.js";

const made = new Set<string>();
let isWatched = false;

/** Once is enough for files that share a process. */
export function watchTemporaryDirectories(): void {
  if (isWatched) return;
  isWatched = true;
  const { mkdtempSync, rmSync, promises } = fs;
  const { mkdtemp, rm } = promises;
  Object.assign(fs, {
    mkdtempSync: (...args: Parameters<typeof mkdtempSync>) => remember(mkdtempSync(...args)),
    rmSync: (...args: Parameters<typeof rmSync>) => rmSync(...look(args)),
  });
  Object.assign(promises, {
    mkdtemp: async (...args: Parameters<typeof mkdtemp>) => remember(await mkdtemp(...args)),
    rm: (...args: Parameters<typeof rm>) => rm(...look(args)),
  });
  syncBuiltinESMExports();
}

export function searchTemporaryDirectories(): void {
  for (const dir of made) searchFiles(dir);
  made.clear();
}

function remember(dir: string): string {
  made.add(dir);
  return dir;
}

/** Looks at what is about to be removed, if that is one of them, or in one. */
function look<Args extends readonly [path: unknown, ...unknown[]]>(args: Args): Args {
  const [path] = args;
  if (typeof path === "string" && isTemporary(path)) searchFiles(path);
  if (typeof path === "string") made.delete(path);
  return args;
}

function isTemporary(path: string): boolean {
  return [...made].some((dir) => path === dir || path.startsWith(`${dir}/`));
}
