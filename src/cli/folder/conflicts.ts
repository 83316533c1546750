import { type Address, type Conflict, conflictsOf, type IbGib, type Space } from "../../index.js";
import type { FolderState } from "./model.js";
import { frameAt, sayingOf, wasRemoved } from "./version.js";

/** What a person should look at: everyone has the same, and a rule has chosen what lies in the directory. */
export type FolderConflict = EditConflict | NameConflict | RemovalConflict;

/** Edits of the same places met. Stays until the file is edited next. */
export interface EditConflict {
  readonly kind: "edits";
  /** Of the file; `.` for the folder itself. */
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

/** One side removed a file, and another changed it: it is kept. Stays until the file is changed or removed next. */
export interface RemovalConflict {
  readonly kind: "removal";
  readonly path: string;
  readonly timeline: Address;
}

/** The conflicts that a folder shows as it is, by path. */
export async function openConflicts(
  space: Space,
  { folder, tip, files }: FolderState,
): Promise<readonly FolderConflict[]> {
  const contested = await Promise.all(
    files
      .filter(({ isContested }) => isContested)
      .map(async ({ path, file, tip }) => {
        const frame = await frameAt(space, tip);
        const isSilent = sayingOf(frame) === undefined;
        return { path, file, tip: frame, wasRemoved: isSilent || (await wasRemoved(space, frame)) };
      }),
  );
  const edits = [{ path: ".", file: folder, tip }, ...contested].map(
    ({ path, file, tip }): EditConflict => ({
      kind: "edits",
      path,
      timeline: file,
      places: conflictsOf(tip).filter((place) => !isRemoval(tip, place)),
    }),
  );
  const names = files
    .filter(({ path, named }) => path !== named)
    .map(({ path, file, named }): NameConflict => ({ kind: "name", path, timeline: file, named }));
  const removals = contested
    .filter(({ tip, wasRemoved }) => wasRemoved || conflictsOf(tip).some((place) => isRemoval(tip, place)))
    .map(({ path, file }): RemovalConflict => ({ kind: "removal", path, timeline: file }));
  return byPath([...edits.filter(({ places }) => places.length > 0), ...names, ...removals]);
}

/**
 * A removal of the file that met an edit of it; see `readVersion` for one that met something else. Where there are a text and
 * chunks as well, one took the place of the other, and met an edit of that.
 */
function isRemoval(tip: IbGib, { path, values }: Conflict): boolean {
  if (tip.member("text") !== undefined && tip.member("content") !== undefined) return false;
  const [of, field] = path;
  const isSaid = path.length === 2 && of === "data" && (field === "text" || field === "content");
  return isSaid && values.some(({ state }) => state === "deleted");
}

export function byPath<Told extends { readonly path: string }>(told: readonly Told[]): Told[] {
  return [...told].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}
