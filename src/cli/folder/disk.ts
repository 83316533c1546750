import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { systemError } from "../../index.js";
import { inBatches } from "./batches.js";
import { type Content, contentOf } from "./content.js";
import { FolderError } from "./errors.js";
import { isAny, keepsExecutable, makerOf } from "./file-system.js";
import { folderLimits } from "./limits.js";
import { counting, type OnProgress, unseen } from "./folder-progress.js";
import { type IgnoreRules, isIgnored, rulesIn } from "./ignored.js";
import type { FileState } from "./model.js";
import { type OutsideReason, whyOutside } from "./own.js";
import { brokenPathRule, parentsOf } from "./paths.js";
import { inPlace, type Skipped } from "./skipped.js";
import { lookAtFile, strictText } from "./disk-file.js";

/** A directory that is none of the folder's, by design. */
export interface Outside {
  readonly path: string;
  readonly reason: OutsideReason;
}

/** A file as it was read, or is known to be without that. */
export interface Scanned {
  readonly content: Content;
  /** Undefined where its disk has no say in it and nobody else has. */
  readonly isExecutable: boolean | undefined;
  /** See `stampOf`. */
  readonly stamp: string | undefined;
}

/** A file that the folder has, as it lay there. */
type Synced = Pick<FileState, "path" | "content" | "isExecutable" | "stamp">;

/** The files below a directory, and what was left out. */
export interface Scan {
  readonly files: ReadonlyMap<string, Scanned>;
  readonly skipped: readonly Skipped[];
  readonly outside: readonly Outside[];
  /** What ignore files leave out: files, and directories that were not entered. */
  readonly ignored: readonly string[];
  /** Temporary files of syncs that did not end, by path. */
  readonly leftovers: readonly string[];
}

/**
 * Looks at every file below `dir`, and reads those that may not be as they were. Names that begin with a dot are
 * left alone; what is none, or cannot be read, is skipped and said, and so is what a folder has no room for. Homes and other synced directories below it are
 * not entered. What `.gitignore` and `.keysagaignore` files say is ignored is left out, by git's rules. Follows no symbolic
 * link. Files come in the order of their paths.
 *
 * @param base Files that the folder has: they have their room before others, what stands in their place is told as that, and
 *   they are not ignored.
 * @throws FolderError `not_a_directory`; KeysagaError `file_refused` or `file_failed` where `dir` itself cannot be read.
 */
export async function scanDirectory(
  dir: string,
  base: readonly Synced[] = [],
  onProgress: OnProgress = unseen,
): Promise<Scan> {
  const scan = {
    files: new Map<string, Scanned>(),
    skipped: [] as Skipped[],
    outside: [] as Outside[],
    ignored: [] as string[],
    leftovers: [] as string[],
  };
  const found: string[] = [];
  /** Directories, and whether there is anything in them. */
  const entered = new Map<string, boolean>();
  const known = new Map(base.map((file) => [file.path, file]));
  const synced = [...known.keys()];
  const places = new Set(synced.flatMap((path) => [...parentsOf(path), path]));
  const open: { readonly at: string; readonly outer?: IgnoreRules | undefined }[] = [{ at: "" }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { at, outer } = next;
    const reason = at === "" ? undefined : await whyOutside(join(dir, at));
    if (reason !== undefined) {
      scan.outside.push({ path: at, reason });
      continue;
    }
    const entries = await entriesOf(dir, at, scan.skipped);
    entered.set(at, entries.length > 0);
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
  found.sort((a, b) => Number(known.has(b)) - Number(known.has(a)) || (a < b ? -1 : 1));
  const onLooked = counting(onProgress, "looking at", found.length);
  const looks = await inBatches(found, looksAtOnce, (path) => lookAt(dir, path, known.get(path)), onLooked);
  for (const [at, path] of found.entries()) takeFile(path, looks[at]!, scan);
  const told = [...pathsOf(scan.skipped), ...pathsOf(scan.outside), ...scan.ignored];
  for (const path of emptyAmong(entered, [...found, ...told], known))
    takeFile(path, { ...nothing, isExecutable: false, stamp: undefined }, scan);
  await settleExecutable(dir, known, scan.files);
  const sorted = [...scan.files].sort(([a], [b]) => (a < b ? -1 : 1));
  const { outside, ignored, leftovers } = scan;
  const skipped = scan.skipped.map((each) =>
    places.has(each.path) ? { ...each, reason: inPlace(each.reason) } : each,
  );
  const filled = [...found, ...pathsOf(outside)];
  return {
    files: new Map(sorted),
    skipped: [...skipped, ...emptyInPlace(synced, entered, filled)],
    outside,
    ignored,
    leftovers,
  };
}

function pathsOf(told: readonly { readonly path: string }[]): string[] {
  return told.map(({ path }) => path);
}

/**
 * The directories that have nothing in them; where one is synced already, names with a dot do not count, as systems put them
 * everywhere. One that was removed elsewhere and has such a name here would come back by it. In the place of a synced file an empty
 * one says nothing: see `emptyInPlace`.
 */
function emptyAmong(
  entered: ReadonlyMap<string, boolean>,
  found: readonly string[],
  known: ReadonlyMap<string, Synced>,
): string[] {
  const filled = new Set([...found, ...[...found, ...entered.keys()].flatMap(parentsOf), ""]);
  return [...entered]
    .filter(([at]) => !filled.has(at) && !known.has(at))
    .map(([at, hasAny]) => ({ path: `${at}/`, hasAny }))
    .filter(({ path, hasAny }) => brokenPathRule(path) === undefined && (!hasAny || known.has(path)))
    .map(({ path }) => path);
}

/** A directory that has nothing in it and the name of a synced file says nothing of that file. */
function emptyInPlace(
  synced: readonly string[],
  entered: ReadonlyMap<string, boolean>,
  found: readonly string[],
): Skipped[] {
  const filled = new Set(found.flatMap(parentsOf));
  return synced
    .filter((path) => entered.has(path) && !filled.has(path))
    .map((path) => ({ path, reason: "a directory is in its place" }));
}

/**
 * Where a disk does not keep whether files may be run, that is as it was; where it cannot tell now, the next look asks
 * again.
 */
async function settleExecutable(
  dir: string,
  known: ReadonlyMap<string, Synced>,
  files: Map<string, Scanned>,
): Promise<void> {
  const other = [...files].filter(
    ([path, { isExecutable }]) => isExecutable !== known.get(path)?.isExecutable,
  );
  const isKept = other.length === 0 || (await keepsExecutable(dir));
  if (isKept === true) return;
  for (const [path, file] of other) {
    const stamp = isKept === undefined ? undefined : file.stamp;
    files.set(path, { ...file, isExecutable: known.get(path)?.isExecutable, stamp });
  }
}

/** What an empty directory says. */
const nothing = { content: contentOf("") };

/** Files that are looked at at once. */
const looksAtOnce = 32;

type Look = Scanned | Omit<Skipped, "path">;

/** A file whose stamp is the one that it had when it was read last is what it was. */
async function lookAt(dir: string, path: string, known: Synced | undefined): Promise<Look> {
  const found = await lookAtFile(join(dir, path), known);
  if (found.kind === "absent") return { reason: "vanished while it was read" };
  if (found.kind === "other") {
    const { kind: _, ...why } = found;
    return why;
  }
  const { content, isExecutable, stamp } = found;
  return { content, isExecutable: content === known?.content ? known.isExecutable : isExecutable, stamp };
}

type Filling = { files: Map<string, Scanned>; skipped: Skipped[] };

function takeFile(path: string, look: Look, scan: Filling): void {
  if ("reason" in look) return void scan.skipped.push({ path, ...look });
  if (scan.files.size < folderLimits.filesMax) scan.files.set(path, look);
  else scan.skipped.push({ path, reason: "beyond what a folder may hold" });
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
