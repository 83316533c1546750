import type { Address } from "../../index.js";
import type { Scan } from "./disk.js";
import type { FileState } from "./model.js";
import { parentsOf } from "./paths.js";

export type ChangeKind = "added" | "edited" | "removed";

/** What happened to a path, in words for a report. */
export interface Change {
  readonly path: string;
  readonly change: ChangeKind;
}

/** A change that was made here. */
export interface LocalChange extends Change {
  readonly file: Address;
  /** The frame that says it; of a file that was removed, the newest one that lay in the directory. */
  readonly frame: Address;
}

/** What the directory says that the records do not say yet. */
export interface LocalPlan {
  readonly added: readonly { readonly path: string; readonly text: string }[];
  readonly edited: readonly { readonly was: FileState; readonly text: string }[];
  readonly removed: readonly FileState[];
  /** The base as it is where nothing was changed here: files that came down and are not written yet keep the old. */
  readonly kept: readonly FileState[];
}

/**
 * Compares the directory with the base (what was last written to it or read from it) and with what the space has now.
 *
 * | on disk, against base | in the space now, at that path | what it is |
 * | --- | --- | --- |
 * | same     | whatever      | unchanged here; what came down is written later |
 * | changed  | the same text | written before a crash, or changed alike |
 * | changed  | else          | edited here: the next version of what lay here, whatever the space has |
 * | new      | else          | added here |
 * | gone     | that file     | removed here |
 * | gone     | else          | nothing: gone there too, or shown elsewhere by now, where it will be written |
 *
 * What the scan left out, or what lies below it, says nothing: such a file counts as unchanged here.
 */
export function planLocal(scan: Scan, base: readonly FileState[], now: readonly FileState[]): LocalPlan {
  const plan = {
    added: [] as LocalPlan["added"][number][],
    edited: [] as LocalPlan["edited"][number][],
    removed: [] as FileState[],
    kept: [] as FileState[],
  };
  const baseByPath = byPath(base);
  const nowByPath = byPath(now);
  const leftOut = new Set([...scan.skipped, ...scan.outside].map(({ path }) => path));
  for (const path of sortedPaths(baseByPath, scan.textByPath)) {
    const was = baseByPath.get(path);
    const is = nowByPath.get(path);
    const text = scan.textByPath.get(path);
    const isLeftOut = [...parentsOf(path), path].some((part) => leftOut.has(part));
    if (isLeftOut || text === was?.text) {
      if (was) plan.kept.push(was);
    } else if (text === is?.text) {
      if (is) plan.kept.push(is);
    } else if (text === undefined) {
      if (was && was.file === is?.file) plan.removed.push(was);
    } else if (was) plan.edited.push({ was, text });
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
