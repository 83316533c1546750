import { FolderError } from "./errors.js";
import type { OnProgress } from "./folder-progress.js";
import type { FileState } from "./model.js";
import { isDirectoryPath } from "./paths.js";
import type { LocalPlan } from "./plan.js";

/** A removal that is too large to be taken for meant. */
export interface MassRemoval {
  /** Files are missing here, or the whole directory is another one, or others have removed them. */
  readonly kind: "missing" | "unmarked" | "removed_there";
  readonly gone: number;
  /** Files that lay in the directory when it was last in step. */
  readonly of: number;
}

/** Asks whether a removal is meant. */
export type AskRemoval = (removal: MassRemoval) => Promise<boolean>;

/** What a person beside the command is asked and told. */
export interface Terminal {
  readonly ask: AskRemoval;
  /** Told how far it is. */
  readonly onProgress: OnProgress;
}

/** Where nobody can be asked. */
export const refuseRemoval: AskRemoval = async () => false;

/** @throws FolderError of the removal's kind, where it is a large one and is not meant. */
export async function checkRemoval(removal: MassRemoval, ask: AskRemoval): Promise<void> {
  if (isMuch(removal)) await demandYes(removal, ask);
}

/** @throws FolderError of the removal's kind, where it is not meant. */
export async function demandYes(removal: MassRemoval, ask: AskRemoval): Promise<void> {
  const { kind, gone, of } = removal;
  if (!(await ask(removal))) throw new FolderError(kind, { gone: `${gone} of ${of}` });
}

/** Is it asked about? More than a third and more than two, or all. */
export function isMuch({ gone, of }: MassRemoval): boolean {
  return gone > 0 && (gone === of || (gone > 2 && gone * 3 > of));
}

/** Without empty directories: who loses one loses nothing. */
export function filesIn<File extends { readonly path: string }>(files: readonly File[]): File[] {
  return files.filter(({ path }) => !isDirectoryPath(path));
}

/** Files that are missing from a directory, without those whose content lies at a new path. */
export function countMissing({ removed, added }: LocalPlan): number {
  return countGone(
    filesIn(removed).map(({ content }) => content.digest),
    filesIn(added).map(({ content }) => content.digest),
  );
}

/** The same for what is about to be written. */
export function countRemoved(base: readonly FileState[], now: readonly FileState[]): number {
  return countGone(digestsOf(filesIn(base), now), digestsOf(filesIn(now), base));
}

/** Of the files that are not among the others as well, nor another one at their path. */
function digestsOf(files: readonly FileState[], others: readonly FileState[]): string[] {
  const known = new Set(others.flatMap(({ file, path }) => [file, path]));
  return files
    .filter(({ file, path }) => !known.has(file) && !known.has(path))
    .map(({ content }) => content.digest);
}

/** Each content that came accounts for one that went. */
function countGone(went: readonly string[], came: readonly string[]): number {
  const arrivals = new Map<string, number>();
  for (const digest of came) arrivals.set(digest, (arrivals.get(digest) ?? 0) + 1);
  let gone = 0;
  for (const digest of went) {
    const left = arrivals.get(digest) ?? 0;
    if (left === 0) gone += 1;
    else arrivals.set(digest, left - 1);
  }
  return gone;
}
