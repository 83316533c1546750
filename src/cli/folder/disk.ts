import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { systemError } from "../../index.js";
import { FolderError } from "./errors.js";
import { isAny, makerOf } from "./file-system.js";
import { folderLimits } from "./limits.js";
import { type IgnoreRules, isIgnored, rulesIn } from "./ignored.js";
import { type OutsideReason, whyOutside } from "./own.js";
import { brokenPathRule, parentsOf } from "./paths.js";
import { inPlace, type Skipped } from "./skipped.js";
import { readTextFile, strictText } from "./text-file.js";

/** A directory that is none of the folder's, by design. */
export interface Outside {
  readonly path: string;
  readonly reason: OutsideReason;
}

/** The text files below a directory, as they were read, and what was left out. */
export interface Scan {
  readonly textByPath: ReadonlyMap<string, string>;
  readonly skipped: readonly Skipped[];
  readonly outside: readonly Outside[];
  /** What ignore files leave out: files, and directories that were not entered. */
  readonly ignored: readonly string[];
  /** Temporary files of syncs that did not end, by path. */
  readonly leftovers: readonly string[];
}

/**
 * Reads every text file below `dir`. Names that begin with a dot are left alone; what is no text file that a record
 * can hold is skipped and said, and so is what a folder has no room for. Homes and other synced directories below it are
 * not entered. What `.gitignore` and `.keysagaignore` files say is ignored is left out, by git's rules. Follows no symbolic
 * link. Files come in the order of their paths.
 *
 * @param synced Paths of files that the folder has: they have their room before others, what stands in their place is told
 *   as that, and they are not ignored.
 * @throws FolderError `not_a_directory`; KeysagaError `file_refused` or `file_failed` where `dir` itself cannot be read.
 */
export async function scanDirectory(dir: string, synced: readonly string[] = []): Promise<Scan> {
  const scan = {
    files: new Map<string, string>(),
    skipped: [] as Skipped[],
    outside: [] as Outside[],
    ignored: [] as string[],
    leftovers: [] as string[],
    bytes: 0,
  };
  const found: string[] = [];
  const entered = new Set<string>();
  const places = new Set(synced.flatMap((path) => [...parentsOf(path), path]));
  const open: { readonly at: string; readonly outer?: IgnoreRules | undefined }[] = [{ at: "" }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { at, outer } = next;
    const reason = at === "" ? undefined : await whyOutside(join(dir, at));
    if (reason !== undefined) {
      scan.outside.push({ path: at, reason });
      continue;
    }
    entered.add(at);
    const entries = await entriesOf(dir, at, scan.skipped);
    const names = entries.map(({ name }) => strictText(name));
    const rules = await rulesIn(dir, at, new Set(names), outer, scan.skipped);
    for (const [nth, entry] of entries.entries()) {
      const name = names[nth];
      const path = (at === "" ? "" : `${at}/`) + (name ?? entry.name.toString());
      if (name?.startsWith(".")) {
        if (makerOf(name) !== undefined) scan.leftovers.push(path);
        continue;
      }
      const rule = brokenPathRule(path);
      if (!places.has(path) && isIgnored(rules, path, entry.isDirectory())) scan.ignored.push(path);
      else if (name === undefined) scan.skipped.push({ path, reason: "name is not UTF-8" });
      else if (rule !== undefined) scan.skipped.push({ path, reason: `name (${rule})` });
      else if (entry.isDirectory()) open.push({ at: path, outer: rules });
      else found.push(path);
    }
  }
  const first = new Set(synced);
  found.sort((a, b) => Number(first.has(b)) - Number(first.has(a)) || (a < b ? -1 : 1));
  for (const path of found) await takeFile(dir, path, scan);
  const sorted = [...scan.files].sort(([a], [b]) => (a < b ? -1 : 1));
  const { outside, ignored, leftovers } = scan;
  const textByPath = new Map(sorted);
  const skipped = scan.skipped.map((each) =>
    places.has(each.path) ? { ...each, reason: inPlace(each.reason) } : each,
  );
  const filled = [...found, ...outside.map(({ path }) => path)];
  return {
    textByPath,
    skipped: [...skipped, ...emptyInPlace(synced, entered, filled)],
    outside,
    ignored,
    leftovers,
  };
}

/** A directory that has nothing in it and the name of a synced file says nothing of that file. */
function emptyInPlace(
  synced: readonly string[],
  entered: ReadonlySet<string>,
  found: readonly string[],
): Skipped[] {
  const filled = new Set(found.flatMap(parentsOf));
  return synced
    .filter((path) => entered.has(path) && !filled.has(path))
    .map((path) => ({ path, reason: "a directory is in its place" }));
}

type Filling = { files: Map<string, string>; skipped: Skipped[]; bytes: number };

async function takeFile(dir: string, path: string, scan: Filling): Promise<void> {
  const beyond = { path, reason: "beyond what a folder may hold" } as const;
  if (scan.files.size >= folderLimits.filesMax) return void scan.skipped.push(beyond);
  const found = await readTextFile(join(dir, path), path);
  if (found.kind === "absent") return void scan.skipped.push({ path, reason: "vanished while it was read" });
  if (found.kind === "other") {
    const { kind: _, ...why } = found;
    scan.skipped.push({ path, ...why });
    return;
  }
  const bytes = Buffer.byteLength(found.text);
  if (scan.bytes + bytes > folderLimits.textBytesMax) return void scan.skipped.push(beyond);
  scan.files.set(path, found.text);
  scan.bytes += bytes;
}

async function entriesOf(dir: string, at: string, skipped: Skipped[]): Promise<Dirent<Buffer>[]> {
  try {
    return await readdir(join(dir, at), { withFileTypes: true, encoding: "buffer" });
  } catch (thrown) {
    const isAbsent = isAny(thrown, "ENOENT", "ENOTDIR");
    if (at === "")
      throw isAbsent
        ? new FolderError("not_a_directory", { path: dir })
        : (systemError(thrown, dir) ?? thrown);
    skipped.push({ path: at, reason: isAbsent ? "vanished while it was read" : "unreadable" });
    return [];
  }
}
