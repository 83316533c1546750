import { type Address, type IbGib, ownerOf, type Space, shortAddress, tjpOf } from "../../index.js";
import { FolderError } from "./errors.js";
import { fileLink, folderIb } from "./kinds.js";
import { folderLimits } from "./limits.js";
import { placesOf } from "./places.js";
import type { Skipped, UnfitReason } from "./skipped.js";
import { type FileVersion, readVersion, within } from "./version.js";

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
  /** How the folder's list of files lags behind them: see `repairFolder`. */
  readonly lag: ListLag;
}

export interface ListLag {
  /** Files that were taken off the list, and that somebody has changed who did not know. */
  readonly unlisted: readonly Address[];
  /** Files that are on the list, and removed. */
  readonly removed: readonly Address[];
}

/** What this home knows of the folder beside its list: what lies in the directory, and what was changed there. */
export interface Known {
  readonly base: readonly FileState[];
  readonly unsent: readonly { readonly file: Address }[];
}

const recordsAtOnce = 64;

/**
 * The newest state of a folder. What it holds may have been written by anyone: nothing comes back from here that must
 * not be written below a directory. What is unfit is left out and told, and stops nobody; where a directory has an
 * earlier version of it, that is what the folder has.
 *
 * A file is of the folder where it is on the list and is not removed (see `readVersion`). One that is not on the list any
 * more, but has lain in this directory, is of it as well where it is not removed: somebody took it off the list and
 * somebody else has changed it, neither knowing of the other.
 *
 * @throws FolderError `not_a_folder`.
 */
export async function readFolder(
  space: Space,
  folder: Address,
  { base, unsent }: Known = { base: [], unsent: [] },
): Promise<FolderState> {
  const [first, [tip]] = await Promise.all([space.get(folder), tipsOf(space, [folder])]);
  if (!first || !tip || tip.ib !== folderIb || tjpOf(tip) !== folder)
    throw new FolderError("not_a_folder", { timeline: shortAddress(folder) });
  const listed = new Set(tip.rel8ns?.[fileLink] ?? []);
  const held = new Holding(base.filter(({ file }) => listed.has(file)));
  const unfit: Skipped[] = [];
  const [unlisted, removed]: [Address[], Address[]] = [[], []];
  const leaveOut = (file: Address, reason: UnfitReason) => unfit.push({ path: file, reason });
  const take = async (file: Address, newest: IbGib | undefined, isHere: boolean) => {
    const version = await readVersion(space, file, newest);
    if (!listed.has(file)) {
      if (typeof version === "string" || !(await within(space, folder, [file])).has(file)) return;
      if (held.take(version)) unlisted.push(file);
    } else if (version === "removed") {
      held.drop(file);
      removed.push(file);
    } else if (typeof version !== "string") {
      if (!held.take(version)) leaveOut(file, "beyond what a folder may hold");
    } else if (newest === undefined && isHere)
      held.drop(file); // nothing of it counts
    else leaveOut(file, version);
  };
  // Those that are in the directory have their room before others.
  const named = [...new Set([...base.map(({ file }) => file), ...listed, ...unsent.map(({ file }) => file)])];
  for (let at = 0; at < named.length; at += recordsAtOnce) {
    const part = named.slice(at, at + recordsAtOnce);
    const [tips, areHere] = await Promise.all([tipsOf(space, part), space.hasMany(part)]);
    for (const [nth, file] of part.entries()) await take(file, tips[nth], areHere[nth] === true);
  }
  const { versions } = held;
  const places = placesOf(versions);
  const files = versions.flatMap((version, at) => {
    const path = places[at];
    if (path === undefined) leaveOut(version.file, "no name is left for it");
    return path === undefined ? [] : [{ ...version, path }];
  });
  return { folder, owner: ownerOf(first), tip, files, unfit, lag: { unlisted, removed } };
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

/** The newest record of each timeline, where it is here. */
export async function tipsOf(space: Space, timelines: readonly Address[]): Promise<(IbGib | undefined)[]> {
  const tips = await space.tips(timelines);
  const records = await space.getMany(timelines.map((timeline, at) => tips[at]?.address ?? timeline));
  return records.map((record, at) => (tips[at] ? record : undefined));
}
