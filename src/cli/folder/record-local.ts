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
  type Space,
  saveRecords,
} from "../../index.js";
import { inBatches } from "./batches.js";
import type { Content } from "./content.js";
import { FolderError } from "./errors.js";
import { counting, type OnProgress, unseen } from "./folder-progress.js";
import { joinTips } from "./join-tips.js";
import { changeMapping, type MappedCell, type Mapping, type MappingCell } from "./mapping.js";
import { fileIb, folderIb } from "./kinds.js";
import type { FileState, FolderState, RemovedFile } from "./model.js";
import type { Changed, Placed } from "./moves.js";
import type { LocalChange, LocalPlan } from "./plan.js";
import { removedFiles } from "./removed-files.js";
import { frameAt, storedContent } from "./version.js";

/**
 * The first two frames of a folder: the second one has its name. Of a timeline that is nothing but its first frame, a receiver
 * says "the same" to a sender of that frame, also to one that may not read it any more and should be told.
 *
 * @param name What people call it; a value, used for nothing.
 */
export function newFolder(owner: Address, name: string): readonly [first: IbGib, named: IbGib] {
  const first = createTimeline({ ib: folderIb, owner, uuid: randomUUID() });
  return [first, mutate(first, { name }, { by: owner })];
}

export interface LocalState {
  readonly cell: MappingCell;
  readonly now: FolderState;
  readonly plan: LocalPlan;
  /** The folder's frames, where this makes the folder. */
  readonly founding?: readonly IbGib[];
}

/** What a transaction records of edited and of new files, at most. */
const atOnce = { files: 1_024, bytes: 8 * 1024 * 1024 };
/** Files that are read at once. */
const readsAtOnce = 32;

/**
 * Makes local changes durable: their frames, their tips and the mapping in one transaction. Where there was no folder
 * yet, its first frames are among them. Many edited or new files take several (`atOnce`), each of which leaves the mapping at
 * what is recorded.
 *
 * An edit, a rename and a removal go on from the frame that the directory was written from. Where the space has a newer
 * one by now, the two are merged in the same transaction, so that the timeline has one tip; the base stays at the
 * change, which is what lies in the directory, and the merge is written like all that comes down. A new file that was
 * here before (`removedFiles`) goes on from its removal. What is not as it was scanned any more is left to the next sync.
 *
 * @throws FolderError `moved` when another process changed the same folder meanwhile.
 */
export async function recordLocal(
  identity: Identity,
  { cell, now, plan, founding = [] }: LocalState,
  onProgress: OnProgress = unseen,
): Promise<MappedCell> {
  const { space, address: by } = identity;
  const backFor = plan.added.length === 0 ? () => undefined : await removedFiles(space, now);
  const due = [
    ...plan.edited.map((each) => ({ of: each.now.content, next: () => nextOf(space, each, by) })),
    ...plan.added.map((placed) => ({
      of: placed.content,
      next: () => addedOf(space, { now, placed, back: backFor(placed), by }),
    })),
  ];
  const onRead = counting(onProgress, "recording", plan.renamed.length + due.length);
  const renamed = await inBatches(plan.renamed, readsAtOnce, (each) => nextOf(space, each, by), onRead);
  const removed = await inBatches(plan.removed, readsAtOnce, (file) => removedOf(space, file, by));
  let base = [...plan.kept, ...plan.edited.map(({ was }) => was), ...renamed.map(({ file }) => file)];
  const recordPart = async (to: MappingCell, part: typeof due, made: readonly Made[]) => {
    const versions = await inBatches(part, readsAtOnce, ({ next }) => next(), onRead);
    const files = new Map(versions.flatMap((each) => (each ? [[each.file.path, each.file]] : [])));
    base = [...base.filter(({ path }) => !files.has(path)), ...files.values()];
    const all = [...made, ...versions.flatMap((each) => each?.made ?? [])];
    return commitMade(identity, to, { folder: now.folder, base }, all);
  };
  const [first, ...rest] = partsOf(due);
  let recorded = await recordPart(cell, first, [
    ...founding.map((frame) => ({ frame })),
    ...renamed.flatMap(({ made }) => made ?? []),
    ...removed,
  ]);
  for (const part of rest) recorded = await recordPart(recorded, part, []);
  return recorded;
}

/** At least one, for what else is to be recorded. */
function partsOf<Due extends { readonly of: Content }>(due: readonly Due[]): readonly [Due[], ...Due[][]] {
  const parts: [Due[], ...Due[][]] = [[]];
  let bytes = 0;
  for (const each of due) {
    const last = parts.at(-1)!;
    bytes += each.of.bytes;
    if (last.length < atOnce.files && (bytes <= atOnce.bytes || last.length === 0)) last.push(each);
    else {
      parts.push([each]);
      bytes = each.of.bytes;
    }
  }
  return parts;
}

/** A frame that was made, and what it tells of a file. */
interface Made {
  readonly frame: IbGib;
  readonly change?: LocalChange;
}

/** A file after a change, with what was made of it; nothing, where it is not as it was scanned any more. */
interface Version {
  readonly file: FileState;
  readonly made?: Made;
}

async function commitMade(
  identity: Identity,
  cell: MappingCell,
  { folder, base }: Pick<Mapping, "folder" | "base">,
  made: readonly Made[],
): Promise<MappedCell> {
  const unsent = joinChanges(
    cell.mapping?.unsent ?? [],
    made.flatMap(({ change }) => change ?? []),
  );
  const changed = changeMapping(cell, { folder, base, unsent });
  if (changed.changes.length === 0) return changed.cell; // as it was: nothing to make durable
  const { puts, tips } = await joinTips(
    identity.space,
    made.map(({ frame }) => frame),
  );
  await orMoved(saveRecords(identity, puts, { tips, cells: changed.changes }));
  return changed.cell;
}

async function nextOf(space: Space, { was, now }: Changed<FileState>, by: Address): Promise<Version> {
  const isMoved = now.path !== was.path;
  const read = await now.content.text();
  if (read === undefined && !isMoved) return { file: was };
  // A move is recorded all the same: others may have come to the path that it left.
  const placed = read === undefined ? { ...now, content: was.content, stamp: undefined } : now;
  const text = read ?? (await was.content.text());
  const isExecutable = now.isExecutable ?? was.isExecutable;
  const patch = {
    text,
    ...(isMoved && { path: now.path }),
    ...(isExecutable !== was.isExecutable && { executable: isExecutable || undefined }),
  };
  const frame = nextVersion(await frameAt(space, was.tip), patch, by);
  const named = isMoved ? now.path : was.named;
  const file = stateOf(space, { file: was.file, frame, named }, { ...placed, isExecutable });
  return {
    file,
    made: madeOf(file, frame, isMoved ? { change: "renamed", was: was.path } : { change: "edited" }),
  };
}

async function removedOf(space: Space, file: FileState, by: Address): Promise<Made> {
  const frame = removalOf(await frameAt(space, file.tip), by);
  return madeOf(file, frame, { change: "removed" });
}

async function addedOf(
  space: Space,
  {
    now: { folder, owner },
    placed,
    back,
    by,
  }: {
    readonly now: FolderState;
    readonly placed: Placed;
    readonly back: RemovedFile | undefined;
    readonly by: Address;
  },
): Promise<Version | undefined> {
  const text = await placed.content.text();
  if (text === undefined) return undefined;
  const data = { path: placed.path, text, ...(placed.isExecutable && { executable: true }) };
  const frame = back
    ? nextVersion(back.tip, { executable: undefined, ...data }, by)
    : createTimeline({ ib: fileIb, data, owner, by, within: folder, uuid: randomUUID() });
  const names = { file: back?.file ?? frame.address, frame, named: placed.path };
  const file = stateOf(space, names, placed);
  return { file, made: madeOf(file, frame, { change: "added" }) };
}

function stateOf(
  space: Space,
  { file, frame, named }: { readonly file: Address; readonly frame: IbGib; readonly named: string },
  { path, content, isExecutable = false, stamp }: Placed,
): FileState {
  const stored = storedContent(space, frame.address, content);
  return { file, tip: frame.address, path, named, content: stored, isExecutable, isContested: false, stamp };
}

function madeOf(
  { path, file }: FileState,
  frame: IbGib,
  said: Pick<LocalChange, "change" | "was">,
): Required<Made> {
  return { frame, change: { path, file, frame: frame.address, ...said } };
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
  patch: {
    readonly path?: string;
    readonly text: string | undefined;
    readonly executable?: boolean | undefined;
  },
  by: Address,
): IbGib {
  return resolveConflicts(tip, conflictsOf(tip), patch, { by });
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
