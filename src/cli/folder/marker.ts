import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { lstat, open, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { type Address, type Identity, isAddress } from "../../index.js";
import { FolderError } from "./errors.js";
import { flushDirectory, isAny, removeIfThere, temporaryFileName } from "./file-system.js";

/** The name of the marker. The dot keeps it out of every scan, and what comes down cannot have such a name. */
export const markerName = ".keysaga-folder";
const markerBytesMax = 4096;

const address = z.custom<Address>(isAddress);
/** 16 random bytes. */
export const DirectoryId = z.string().regex(/^[0-9a-f]{32}$/);

/** What the file says that marks a directory as synced. It tells nothing of the machine that it was made on. */
const Marker = z.strictObject({
  version: z.literal(1),
  folder: address,
  /** Whose home wrote it. */
  identity: address,
  /** Names the directory: the home's mapping has the same, so that a moved directory is known, and a copied one. */
  directory: DirectoryId,
});
export type Marker = z.infer<typeof Marker>;

export function markerOf({ address }: Identity, directory: string, folder: Address): Marker {
  return { version: 1, folder, identity: address, directory };
}

/** Is there anything by the marker's name, as far as one can see? */
export async function isMarked(dir: string): Promise<boolean> {
  return lstat(join(dir, markerName)).then(
    () => true,
    () => false,
  );
}

/**
 * The marker of a directory. Follows no symbolic link.
 *
 * @returns Undefined where there is none.
 * @throws FolderError `marker_damaged`, also where nobody can tell.
 */
export async function readMarker(dir: string): Promise<Marker | undefined> {
  const path = join(dir, markerName);
  try {
    return Marker.parse(JSON.parse(await readSmallFile(path)));
  } catch (thrown) {
    if (isAny(thrown, "ENOENT", "ENOTDIR")) return undefined;
    throw new FolderError("marker_damaged", { path });
  }
}

/** @throws Error for what is not a file of a marker's size. */
async function readSmallFile(path: string): Promise<string> {
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants; // a pipe would keep us waiting
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stats = await file.stat();
    if (!stats.isFile() || stats.size > markerBytesMax) throw new Error("not a marker");
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

/**
 * Marks a directory, durably, once `work` has made its mapping durable: so there is never a marker that its home does
 * not know. Whether the directory can be written is found out before.
 *
 * @throws FolderError `unwritable` before `work`, `moved` where something else lies in the marker's place by now.
 */
export async function withMarker<Result>(
  dir: string,
  marker: Marker,
  work: () => Promise<Result>,
): Promise<Result> {
  const temporary = join(dir, temporaryFileName(process.pid, randomBytes(8)));
  try {
    await writeTemporary(temporary, `${JSON.stringify(marker, null, 2)}\n`, dir);
    const result = await work();
    if (await isMarked(dir)) throw new FolderError("moved");
    await rename(temporary, join(dir, markerName));
    await flushDirectory(dir);
    return result;
  } finally {
    await removeIfThere(temporary);
  }
}

async function writeTemporary(file: string, text: string, dir: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: "wx", flush: true });
  } catch (thrown) {
    throw isAny(thrown, "EACCES", "EPERM", "EROFS") ? new FolderError("unwritable", { path: dir }) : thrown;
  }
}
