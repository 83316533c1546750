import { realpath, stat } from "node:fs/promises";
import type { Identity, Space } from "../../index.js";
import { isSame } from "./content.js";
import type { Scan } from "./disk.js";
import { FolderError } from "./errors.js";
import { isAny } from "./file-system.js";
import { type MappedCell, type MappingCell, isMapped, readMapping } from "./mapping.js";
import { type Marker, readMarker } from "./marker.js";
import { filesIn } from "./removal.js";
import { checkOutsideHomes, checkOutsideSynced, innermostMarked } from "./own.js";

/** A directory that is to be synced. */
export interface SyncedDirectory {
  readonly cell: MappingCell;
  readonly hasMarker: boolean;
}

/**
 * Finds out which folder a directory is, by its marker and what the home knows of it. Changes nothing.
 *
 * | marker | home | it is |
 * | --- | --- | --- |
 * | this identity's | knows it, at this path | the synced directory |
 * | this identity's | knows it, at a path where it is no longer | the same directory, moved |
 * | this identity's | knows it, at a path where it still is | a copy: `copied` |
 * | this identity's | does not know it | not for this home to say: `unknown_marker` |
 * | another's | | `other_home` |
 * | none | knows the path | what was synced here, or a mount that is missing: see `isLike` |
 * | none | does not | new, unless it lies in a synced one: `in_synced` |
 *
 * @param place A real path.
 * @throws FolderError as told; `in_home`, `marker_damaged`.
 */
export async function findDirectory(
  { space, address }: Pick<Identity, "space" | "address">,
  place: string,
): Promise<SyncedDirectory> {
  await checkOutsideHomes(place);
  const marker = await readMarker(place);
  if (marker && marker.identity !== address)
    throw new FolderError("other_home", { identity: marker.identity, path: place });
  const cell = await readMapping(space, place, marker?.directory);
  if (marker) await checkMarked(cell, marker);
  else if (!isMapped(cell)) await checkOutsideSynced(place);
  return { cell, hasMarker: marker !== undefined };
}

async function checkMarked(cell: MappingCell, marker: Marker): Promise<void> {
  const { place, seenAt, mapping } = cell;
  if (mapping === undefined || seenAt === undefined)
    throw new FolderError("unknown_marker", { path: place, timeline: marker.folder });
  if (mapping.folder !== marker.folder) throw new FolderError("marker_damaged", { path: place });
  if (seenAt !== place && (await isStillAt(seenAt, cell))) throw new FolderError("copied", { path: seenAt });
}

/** Is there another directory with this marker? Where it cannot be told, there may be. */
async function isStillAt(seenAt: string, { place, directory }: MappingCell): Promise<boolean> {
  try {
    if ((await readMarker(seenAt))?.directory !== directory) return false;
    const [there, here] = await Promise.all([stat(seenAt), stat(place)]);
    return there.dev !== here.dev || there.ino !== here.ino; // the old path may be a link to the new one
  } catch {
    return true;
  }
}

/**
 * May a directory without a marker be the one that was synced at its path? It has to have half of the files, one of them
 * unchanged: somebody may have tidied the marker away, or a crash came before it was written. Where there were no files
 * yet, nothing can be lost.
 */
export function isLike({ mapping }: MappedCell, { files, skipped }: Scan): boolean {
  const base = filesIn(mapping.base);
  const found = new Set([...files.keys(), ...skipped.map(({ path }) => path)]);
  const isHere = base.filter(({ path }) => found.has(path)).length * 2 >= base.length;
  return (
    base.length === 0 ||
    (isHere && base.some(({ path, content }) => isSame(files.get(path)?.content, content)))
  );
}

/** The mapping of a directory that was synced: a look, which judges nothing. @throws FolderError `not_synced`. */
export async function mappingOf(space: Space, dir: string): Promise<MappedCell> {
  const cell = await cellAt(space, dir);
  if (!isMapped(cell)) throw new FolderError("not_synced", { path: dir });
  return cell;
}

/** The same for one that may never have been. */
export async function cellAt(space: Space, dir: string): Promise<MappingCell> {
  const place = await realDirectory(dir);
  return readMapping(space, place, (await readMarker(place))?.directory);
}

/** The marked directory that `path` is, or lies in; without one, the directory itself. @throws as `realDirectory`. */
export async function syncedRoot(path: string): Promise<string> {
  const place = await realDirectory(path);
  return (await innermostMarked(place)) ?? place;
}

/** @throws FolderError `not_a_directory`. */
export async function realDirectory(dir: string): Promise<string> {
  try {
    return await realpath(dir);
  } catch (thrown) {
    throw isAny(thrown, "ENOENT", "ENOTDIR") ? new FolderError("not_a_directory", { path: dir }) : thrown;
  }
}
