import {
  type Address,
  type IbGib,
  isMerge,
  isTjp,
  makerOf,
  nOf,
  receiptTimes,
  type Space,
} from "../../index.js";
import { FolderError } from "./errors.js";
import { folderLimits } from "./limits.js";
import { locate } from "./locate.js";
import type { MappedCell } from "./mapping.js";
import { readFolder } from "./model.js";
import type { Change, ChangeKind } from "./plan.js";
import { chunkLink, digestFor, frameAt, pathOfFrame, type Step, sayingOf, stepsBack } from "./version.js";

/** One revision of a file. */
export interface LogEntry extends Omit<Change, "change"> {
  readonly change: ChangeKind | "merged";
  /** Its frame. */
  readonly revision: Address;
  /** Who has made it, as the frame says. A merge is the same whoever makes it. */
  readonly by: Address | undefined;
  /** Milliseconds since the epoch: by then a receiver had it, by its clock. Undefined where no receipt says so. */
  readonly arrived: number | undefined;
}

export interface FolderLog {
  readonly folder: Address;
  /** The newest first: by when they arrived, then by their place in the file's history. */
  readonly entries: readonly LogEntry[];
  /** Older revisions are there, beyond `folderLimits.logFramesMax` or `logFramesPerFileMax`. */
  readonly isCut: boolean;
}

/**
 * What was done to the files of a synced directory, or of a part of it, or to one file, through its renames, also one that was
 * removed. Frames have no time, as no clock of a maker can be trusted: what is known is when a receiver had them.
 *
 * @throws FolderError `unknown_file`, and as `locate` and `readFolder`.
 */
export async function logOf(space: Space, text: string): Promise<FolderLog> {
  const { cell, path } = await locate(space, text);
  const { files, isOne } = await filesAt(space, cell, path);
  const max = isOne ? folderLimits.logFramesMax : folderLimits.logFramesPerFileMax;
  const times = await receiptTimes(space);
  const rows: Row[] = [];
  let isCut = false;
  for (const file of files) {
    const found = await rowsOf(space, file, max);
    isCut ||= found.isCut;
    rows.push(...withTimes(found.rows, times));
  }
  return { folder: cell.mapping.folder, entries: rows.sort(newestFirst).map(({ entry }) => entry), isCut };
}

/** A file that a folder has, or had, by its newest frame. */
export interface LoggedFile {
  readonly file: Address;
  readonly path: string;
  readonly tip: Address;
}

/** The file at a path; or the one that was removed from there; or all that are below it, or were. */
export async function filesAt(
  space: Space,
  { mapping }: MappedCell,
  path: string,
): Promise<{ readonly files: readonly LoggedFile[]; readonly isOne: boolean }> {
  const now = await readFolder(space, mapping.folder, mapping);
  const here = [...mapping.base, ...now.files].filter((each) => each.path === path);
  const tips = new Map(now.files.map(({ file, tip }) => [file, tip]));
  const [one] = here;
  if (one) return { files: [{ ...one, tip: tips.get(one.file) ?? one.tip }], isOne: true };
  const gone = now.removed.map(({ file, tip }) => ({ file, tip: tip.address, path: pathOfFrame(tip)! }));
  const removed = gone.filter((each) => each.path === path);
  if (removed.length > 0) return { files: removed, isOne: true };
  const below = [...now.files, ...gone].filter((each) => path === "" || each.path.startsWith(`${path}/`));
  if (below.length === 0 && path !== "") throw new FolderError("unknown_file", { path });
  return { files: below, isOne: false };
}

/** An entry with what its place among others goes by. */
interface Row {
  readonly entry: LogEntry;
  readonly n: number;
  readonly before: readonly Address[];
}

async function rowsOf(
  space: Space,
  { file, tip }: LoggedFile,
  max: number,
): Promise<{ readonly rows: readonly Row[]; readonly isCut: boolean }> {
  const rows: Row[] = [];
  const newest = await frameAt(space, tip);
  const first = (await space.get(file)) ?? newest;
  for await (const step of stepsBack(space, newest)) {
    if (rows.length === max) return { rows, isCut: true };
    const entry = entryOf(step, first);
    const before = step.before.map(({ address }) => address);
    if (entry) rows.push({ entry, n: nOf(step.frame) ?? 0, before });
  }
  return { rows, isCut: false };
}

/** Undefined for what only brings chunks, and for what others have put among the frames and is no version of a file. */
function entryOf({ frame, before: [was] }: Step, first: IbGib): LogEntry | undefined {
  const path = pathOfFrame(frame);
  if (path === undefined) return undefined;
  const entry = { path, revision: frame.address, arrived: undefined };
  if (isMerge(frame)) return { ...entry, change: "merged", by: undefined };
  const by = makerOf(frame, first);
  const saying = sayingOf(frame);
  if (isTjp(frame)) return saying && { ...entry, change: "added", by };
  if (isOnTheWay(frame, was)) return undefined;
  if (saying === undefined) return { ...entry, change: "removed", by };
  if (was && !isMerge(was) && sayingOf(was) === undefined) return { ...entry, change: "added", by };
  const wasPath = was && pathOfFrame(was);
  if (wasPath !== undefined && wasPath !== path) return { ...entry, change: "renamed", by, was: wasPath };
  return { ...entry, change: "edited", by };
}

/** Does a frame change nothing but what it links? */
function isOnTheWay(frame: IbGib, was: IbGib | undefined): boolean {
  if (was === undefined || frame.rel8ns?.[chunkLink] === undefined) return false;
  const [saying, before] = [frame, was].map(sayingOf);
  return (
    pathOfFrame(frame) === pathOfFrame(was) && (saying && digestFor(saying)) === (before && digestFor(before))
  );
}

/** Whoever has a frame has what it goes on from: the earliest time of a frame and all that go on from it is its own. */
function withTimes(rows: readonly Row[], times: ReadonlyMap<Address, number>): Row[] {
  const arrived = new Map(times);
  const inOrder = [...rows].sort((a, b) => b.n - a.n);
  for (const { entry, before } of inOrder) {
    const time = arrived.get(entry.revision);
    if (time === undefined) continue;
    for (const address of before) arrived.set(address, Math.min(time, arrived.get(address) ?? time));
  }
  return inOrder.map((row) => ({
    ...row,
    entry: { ...row.entry, arrived: arrived.get(row.entry.revision) },
  }));
}

/** What has not arrived is newer than what has. */
function newestFirst(a: Row, b: Row): number {
  const [one, other] = [a, b].map(({ entry }) => entry.arrived ?? Number.POSITIVE_INFINITY);
  if (one !== other) return one! > other! ? -1 : 1;
  if (a.entry.path !== b.entry.path && a.n === b.n) return a.entry.path < b.entry.path ? -1 : 1;
  return b.n - a.n;
}

/** The digits of a revision that a log shows, and `keysaga restore` takes. */
export function revisionDigits(revision: Address): string {
  return hashOf(revision).slice(0, 12);
}

const revisionDigitsMin = 4;

/**
 * The one revision of files that begins with some digits, or is that address.
 *
 * @throws FolderError `unknown_revision`, `ambiguous_revision`.
 */
export async function findRevision(
  space: Space,
  files: readonly LoggedFile[],
  text: string,
): Promise<{ readonly file: LoggedFile; readonly frame: IbGib }> {
  const digits = hashOf(text).toUpperCase();
  const found: { readonly file: LoggedFile; readonly frame: IbGib }[] = [];
  for (const file of files) {
    let steps = 0;
    for await (const { frame } of stepsBack(space, await frameAt(space, file.tip))) {
      if (hashOf(frame.address).startsWith(digits)) found.push({ file, frame });
      if (++steps === folderLimits.logFramesMax || found.length > 1) break;
    }
  }
  const [first, second] = found;
  if (first === undefined || digits.length < revisionDigitsMin)
    throw new FolderError("unknown_revision", { revision: text });
  if (second !== undefined) throw new FolderError("ambiguous_revision", { revision: text });
  return first;
}

/** Of an address, or of what stands behind its `^`: a frame's own hash stands before that of its timeline. */
function hashOf(text: string): string {
  const gib = text.trim().split("^").at(-1) ?? "";
  return gib.split(".")[0] ?? "";
}
