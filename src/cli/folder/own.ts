import { dirname } from "node:path";
import { ownDirectory } from "../../node/index.js";
import { FolderError } from "./errors.js";
import { isMarked } from "./marker.js";

/** Why a directory below a folder is none of its files. */
export type OutsideReason = "a home of keysaga" | "a store of keysaga" | "another synced directory";

/** Judged by what lies in the directory, whatever the path to it: names may be spelled in several ways. */
export async function whyOutside(dir: string): Promise<OutsideReason | undefined> {
  const own = await ownDirectory(dir);
  if (own) return `a ${own} of keysaga`;
  return (await isMarked(dir)) ? "another synced directory" : undefined;
}

/** @throws FolderError `in_home` where a directory is a home, or lies in one at any depth. */
export async function checkOutsideHomes(place: string): Promise<void> {
  const home = await innermost(place, async (dir) => (await ownDirectory(dir)) !== undefined);
  if (home !== undefined) throw new FolderError("in_home", { path: home });
}

/** @throws FolderError `in_synced` where a directory lies in a marked one, at any depth. */
export async function checkOutsideSynced(place: string): Promise<void> {
  const above = dirname(place);
  const synced = above === place ? undefined : await innermostMarked(above);
  if (synced !== undefined) throw new FolderError("in_synced", { path: synced });
}

/** The directory itself, or the nearest above it, that has a marker. */
export function innermostMarked(place: string): Promise<string | undefined> {
  return innermost(place, isMarked);
}

/** The first of a directory and those above it that is one. */
async function innermost(
  place: string,
  isOne: (dir: string) => Promise<boolean>,
): Promise<string | undefined> {
  for (let dir = place; ; dir = dirname(dir)) {
    if (await isOne(dir)) return dir;
    if (dirname(dir) === dir) return undefined;
  }
}
