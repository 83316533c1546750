import type { Scan } from "./disk.js";
import type { FileState } from "./model.js";
import { parentsOf } from "./paths.js";

export type ChangeKind = "added" | "edited" | "removed";

/** What happened to a path, in words for a report. */
export interface Change {
  readonly path: string;
  readonly change: ChangeKind;
}

/** What the directory says that the records do not say yet. */
export interface LocalPlan {
  readonly added: readonly { readonly path: string; readonly text: string }[];
  readonly edited: readonly { readonly was: FileState; readonly text: string }[];
  readonly removed: readonly FileState[];
  /** The base as it is where nothing was changed here: files that came down and are not written yet keep the old. */
  readonly kept: readonly FileState[];
  /** Paths that were changed here and elsewhere, differently. */
  readonly conflicts: readonly string[];
}

/**
 * Compares the directory with the base (what was last written to it or read from it) and with what the space has now.
 *
 * | on disk, against base | in the space, against base | what it is |
 * | --- | --- | --- |
 * | same    | same    | unchanged |
 * | changed | same    | edited, added or removed here |
 * | same    | changed | came down, and is to be written |
 * | changed | changed | the same state: written already, or edited alike; else a conflict |
 *
 * What the scan left out, or what lies below it, says nothing: such a file counts as unchanged here.
 */
export function planLocal(scan: Scan, base: readonly FileState[], now: readonly FileState[]): LocalPlan {
  const plan = {
    added: [] as LocalPlan["added"][number][],
    edited: [] as LocalPlan["edited"][number][],
    removed: [] as FileState[],
    kept: [] as FileState[],
    conflicts: [] as string[],
  };
  const baseByPath = byPath(base);
  const nowByPath = byPath(now);
  const leftOut = new Set(scan.skipped.map(({ path }) => path));
  for (const path of sortedPaths(baseByPath, nowByPath, scan.textByPath)) {
    const was = baseByPath.get(path);
    const is = nowByPath.get(path);
    const text = scan.textByPath.get(path);
    const isLeftOut = [...parentsOf(path), path].some((part) => leftOut.has(part));
    if (isLeftOut || text === was?.text) {
      if (was) plan.kept.push(was);
    } else if (was?.tip.address !== is?.tip.address) {
      if (text !== is?.text) plan.conflicts.push(path);
      else if (is) plan.kept.push(is);
    } else if (text === undefined) {
      if (is) plan.removed.push(is);
    } else if (is) plan.edited.push({ was: is, text });
    else plan.added.push({ path, text });
  }
  return plan;
}

/** A path to bring from one state to another: the text that has to stand there before, and the one after. */
export interface Write {
  readonly path: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** What has to be written so that the directory, which is at `base`, is at `now`. Removals come first. */
export function planWrites(base: readonly FileState[], now: readonly FileState[]): Write[] {
  const baseByPath = byPath(base);
  const nowByPath = byPath(now);
  const writes = sortedPaths(baseByPath, nowByPath).map((path) => ({
    path,
    from: baseByPath.get(path)?.text,
    to: nowByPath.get(path)?.text,
  }));
  return writes
    .filter(({ from, to }) => from !== to)
    .sort((a, b) => Number(a.to !== undefined) - Number(b.to !== undefined));
}

/** The base after writing: `now`, but as it was for the paths that were left alone. */
export function baseAfter(
  base: readonly FileState[],
  now: readonly FileState[],
  leftAlone: ReadonlySet<string>,
): FileState[] {
  return [
    ...now.filter(({ path }) => !leftAlone.has(path)),
    ...base.filter(({ path }) => leftAlone.has(path)),
  ];
}

/** How a path changed; `undefined` stands for no file. */
export function changeOf({ path, from, to }: Write): Change {
  return { path, change: to === undefined ? "removed" : from === undefined ? "added" : "edited" };
}

function byPath(files: readonly FileState[]): ReadonlyMap<string, FileState> {
  return new Map(files.map((file) => [file.path, file]));
}

function sortedPaths(...maps: readonly ReadonlyMap<string, unknown>[]): string[] {
  return [...new Set(maps.flatMap((map) => [...map.keys()]))].sort();
}
