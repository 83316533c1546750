import { randomUUID } from "node:crypto";
import {
  type Address,
  createTimeline,
  type IbGib,
  type Identity,
  mutate,
  type Patch,
  type Rel8ns,
  type Space,
  tjpOf,
} from "../../index.js";
import { inBatches } from "./batches.js";
import { type Content, isSame } from "./content.js";
import { counting, type OnProgress, unseen } from "./folder-progress.js";
import { changeMapping, type MappedCell, type Mapping, type MappingCell } from "./mapping.js";
import { fileIb, folderIb } from "./kinds.js";
import type { FileState, FolderState, RemovedFile } from "./model.js";
import type { Changed, Placed } from "./moves.js";
import { isAlike, type LocalChange, type LocalPlan } from "./plan.js";
import { removedFiles } from "./removed-files.js";
import { commitFrames } from "./commit-frames.js";
import { bringIn } from "./bring-in.js";
import { frameAt, nextVersion, removalOf, rootLink, storedContent } from "./version.js";

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
  const isNow = new Map(now.files.map((file) => [file.file, file]));
  const due: Due[] = [
    ...plan.edited.map((each) => ({ of: each.now.content, next: () => nextOf(identity, each, isNow) })),
    ...plan.added.map((placed) => ({
      of: placed.content,
      next: () => addedOf(identity, { now, placed, back: backFor(placed) }),
    })),
  ];
  const onRead = counting(onProgress, "recording", plan.renamed.length + due.length);
  const renamed = await inBatches(plan.renamed, readsAtOnce, (each) => nextOf(identity, each, isNow), onRead);
  const removed = await inBatches(plan.removed, readsAtOnce, (file) => removedOf(space, file, by));
  let base = [...plan.kept, ...plan.edited.map(({ was }) => was), ...renamed.map(({ file }) => file)];
  const recordPart = async (to: MappingCell, part: readonly Due[], made: readonly Made[]) => {
    const versions = await inBatches(part, readsAtOnce, ({ next }) => next(), onRead);
    const files = new Map(versions.flatMap((each) => (each ? [[each.file.path, each.file]] : [])));
    base = [...base.filter(({ path }) => !files.has(path)), ...files.values()];
    const all = [...made, ...versions.flatMap((each) => each?.made ?? [])];
    return commitMade(identity, to, { folder: now.folder, base }, all);
  };
  // A folder is there before anything stands within it: a large file is recorded ahead of its part.
  const parts = partsOf(due);
  const [first, ...rest]: typeof parts = founding.length > 0 ? [[], ...parts] : parts;
  let recorded = await recordPart(cell, first, [
    ...founding.map((frame) => ({ frame })),
    ...renamed.flatMap(({ made }) => made ?? []),
    ...removed,
  ]);
  for (const part of rest) recorded = await recordPart(recorded, part, []);
  return recorded;
}

/** At least one, for what else is to be recorded. A content that does not fit goes by itself: see `bringIn`. */
function partsOf(due: readonly Due[]): readonly [Due[], ...Due[][]] {
  const parts: [Due[], ...Due[][]] = [[]];
  let bytes = 0;
  for (const each of due) {
    const last = parts.at(-1)!;
    bytes += each.of.bytes;
    if (last.length < atOnce.files && bytes <= atOnce.bytes) last.push(each);
    else {
      parts.push([each]);
      bytes = each.of.bytes;
    }
  }
  return parts;
}

/** What is to be recorded of a file, and how. */
interface Due {
  readonly of: Content;
  readonly next: () => Promise<Version | undefined>;
}

/** A frame that was made, and what it tells of a file. */
interface Made {
  readonly frame: IbGib;
  /** What it leads to, and is not in the space yet. */
  readonly stones?: readonly IbGib[];
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
  await commitFrames(identity, {
    frames: made.map(({ frame }) => frame),
    stones: made.flatMap(({ stones = [] }) => stones),
    cells: changed.changes,
  });
  return changed.cell;
}

async function nextOf(
  identity: Identity,
  { was, now }: Changed<FileState>,
  isNow: ReadonlyMap<Address, FileState>,
): Promise<Version> {
  const { space, address: by } = identity;
  const isMoved = now.path !== was.path;
  const tip = await frameAt(space, goesOnFrom(was, isNow.get(was.file)));
  const isAnew = !isSame(now.content, was.content);
  const brought = isAnew ? await bringIn(identity, now.content, tip) : undefined;
  const isGone = isAnew && brought === undefined;
  if (isGone && !isMoved) return { file: was };
  // A move is recorded all the same: others may have come to the path that it left.
  const placed = isGone ? { ...now, content: was.content, stamp: undefined } : now;
  const { saying, stones, tip: from = tip } = brought ?? (await bringIn(identity, was.content, tip))!;
  const isExecutable = now.isExecutable ?? was.isExecutable;
  const patch = {
    saying,
    ...(isMoved && { path: now.path }),
    ...(isExecutable !== was.isExecutable && { executable: isExecutable || undefined }),
  };
  const frame = nextVersion(from, patch, by);
  const named = isMoved ? now.path : was.named;
  const file = stateOf(space, { file: was.file, frame, named }, { ...placed, isExecutable });
  const said = isMoved ? ({ change: "renamed", was: was.path } as const) : ({ change: "edited" } as const);
  return { file, made: madeOf(file, { frame, stones }, said) };
}

/** What the directory was written from; a newer frame that says the same is as good, and may have chunks that this one has not. */
function goesOnFrom(was: FileState, is: FileState | undefined): Address {
  const isAsWas = is && is.named === was.named && !is.isContested && isAlike(is, was);
  return isAsWas ? is.tip : was.tip;
}

async function removedOf(space: Space, file: FileState, by: Address): Promise<Made> {
  const frame = removalOf(await frameAt(space, file.tip), by);
  return madeOf(file, { frame }, { change: "removed" });
}

async function addedOf(
  identity: Identity,
  {
    now: { folder, owner },
    placed,
    back,
  }: {
    readonly now: FolderState;
    readonly placed: Placed;
    readonly back: RemovedFile | undefined;
  },
): Promise<Version | undefined> {
  const { space, address: by } = identity;
  const path = placed.path;
  const first = (data: Patch, rel8ns: Rel8ns = {}) =>
    createTimeline({
      ib: fileIb,
      data: { path, ...data },
      rel8ns,
      owner,
      by,
      within: folder,
      uuid: randomUUID(),
    });
  const brought = await bringIn(identity, placed.content, back?.tip, () => first({}));
  if (brought === undefined) return undefined;
  const { saying, stones, tip } = brought;
  const executable = placed.isExecutable || undefined;
  const root = "content" in saying ? { [rootLink]: [saying.content] } : {};
  const frame = tip
    ? nextVersion(tip, { path, executable, saying }, by)
    : first({ executable, ...saying }, root);
  const file = stateOf(space, { file: tjpOf(frame) ?? frame.address, frame, named: path }, placed);
  return { file, made: madeOf(file, { frame, stones }, { change: "added" }) };
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
  made: Pick<Made, "frame" | "stones">,
  said: Pick<LocalChange, "change" | "was">,
): Required<Made> {
  const change = { path, file, frame: made.frame.address, ...said };
  return { stones: [], ...made, change };
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
