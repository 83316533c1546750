import { randomBytes } from "node:crypto";
import { access, constants, lstat, mkdir, rename, rmdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { systemError } from "../../index.js";
import { isSame } from "./content.js";
import { type Known, lookAtFile, type OnDisk } from "./disk-file.js";
import {
  flushDirectory,
  ignoresCase,
  isAny,
  changeMode,
  kindOf,
  makerOf,
  removeIfThere,
  temporaryFileName,
} from "./file-system.js";
import { counting, type OnProgress, unseen } from "./folder-progress.js";
import { obstaclesOf, refusalOf } from "./obstacles.js";
import { directoryAt, isDirectoryPath, parentsOf } from "./paths.js";
import type { Write } from "./plan.js";
import { inPlace, type Skipped, type SkipReason } from "./skipped.js";
import { checkWritten, Room, Unfit, writeSaid } from "./write-content.js";

interface Prepared {
  readonly write: Write;
  /** Where what is new lies. Undefined for a file that is to go, or says that already. */
  readonly temporary: string | undefined;
  /** What was found at the path, so that it need not be read once more. */
  readonly found: Known | undefined;
}

/** What writing left as it was. */
export interface Unwritten {
  /** A line each: what could not be written, and why. */
  readonly skipped: readonly Skipped[];
  /** Their paths, and those that belong to them: both paths of a file that was renamed stay as they are. */
  readonly leftAlone: ReadonlySet<string>;
}

/**
 * Brings files to what writes say. Each group of them (a file, or files that were renamed to each other's paths) is
 * written as a whole or left as a whole, and keeps no other from being written:
 *
 * 1. Every path on the way is looked at; see `obstaclesOf`.
 * 2. What is new is written to a temporary file in a directory that exists, and flushed. Up to here nothing shows,
 *    and a failure that is not about one file (a full disk, say) takes the temporary files away again.
 * 3. Files are put in place group by group, removals first. Just before, they are read again: a group of which one is not
 *    as it was scanned is left alone. Where the system refuses one, the group is put back as it was.
 *
 * After a crash in 3 some files are new and some old, and each of them is whole; the next sync finds the new ones as
 * they should be, and writes the rest.
 *
 * @param dir A real path.
 * @param paths All files of the folder as it will be.
 * @throws KeysagaError `disk_full` or `file_failed` with the path of the file, for a failure that is not about it alone.
 */
export async function writeFiles(
  dir: string,
  all: readonly Write[],
  paths: readonly string[],
  onProgress: OnProgress = unseen,
): Promise<Unwritten> {
  const skipped: Skipped[] = [...(await obstaclesOf(dir, all, paths, () => ignoresCase(dir)))];
  const groupOf = new Map(all.map(({ path, group }) => [path, group]));
  const leftGroups = new Set(skipped.map(({ path }) => groupOf.get(path)));
  const leave = (path: string, reason: SkipReason) => {
    skipped.push({ path, reason });
    leftGroups.add(groupOf.get(path));
  };
  const open = () => all.filter(({ group }) => !leftGroups.has(group));
  const prepared: Prepared[] = [];
  const room = new Room(dir);
  try {
    const due = open();
    const onDone = counting(onProgress, "writing", due.length);
    await prepareAll(dir, due, { prepared, room, leave, onDone });
    for (const group of groupsOf(prepared.filter(({ write }) => !leftGroups.has(write.group)))) {
      const failed = await putGroup(dir, group);
      if (failed) leave(failed.path, failed.reason);
    }
    await flushDirectories(dir, open());
  } finally {
    for (const { temporary } of prepared) if (temporary) await removeIfThere(temporary);
  }
  const leftAlone = new Set(all.filter(({ group }) => leftGroups.has(group)).map(({ path }) => path));
  return { skipped, leftAlone };
}

/** In the order of the writes: a group that takes a path away stands where its first removal does. */
function groupsOf(prepared: readonly Prepared[]): readonly (readonly Prepared[])[] {
  const groups = new Map<string, Prepared[]>();
  for (const each of prepared) {
    const group = groups.get(each.write.group);
    if (group) group.push(each);
    else groups.set(each.write.group, [each]);
  }
  return [...groups.values()];
}

/** Takes away temporary files of processes that are gone. */
export async function removeLeftovers(dir: string, leftovers: readonly string[]): Promise<void> {
  for (const path of leftovers) {
    const maker = makerOf(path.slice(path.lastIndexOf("/") + 1));
    if (maker === undefined || isRunning(maker)) continue;
    await removeIfThere(join(dir, path)).catch(refusalOf); // it is in nobody's way
  }
}

/** Flushes of many files at once cost a file system little more than one. */
const flushesAtOnce = 32;

/** Fills `prepared`; where it throws, with everything that has to be taken away again. */
async function prepareAll(
  dir: string,
  writes: readonly Write[],
  {
    prepared,
    room,
    leave,
    onDone,
  }: {
    readonly prepared: Prepared[];
    readonly room: Room;
    readonly leave: (path: string, reason: SkipReason) => void;
    readonly onDone: (more: number) => void;
  },
): Promise<void> {
  for (let at = 0; at < writes.length; at += flushesAtOnce) {
    const part = writes.slice(at, at + flushesAtOnce);
    const outcomes = await Promise.allSettled(part.map((write) => prepare(dir, write, room)));
    for (const outcome of outcomes)
      if (outcome.status === "fulfilled" && typeof outcome.value === "object") prepared.push(outcome.value);
    for (const [nth, outcome] of outcomes.entries()) {
      const { path } = part[nth]!;
      if (outcome.status === "rejected") leave(path, refused(outcome.reason, join(dir, path)));
      else if (typeof outcome.value === "string") leave(path, outcome.value);
    }
    onDone(part.length);
  }
}

/** @throws What is not about that file, told of it and not of a temporary one. */
function refused(thrown: unknown, file: string): SkipReason {
  try {
    return refusalOf(thrown);
  } catch (general) {
    throw systemError(general, file) ?? general;
  }
}

/**
 * Flushes what is new to a temporary file, if that may be written, with the permissions of the file that it will replace,
 * or was renamed from.
 */
async function prepare(dir: string, write: Write, room: Room): Promise<Prepared | SkipReason> {
  const { path, to, was, isExecutable } = write;
  if (isDirectoryPath(path)) return { write, temporary: undefined, found: undefined };
  if (to === undefined) {
    await access(dirname(join(dir, path)), constants.W_OK).catch(passAbsent);
    return { write, temporary: undefined, found: knownOf(write) };
  }
  const here = await lookAtFile(join(dir, path), knownOf(write));
  const found = here.kind === "file" ? here : undefined;
  if (found && isAs(found, write)) return { write, temporary: undefined, found };
  const said = await to.read();
  if (said === undefined) return "changed meanwhile";
  if (!(await room.take(to))) return "no room for it on this disk";
  await lstat(join(dir, path)).catch(passAbsent); // a name that the disk does not have is refused here
  const mode = await modeOf(was === undefined ? [join(dir, path)] : [join(dir, was), join(dir, path)]);
  const temporary = join(await nearestDirectory(dir, path), temporaryFileName(process.pid, randomBytes(8)));
  try {
    await writeSaid(temporary, said, { flag: "wx", mode: mode ?? 0o666, name: basename(path) });
    if (!("text" in said)) await checkWritten(temporary, to);
    const given = (await lstat(temporary)).mode & 0o777;
    const due = withExecutable(mode ?? given, isExecutable);
    if (due !== given) await changeMode(temporary, due);
  } catch (thrown) {
    await removeIfThere(temporary);
    if (thrown instanceof Unfit) return thrown.reason;
    throw thrown;
  }
  return { write, temporary, found };
}

function knownOf({ from, stamp }: Write): Known | undefined {
  return from && { content: from, stamp };
}

/** Does a file say and do already what is to be written? */
function isAs(found: Extract<OnDisk, { kind: "file" }>, { to, isExecutable }: Write): boolean {
  return isSame(found.content, to) && found.isExecutable === (isExecutable ?? found.isExecutable);
}

/** A file that can be run can be run by all who may read it. */
function withExecutable(mode: number, isExecutable: boolean | undefined): number {
  if (isExecutable === undefined) return mode;
  return isExecutable ? mode | ((mode & 0o444) >> 2) : mode & ~0o111;
}

function passAbsent(thrown: unknown): void {
  if (!isAny(thrown, "ENOENT", "ENOTDIR")) throw thrown;
}

/** The permissions of the first of these that is a file. */
async function modeOf(files: readonly string[]): Promise<number | undefined> {
  for (const file of files) {
    const stats = await lstat(file).catch(passAbsent);
    if (stats?.isFile()) return stats.mode & 0o777;
  }
  return undefined;
}

/** The innermost directory on the way to `path` that is there: new ones next to it will be on its file system. */
async function nearestDirectory(dir: string, path: string): Promise<string> {
  for (const parent of parentsOf(path).reverse()) {
    if ((await kindOf(join(dir, parent))) === "directory") return join(dir, parent);
  }
  return dir;
}

/** @returns What could not be written, and why: then nothing of the group was. */
async function putGroup(dir: string, group: readonly Prepared[]): Promise<Skipped | undefined> {
  const due: Prepared[] = [];
  const removed = group.flatMap(({ write: { path, to } }) => (to === undefined ? parentsOf(path) : []));
  for (const each of group) {
    const found = await lookAt(dir, each, new Set(removed));
    if (found === "due") due.push(each);
    else if (found !== "done") return found;
  }
  const undo: (() => Promise<void>)[] = [];
  for (const each of due) {
    try {
      await put(dir, each, undo);
    } catch (thrown) {
      undo.pop(); // of what was not done
      for (const back of undo.reverse()) await back().catch(refusalOf);
      return { path: each.write.path, reason: refused(thrown, join(dir, each.write.path)) };
    }
  }
  return undefined;
}

/**
 * How a path stands to what is to be written: what is there has to be what the write starts from, or its end.
 *
 * @param emptied Directories that files of the group are removed from, and that may be gone by that.
 */
async function lookAt(
  dir: string,
  { write, temporary, found: before }: Prepared,
  emptied: ReadonlySet<string>,
): Promise<"due" | "done" | Skipped> {
  const { path, from, to } = write;
  if (isDirectoryPath(path)) {
    const isThere = (await kindOf(join(dir, directoryAt(path)))) === "directory";
    return isThere === (to !== undefined) ? "done" : "due";
  }
  const found = await lookAtFile(join(dir, path), before);
  if (found.kind === "other") {
    if (found.reason === "a directory is in its place" && emptied.has(path)) return "due";
    const { kind: _, ...why } = found;
    return { path, ...why, reason: inPlace(why.reason) };
  }
  const here = found.kind === "file" ? found.content : undefined;
  if (found.kind === "file" ? isAs(found, write) : to === undefined) return "done";
  if (!isSame(here, from) || (to !== undefined && temporary === undefined))
    return { path, reason: "changed meanwhile" };
  return found.kind === "file" && (found.mode & 0o222) === 0 ? { path, reason: "read-only here" } : "due";
}

/** @param undo Gets what takes it back, for where another file of the group cannot be put. */
async function put(
  dir: string,
  { write, temporary }: Prepared,
  undo: (() => Promise<void>)[],
): Promise<void> {
  const { path, from, to } = write;
  if (isDirectoryPath(path)) return putDirectory(dir, path, { isNew: to !== undefined, undo });
  const file = join(dir, path);
  const mode = from === undefined ? undefined : (await lstat(file)).mode & 0o777;
  undo.push(async () => {
    if (from === undefined) return removeFile(dir, path);
    const said = await from.read();
    if (said === undefined) return;
    await makeParents(dir, path);
    await writeSaid(file, said, { flag: "w", name: basename(path) });
    if (mode !== undefined) await changeMode(file, mode);
  });
  if (temporary === undefined) return removeFile(dir, path);
  const made = await makeParents(dir, path);
  try {
    await rename(temporary, file);
  } catch (thrown) {
    for (const parent of made.reverse()) await rmdir(join(dir, parent)).catch(refusalOf);
    throw thrown;
  }
}

/** One that is to go and has something in it by now stays. */
async function putDirectory(
  dir: string,
  path: string,
  { isNew, undo }: { readonly isNew: boolean; readonly undo: (() => Promise<void>)[] },
): Promise<void> {
  const make = async () => void (await makeParents(dir, path));
  const remove = () => removeEmptyParents(dir, path);
  undo.push(isNew ? remove : make);
  await (isNew ? make() : remove());
}

async function removeFile(dir: string, path: string): Promise<void> {
  await removeIfThere(join(dir, path));
  await removeEmptyParents(dir, path);
}

/** @returns Those that were not there. */
async function makeParents(dir: string, path: string): Promise<string[]> {
  const made: string[] = [];
  for (const parent of parentsOf(path)) {
    if ((await kindOf(join(dir, parent))) !== "absent") continue;
    await mkdir(join(dir, parent));
    made.push(parent);
  }
  return made;
}

async function removeEmptyParents(dir: string, path: string): Promise<void> {
  for (const parent of parentsOf(path).reverse()) {
    try {
      await rmdir(join(dir, parent));
    } catch (thrown) {
      if (isAny(thrown, "ENOENT")) continue;
      return; // not empty, or not ours to remove: it stays
    }
  }
}

/** Makes renames and removals durable, before the mapping says that they have happened. */
async function flushDirectories(dir: string, writes: readonly Write[]): Promise<void> {
  const touched = new Set(writes.flatMap(({ path }) => [dirname(path), ...parentsOf(path).map(dirname)]));
  for (const path of touched) {
    if ((await kindOf(join(dir, path))) === "directory")
      await flushDirectory(join(dir, path)).catch(refusalOf);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return isAny(thrown, "EPERM");
  }
}
