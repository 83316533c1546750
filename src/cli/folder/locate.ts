import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { realpath } from "node:fs/promises";
import type { Space } from "../../index.js";
import { FolderError } from "./errors.js";
import { isAny, kindOf } from "./file-system.js";
import { isMapped, type MappedCell, readMapping } from "./mapping.js";
import { readMarker } from "./marker.js";
import { innermostMarked } from "./own.js";

/** A path in a synced directory. What it names need not be there. */
export interface Located {
  readonly cell: MappedCell;
  /** Empty for the directory itself. */
  readonly path: string;
}

/**
 * Finds the synced directory that a path is, or lies in. A link at the end of the path is not followed.
 *
 * @throws FolderError `not_synced`, `marker_damaged`.
 */
export async function locate(space: Space, text: string): Promise<Located> {
  const full = resolve(text);
  const isDirectory = (await kindOf(full)) === "directory";
  const place = isDirectory ? await realpath(full) : join(await realParent(full), basename(full));
  const within = isDirectory ? place : dirname(place);
  const root = (await innermostMarked(within)) ?? within;
  const cell = await readMapping(space, root, (await readMarker(root))?.directory);
  if (!isMapped(cell)) throw new FolderError("not_synced", { path: text });
  return { cell, path: relative(root, place).split(sep).join("/") };
}

/** The real path of the directory that `path` lies in, of which the end need not be there. */
async function realParent(path: string): Promise<string> {
  const parent = dirname(path);
  try {
    return await realpath(parent);
  } catch (thrown) {
    if (!isAny(thrown, "ENOENT", "ENOTDIR") || parent === path) throw thrown;
    return join(await realParent(parent), basename(parent));
  }
}
