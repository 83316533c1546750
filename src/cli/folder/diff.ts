import { byPath } from "./conflicts.js";
import { isSame } from "./content.js";
import { FolderError } from "./errors.js";
import { locate } from "./locate.js";
import { isDirectoryPath } from "./paths.js";
import type { Changed, Placed } from "./moves.js";
import type { Change, LocalPlan } from "./plan.js";
import { type Local, readLocal } from "./status.js";
import { type FileChange, unifiedDiff } from "./unified.js";

/** A change that was made in a directory since it was last in step, with what it changes. */
export interface LocalDiff extends Change {
  /** Unified, as `git apply` takes it. */
  readonly diff: string;
}

/**
 * What the next sync of a directory would record, or of the part of it or the file that `text` names, line by line; empty
 * directories, of which there is no such thing as a line, left out.
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
  const diffs: LocalDiff[] = [];
  for (const { was, now } of changesOf(local.plan)) {
    if ((!isMeant(was?.path) && !isMeant(now?.path)) || isDirectoryPath((was ?? now)!.path)) continue;
    const change = { was: was && (await inText(was)), now: now && (await inText(now, was)) };
    diffs.push({ ...wordsOf(change), diff: unifiedDiff(change, isSame(was?.content, now?.content)) });
  }
  return byPath(diffs);
}

function pathsIn({ cell, scan }: Local): string[] {
  return ["", ...cell.mapping.base.map(({ path }) => path), ...scan.files.keys()];
}

/** What is removed comes first: another file may have come to its path. */
function changesOf({ added, edited, renamed, removed }: LocalPlan): Partial<Changed<Placed>>[] {
  return [...removed.map((was) => ({ was })), ...renamed, ...edited, ...added.map((now) => ({ now }))];
}

/** What vanished since it was looked at is shown as empty: the next look tells. What is no text has none. */
async function inText(
  { path, content, isExecutable }: Placed,
  was?: Placed,
): Promise<NonNullable<FileChange["now"]>> {
  const said = (await content.read()) ?? { text: "" };
  return {
    path,
    text: "text" in said ? said.text : undefined,
    isExecutable: isExecutable ?? was?.isExecutable ?? false,
  };
}

function wordsOf({ was, now }: FileChange): Change {
  if (was === undefined) return { path: now!.path, change: "added" };
  if (now === undefined) return { path: was.path, change: "removed" };
  if (was.path === now.path) return { path: now.path, change: "edited" };
  return { path: now.path, change: "renamed", was: was.path };
}
