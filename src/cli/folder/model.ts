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
  const before = base.filter(({ file }) => linked.has(file));
  const files = new Map<Address, FileVersion>(before.map((was) => [was.file, was]));
  const named = [...new Set([...files.keys(), ...linked])];
  const unfit: Skipped[] = [];
  const leaveOut = (file: Address, reason: UnfitReason) => unfit.push({ path: shortAddress(file), reason });
  let bytes = before.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  for (let at = 0; at < named.length; at += recordsAtOnce) {
    const part = named.slice(at, at + recordsAtOnce);
    const [tips, isHere] = await Promise.all([tipsOf(space, part), space.hasMany(part)]);
    for (const [nth, file] of part.entries()) {
      const version = versionOf(file, tips[nth]);
      if (tips[nth] === undefined && isHere[nth]) {
        bytes -= Buffer.byteLength(files.get(file)?.text ?? "");
        files.delete(file); // nothing of it counts: it is none of the folder's
      } else if (typeof version === "string") leaveOut(file, version);
      else {
        const more = Buffer.byteLength(version.text) - Buffer.byteLength(files.get(file)?.text ?? "");
        const isTooMany = !files.has(file) && files.size >= folderLimits.filesMax;
        if (isTooMany || bytes + more > folderLimits.textBytesMax)
          leaveOut(file, "beyond what a folder may hold");
        else {
          bytes += more;
          files.set(file, version);
        }
      }
    }
  }
  const versions = [...files.values()];
  const places = placesOf(versions);
  const placed = versions.flatMap((file, at) => {
    const path = places[at];
    if (path === undefined) leaveOut(file.file, "no name is left for it");
    return path === undefined ? [] : [{ ...file, path }];
  });
  return { folder, owner: ownerOf(first), tip, files: placed, unfit };
}

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
