import { randomUUID } from "node:crypto";
import {
  type Address,
  conflictsOf,
  createTimeline,
  type IbGib,
  type Identity,
  KeysagaError,
  mutate,
  resolveConflicts,
  saveRecords,
} from "../../index.js";
import { FolderError } from "./errors.js";
import { joinTips } from "./join-tips.js";
import { changeMapping, type MappedCell, type Mapping, type MappingCell } from "./mapping.js";
import { fileIb, folderIb } from "./kinds.js";
import type { FileState, FolderState } from "./model.js";
import type { LocalChange, LocalPlan } from "./plan.js";
import { removedFiles } from "./removed-files.js";

/**
 * The first two frames of a folder: the second one has its name. Of a timeline that is nothing but its first frame, a receiver
 * says "the same" to whoever has sent that frame, also to somebody who may not read it any more and should be told.
 *
 * @param name What people call it; a value, used for nothing.
 */
export function newFolder(owner: Address, name: string): readonly [first: IbGib, named: IbGib] {
  const first = createTimeline({ ib: folderIb, owner, uuid: randomUUID() });
  return [first, mutate(first, { name }, { by: owner })];
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
  /** The folder's frames, where this makes the folder. */
  readonly founding?: readonly IbGib[];
}

/**
 * Makes local changes durable: their frames, their tips and the mapping in one transaction. Where there was no folder
 * yet, its first frames are among them.
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
  { cell, now, plan, founding = [] }: LocalState,
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
  const removals = plan.removed.map(({ tip }) => removalOf(tip, by));
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
  const versions = [...added, ...edited, ...renamed].map(({ tip }) => tip);
  const frames = [...founding, ...versions, ...removals];
  const { puts, tips } = await joinTips(space, frames);
  await orMoved(saveRecords(identity, puts, { tips, cells: changed.changes }));
  return changed.cell;
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
