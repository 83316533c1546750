import { type Address, type Conflict, conflictsOf, type Space } from "../../index.js";
import type { FileState, FolderState } from "./model.js";
import type { LocalChange } from "./plan.js";

/** What a person should look at: everyone has the same, and a rule has chosen what lies in the directory. */
export type FolderConflict = EditConflict | NameConflict | RemovalConflict;

/** Edits of the same places met. Stays until the file is edited next. */
export interface EditConflict {
  readonly kind: "edits";
  /** Of the file; `.` for the folder's own list of files. */
  readonly path: string;
  readonly timeline: Address;
  readonly places: readonly Conflict[];
}

/** Another file has the path that this one is named by; see `placesOf`. Stays until one of them is renamed or removed. */
export interface NameConflict {
  readonly kind: "name";
  readonly path: string;
  readonly timeline: Address;
  readonly named: string;
}

/** One side removed a file, and another edited it: it is removed, and its timeline has the text. Told once. */
export interface RemovalConflict {
  readonly kind: "removal";
  readonly path: string;
  readonly timeline: Address;
}

/** The conflicts that a folder shows as it is, by path. */
export function openConflicts({ folder, tip, files }: FolderState): readonly FolderConflict[] {
  const edits = [{ path: ".", file: folder, tip }, ...files].map(
    ({ path, file, tip }): EditConflict => ({
      kind: "edits",
      path,
      timeline: file,
      places: conflictsOf(tip),
    }),
  );
  const names = files
    .filter(({ path, named }) => path !== named)
    .map(({ path, file, named }): NameConflict => ({ kind: "name", path, timeline: file, named }));
  return byPath([...edits.filter(({ places }) => places.length > 0), ...names]);
}

/**
 * Changes of ours that met a removal: files we edited that are no longer in the folder, and files we removed that
 * others had edited.
 */
export async function metRemovals(
  space: Space,
  ours: readonly LocalChange[],
  files: readonly FileState[],
): Promise<readonly RemovalConflict[]> {
  const listed = new Set(files.map(({ file }) => file));
  const gone = ours.filter(({ change, file }) => change !== "added" && !listed.has(file));
  const tips = await space.tips(gone.map(({ file }) => file));
  return gone
    .filter(({ change, frame }, at) => change === "edited" || tips[at]?.address !== frame)
    .map(({ path, file }): RemovalConflict => ({ kind: "removal", path, timeline: file }));
}

export function byPath<Told extends { readonly path: string }>(told: readonly Told[]): Told[] {
  return [...told].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}
