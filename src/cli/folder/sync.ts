import { mkdir, readdir, realpath } from "node:fs/promises";
import { basename } from "node:path";
import {
  type Address,
  type IbGib,
  type Identity,
  type Space,
  type SyncReport,
  shortAddress,
} from "../../index.js";
import { bringDown, type FolderReport, saveMapping } from "./bring-down.js";
import { type FolderConflict, openConflicts } from "./conflicts.js";
import { isAny, scanDirectory } from "./disk.js";
import { FolderError } from "./errors.js";
import { type Exchange, isCode } from "./exchange.js";
import { isMapped, type Mapping, readMapping } from "./mapping.js";
import { type FolderState, readFolder } from "./model.js";
import { planLocal } from "./plan.js";
import { syncAsReader } from "./reader.js";
import { newFolder, recordLocal } from "./record-local.js";
import { removeLeftovers } from "./write.js";

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
 * Who may only read, as far as this home was told, records nothing: see `syncAsReader`.
 *
 * @throws FolderError (`not_taken` and `read_only` once all that came down is written), and what `exchange` throws.
 */
export async function syncFolder(identity: Identity, dir: string, exchange: Exchange): Promise<FolderReport> {
  const place = await realDirectory(dir);
  const cell = await readMapping(identity.space, place);
  const scan = await scanDirectory(place);
  if (isMapped(cell)) {
    const report = await syncAsReader(identity, { place, cell, scan }, exchange);
    if (report) return report;
  }
  const { now, founding } = await stateBefore(identity, cell.mapping, basename(place));
  const plan = planLocal(scan, cell.mapping?.base ?? [], now.files);
  const recorded = await recordLocal(identity, { cell, now, plan, founding });
  const done = await exchangeBoth(exchange, now.folder, now.owner === identity.address);
  await removeLeftovers(place, scan.leftovers);
  const { unsent } = recorded.mapping;
  const written = await bringDown(identity, place, recorded, done ? [] : unsent);
  if (!done) throw new FolderError("not_taken", { changes: unsent.length });
  if (done.refused.length > 0) throw new FolderError("not_shared");
  return { ...written, skipped: [...scan.skipped, ...written.skipped], totals: done.sessionTotals };
}

/** @returns Undefined where the receiver did not take what was changed here. All else is done, and may be brought down. */
async function exchangeBoth(
  exchange: Exchange,
  folder: Address,
  isOwner: boolean,
): Promise<SyncReport | undefined> {
  try {
    return await exchange([folder], "both");
  } catch (thrown) {
    if (isCode(thrown, "not_permitted")) return undefined;
    if (isOwner && isCode(thrown, "author_not_permitted")) throw new FolderError("taken_back");
    throw thrown;
  }
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
  const { sessionTotals } = await exchange([folder], "pull").catch((thrown) => {
    throw isCode(thrown, "unknown_root")
      ? new FolderError("unknown_folder", { timeline: shortAddress(folder) })
      : thrown;
  });
  await readFolder(identity.space, folder);
  await mkdir(dir, { recursive: true });
  await checkVacant(dir);
  const place = await realpath(dir);
  const before = await readMapping(identity.space, place);
  const mapped = await saveMapping(identity, before, { folder, base: [], unsent: [] });
  return { ...(await bringDown(identity, place, mapped)), totals: sessionTotals };
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
