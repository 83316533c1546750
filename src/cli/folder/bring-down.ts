import type { Address, Identity, SyncReport } from "../../index.js";
import { byPath, type FolderConflict, metRemovals, openConflicts } from "./conflicts.js";
import type { Skipped } from "./disk.js";
import { FolderError } from "./errors.js";
import { changeMapping, type MappedCell, type Mapping, type MappingCell } from "./mapping.js";
import { readFolder } from "./model.js";
import { baseAfter, type Change, changeOf, type LocalChange, planWrites } from "./plan.js";
import { writeFiles } from "./write.js";

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
  /** Of the connection, which is this command's alone. */
  readonly totals: SyncReport["sessionTotals"];
}

/**
 * Writes what the space has and the directory has not, then moves the base.
 *
 * @param place The real path of the directory.
 * @param left Of the changes that were made here, those that the receiver still has not.
 */
export async function bringDown(
  identity: Identity,
  place: string,
  cell: MappedCell,
  left: readonly LocalChange[] = [],
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
  await saveMapping(identity, cell, { folder, base: baseAfter(base, files, leftAlone), unsent: left });
  const down = byPath(writes.filter(({ path }) => !leftAlone.has(path)).map(changeOf));
  const touched = new Set([...unsent, ...writes].map(({ path }) => path));
  const unchanged = files.filter(({ path }) => !touched.has(path)).length;
  const conflicts = [...removals, ...openConflicts(now)];
  return { folder, up: unsent, down, unchanged, skipped, conflicts };
}

/** @throws FolderError `moved` when another process was faster. */
export async function saveMapping(
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
