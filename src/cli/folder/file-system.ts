import { randomBytes } from "node:crypto";
import { chmod, lstat, open, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Names of files on their way; the dot keeps them out of every scan. */
const temporaryName = /^\.keysaga-(\d+)-[0-9a-f]{16}\.tmp$/;

export function temporaryFileName(pid: number, random: Uint8Array): string {
  return `.keysaga-${pid}-${Buffer.from(random).toString("hex")}.tmp`;
}

/** The process that made a temporary file; undefined for every other name. */
export function makerOf(name: string): number | undefined {
  const pid = temporaryName.exec(name)?.[1];
  return pid === undefined ? undefined : Number(pid);
}

/** Makes durable which names are in a directory. */
export async function flushDirectory(dir: string): Promise<void> {
  if (process.platform === "win32") return; // directories cannot be opened there
  const handle = await open(dir);
  await handle.sync().finally(() => handle.close());
}

export async function removeIfThere(file: string): Promise<void> {
  try {
    await unlink(file);
  } catch (thrown) {
    if (!isAny(thrown, "ENOENT", "ENOTDIR")) throw thrown;
  }
}

/** The name is one that this file system does not have. */
export function isNameRefused(thrown: unknown): boolean {
  return isAny(thrown, "ENAMETOOLONG", "EINVAL", "EILSEQ");
}

export function isAny(thrown: unknown, ...codes: readonly string[]): boolean {
  return thrown instanceof Error && "code" in thrown && codes.includes(String(thrown.code));
}

export async function kindOf(path: string): Promise<"absent" | "directory" | "file" | "other"> {
  try {
    const stats = await lstat(path);
    if (stats.isDirectory()) return "directory";
    return stats.isFile() ? "file" : "other";
  } catch (thrown) {
    if (isAny(thrown, "ENOENT", "ENOTDIR")) return "absent";
    throw thrown;
  }
}

/** Finds out by a file that is gone at once; where none can be made, nothing can go wrong by it either. */
export async function ignoresCase(dir: string): Promise<boolean> {
  const name = temporaryFileName(process.pid, randomBytes(8));
  try {
    await writeFile(join(dir, name), "", { flag: "wx" });
    return (await kindOf(join(dir, name.toUpperCase()))) !== "absent";
  } catch (thrown) {
    if (isAny(thrown, "EACCES", "EPERM", "EROFS")) return false;
    throw thrown;
  } finally {
    await removeIfThere(join(dir, name));
  }
}

/** Sets permissions, where the file system has any: those that have none pass over it, or refuse. */
export async function changeMode(file: string, mode: number): Promise<void> {
  try {
    await chmod(file, mode);
  } catch (thrown) {
    if (!isAny(thrown, "EPERM", "ENOTSUP")) throw thrown;
  }
}

/**
 * Does this file system keep who may run a file? Some say the same of all. Found out by a file that is gone at once; undefined
 * where none can be made.
 */
export async function keepsExecutable(dir: string): Promise<boolean | undefined> {
  const file = join(dir, temporaryFileName(process.pid, randomBytes(8)));
  try {
    await writeFile(file, "", { flag: "wx", mode: 0o600 });
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown) return undefined;
    throw thrown;
  }
  try {
    const before = (await lstat(file)).mode;
    await changeMode(file, 0o700);
    return (before & 0o100) === 0 && ((await lstat(file)).mode & 0o100) !== 0;
  } finally {
    await removeIfThere(file);
  }
}
