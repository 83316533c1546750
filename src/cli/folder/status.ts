import type { Address, Identity } from "../../index.js";
import { byPath, openConflicts } from "./conflicts.js";
import { findDirectory, isLike, realDirectory, syncedRoot } from "./directory.js";
import { type Outside, type Scan, scanDirectory } from "./disk.js";
import { FolderError } from "./errors.js";
import { isMapped, type MappedCell, type MappingCell } from "./mapping.js";
import { type FolderState, readFolder } from "./model.js";
import { type Change, changesIn, type LocalPlan, planLocal, withoutFilled } from "./plan.js";
import { mayOnlyRead } from "./reader.js";
import { countMissing, filesIn, isMuch, type MassRemoval } from "./removal.js";
import type { Skipped } from "./skipped.js";

/** What the next sync of a directory would record, as far as this home can tell: no receiver is asked. */
export interface FolderStatus {
  /** Undefined where the first sync would make the folder. */
  readonly folder: Address | undefined;
  /** The URL that a sync without one goes to. */
  readonly receiver: string | undefined;
  /** What would be recorded, by path. */
  readonly changes: readonly Change[];
  /** What is recorded, and in no saga yet that has ended well. */
  readonly unsent: readonly Change[];
  readonly unchanged: number;
  readonly skipped: readonly Skipped[];
  readonly outside: readonly Outside[];
  /** How many files, and directories as a whole, ignore files leave out. */
  readonly ignored: number;
  /** A removal that the sync would ask about. */
  readonly missing: MassRemoval | undefined;
  /** False where the home may only read the folder, as far as it was told: then changes stay in the directory. */
  readonly mayWrite: boolean;
  /** Conflicts that `keysaga conflicts` shows. */
  readonly conflicts: number;
}

type Who = Pick<Identity, "space" | "address">;

/** A synced directory as it lies there, against what the home knows of it. */
export interface Local {
  readonly cell: MappedCell;
  readonly scan: Scan;
  readonly now: FolderState;
  readonly plan: LocalPlan;
}

/**
 * Compares the synced directory that `path` is, or lies in, with what it was when it was last in step. Changes
 * nothing.
 *
 * @throws FolderError `not_synced`, `unmarked`, and as `findDirectory` and `scanDirectory`.
 */
export async function readLocal(who: Who, path: string): Promise<Local> {
  const { cell, hasMarker } = await findDirectory(who, await syncedRoot(path));
  if (!isMapped(cell)) throw new FolderError("not_synced", { path });
  return compareLocal(who, cell, hasMarker);
}

/** The status of the synced directory that `path` is, or lies in. @throws as `readLocal`. */
export async function statusOf(who: Who, path: string): Promise<FolderStatus> {
  return statusAgain(who, await readLocal(who, path));
}

/** The same for a directory that a sync was asked of, which may be the first one. */
export async function previewSync(who: Who, dir: string): Promise<FolderStatus> {
  const { cell, hasMarker } = await findDirectory(who, await realDirectory(dir));
  return isMapped(cell) ? statusAgain(who, await compareLocal(who, cell, hasMarker)) : statusFirst(cell);
}

async function statusFirst({ place }: MappingCell): Promise<FolderStatus> {
  const scan = await scanDirectory(place);
  const { skipped, outside, ignored } = scan;
  const changes = changesIn(await planLocal(scan, [], []));
  const nothing = { unsent: [], unchanged: 0, missing: undefined, conflicts: 0 };
  return {
    folder: undefined,
    receiver: undefined,
    ...nothing,
    changes,
    skipped,
    outside,
    ignored: ignored.length,
    mayWrite: true,
  };
}

async function compareLocal(who: Who, cell: MappedCell, hasMarker: boolean): Promise<Local> {
  const { folder, base } = cell.mapping;
  const scan = await scanDirectory(cell.place, base);
  if (!hasMarker && !isLike(cell, scan)) throw new FolderError("unmarked", { path: cell.place });
  const now = await readFolder(who.space, folder, cell.mapping);
  return { cell, scan, now, plan: await planLocal(scan, base, now.files) };
}

async function statusAgain(who: Who, { cell, scan, now, plan }: Local): Promise<FolderStatus> {
  const { folder, base, unsent, receiver } = cell.mapping;
  return {
    folder,
    receiver,
    changes: withoutFilled(changesIn(plan), scan.files.keys()),
    unsent: withoutFilled(byPath(unsent), scan.files.keys()),
    unchanged: plan.kept.length,
    skipped: scan.skipped,
    outside: scan.outside,
    ignored: scan.ignored.length,
    missing: askedAbout(plan, filesIn(base).length),
    mayWrite: !(await mayOnlyRead(who, folder)),
    conflicts: (await openConflicts(who.space, now)).length,
  };
}

function askedAbout(plan: LocalPlan, of: number): MassRemoval | undefined {
  const removal: MassRemoval = { kind: "missing", gone: countMissing(plan), of };
  return isMuch(removal) ? removal : undefined;
}
