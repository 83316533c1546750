import * as z from "zod";
import { type Address, type IbGib, ownerOf, type Space, shortAddress, tjpOf } from "../../index.js";
import type { Skipped, UnfitReason } from "./disk.js";
import { FolderError } from "./errors.js";
import { folderLimits } from "./limits.js";
import { brokenPathRule } from "./paths.js";
import { placesOf } from "./places.js";

/**
 * A folder is a timeline `folder` that relates its files as `file`; a file is a timeline `file` with its path and its
 * text as values. A file that is removed is no longer related, and keeps its history; one that is renamed is removed
 * and made again. Files stand `within` their folder and have its owner: who may write the folder may write them.
 */
export const folderIb = "folder";
export const fileIb = "file";
export const fileLink = "file";

/** A file as one frame of its timeline has it. */
export interface FileVersion {
  readonly file: Address;
  readonly tip: IbGib;
  /** The path that the record has. */
  readonly named: string;
  readonly text: string;
}

/** A file as it lies in a directory. */
export interface FileState extends FileVersion {
  /** Mostly what it is named; see `placesOf`. */
  readonly path: string;
}

/** A folder as a space has it now. */
export interface FolderState {
  readonly folder: Address;
  /** Who owns the folder, and so its files, whoever makes them. */
  readonly owner: Address | undefined;
  readonly tip: IbGib;
  readonly files: readonly FileState[];
  /** Links that lead to no file, and files whose newest version must not be written: see `readFolder`. */
  readonly unfit: readonly Skipped[];
}

const FileData = z.object({ path: z.string(), text: z.string() });

const recordsAtOnce = 64;

/**
 * The newest state of a folder. What it holds may have been written by anyone: nothing comes back from here that must
 * not be written below a directory. What is unfit is left out and told, and stops nobody; where a directory has an
 * earlier version of it, that is what the folder has.
 *
 * @param base What lies in the directory.
 * @throws FolderError `not_a_folder`.
 */
export async function readFolder(
  space: Space,
  folder: Address,
  base: readonly FileState[] = [],
): Promise<FolderState> {
  const [first, [tip]] = await Promise.all([space.get(folder), tipsOf(space, [folder])]);
  if (!first || !tip || tip.ib !== folderIb || tjpOf(tip) !== folder)
    throw new FolderError("not_a_folder", { timeline: shortAddress(folder) });
  const linked = new Set(tip.rel8ns?.[fileLink] ?? []);
  const held = new Holding(base.filter(({ file }) => linked.has(file)));
  const unfit: Skipped[] = [];
  const leaveOut = (file: Address, reason: UnfitReason) => unfit.push({ path: shortAddress(file), reason });
  // Those that are in the directory have their room before others.
  const named = [...new Set([...held.versions.map(({ file }) => file), ...linked])];
  for (let at = 0; at < named.length; at += recordsAtOnce) {
    const part = named.slice(at, at + recordsAtOnce);
    const [tips, areHere] = await Promise.all([tipsOf(space, part), space.hasMany(part)]);
    for (const [nth, file] of part.entries()) {
      const version = versionOf(file, tips[nth]);
      if (typeof version !== "string") {
        if (!held.take(version)) leaveOut(file, "beyond what a folder may hold");
      } else if (tips[nth] === undefined && areHere[nth])
        held.drop(file); // nothing of it counts
      else leaveOut(file, version);
    }
  }
  const { versions } = held;
  const places = placesOf(versions);
  const files = versions.flatMap((version, at) => {
    const path = places[at];
    if (path === undefined) leaveOut(version.file, "no name is left for it");
    return path === undefined ? [] : [{ ...version, path }];
  });
  return { folder, owner: ownerOf(first), tip, files, unfit };
}

/** The files of a folder, within the limits of what one may hold. */
class Holding {
  readonly #versions: Map<Address, FileVersion>;
  #bytes: number;

  constructor(before: readonly FileVersion[]) {
    this.#versions = new Map(before.map((version) => [version.file, version]));
    this.#bytes = before.reduce((sum, version) => sum + bytesOf(version), 0);
  }

  get versions(): readonly FileVersion[] {
    return [...this.#versions.values()];
  }

  /** @returns False where there is no room for it: then the version before stays. */
  take(version: FileVersion): boolean {
    const before = this.#versions.get(version.file);
    const bytes = this.#bytes - bytesOf(before) + bytesOf(version);
    const isFull = before === undefined && this.#versions.size >= folderLimits.filesMax;
    if (isFull || bytes > folderLimits.textBytesMax) return false;
    this.#bytes = bytes;
    this.#versions.set(version.file, version);
    return true;
  }

  drop(file: Address): void {
    this.#bytes -= bytesOf(this.#versions.get(file));
    this.#versions.delete(file);
  }
}

const bytesOf = (version: FileVersion | undefined): number => Buffer.byteLength(version?.text ?? "");

async function tipsOf(space: Space, timelines: readonly Address[]): Promise<(IbGib | undefined)[]> {
  const tips = await space.tips(timelines);
  const records = await space.getMany(timelines.map((timeline, at) => tips[at]?.address ?? timeline));
  return records.map((record, at) => (tips[at] ? record : undefined));
}

/** A version of a file that was fit when it was written. @throws FolderError `not_a_file`. */
export function fileVersionOf(file: Address, tip: IbGib | undefined): FileVersion {
  const version = versionOf(file, tip);
  if (typeof version === "string") throw new FolderError("not_a_file", { timeline: shortAddress(file) });
  return version;
}

function versionOf(file: Address, tip: IbGib | undefined): FileVersion | UnfitReason {
  if (!tip) return "not here";
  const data = FileData.safeParse(tip.data).data;
  if (!data || tip.ib !== fileIb || tjpOf(tip) !== file) return "no text file";
  const rule = brokenPathRule(data.path);
  return rule === undefined ? { file, tip, named: data.path, text: data.text } : `path (${rule})`;
}
