import { randomUUID } from "node:crypto";
import {
  type Address,
  createTimeline,
  type IbGib,
  type Identity,
  mutate,
  relate,
  type TipMove,
} from "../../index.js";
import { FolderError } from "./errors.js";
import { changeMapping, type MappedCell, type Mapping, type MappingCell } from "./mapping.js";
import { type FileState, type FolderState, fileIb, fileLink, folderIb } from "./model.js";
import type { Change, LocalPlan } from "./plan.js";

/** The first frame of a folder. @param name What people call it; a value, used for nothing. */
export function newFolder(owner: Address, name: string): IbGib {
  return createTimeline({ ib: folderIb, data: { name }, owner, uuid: randomUUID() });
}

/** Frames for what a plan says, dependencies first, and how the tips move with them. */
interface LocalFrames {
  readonly puts: readonly IbGib[];
  readonly tips: readonly TipMove[];
  readonly base: readonly FileState[];
}

export interface LocalChange {
  readonly cell: MappingCell;
  readonly now: FolderState;
  readonly plan: LocalPlan;
  /** The folder's first frame, where this makes the folder. */
  readonly founding: IbGib | undefined;
}

/**
 * Makes local changes durable: their frames, their tips and the mapping in one transaction. Where there was no folder
 * yet, its first frame is among them.
 *
 * @throws FolderError `moved` when another process changed the same folder meanwhile; nothing was changed then.
 */
export async function recordLocal(
  { space, address }: Identity,
  { cell, now, plan, founding }: LocalChange,
): Promise<MappedCell> {
  const made = framesOf(address, now, plan);
  const mapping: Mapping = {
    folder: now.folder,
    base: made.base,
    unsent: mergeChanges(cell.mapping?.unsent ?? [], changesOf(plan)),
  };
  const changed = changeMapping(cell, mapping);
  if (changed.change === undefined) return changed.cell; // as it was: nothing to make durable
  const first = founding ? [{ tjp: now.folder, from: undefined, to: now.folder }] : [];
  const result = await space.commit({
    holder: address,
    sight: { holders: [address] },
    puts: founding ? [founding, ...made.puts] : made.puts,
    tips: joinMoves(first, made.tips),
    cells: [changed.change],
  });
  if (result.kind !== "committed") throw new FolderError("moved");
  return changed.cell;
}

/** The folder's own move goes from nothing where it is new. */
function joinMoves(first: readonly TipMove[], moves: readonly TipMove[]): TipMove[] {
  const folder = first[0]?.tjp;
  const later = moves.map((move) => (move.tjp === folder ? { ...move, from: undefined } : move));
  return later.some(({ tjp }) => tjp === folder) ? later : [...first, ...later];
}

function framesOf(owner: Address, { folder, tip }: FolderState, plan: LocalPlan): LocalFrames {
  const added = plan.added.map(({ path, text }) => {
    const first = createTimeline({ ib: fileIb, data: { path, text }, owner, uuid: randomUUID() });
    return { file: first.address, tip: first, path, text };
  });
  const edited = plan.edited.map(({ was, text }) => ({ ...was, tip: mutate(was.tip, { text }), text }));
  const puts = [...added, ...edited].map((file) => file.tip);
  const tips: TipMove[] = [
    ...added.map(({ file }) => ({ tjp: file, from: undefined, to: file })),
    ...edited.map((file, at) => ({
      tjp: file.file,
      from: plan.edited[at]?.was.tip.address,
      to: file.tip.address,
    })),
  ];
  const base = [...plan.kept, ...edited, ...added];
  if (added.length === 0 && plan.removed.length === 0) return { puts, tips, base };
  const next = relate(tip, {
    add: { [fileLink]: added.map(({ file }) => file) },
    remove: { [fileLink]: plan.removed.map(({ file }) => file) },
  });
  return {
    puts: [...puts, next],
    tips: [...tips, { tjp: folder, from: tip.address, to: next.address }],
    base,
  };
}

function changesOf({ added, edited, removed }: LocalPlan): Change[] {
  return [
    ...added.map(({ path }): Change => ({ path, change: "added" })),
    ...edited.map(({ was }): Change => ({ path: was.path, change: "edited" })),
    ...removed.map(({ path }): Change => ({ path, change: "removed" })),
  ];
}

/** Later changes take the place of earlier ones of the same path; what was added and is edited stays added. */
function mergeChanges(earlier: readonly Change[], later: readonly Change[]): Change[] {
  const byPath = new Map(earlier.map((change) => [change.path, change]));
  for (const change of later) {
    const before = byPath.get(change.path)?.change;
    if (before === "added" && change.change === "removed") byPath.delete(change.path);
    else byPath.set(change.path, before === "added" ? { ...change, change: "added" } : change);
  }
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}
