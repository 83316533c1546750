import type { Address, IbGib, Space } from "../../index.js";
import { fileLink } from "./kinds.js";
import { folderLimits } from "./limits.js";
import { type FolderState, tipsOf } from "./model.js";
import { historyOf, pathOfFrame, readVersion, textOfFrame, within } from "./version.js";

/** A file that was removed, with the frame that says so. */
export interface RemovedFile {
  readonly file: Address;
  readonly tip: IbGib;
}

const recordsAtOnce = 64;

/** The removed files of a folder. Reads the newest frame of each, of `folderLimits.removedMax` at the most. */
export async function removedIn(
  space: Space,
  { folder, tip }: Pick<FolderState, "folder" | "tip">,
): Promise<readonly RemovedFile[]> {
  const listed = new Set([folder, ...(tip.rel8ns?.[fileLink] ?? [])]);
  const reached = await space.reachableTips([folder]);
  const files = reached
    .map(({ tjp }) => tjp)
    .filter((tjp) => !listed.has(tjp))
    .slice(0, folderLimits.removedMax);
  const removed: RemovedFile[] = [];
  for (let at = 0; at < files.length; at += recordsAtOnce) {
    const part = files.slice(at, at + recordsAtOnce);
    const [tips, areWithin] = await Promise.all([tipsOf(space, part), within(space, folder, part)]);
    for (const [nth, file] of part.entries()) {
      const newest = tips[nth];
      if (!newest || !areWithin.has(file)) continue;
      if ((await readVersion(space, file, newest)) === "removed") removed.push({ file, tip: newest });
    }
  }
  return removed;
}

/**
 * Which removed file a new one is: the one that had its path, else the one that had its text. So a file that comes back,
 * or is moved away and put elsewhere later, has its history, and an edit that somebody made meanwhile. Of each removed file
 * the frame before the newest is read as well.
 *
 * @returns A function that gives each file once.
 */
export async function removedFiles(
  space: Space,
  folder: FolderState,
): Promise<(of: { readonly path: string; readonly text: string }) => RemovedFile | undefined> {
  const byPath = new Map<string, RemovedFile>();
  const byText = new Map<string, RemovedFile>();
  for (const removed of await removedIn(space, folder)) {
    byPath.set(pathOfFrame(removed.tip)!, removed);
    for (const frame of await historyOf(space, removed.tip, 2)) {
      const text = textOfFrame(frame);
      if (text) byText.set(text, removed);
    }
  }
  const given = new Set<Address>();
  return ({ path, text }) => {
    const found = [byPath.get(path), byText.get(text)].find((one) => one && !given.has(one.file));
    if (found) given.add(found.file);
    return found;
  };
}
