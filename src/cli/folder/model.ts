import * as z from "zod";
import { type Address, type IbGib, ownerOf, type Space, shortAddress, tjpOf } from "../../index.js";
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
}

const FileData = z.object({ path: z.string(), text: z.string() });

const recordsAtOnce = 64;

/**
 * The newest state of a folder. What it holds may have been written by anyone: nothing comes back from here that must
 * not be written below a directory. A file that is linked and stays away is no file here; its link stays.
 *
 * @throws FolderError `not_a_folder`, `not_a_file`, `path`, `tree`, `too_many_files`, `too_much_text`.
 */
export async function readFolder(space: Space, folder: Address): Promise<FolderState> {
  const [first, [tip]] = await Promise.all([space.get(folder), tipsOf(space, [folder])]);
  if (!first || !tip || tip.ib !== folderIb || tjpOf(tip) !== folder)
    throw new FolderError("not_a_folder", { timeline: shortAddress(folder) });
  const named = [...new Set(tip.rel8ns?.[fileLink] ?? [])];
  if (named.length > folderLimits.filesMax)
    throw new FolderError("too_many_files", { max: folderLimits.filesMax });
  const files: FileVersion[] = [];
  let bytes = 0;
  for (let at = 0; at < named.length; at += recordsAtOnce) {
    const part = named.slice(at, at + recordsAtOnce);
    const tips = await tipsOf(space, part);
    const read = part.flatMap((file, nth) => (tips[nth] ? fileVersionOf(file, tips[nth]) : []));
    files.push(...read);
    for (const { text } of read) bytes += Buffer.byteLength(text);
    if (bytes > folderLimits.textBytesMax)
      throw new FolderError("too_much_text", { max: folderLimits.textBytesMax });
  }
  const places = placesOf(files);
  const placed = files.map((file, at) => ({ ...file, path: places[at]! }));
  return { folder, owner: ownerOf(first), tip, files: placed };
}

async function tipsOf(space: Space, timelines: readonly Address[]): Promise<(IbGib | undefined)[]> {
  const tips = await space.tips(timelines);
  const records = await space.getMany(timelines.map((timeline, at) => tips[at]?.address ?? timeline));
  return records.map((record, at) => (tips[at] ? record : undefined));
}

/** @throws FolderError `not_a_file`, `path`. */
export function fileVersionOf(file: Address, tip: IbGib | undefined): FileVersion {
  const timeline = shortAddress(file);
  const data = FileData.safeParse(tip?.data).data;
  if (!tip || !data || tip.ib !== fileIb || tjpOf(tip) !== file)
    throw new FolderError("not_a_file", { timeline });
  const rule = brokenPathRule(data.path);
  if (rule !== undefined) throw new FolderError("path", { rule, timeline });
  return { file, tip, named: data.path, text: data.text };
}
