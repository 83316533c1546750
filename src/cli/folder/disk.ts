import { constants, type Dirent } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { recordLimits, systemError } from "../../index.js";
import { holdsDeviceSecret } from "../../node/index.js";
import { FolderError } from "./errors.js";
import { isAny, isNameRefused, makerOf } from "./file-system.js";
import { folderLimits } from "./limits.js";
import { type OutsideReason, whyOutside } from "./own.js";
import { brokenPathRule, parentsOf } from "./paths.js";
import { inPlace, type Skipped, type SkipReason } from "./skipped.js";

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
  /** Temporary files of syncs that did not end, by path. */
  readonly leftovers: readonly string[];
}

/** What stands at a path. */
export type OnDisk =
  | { readonly kind: "absent" }
  | { readonly kind: "text"; readonly text: string; readonly mode: number }
  | ({ readonly kind: "other" } & Omit<Skipped, "path">);

/**
 * Reads every text file below `dir`. Names that begin with a dot are left alone; what is no text file that a record
 * can hold is skipped and said, and so is what a folder has no room for. Homes and other synced directories below it are
 * not entered. Follows no symbolic link. Files come in the order of their paths.
 *
 * @param synced Paths of files that the folder has: they have their room before others, and what stands in their place is
 *   told as that.
 * @throws FolderError `not_a_directory`; KeysagaError `file_refused` or `file_failed` where `dir` itself cannot be read.
 */
export async function scanDirectory(dir: string, synced: readonly string[] = []): Promise<Scan> {
  const scan = {
    files: new Map<string, string>(),
    skipped: [] as Skipped[],
    outside: [] as Outside[],
    leftovers: [] as string[],
    bytes: 0,
  };
  const found: string[] = [];
  const entered = new Set<string>();
  const open: string[] = [""];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const reason = at === "" ? undefined : await whyOutside(join(dir, at));
    if (reason !== undefined) {
      scan.outside.push({ path: at, reason });
      continue;
    }
    entered.add(at);
    for (const entry of await entriesOf(dir, at, scan.skipped)) {
      const name = strictText(entry.name);
      const path = (at === "" ? "" : `${at}/`) + (name ?? entry.name.toString());
      if (name?.startsWith(".")) {
        if (makerOf(name) !== undefined) scan.leftovers.push(path);
        continue;
      }
      const rule = brokenPathRule(path);
      if (name === undefined) scan.skipped.push({ path, reason: "name is not UTF-8" });
      else if (rule !== undefined) scan.skipped.push({ path, reason: `name (${rule})` });
      else if (entry.isDirectory()) open.push(path);
      else found.push(path);
    }
  }
  const first = new Set(synced);
  found.sort((a, b) => Number(first.has(b)) - Number(first.has(a)) || (a < b ? -1 : 1));
  for (const path of found) await takeFile(dir, path, scan);
  const sorted = [...scan.files].sort(([a], [b]) => (a < b ? -1 : 1));
  const { outside, leftovers } = scan;
  const textByPath = new Map(sorted);
  const places = new Set(synced.flatMap((path) => [...parentsOf(path), path]));
  const skipped = scan.skipped.map((each) =>
    places.has(each.path) ? { ...each, reason: inPlace(each.reason) } : each,
  );
  const filled = [...found, ...outside.map(({ path }) => path)];
  return { textByPath, skipped: [...skipped, ...emptyInPlace(synced, entered, filled)], outside, leftovers };
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

/** What stands at `file`. `path` is what a record would call it: it counts for what the record can hold. */
export async function readTextFile(file: string, path: string): Promise<OnDisk> {
  const kind = await kindOf(file);
  if (kind !== "file") return kind;
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  } catch (thrown) {
    return { kind: "other", reason: readingFailed(thrown) };
  }
  try {
    const { size, mode } = await handle.stat();
    if (size > textBytesMax) return tooLarge("file", size);
    const text = strictText(await handle.readFile());
    if (text === undefined) return { kind: "other", reason: "not UTF-8 text" };
    if (holdsDeviceSecret(text)) return { kind: "other", reason: "holds the secret of an identity" };
    const bytes = Buffer.byteLength(JSON.stringify({ path, text }));
    return bytes <= textBytesMax ? { kind: "text", text, mode } : tooLarge("record", bytes);
  } catch (thrown) {
    return { kind: "other", reason: readingFailed(thrown) };
  } finally {
    await handle.close();
  }
}

async function kindOf(file: string): Promise<"file" | Exclude<OnDisk, { kind: "text" }>> {
  try {
    const stats = await lstat(file);
    if (stats.isFile()) return "file";
    if (stats.isDirectory()) return { kind: "other", reason: "a directory is in its place" };
    return { kind: "other", reason: stats.isSymbolicLink() ? "symbolic link" : "not a regular file" };
  } catch (thrown) {
    if (isAny(thrown, "ENOENT", "ENOTDIR")) return { kind: "absent" };
    return { kind: "other", reason: isNameRefused(thrown) ? "this disk cannot hold its name" : "unreadable" };
  }
}

function readingFailed(thrown: unknown): SkipReason {
  if (isAny(thrown, "ENOENT", "ENOTDIR", "ESTALE")) return "vanished while it was read";
  if (isAny(thrown, "ELOOP")) return "symbolic link";
  return isAny(thrown, "EBUSY", "ETXTBSY", "EAGAIN") ? "in use by another program" : "unreadable";
}

/** What a record of a file holds beside path and text: links, owner, numbers. Generous. */
const frameBytes = 2 * 1024;

/** Path and text of a file as JSON, in which a line end or a quote takes two bytes. */
const textBytesMax = recordLimits.recordBytesMax - frameBytes;

function tooLarge(of: "file" | "record", bytes: number): OnDisk {
  return { kind: "other", reason: "too large", size: { of, bytes, bytesMax: textBytesMax } };
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes as text that gives the same bytes again; undefined for what is not UTF-8. */
function strictText(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
