import { type Address, type Identity, hasMetReceivers, type Space, timesBehind } from "../../index.js";
import { saveMapping } from "./bring-down.js";
import { type Content, isSame } from "./content.js";
import { findDirectory, type SyncedDirectory } from "./directory.js";
import type { Scan } from "./disk.js";
import { FolderError } from "./errors.js";
import { type Exchange, isCode } from "./exchange.js";
import { type MappedCell, readMapping } from "./mapping.js";
import { readMarker } from "./marker.js";
import { type FileState, readFolder } from "./model.js";
import { likenessMin, likenessOf } from "./moves.js";
import { planLocal } from "./plan.js";
import type { Found } from "./reader.js";
import { frameAt, historyOf, readVersion } from "./version.js";

/*
 * A home that was put back from a backup knows an older state of a directory than the one that lies there: the home before has
 * synced it since. What is there would be taken for edits of what the backup knew, and would meet the same edits where they
 * come down. So what was written since is brought down first, and each file is held against the versions that the directory
 * may have had.
 */

/**
 * As `findDirectory`; a home that was put back to before it knew the directory goes by its marker.
 *
 * @throws FolderError as `findDirectory`, and what connecting throws.
 */
export async function findSynced(
  identity: Identity,
  place: string,
  exchange: Exchange,
): Promise<SyncedDirectory> {
  try {
    return await findDirectory(identity, place);
  } catch (thrown) {
    if (!(thrown instanceof FolderError && thrown.rule === "unknown_marker")) throw thrown;
    if (!(await hasMetReceivers(identity.space))) throw thrown; // a first meeting would sign a second time
    await exchange.connect?.();
    const marker = await readMarker(place);
    if (!marker || (await timesBehind(identity.space)) === 0) throw thrown;
    const cell = await readMapping(identity.space, place, marker.directory);
    const mapping = { folder: marker.folder, base: [], unsent: [] };
    return { cell: { ...cell, mapping, seenAt: place }, hasMarker: true };
  }
}

/**
 * The mapping that tells what was changed in the directory. Where nothing was, nobody is asked. Else the receiver is
 * connected to, which shows whether this home is an older copy; where it is, and the folder was not caught up yet, what the
 * receiver has comes down, and the base becomes the versions that the files are nearest to. Durable when this resolves.
 *
 * @throws What `exchange` throws.
 */
export async function caughtUp(
  identity: Identity,
  { cell, scan }: Found,
  exchange: Exchange,
): Promise<MappedCell> {
  const { space } = identity;
  const { folder, base, unsent } = cell.mapping;
  const { added, edited, renamed, removed } = await planLocal(scan, base, base);
  if ([added, edited, renamed, removed].every(({ length }) => length === 0)) return cell;
  await exchange.connect?.();
  const times = await timesBehind(space);
  if (times === (await timesCaughtUp(space, cell))) return cell;
  if (!(await isPulled(folder, exchange))) return cell;
  const { files } = await readFolder(space, folder, cell.mapping);
  const nearest = await baseSince(space, base, files, scan);
  const saved = await saveMapping(identity, cell, { folder, base: nearest, unsent });
  await keepTimes(identity, saved, times);
  return saved;
}

/** A receiver that has nothing of the folder does not know what was in the directory. */
async function isPulled(folder: Address, exchange: Exchange): Promise<boolean> {
  try {
    await exchange([folder], "pull");
    return true;
  } catch (thrown) {
    if (isCode(thrown, "unknown_root")) return false;
    throw thrown;
  }
}

const timesKey = ({ directory }: MappedCell) => `folder-times-behind/${directory}`;

async function timesCaughtUp(space: Space, cell: MappedCell): Promise<number> {
  const bytes = await space.cell(timesKey(cell));
  return bytes === undefined ? 0 : Number(Buffer.from(bytes).toString("utf8"));
}

/** Where another process was faster, it has done the same. */
async function keepTimes({ space, address }: Identity, cell: MappedCell, times: number): Promise<void> {
  const key = timesKey(cell);
  const change = { key, from: await space.cell(key), to: Buffer.from(String(times)) };
  await space.commit({ holder: address, sight: { holders: [address] }, cells: [change] });
}

/** The base, with each file at the version that lay in the directory before it was edited, as far as that can be told. */
async function baseSince(
  space: Space,
  base: readonly FileState[],
  files: readonly FileState[],
  scan: Scan,
): Promise<readonly FileState[]> {
  const before = new Map(base.map((file) => [file.path, file]));
  const since: FileState[] = [];
  for (const now of files) {
    const was = before.get(now.path);
    const here = scan.files.get(now.path)?.content;
    if (here === undefined || isSame(here, was?.content) || (was && was.file !== now.file)) continue;
    const versions = await versionsOf(space, now);
    const nearest = await nearestTo(here, was ? [was, ...versions] : versions);
    if (nearest && (was || nearest.likeness >= likenessMin)) since.push(nearest.version);
  }
  const replaced = new Map(since.map((file) => [file.path, file]));
  return [...base.filter(({ path }) => !replaced.has(path)), ...since];
}

/** Versions of one file that are looked at, the newest. */
const versionsMax = 256;

/** What the file has said, oldest first. What others have put among it that is no text never lay in a directory. */
async function versionsOf(space: Space, { file, tip, path }: FileState): Promise<readonly FileState[]> {
  const frames = await historyOf(space, await frameAt(space, tip), versionsMax);
  const versions = await Promise.all(frames.map((frame) => readVersion(space, file, frame)));
  return versions.flatMap((version) => (typeof version === "string" ? [] : [{ ...version, path }])).reverse();
}

/** Of versions that are equally near, the oldest: what is not in the text may have come later. */
async function nearestTo(
  here: Content,
  versions: readonly FileState[],
): Promise<{ readonly version: FileState; readonly likeness: number } | undefined> {
  let nearest: { readonly version: FileState; readonly likeness: number } | undefined;
  for (const version of versions) {
    const likeness = await likenessOf(version.content, here);
    if (nearest === undefined || likeness > nearest.likeness) nearest = { version, likeness };
  }
  return nearest;
}
