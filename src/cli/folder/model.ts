import { type Address, type IbGib, ownerOf, type Space, shortAddress, tjpOf } from "../../index.js";
import { FolderError } from "./errors.js";
import { folderIb } from "./kinds.js";
import { folderLimits } from "./limits.js";
import type { Mapping } from "./mapping.js";
import { placesOf } from "./places.js";
import type { Skipped, UnfitReason } from "./skipped.js";
import { type FileVersion, readVersion } from "./version.js";

/** A file as it lies in a directory. */
export interface FileState extends FileVersion {
  /** Mostly what it is named; see `placesOf`. */
  readonly path: string;
  /** What the file system said of it when it was last read, as far as that tells a change; see `stampOf`. */
  readonly stamp?: string | undefined;
}

/** A folder as a space has it now. */
export interface FolderState {
  readonly folder: Address;
  /** Who owns the folder, and so its files, whoever makes them. */
  readonly owner: Address | undefined;
  readonly tip: IbGib;
  readonly files: readonly FileState[];
  readonly removed: readonly RemovedFile[];
  /** Files whose newest version must not be written: see `readFolder`. */
  readonly unfit: readonly Skipped[];
}

/** A file that was removed, with the frame that says so. */
export interface RemovedFile {
  readonly file: Address;
  readonly tip: IbGib;
}

const recordsAtOnce = 256;

/**
 * The newest state of a folder. What it holds may have been written by anyone: nothing comes back from here that must
 * not be written below a directory. What is unfit is left out and told, and stops nobody; where a directory has an
 * earlier version of it, that is what the folder has. Reads the newest frame of each file that is not in the base as it is, of those
 * that were removed as well.
 *
 * @param base Files as they lie in the directory: they have their room before others.
 * @throws FolderError `not_a_folder`.
 */
export async function readFolder(
  space: Space,
  folder: Address,
  { base }: Pick<Mapping, "base"> = { base: [] },
): Promise<FolderState> {
  const [first, [tip]] = await Promise.all([space.get(folder), tipsOf(space, [folder])]);
  if (!first || !tip || tip.ib !== folderIb || tjpOf(tip) !== folder)
    throw new FolderError("not_a_folder", { timeline: shortAddress(folder) });
  const owner = ownerOf(first);
  const inner = await space.look((look) => look.within(folder));
  const within = new Set(inner.filter((each) => each.owner === owner).map(({ timeline }) => timeline));
  const known = new Map(base.map((file) => [file.file, file]));
  const held = new Map<Address, FileVersion>(
    base.flatMap((version) => (within.has(version.file) ? [[version.file, version] as const] : [])),
  );
  const [unfit, removed]: [Skipped[], RemovedFile[]] = [[], []];
  const leaveOut = (file: Address, reason: UnfitReason) => unfit.push({ path: file, reason });
  const take = async (file: Address, newest: IbGib | undefined) => {
    if (newest === undefined) return void held.delete(file); // nothing of it counts
    const version = await readVersion(space, file, newest);
    if (version === "removed") {
      held.delete(file);
      removed.push({ file, tip: newest });
    } else if (typeof version === "string") leaveOut(file, version);
    else if (held.has(file) || held.size < folderLimits.filesMax) held.set(file, version);
    else leaveOut(file, "beyond what a folder may hold");
  };
  const inOrder = [...new Set([...held.keys(), ...within])];
  for (let at = 0; at < inOrder.length; at += recordsAtOnce) {
    const part = inOrder.slice(at, at + recordsAtOnce);
    const tips = await space.tips(part);
    const news = part.filter((file, nth) => known.get(file)?.tip !== tips[nth]?.address);
    const records = await tipsOf(space, news);
    for (const [nth, file] of news.entries()) await take(file, records[nth]);
  }
  const versions = [...held.values()];
  const places = placesOf(versions);
  const files = versions.flatMap((version, at) => {
    const path = places[at];
    if (path === undefined) leaveOut(version.file, "no name is left for it");
    if (path === undefined) return [];
    const was = known.get(version.file);
    return [was?.path === path && was.tip === version.tip ? was : { ...version, path }];
  });
  return { folder, owner, tip, files, removed, unfit };
}

/** The newest record of each timeline, where it is here. */
export async function tipsOf(space: Space, timelines: readonly Address[]): Promise<(IbGib | undefined)[]> {
  const tips = await space.tips(timelines);
  const records = await space.getMany(timelines.map((timeline, at) => tips[at]?.address ?? timeline));
  return records.map((record, at) => (tips[at] ? record : undefined));
}
