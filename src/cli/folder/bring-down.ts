import type { Address, Identity, Left, SyncReport } from "../../index.js";
import { byPath, type FolderConflict, openConflicts } from "./conflicts.js";
import type { Outside } from "./disk.js";
import { FolderError } from "./errors.js";
import { changeMapping, type MappedCell, type Mapping, type MappingCell } from "./mapping.js";
import type { FolderState } from "./model.js";
import { baseAfter, type Change, changesOf, type LocalChange, planWrites, withoutFilled } from "./plan.js";
import { checkRemoval, countRemoved, filesIn, type Terminal } from "./removal.js";
import type { Skipped } from "./skipped.js";
import { writeFiles } from "./write.js";

/** What a sync of a folder did. */
export interface FolderReport {
  readonly folder: Address;
  readonly up: readonly Change[];
  readonly down: readonly Change[];
  /** Files of the folder that went neither way. */
  readonly unchanged: number;
  readonly skipped: readonly Skipped[];
  /** Homes and other synced directories below this one: none of its files, by design. */
  readonly outside: readonly Outside[];
  /** How many files, and directories as a whole, ignore files leave out. */
  readonly ignored: number;
  /** Where the directory was at the last sync, where that is elsewhere. */
  readonly movedFrom: string | undefined;
  /** What a person should look at. All else is as it should be: the folder is in step. */
  readonly conflicts: readonly FolderConflict[];
  /** What was left out, and whose doing that is. */
  readonly left: readonly LeftOut[];
  /** Of all sagas of the command, however many connections they took. */
  readonly totals: SyncReport["totals"];
}

/** Of a file of the folder, with its path. */
export interface LeftOut extends Left {
  readonly path?: string;
}

/** What writing has done: a report, but for what the scan and the saga know. */
export type Written = Omit<FolderReport, "totals" | "outside" | "ignored" | "movedFrom" | "left">;

/**
 * Writes what the space has and the directory has not, then moves the base.
 *
 * @param at The directory, and the folder as the space has it.
 * @param left Of the changes that were made here, those that the receiver still has not.
 * @throws FolderError `removed_there` where much would be removed and `ask` does not agree: nothing is written then, and
 *   the base stays, so that the next sync asks again.
 */
export async function bringDown(
  identity: Identity,
  at: { readonly cell: MappedCell; readonly now: FolderState },
  { ask, onProgress }: Terminal,
  left: readonly LocalChange[] = [],
): Promise<Written> {
  const { cell, now } = at;
  const { folder, base, unsent } = cell.mapping;
  const { files, unfit } = now;
  const writes = planWrites(base, files);
  try {
    await checkRemoval(
      { kind: "removed_there", gone: countRemoved(base, files), of: filesIn(base).length },
      ask,
    );
  } catch (thrown) {
    await saveMapping(identity, cell, { folder, base, unsent: left });
    throw thrown;
  }
  const { skipped, leftAlone } = await writeFiles(
    cell.place,
    writes,
    files.map(({ path }) => path),
    onProgress,
  );
  await saveMapping(identity, cell, { folder, base: baseAfter(base, files, leftAlone), unsent: left });
  const paths = files.map(({ path }) => path);
  const down = byPath(withoutFilled(changesOf(writes.filter(({ path }) => !leftAlone.has(path))), paths));
  const still = new Set(left);
  const up = withoutFilled(
    unsent.filter((change) => !still.has(change)),
    paths,
  );
  const touched = new Set([...unsent, ...writes].map(({ path }) => path));
  const unchanged = files.filter(({ path }) => !touched.has(path)).length;
  const told = { skipped: [...skipped, ...unfit], conflicts: await openConflicts(identity.space, now) };
  return { folder, up, down, unchanged, ...told };
}

/** @throws FolderError `moved` when another process was faster. */
export async function saveMapping(
  { space, address }: Identity,
  cell: MappingCell,
  mapping: Mapping,
): Promise<MappedCell> {
  const changed = changeMapping(cell, mapping);
  if (changed.changes.length === 0) return changed.cell;
  const result = await space.commit({
    holder: address,
    sight: { holders: [address] },
    cells: changed.changes,
  });
  if (result.kind !== "committed") throw new FolderError("moved");
  return changed.cell;
}
