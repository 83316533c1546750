import { mkdir, readdir, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Address, type Identity, shortAddress } from "../../index.js";
import { bringDown, type FolderReport, saveMapping } from "./bring-down.js";
import { FolderError } from "./errors.js";
import { type Exchange, isCode } from "./exchange.js";
import { type OnProgress, unseen } from "./folder-progress.js";
import { isAny } from "./file-system.js";
import { mappedAnew, readMapping } from "./mapping.js";
import { markerOf, withMarker } from "./marker.js";
import { readFolder } from "./model.js";
import { checkOutsideHomes, checkOutsideSynced } from "./own.js";
import { refuseRemoval } from "./removal.js";

/**
 * Brings a folder into a directory that is empty or not there yet. Nothing is made before the folder is here whole,
 * and its paths are found fit to be written. From then on the directory is mapped, so that `syncFolder` goes on where
 * this ended, however it ended.
 *
 * @throws FolderError (`unknown_folder` where the receiver has nothing of that address), and what `exchange` throws.
 */
export async function cloneFolder(
  identity: Identity,
  folder: Address,
  dir: string,
  exchange: Exchange,
  onProgress: OnProgress = unseen,
): Promise<FolderReport> {
  await checkPlace(dir);
  const { totals, left } = await exchange([folder], "pull").catch((thrown) => {
    throw isCode(thrown, "unknown_root")
      ? new FolderError("unknown_folder", { timeline: shortAddress(folder) })
      : thrown;
  });
  const now = await readFolder(identity.space, folder);
  await mkdir(dir, { recursive: true });
  await checkPlace(dir);
  const place = await realpath(dir);
  const cell = mappedAnew(await readMapping(identity.space, place, undefined));
  const mapped = await withMarker(place, markerOf(identity, cell.directory, folder), () =>
    saveMapping(identity, cell, { folder, base: [], unsent: [] }),
  );
  const written = await bringDown(identity, { cell: mapped, now }, { ask: refuseRemoval, onProgress });
  return { ...written, totals, left, outside: [], ignored: 0, movedFrom: undefined };
}

/** May a folder be cloned into `dir`? @throws FolderError `in_home`, `in_synced`, `not_empty`. */
async function checkPlace(dir: string): Promise<void> {
  const place = await realPlace(dir);
  await checkOutsideHomes(place);
  await checkOutsideSynced(place);
  await checkVacant(dir);
}

/** The real path of what is there or may be made. */
async function realPlace(dir: string): Promise<string> {
  try {
    return await realpath(dir);
  } catch (thrown) {
    if (!isAny(thrown, "ENOENT") || dirname(dir) === dir) return dir;
    return join(await realPlace(dirname(dir)), basename(dir));
  }
}

/** @throws FolderError `not_empty`, also for a file. */
async function checkVacant(dir: string): Promise<void> {
  try {
    if ((await readdir(dir)).length > 0) throw new FolderError("not_empty", { path: dir });
  } catch (thrown) {
    if (isAny(thrown, "ENOENT")) return;
    throw isAny(thrown, "ENOTDIR") ? new FolderError("not_empty", { path: dir }) : thrown;
  }
}
