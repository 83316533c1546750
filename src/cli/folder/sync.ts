import { mkdir, readdir, realpath } from "node:fs/promises";
import { basename } from "node:path";
import {
  type Address,
  type IbGib,
  type Identity,
  KeysagaError,
  type Space,
  type SyncOptions,
  type SyncReport,
  shortAddress,
} from "../../index.js";
import { byPath, type FolderConflict, metRemovals, openConflicts } from "./conflicts.js";
import { isAny, type Skipped, scanDirectory } from "./disk.js";
import { FolderError } from "./errors.js";
import { changeMapping, type MappedCell, type Mapping, type MappingCell, readMapping } from "./mapping.js";
import { type FolderState, readFolder } from "./model.js";
import { baseAfter, type Change, changeOf, planLocal, planWrites } from "./plan.js";
import { newFolder, recordLocal } from "./record-local.js";
import { removeLeftovers, writeFiles } from "./write.js";

/** Brings roots in step with the receiver: a saga, from its first turn to the receipt. */
export type Exchange = (
  roots: readonly Address[],
  direction: NonNullable<SyncOptions["direction"]>,
) => Promise<SyncReport>;

/** What a sync of a folder did. */
export interface FolderReport {
  readonly folder: Address;
  readonly up: readonly Change[];
  readonly down: readonly Change[];
  /** Files of the folder that went neither way. */
  readonly unchanged: number;
  readonly skipped: readonly Skipped[];
  /** What a person should look at. All else is as it should be: the folder is in step. */
  readonly conflicts: readonly FolderConflict[];
  readonly totals: SyncReport["totals"];
}

/**
 * Brings a directory and the receiver in step. What both have edited is merged: an edit here never stands in the way
 * of one that comes down. Each step is durable before the next begins, and each finds out by itself what is left to
 * do, so that after a crash anywhere the next sync converges:
 *
 * 1. Read the mapping (`readMapping`), the directory (`scanDirectory`) and the folder as the space has it.
 * 2. Tell local changes from what came down before and was not written (`planLocal`). A crash up to here left nothing.
 * 3. Commit frames, merges with what came down before, tips and the new base in one transaction (`recordLocal`). A
 *    crash after it: the next sync finds the directory equal to its base, and goes on with the saga.
 * 4. The saga, which merges with what the receiver has. A crash in it leaves the space either without or with all that
 *    came down; in the second case the next sync finds the space ahead of the base, as this one does in step 5.
 * 5. Write what came down (`writeFiles`). A crash in it leaves whole files, old or new: the next sync takes those that
 *    are new already as written, since they say what the space says, and writes the others.
 * 6. Commit the base. A crash before it is the same as one at the end of 5.
 *
 * @throws FolderError, and what `exchange` throws.
 */
export async function syncFolder(identity: Identity, dir: string, exchange: Exchange): Promise<FolderReport> {
  const place = await realDirectory(dir);
  const cell = await readMapping(identity.space, place);
  const scan = await scanDirectory(place);
  const { now, founding } = await stateBefore(identity, cell.mapping, basename(place));
  const plan = planLocal(scan, cell.mapping?.base ?? [], now.files);
  const recorded = await recordLocal(identity, { cell, now, plan, founding });
  const { totals } = await exchange([now.folder], "both");
  await removeLeftovers(place, scan.leftovers);
  const written = await bringDown(identity, place, recorded);
  return { ...written, skipped: [...scan.skipped, ...written.skipped], totals };
}

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
): Promise<FolderReport> {
  await checkVacant(dir);
  const { totals } = await exchange([folder], "pull").catch((thrown) => {
    throw isUnknown(thrown) ? new FolderError("unknown_folder", { timeline: shortAddress(folder) }) : thrown;
  });
  await readFolder(identity.space, folder);
  await mkdir(dir, { recursive: true });
  await checkVacant(dir);
  const place = await realpath(dir);
  const before = await readMapping(identity.space, place);
  const mapped = await saveMapping(identity, before, { folder, base: [], unsent: [] });
  return { ...(await bringDown(identity, place, mapped)), totals };
}

function isUnknown(thrown: unknown): boolean {
  return thrown instanceof KeysagaError && thrown.code === "unknown_root";
}

async function stateBefore(
  { space, address }: Identity,
  mapping: Mapping | undefined,
  name: string,
): Promise<{ now: FolderState; founding: IbGib | undefined }> {
  if (mapping) return { now: await readFolder(space, mapping.folder), founding: undefined };
  const founding = newFolder(address, name);
  return { now: { folder: founding.address, owner: address, tip: founding, files: [] }, founding };
}

/** Writes what the space has and the directory has not, then moves the base. */
async function bringDown(
  identity: Identity,
  place: string,
  cell: MappedCell,
): Promise<Omit<FolderReport, "totals">> {
  const { folder, base, unsent } = cell.mapping;
  const now = await readFolder(identity.space, folder);
  const { files } = now;
  const writes = planWrites(base, files);
  const skipped = await writeFiles(
    place,
    writes,
    files.map(({ path }) => path),
  );
  const removals = await metRemovals(identity.space, unsent, files);
  const leftAlone = new Set(skipped.map(({ path }) => path));
  await saveMapping(identity, cell, { folder, base: baseAfter(base, files, leftAlone), unsent: [] });
  const down = byPath(writes.filter(({ path }) => !leftAlone.has(path)).map(changeOf));
  const touched = new Set([...unsent, ...writes].map(({ path }) => path));
  const unchanged = files.filter(({ path }) => !touched.has(path)).length;
  const conflicts = [...removals, ...openConflicts(now)];
  return { folder, up: unsent, down, unchanged, skipped, conflicts };
}

async function saveMapping(
  { space, address }: Identity,
  cell: MappingCell,
  mapping: Mapping,
): Promise<MappedCell> {
  const changed = changeMapping(cell, mapping);
  if (changed.change === undefined) return changed.cell;
  const result = await space.commit({
    holder: address,
    sight: { holders: [address] },
    cells: [changed.change],
  });
  if (result.kind !== "committed") throw new FolderError("moved");
  return changed.cell;
}

/**
 * The conflicts of the folder that a directory was last synced with, as the space has it now.
 *
 * @throws FolderError `not_a_directory`, `not_synced`, and as `readFolder`.
 */
export async function conflictsIn(space: Space, dir: string): Promise<readonly FolderConflict[]> {
  const { mapping } = await readMapping(space, await realDirectory(dir));
  if (mapping === undefined) throw new FolderError("not_synced", { path: dir });
  return openConflicts(await readFolder(space, mapping.folder));
}

/** @throws FolderError `not_a_directory`. */
export async function realDirectory(dir: string): Promise<string> {
  try {
    return await realpath(dir);
  } catch (thrown) {
    throw isAny(thrown, "ENOENT", "ENOTDIR") ? new FolderError("not_a_directory", { path: dir }) : thrown;
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
