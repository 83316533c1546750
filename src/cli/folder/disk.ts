import { constants, type Dirent } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { recordLimits } from "../../index.js";
import { holdsDeviceSecret } from "../../node/index.js";
import { FolderError } from "./errors.js";
import { isAny, makerOf } from "./file-system.js";
import { folderLimits } from "./limits.js";
import { type OutsideReason, whyOutside } from "./own.js";
import { brokenPathRule, type PathRule } from "./paths.js";

/** Why something in the directory is left as it is. */
export type SkipReason =
  | "not UTF-8 text"
  | "too large"
  | "symbolic link"
  | "not a regular file"
  | "unreadable"
  | "name is not UTF-8"
  | `name (${PathRule})`
  | "changed meanwhile"
  | "holds the secret of an identity"
  | `in ${OutsideReason}`
  | UnfitReason;

/** Why something that the folder links is not written here. */
export type UnfitReason =
  | "not here"
  | "no text file"
  | `path (${PathRule})`
  | "no name is left for it"
  | "beyond what a folder may hold";

export interface Skipped {
  /** Of what is unfit, the beginning of its address. */
  readonly path: string;
  readonly reason: SkipReason;
  /** Of what is too large: its bytes, of the file itself or as a record has them, and how many there may be. */
  readonly size?: { readonly of: "file" | "record"; readonly bytes: number; readonly bytesMax: number };
}

/** Left alone by design, in every folder: nobody has to look at it. */
const byDesign: ReadonlySet<SkipReason> = new Set(["symbolic link", "not a regular file"]);

export function needsAttention({ reason }: Skipped): boolean {
  return !byDesign.has(reason);
}

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
 * @param synced Paths of files that the folder has: they have their room before others.
 * @throws FolderError `not_a_directory`.
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
  const open: string[] = [""];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const reason = at === "" ? undefined : await whyOutside(join(dir, at));
    if (reason !== undefined) {
      scan.outside.push({ path: at, reason });
      continue;
    }
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
  const { skipped, outside, leftovers } = scan;
  return { textByPath: new Map(sorted), skipped, outside, leftovers };
}

type Filling = { files: Map<string, string>; skipped: Skipped[]; bytes: number };

async function takeFile(dir: string, path: string, scan: Filling): Promise<void> {
  const beyond = { path, reason: "beyond what a folder may hold" } as const;
  if (scan.files.size >= folderLimits.filesMax) return void scan.skipped.push(beyond);
  const found = await readTextFile(join(dir, path), path);
  if (found.kind === "absent") return; // removed since the directory was listed
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
    if (at === "")
      throw isAny(thrown, "ENOENT", "ENOTDIR") ? new FolderError("not_a_directory", { path: dir }) : thrown;
    skipped.push({ path: at, reason: "unreadable" });
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
  } catch {
    return { kind: "other", reason: "unreadable" };
  }
  try {
    const { size, mode } = await handle.stat();
    if (size > textBytesMax) return tooLarge("file", size);
    const text = strictText(await handle.readFile());
    if (text === undefined) return { kind: "other", reason: "not UTF-8 text" };
    if (holdsDeviceSecret(text)) return { kind: "other", reason: "holds the secret of an identity" };
    const bytes = Buffer.byteLength(JSON.stringify({ path, text }));
    return bytes <= textBytesMax ? { kind: "text", text, mode } : tooLarge("record", bytes);
  } catch {
    return { kind: "other", reason: "unreadable" };
  } finally {
    await handle.close();
  }
}

async function kindOf(file: string): Promise<"file" | Exclude<OnDisk, { kind: "text" }>> {
  try {
    const stats = await lstat(file);
    if (stats.isFile()) return "file";
    return { kind: "other", reason: stats.isSymbolicLink() ? "symbolic link" : "not a regular file" };
  } catch (thrown) {
    return isAny(thrown, "ENOENT", "ENOTDIR") ? { kind: "absent" } : { kind: "other", reason: "unreadable" };
  }
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
