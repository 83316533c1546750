import { lstat, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { beginsAsLmdb, isLmdbFile } from "../space/lmdb-file-node.js";
import { holdsDeviceSecret } from "./device-secret.js";
import { storeName } from "./home.js";
import { fileBytesMax, identityFileName } from "./identity-file.js";

/** A directory that a home is made of: the home itself, one that is being made, or a store alone. */
export type OwnDirectory = "home" | "store";

/**
 * Tells a home from a directory of a person's own files: by its content, so that nothing that can be said in text makes
 * a home of a directory. An identity file alone is a stray file, see `holdsDeviceSecret`. What cannot be read is not
 * recognized. Costs three looks at the disk.
 */
export async function ownDirectory(dir: string): Promise<OwnDirectory | undefined> {
  if (await isStore(dir)) return "store";
  const store = join(dir, storeName);
  if (await isStore(store)) return "home";
  return (await isThere(store)) && (await isIdentityFile(join(dir, identityFileName))) ? "home" : undefined;
}

/** Also a link that leads nowhere, as where a drive is not mounted. */
function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** Would a file of this name that begins with these bytes make a store of its directory? */
export function isStoreFile(name: string, head: Uint8Array): boolean {
  return name.toLowerCase() === storeFileName && beginsAsLmdb(head);
}

const storeFileName = "data.mdb";

async function isStore(dir: string): Promise<boolean> {
  const file = join(dir, storeFileName);
  return (await sizeOf(file)) > 0 && isLmdbFile(file);
}

async function isIdentityFile(file: string): Promise<boolean> {
  const size = await sizeOf(file);
  if (size === 0 || size > fileBytesMax) return false;
  return readFile(file, "utf8").then(holdsDeviceSecret, () => false);
}

/** Bytes; 0 for what is no file, as a pipe that nobody writes to. */
async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    (stats) => (stats.isFile() ? stats.size : 0),
    () => 0,
  );
}
