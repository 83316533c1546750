/** What keeps one file of a folder from being written, and nothing else. */
import { join } from "node:path";
import { isAny, isNameRefused, kindOf } from "./file-system.js";
import { type OutsideReason, whyOutside } from "./own.js";
import { caseCollisions, parentsOf } from "./paths.js";
import type { Write } from "./plan.js";
import type { Skipped, SkipReason } from "./skipped.js";

/** Failures that are not about one file: there is no sense in trying the next. */
const general = ["ENOSPC", "EDQUOT", "EMFILE", "ENFILE", "ENOMEM"] as const;

/** Why the system did not let one file be written. @throws What is not about that file, or no failure of the system. */
export function refusalOf(thrown: unknown): SkipReason {
  if (!(thrown instanceof Error) || !("syscall" in thrown) || isAny(thrown, ...general)) throw thrown;
  if (isAny(thrown, "EACCES", "EPERM", "EROFS")) return "no right to write it here";
  if (isAny(thrown, "EBUSY", "ETXTBSY", "EAGAIN")) return "in use by another program";
  if (isNameRefused(thrown)) return "this disk cannot hold its name";
  if (isAny(thrown, "ENOTDIR", "ELOOP")) return "its directory is no directory here";
  if (isAny(thrown, "EISDIR", "ENOTEMPTY")) return "a directory is in its place";
  if (isAny(thrown, "ENOENT", "EEXIST")) return "changed meanwhile";
  return "the disk refuses it";
}

/**
 * Writes that cannot be meant: into a home or another synced directory, through a link, below a file that stays, or under a name that this file system takes for another file's.
 *
 * @param paths All files of the folder as it will be.
 */
export async function obstaclesOf(
  dir: string,
  writes: readonly Write[],
  paths: readonly string[],
  ignoresCase: () => Promise<boolean>,
): Promise<readonly Skipped[]> {
  const looked = new Map<string, Promise<SkipReason | undefined>>();
  const removed = new Set(writes.filter(({ to }) => to === undefined).map(({ path }) => path));
  const onTheWay = (parent: string) => {
    const found = looked.get(parent) ?? obstacleAt(dir, parent, removed);
    looked.set(parent, found);
    return found;
  };
  const isNew = new Set(writes.filter(({ from }) => from === undefined).map(({ path }) => path));
  const colliding = caseCollisions([...paths].sort((a, b) => Number(isNew.has(a)) - Number(isNew.has(b))));
  const isCollision =
    colliding.size > 0 && (await ignoresCase()) ? (path: string) => colliding.has(path) : () => false;
  const found: Skipped[] = [];
  for (const { path, to } of writes) {
    const reasons = await Promise.all(parentsOf(path).map(onTheWay));
    const reason =
      reasons.find((each) => each !== undefined) ??
      (to !== undefined && isCollision(path) ? "this disk takes its name for another file's" : undefined);
    if (reason !== undefined) found.push({ path, reason });
  }
  return found;
}

/** What stands on the way at a directory's path. */
async function obstacleAt(
  dir: string,
  parent: string,
  removed: ReadonlySet<string>,
): Promise<SkipReason | undefined> {
  try {
    const outside: OutsideReason | undefined = await whyOutside(join(dir, parent));
    if (outside) return `in ${outside}`;
    const kind = await kindOf(join(dir, parent));
    const isInTheWay = kind === "other" || (kind === "file" && !removed.has(parent));
    return isInTheWay ? "its directory is no directory here" : undefined;
  } catch (thrown) {
    return refusalOf(thrown);
  }
}
