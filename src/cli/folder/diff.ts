import { byPath } from "./conflicts.js";
import { FolderError } from "./errors.js";
import { locate } from "./locate.js";
import type { Change, LocalPlan } from "./plan.js";
import { type Local, readLocal } from "./status.js";
import { type FileChange, unifiedDiff } from "./unified.js";

/** A change that was made in a directory since it was last in step, with what it changes. */
export interface LocalDiff extends Change {
  /** Unified, as `git apply` takes it. */
  readonly diff: string;
}

/**
 * What the next sync of a directory would record, or of the part of it or the file that `text` names, line by line.
 *
 * @throws FolderError `unknown_file`, and as `locate` and `readLocal`.
 */
export async function diffOf(
  who: Parameters<typeof readLocal>[0],
  text: string,
): Promise<readonly LocalDiff[]> {
  const { cell, path } = await locate(who.space, text);
  const local = await readLocal(who, cell.place);
  const isMeant = (other: string | undefined) =>
    path === "" || other === path || other?.startsWith(`${path}/`) === true;
  if (!pathsIn(local).some(isMeant)) throw new FolderError("unknown_file", { path });
  const changes = fileChanges(local.plan).filter(({ was, now }) => isMeant(was?.path) || isMeant(now?.path));
  return byPath(changes.map((change) => ({ ...wordsOf(change), diff: unifiedDiff(change) })));
}

function pathsIn({ cell, scan }: Local): string[] {
  return ["", ...cell.mapping.base.map(({ path }) => path), ...scan.textByPath.keys()];
}

/** What is removed comes first: another file may have come to its path. */
function fileChanges({ added, edited, renamed, removed }: LocalPlan): FileChange[] {
  return [
    ...removed.map((was) => ({ was, now: undefined })),
    ...renamed.map(({ was, path, text }) => ({ was, now: { path, text } })),
    ...edited.map(({ was, text }) => ({ was, now: { path: was.path, text } })),
    ...added.map((now) => ({ was: undefined, now })),
  ];
}

function wordsOf({ was, now }: FileChange): Change {
  if (was === undefined) return { path: now!.path, change: "added" };
  if (now === undefined) return { path: was.path, change: "removed" };
  if (was.path === now.path) return { path: now.path, change: "edited" };
  return { path: now.path, change: "renamed", was: was.path };
}
