import { randomUUID } from "node:crypto";
import {
  type Address,
  conflictsOf,
  createTimeline,
  type IbGib,
  type Identity,
  KeysagaError,
  relate,
  resolveConflicts,
  saveRecords,
} from "../../index.js";
import { FolderError } from "./errors.js";
import { joinTips } from "./join-tips.js";
import { changeMapping, type MappedCell, type Mapping, type MappingCell } from "./mapping.js";
import { type FileState, type FolderState, fileIb, fileLink, folderIb } from "./model.js";
import type { LocalChange, LocalPlan } from "./plan.js";

/** The first frame of a folder. @param name What people call it; a value, used for nothing. */
export function newFolder(owner: Address, name: string): IbGib {
  return createTimeline({ ib: folderIb, data: { name }, owner, uuid: randomUUID() });
}

function newFile({ folder, owner }: FolderState, path: string, text: string, by: Address): FileState {
  const data = { path, text };
  const first = createTimeline({ ib: fileIb, data, owner, by, within: folder, uuid: randomUUID() });
  return { file: first.address, tip: first, path, named: path, text };
}

export interface LocalState {
  readonly cell: MappingCell;
  readonly now: FolderState;
  readonly plan: LocalPlan;
  /** The folder's first frame, where this makes the folder. */
  readonly founding?: IbGib;
}

/**
 * Makes local changes durable: their frames, their tips and the mapping in one transaction. Where there was no folder
 * yet, its first frame is among them.
 *
 * An edit goes on from the frame that the directory was written from. Where the space has a newer one by now, the two
 * are merged in the same transaction, so that the timeline has one tip; the base stays at the edit, which is what lies
 * in the directory, and the merge is written like all that comes down.
 *
 * @throws FolderError `moved` when another process changed the same folder meanwhile; nothing was changed then.
 */
export async function recordLocal(
  identity: Identity,
  { cell, now, plan, founding }: LocalState,
): Promise<MappedCell> {
  const { space, address: by } = identity;
  const added = plan.added.map(({ path, text }) => newFile(now, path, text, by));
  const edited = plan.edited.map(({ was, text }) => ({ ...was, tip: nextVersion(was.tip, text, by), text }));
  const mapping: Mapping = {
    folder: now.folder,
    base: [...plan.kept, ...edited, ...added],
    unsent: joinChanges(cell.mapping?.unsent ?? [], [
      ...added.map((file) => changeOf(file, "added")),
      ...edited.map((file) => changeOf(file, "edited")),
      ...plan.removed.map((file) => changeOf(file, "removed")),
    ]),
  };
  const changed = changeMapping(cell, mapping);
  if (changed.changes.length === 0) return changed.cell; // as it was: nothing to make durable
  const versions = [...added, ...edited].map(({ tip }) => tip);
  const lists = listFrames(now.tip, added, plan.removed, by);
  const frames = founding ? [...versions, founding, ...lists] : [...versions, ...lists];
  const { puts, tips } = await joinTips(space, frames);
  await saveOrMoved(saveRecords(identity, puts, { tips, cells: changed.changes }));
  return changed.cell;
}

async function saveOrMoved(saved: Promise<void>): Promise<void> {
  try {
    await saved;
  } catch (thrown) {
    if (thrown instanceof KeysagaError && thrown.code === "tip_moved") throw new FolderError("moved");
    throw thrown;
  }
}

/** The next frame of a file. Who edits a text has seen it: what was contested in it is settled by that. */
function nextVersion(tip: IbGib, text: string, by: Address): IbGib {
  return resolveConflicts(tip, conflictsOf(tip), { text }, { by });
}

/**
 * Frames that bring the folder's list of files up to date. They go on from its tip as it is: what is added to a set or
 * taken away means the same wherever it is said.
 */
function listFrames(
  tip: IbGib,
  added: readonly FileState[],
  removed: readonly FileState[],
  by: Address,
): IbGib[] {
  if (added.length === 0 && removed.length === 0) return [];
  const addressesOf = (files: readonly FileState[]) => files.map(({ file }) => file);
  const contested = conflictsOf(tip);
  const settled = contested.length === 0 ? [] : [resolveConflicts(tip, contested, {}, { by })];
  const links = { add: { [fileLink]: addressesOf(added) }, remove: { [fileLink]: addressesOf(removed) } };
  return [...settled, relate(settled[0] ?? tip, links, { by })];
}

function changeOf({ path, file, tip }: FileState, change: LocalChange["change"]): LocalChange {
  return { path, change, file, frame: tip.address };
}

/** Later changes take the place of earlier ones of the same file; what was added and is edited stays added. */
function joinChanges(earlier: readonly LocalChange[], later: readonly LocalChange[]): LocalChange[] {
  const byFile = new Map(earlier.map((change) => [change.file, change]));
  for (const change of later) {
    const isNew = byFile.get(change.file)?.change === "added";
    if (isNew && change.change === "removed") byFile.delete(change.file);
    else byFile.set(change.file, isNew ? { ...change, change: "added" } : change);
  }
  return [...byFile.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}
