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
import { fileIb, fileLink, folderIb } from "./kinds.js";
import type { FileState, FolderState } from "./model.js";
import type { LocalChange, LocalPlan } from "./plan.js";
import { removedFiles } from "./removed-files.js";
import { within } from "./version.js";

/** The first frame of a folder. @param name What people call it; a value, used for nothing. */
export function newFolder(owner: Address, name: string): IbGib {
  return createTimeline({ ib: folderIb, data: { name }, owner, uuid: randomUUID() });
}

type PathAndText = LocalPlan["added"][number];

function newFile({ folder, owner }: FolderState, { path, text }: PathAndText, by: Address): FileState {
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
 * An edit, a rename and a removal go on from the frame that the directory was written from. Where the space has a newer
 * one by now, the two are merged in the same transaction, so that the timeline has one tip; the base stays at the
 * change, which is what lies in the directory, and the merge is written like all that comes down. A new file that was
 * here before (`removedFiles`) goes on from its removal.
 *
 * @throws FolderError `moved` when another process changed the same folder meanwhile; nothing was changed then.
 */
export async function recordLocal(
  identity: Identity,
  { cell, now, plan, founding }: LocalState,
): Promise<MappedCell> {
  const { space, address: by } = identity;
  const backFor = plan.added.length === 0 ? () => undefined : await removedFiles(space, now);
  const next = (was: FileState, patch: { readonly path?: string; readonly text: string }): FileState => {
    const path = patch.path ?? was.path;
    return {
      ...was,
      tip: nextVersion(was.tip, patch, by),
      path,
      named: patch.path ?? was.named,
      text: patch.text,
    };
  };
  const added = plan.added.map((each): FileState => {
    const back = backFor(each);
    return back
      ? { ...back, ...each, named: each.path, tip: nextVersion(back.tip, each, by) }
      : newFile(now, each, by);
  });
  const edited = plan.edited.map(({ was, text }) => next(was, { text }));
  const renamed = plan.renamed.map(({ was, path, text }) => next(was, { path, text }));
  const areWithin = await within(
    space,
    now.folder,
    [...plan.removed, ...edited, ...renamed].map(({ file }) => file),
  );
  const isWithin = ({ file }: FileState) => areWithin.has(file);
  const removals = plan.removed.filter(isWithin).map(({ tip }) => removalOf(tip, by));
  const mapping: Mapping = {
    folder: now.folder,
    base: [...plan.kept, ...edited, ...renamed, ...added],
    unsent: joinChanges(cell.mapping?.unsent ?? [], [
      ...added.map((file) => changeOf(file, "added")),
      ...edited.map((file) => changeOf(file, "edited")),
      ...renamed.map((file, at) => ({ ...changeOf(file, "renamed"), was: plan.renamed[at]!.was.path })),
      ...plan.removed.map((file) => changeOf(file, "removed")),
    ]),
  };
  const changed = changeMapping(cell, mapping);
  if (changed.changes.length === 0) return changed.cell; // as it was: nothing to make durable
  const shown = [...added, ...[...edited, ...renamed].filter(isWithin)];
  // Of what others have said more than lay here, the removal does not hold.
  const gone = plan.removed.filter((file) => !isWithin(file) || isNewest(now, file));
  const lists = listFrames(
    now.tip,
    unlisted(now.tip, shown),
    gone.map(({ file }) => file),
    by,
  );
  const versions = [...added, ...edited, ...renamed].map(({ tip }) => tip);
  const frames = [...versions, ...removals, ...(founding ? [founding] : []), ...lists];
  const { puts, tips } = await joinTips(space, frames);
  await orMoved(saveRecords(identity, puts, { tips, cells: changed.changes }));
  return changed.cell;
}

/** Those that have to be put on the list: new files, and those that somebody else took off it. */
function unlisted(tip: IbGib, files: readonly FileState[]): readonly Address[] {
  const listed = new Set(tip.rel8ns?.[fileLink] ?? []);
  return files.map(({ file }) => file).filter((file) => !listed.has(file));
}

function isNewest({ files }: FolderState, { file, tip }: FileState): boolean {
  return files.some((each) => each.file === file && each.tip.address === tip.address);
}

/** The frame that removes a file: it has no text; see `readVersion`. */
export function removalOf(tip: IbGib, by: Address): IbGib {
  return nextVersion(tip, { text: undefined }, by);
}

/** @throws FolderError `moved` where another process of this home was faster. */
export async function orMoved(saved: Promise<void>): Promise<void> {
  try {
    await saved;
  } catch (thrown) {
    if (thrown instanceof KeysagaError && thrown.code === "tip_moved") throw new FolderError("moved");
    throw thrown;
  }
}

/** The next frame of a file. Who changes a file has seen it: what was contested in it is settled by that. */
export function nextVersion(
  tip: IbGib,
  patch: { readonly path?: string; readonly text: string | undefined },
  by: Address,
): IbGib {
  return resolveConflicts(tip, conflictsOf(tip), patch, { by });
}

/**
 * Frames that bring the folder's list of files up to date. They go on from its tip as it is: what is added to a set or
 * taken away means the same wherever it is said.
 */
export function listFrames(
  tip: IbGib,
  added: readonly Address[],
  removed: readonly Address[],
  by: Address,
): IbGib[] {
  if (added.length === 0 && removed.length === 0) return [];
  const contested = conflictsOf(tip);
  const settled = contested.length === 0 ? [] : [resolveConflicts(tip, contested, {}, { by })];
  const links = { add: { [fileLink]: added }, remove: { [fileLink]: removed } };
  return [...settled, relate(settled[0] ?? tip, links, { by })];
}

function changeOf({ path, file, tip }: FileState, change: LocalChange["change"]): LocalChange {
  return { path, change, file, frame: tip.address };
}

/** Later changes take the place of earlier ones of the same file; what was added or renamed and is edited stays so. */
function joinChanges(earlier: readonly LocalChange[], later: readonly LocalChange[]): LocalChange[] {
  const byFile = new Map(earlier.map((change) => [change.file, change]));
  for (const change of later) {
    const before = byFile.get(change.file);
    if (before?.change === "added" && change.change === "removed") byFile.delete(change.file);
    else byFile.set(change.file, joined(before, change));
  }
  return [...byFile.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function joined(before: LocalChange | undefined, change: LocalChange): LocalChange {
  if (before === undefined || change.change === "removed") return change;
  if (before.change === "added") return { ...change, change: "added", was: undefined };
  if (before.change === "renamed") return { ...change, change: "renamed", was: before.was };
  return change;
}
