import type { Address, Space } from "../../index.js";
import { digestOf } from "./content.js";
import { folderLimits } from "./limits.js";
import type { FolderState, RemovedFile } from "./model.js";
import type { Placed } from "./moves.js";
import { digestFor, historyOf, pathOfFrame, sayingOf } from "./version.js";

/** An empty text is everybody's. */
const blank = digestOf("").digest;

/**
 * Which removed file a new one is: the one that had its path, else the one that had its content. So a file that comes back,
 * or is moved away and put elsewhere later, has its history, and an edit that somebody made meanwhile. Of each removed file
 * the frame before the newest is read as well.
 *
 * @returns A function that gives each file once.
 */
export async function removedFiles(
  space: Space,
  { removed }: Pick<FolderState, "removed">,
): Promise<(of: Placed) => RemovedFile | undefined> {
  const byPath = new Map<string, RemovedFile>();
  const byDigest = new Map<string, RemovedFile>();
  for (const one of removed.slice(0, folderLimits.removedMax)) {
    byPath.set(pathOfFrame(one.tip)!, one);
    for (const frame of await historyOf(space, one.tip, 2)) {
      const saying = sayingOf(frame);
      if (saying && digestFor(saying) !== blank) byDigest.set(digestFor(saying), one);
    }
  }
  const given = new Set<Address>();
  return ({ path, content }) => {
    const found = [byPath.get(path), byDigest.get(content.digest)].find((one) => one && !given.has(one.file));
    if (found) given.add(found.file);
    return found;
  };
}
