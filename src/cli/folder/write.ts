import { randomBytes } from "node:crypto";
import { chmod, lstat, mkdir, rename, rmdir, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemError } from "../../index.js";
import { holdsDeviceSecret } from "../../node/index.js";
import { readTextFile, type Skipped } from "./disk.js";
import { FolderError } from "./errors.js";
import { flushDirectory, isAny, makerOf, removeIfThere, temporaryFileName } from "./file-system.js";
import { type OutsideReason, whyOutside } from "./own.js";
import { caseCollision, parentsOf } from "./paths.js";
import type { Write } from "./plan.js";

interface Prepared {
  readonly write: Write;
  /** Where the new text lies. Undefined for a file that is to go, or has the new text already. */
  readonly temporary: string | undefined;
}

/**
 * Brings files to what writes say, as nearly all or nothing as a file system lets us:
 *
 * 1. Every path on the way is looked at; what must not be written through refuses the whole. What would go into a home
 *    or another synced directory is left alone, and so is what would be taken for a part of a home.
 * 2. Every new text is written to a temporary file in a directory that exists, and flushed. Up to here nothing shows,
 *    and a failure (a full disk, say) takes the temporary files away again.
 * 3. Files that go are removed, then each temporary file takes its place by a rename. Just before, the file is read
 *    again: one that is not as it was scanned is left alone.
 *
 * After a crash in 3 some files are new and some old, and each of them is whole; the next sync finds the new ones as
 * they should be, and writes the rest.
 *
 * @param dir A real path.
 * @param paths All files of the folder as it will be.
 * @returns The paths that were left alone, and why.
 * @throws FolderError `parent`, `tree`, before anything was written; KeysagaError `disk_full`, `file_refused` or
 *   `file_failed`
 *   with the path of the file.
 */
export async function writeFiles(
  dir: string,
  all: readonly Write[],
  paths: readonly string[],
): Promise<readonly Skipped[]> {
  const leftAlone = await forbiddenWrites(dir, all);
  const forbidden = new Set(leftAlone.map(({ path }) => path));
  const writes = all.filter(({ path }) => !forbidden.has(path));
  await checkWays(dir, writes);
  await about(dir, () => checkCase(dir, paths));
  const prepared: Prepared[] = [];
  try {
    await prepareAll(dir, writes, prepared);
    for (const each of prepared) {
      const skipped = await about(join(dir, each.write.path), () => put(dir, each));
      if (skipped) leftAlone.push(skipped);
    }
    await about(dir, () => flushDirectories(dir, writes));
  } finally {
    for (const { temporary } of prepared) if (temporary) await removeIfThere(temporary);
  }
  return leftAlone;
}

/** What the system refuses is told of the file that it is about, and not of a temporary one. */
async function about<Result>(file: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (thrown) {
    throw systemError(thrown, file) ?? thrown;
  }
}

/** Takes away temporary files of processes that are gone. */
export async function removeLeftovers(dir: string, leftovers: readonly string[]): Promise<void> {
  for (const path of leftovers) {
    const maker = makerOf(path.slice(path.lastIndexOf("/") + 1));
    if (maker !== undefined && !isRunning(maker)) await removeIfThere(join(dir, path));
  }
}

async function forbiddenWrites(dir: string, writes: readonly Write[]): Promise<Skipped[]> {
  const reasons = new Map<string, OutsideReason | undefined>();
  const forbidden: Skipped[] = [];
  for (const { path, to } of writes) {
    for (const parent of parentsOf(path))
      if (!reasons.has(parent)) reasons.set(parent, await whyOutside(join(dir, parent)));
    const [outside] = parentsOf(path).flatMap((parent) => reasons.get(parent) ?? []);
    if (outside) forbidden.push({ path, reason: `in ${outside}` });
    else if (to !== undefined && holdsDeviceSecret(to))
      forbidden.push({ path, reason: "holds the secret of an identity" });
  }
  return forbidden;
}

/** @throws FolderError `parent` where a way leads through a symbolic link, or through a file that stays. */
async function checkWays(dir: string, writes: readonly Write[]): Promise<void> {
  const removed = new Set(writes.filter(({ to }) => to === undefined).map(({ path }) => path));
  const looked = new Set<string>();
  for (const { path } of writes) {
    for (const parent of parentsOf(path)) {
      if (looked.has(parent)) continue;
      looked.add(parent);
      const kind = await kindOf(join(dir, parent));
      if (kind === "other" || (kind === "file" && !removed.has(parent)))
        throw new FolderError("parent", { path: parent });
    }
  }
}

/** @throws FolderError `tree` where this file system would take two of the paths for one. */
async function checkCase(dir: string, paths: readonly string[]): Promise<void> {
  const path = caseCollision(paths);
  if (path !== undefined && (await ignoresCase(dir)))
    throw new FolderError("tree", { rule: "case_collision", path });
}

async function ignoresCase(dir: string): Promise<boolean> {
  const name = temporaryFileName(process.pid, randomBytes(8));
  await writeFile(join(dir, name), "", { flag: "wx" });
  try {
    return (await kindOf(join(dir, name.toUpperCase()))) !== "absent";
  } finally {
    await removeIfThere(join(dir, name));
  }
}

/** Flushes of many files at once cost a file system little more than one. */
const flushesAtOnce = 32;

/** Fills `prepared`; where it throws, with everything that has to be taken away again. */
async function prepareAll(dir: string, writes: readonly Write[], prepared: Prepared[]): Promise<void> {
  for (let at = 0; at < writes.length; at += flushesAtOnce) {
    const part = writes.slice(at, at + flushesAtOnce);
    const outcomes = await Promise.allSettled(
      part.map((write) => about(join(dir, write.path), () => prepare(dir, write))),
    );
    for (const outcome of outcomes) if (outcome.status === "fulfilled") prepared.push(outcome.value);
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed) throw failed.reason;
  }
}

/** Flushes the new text to a temporary file, with the permissions of the file it will replace. */
async function prepare(dir: string, write: Write): Promise<Prepared> {
  const { path, to } = write;
  if (to === undefined) return { write, temporary: undefined };
  const found = await readTextFile(join(dir, path), path);
  if (found.kind === "text" && found.text === to) return { write, temporary: undefined };
  const temporary = join(await nearestDirectory(dir, path), temporaryFileName(process.pid, randomBytes(8)));
  try {
    await writeFile(temporary, to, { flag: "wx", flush: true });
    if (found.kind === "text") await chmod(temporary, found.mode & 0o777);
  } catch (thrown) {
    await removeIfThere(temporary);
    throw thrown;
  }
  return { write, temporary };
}

/** The innermost directory on the way to `path` that is there: new ones next to it will be on its file system. */
async function nearestDirectory(dir: string, path: string): Promise<string> {
  for (const parent of parentsOf(path).reverse()) {
    if ((await kindOf(join(dir, parent))) === "directory") return join(dir, parent);
  }
  return dir;
}

/** @returns Why the path was left alone: what stands there is neither where the write starts from nor its end. */
async function put(dir: string, { write, temporary }: Prepared): Promise<Skipped | undefined> {
  const { path, from, to } = write;
  const found = await readTextFile(join(dir, path), path);
  if (found.kind === "other") return { path, reason: found.reason, ...(found.size && { size: found.size }) };
  const text = found.kind === "text" ? found.text : undefined;
  if (text === to) return undefined;
  if (text !== from) return { path, reason: "changed meanwhile" };
  if (to === undefined) await removeFile(dir, path);
  else if (temporary === undefined) return { path, reason: "changed meanwhile" };
  else await placeFile(dir, path, temporary);
  return undefined;
}

async function removeFile(dir: string, path: string): Promise<void> {
  await unlink(join(dir, path));
  await removeEmptyParents(dir, path);
}

async function placeFile(dir: string, path: string, temporary: string): Promise<void> {
  await makeParents(dir, path);
  await rename(temporary, join(dir, path));
}

async function makeParents(dir: string, path: string): Promise<void> {
  for (const parent of parentsOf(path)) {
    const kind = await kindOf(join(dir, parent));
    if (kind === "absent") await mkdir(join(dir, parent));
    else if (kind !== "directory") throw new FolderError("parent", { path: parent });
  }
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

async function kindOf(path: string): Promise<"absent" | "directory" | "file" | "other"> {
  try {
    const stats = await lstat(path);
    if (stats.isDirectory()) return "directory";
    return stats.isFile() ? "file" : "other";
  } catch (thrown) {
    if (isAny(thrown, "ENOENT", "ENOTDIR")) return "absent";
    throw thrown;
  }
}

/** Makes renames and removals durable, before the mapping says that they have happened. */
async function flushDirectories(dir: string, writes: readonly Write[]): Promise<void> {
  const touched = new Set(writes.flatMap(({ path }) => [dirname(path), ...parentsOf(path).map(dirname)]));
  for (const path of touched) {
    if ((await kindOf(join(dir, path))) === "directory") await flushDirectory(join(dir, path));
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
