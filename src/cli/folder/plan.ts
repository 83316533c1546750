import type { Address } from "../../index.js";
import { type Content, isSame } from "./content.js";
import type { Scan } from "./disk.js";
import type { FileState } from "./model.js";
import { type Changed, findMoves, type Placed } from "./moves.js";
import { directoryAt, isDirectoryPath, parentsOf } from "./paths.js";

export type ChangeKind = "added" | "edited" | "renamed" | "removed";

/** What happened to a file, in words for a report. */
export interface Change {
  readonly path: string;
  readonly change: ChangeKind;
  /** Of a file that was renamed: the path that it had. */
  readonly was?: string | undefined;
}

/** A change that was made here. */
export interface LocalChange extends Change {
  readonly file: Address;
  /** The frame that says it. */
  readonly frame: Address;
}

/** What the directory says that the records do not say yet. */
export interface LocalPlan {
  readonly added: readonly Placed[];
  readonly edited: readonly Changed<FileState>[];
  readonly renamed: readonly Changed<FileState>[];
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
 * | changed  | the same | written before a crash, or changed alike |
 * | changed  | else          | edited here: the next version of what lay here, whatever the space has |
 * | new      | else          | added here |
 * | gone     | that file     | removed here |
 * | gone     | else          | nothing: gone there too, or shown elsewhere by now, where it will be written |
 *
 * Before the last four are told apart, files that were renamed here are found among them: see `findMoves`. What the scan
 * left out, or what lies below it, says nothing: such a file counts as unchanged here.
 */
export async function planLocal(
  scan: Scan,
  base: readonly FileState[],
  now: readonly FileState[],
): Promise<LocalPlan> {
  const kept: FileState[] = [];
  const gone: FileState[] = [];
  const changed: Changed<FileState>[] = [];
  const switched: Changed<FileState>[] = [];
  const fresh: Placed[] = [];
  const baseByPath = byPath(base);
  const nowByPath = byPath(now);
  const leftOut = new Set([...scan.skipped, ...scan.outside].map(({ path }) => path));
  for (const path of sortedPaths(baseByPath, scan.files)) {
    const was = baseByPath.get(path);
    const is = nowByPath.get(path);
    const here = scan.files.get(path);
    if ([...parentsOf(path), path].some((part) => leftOut.has(part))) {
      if (was) kept.push(was);
    } else if (here === undefined) {
      if (was) gone.push(was);
    } else if (was && isAlike(here, was)) kept.push({ ...was, stamp: here.stamp });
    else if (is && isAlike(here, is)) kept.push({ ...is, stamp: here.stamp });
    else if (was && isSame(here.content, was.content)) switched.push({ was, now: { path, ...here } });
    else if (was) changed.push({ was, now: { path, ...here } });
    else fresh.push({ path, ...here });
  }
  const isFile = ({ path }: { readonly path: string }) => !isDirectoryPath(path);
  const moves = await findMoves({ gone: gone.filter(isFile), changed, fresh: fresh.filter(isFile) });
  const isGone = new Set(gone);
  const listed = new Set(now.map(({ file }) => file));
  const isRemoved = (was: FileState) =>
    isGone.has(was) ? nowByPath.get(was.path)?.file === was.file : listed.has(was.file);
  return {
    added: [...moves.fresh, ...fresh.filter((each) => !isFile(each))],
    edited: [...moves.changed, ...switched],
    renamed: moves.moved,
    removed: [...moves.gone, ...gone.filter((each) => !isFile(each))].filter(isRemoved),
    kept,
  };
}

type Alike = Pick<Placed, "content" | "isExecutable">;

/** What says nothing of whether it may be run contradicts nobody. */
export function isAlike(here: Alike | undefined, other: Alike | undefined): boolean {
  const isExecutable = here && (here.isExecutable ?? other?.isExecutable);
  return isSame(here?.content, other?.content) && isExecutable === other?.isExecutable;
}

/** What a plan comes to, by path. */
export function changesIn({ added, edited, renamed, removed }: LocalPlan): Change[] {
  const changes: Change[] = [
    ...added.map(({ path }): Change => ({ path, change: "added" })),
    ...edited.map(({ was: { path } }): Change => ({ path, change: "edited" })),
    ...renamed.map(({ was, now }): Change => ({ path: now.path, change: "renamed", was: was.path })),
    ...removed.map(({ path }): Change => ({ path, change: "removed" })),
  ];
  return changes.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** A path to bring from one state to another: the content that has to stand there before, and the one after. */
export interface Write {
  readonly path: string;
  readonly from: Content | undefined;
  readonly to: Content | undefined;
  /** Whether it may be run from now on; undefined where that stays as it is. */
  readonly isExecutable?: boolean | undefined;
  /**
   * What has one group is written together or not at all: the paths that a renamed file leaves and comes to, and those of a
   * file and of what its path becomes a directory for, or was one.
   */
  readonly group: string;
  /** Of the file at `path` when it was `from`; see `stampOf`. */
  readonly stamp?: string | undefined;
  /** Of a renamed file: the path that it had, from which its permissions come. */
  readonly was?: string | undefined;
}

/** What has to be written so that the directory, which is at `base`, is at `now`. Removals come first. */
export function planWrites(base: readonly FileState[], now: readonly FileState[]): Write[] {
  const baseByPath = byPath(base);
  const nowByPath = byPath(now);
  const pathOf = new Map(base.map(({ file, path }) => [file, path]));
  const executableFor = (path: string) => {
    const before = baseByPath.get(wasAt.get(path) ?? path)?.isExecutable === true;
    const after = nowByPath.get(path)?.isExecutable === true;
    return before === after ? undefined : after;
  };
  const paths = sortedPaths(baseByPath, nowByPath).filter(
    (path) => !isAlike(baseByPath.get(path), nowByPath.get(path)),
  );
  const wasAt = new Map<string, string>();
  const groups = new Groups();
  for (const { file, path } of now) {
    const was = pathOf.get(file);
    if (was === undefined || was === path) continue;
    wasAt.set(path, was);
    groups.join(path, was);
  }
  const changed = new Set(paths);
  for (const path of paths)
    for (const parent of parentsOf(path)) if (changed.has(parent)) groups.join(path, parent);
  return paths
    .map((path) => ({
      path,
      from: baseByPath.get(path)?.content,
      stamp: baseByPath.get(path)?.stamp,
      to: nowByPath.get(path)?.content,
      isExecutable: executableFor(path),
      group: groups.of(path),
      was: wasAt.get(path),
    }))
    .sort((a, b) => Number(a.to !== undefined) - Number(b.to !== undefined));
}

/** Paths that hang together, under one of them. */
class Groups {
  readonly #joined = new Map<string, string>();

  of(path: string): string {
    let top = path;
    for (let up = this.#joined.get(top); up !== undefined; up = this.#joined.get(top)) {
      const next = this.#joined.get(up);
      if (next !== undefined) this.#joined.set(top, next); // halves the way for whoever comes next
      top = up;
    }
    return top;
  }

  join(one: string, other: string): void {
    const [a, b] = [this.of(one), this.of(other)];
    if (a !== b) this.#joined.set(a, b);
  }
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

/** Without the directories that are removed from a list because there is something in them now: nobody misses them. */
export function withoutFilled<Told extends Change>(
  changes: readonly Told[],
  paths: Iterable<string>,
): Told[] {
  const filled = new Set([...paths].flatMap(parentsOf));
  return changes.filter(
    ({ path, change }) => change !== "removed" || !isDirectoryPath(path) || !filled.has(directoryAt(path)),
  );
}

/** What writes come to, file by file; of one that was renamed, only that. */
export function changesOf(writes: readonly Write[]): Change[] {
  const left = new Set(writes.flatMap(({ was }) => was ?? []));
  return writes
    .filter(({ path, to }) => to !== undefined || !left.has(path))
    .map(({ path, from, to, was }) => {
      if (to === undefined) return { path, change: "removed" };
      if (was !== undefined) return { path, change: "renamed", was };
      return { path, change: from === undefined ? "added" : "edited" };
    });
}

function byPath(files: readonly FileState[]): ReadonlyMap<string, FileState> {
  return new Map(files.map((file) => [file.path, file]));
}

function sortedPaths(...maps: readonly ReadonlyMap<string, unknown>[]): string[] {
  return [...new Set(maps.flatMap((map) => [...map.keys()]))].sort();
}
