import { constants } from "node:fs";
import { type FileHandle, mkdir, open, rename } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import * as z from "zod";
import { KeysagaError, meaningOf } from "../base/index.js";
import { type Address, isAddress } from "../ibgib/index.js";
import { StoredSecret } from "./device-secret.js";

/** The one file of a home beside its store: whose home it is, and the secret of this device. */
const IdentityFile = z.strictObject({
  version: z.literal(1),
  identity: z.custom<Address>(isAddress),
  secret: StoredSecret,
});
export type IdentityFile = z.infer<typeof IdentityFile>;

export const identityFileName = "identity.json";
export const fileBytesMax = 16 * 1024;

/**
 * Reads identity.json of a home. Its mode is checked on the open file, so that nothing can be put in its place
 * between the look and the reading.
 *
 * @returns undefined where there is none.
 * @throws KeysagaError `home_exposed` where others than the owner may read it, `home_damaged`.
 */
export async function readIdentityFile(dir: string): Promise<IdentityFile | undefined> {
  const file = await openIfThere(join(dir, identityFileName));
  if (file === undefined) return undefined;
  try {
    const { mode, size } = await file.stat();
    if (process.platform !== "win32" && (mode & 0o077) !== 0)
      throw new KeysagaError("home_exposed", { home: dir });
    if (size > fileBytesMax) throw new KeysagaError("home_damaged", { home: dir });
    return parse(await readText(file, dir), dir);
  } finally {
    await file.close();
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY);
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw new KeysagaError("home_damaged", { home: dirname(path), reason: whyOf(cause) }, { cause });
  }
}

async function readText(file: FileHandle, dir: string): Promise<string> {
  try {
    return await file.readFile("utf8");
  } catch (cause) {
    throw new KeysagaError("home_damaged", { home: dir, reason: whyOf(cause) }, { cause });
  }
}

function parse(text: string, dir: string): IdentityFile {
  try {
    return IdentityFile.parse(JSON.parse(text));
  } catch {
    // Without the cause: it may quote what the file holds.
    throw new KeysagaError("home_damaged", { home: dir });
  }
}

/** Writes a file that only its owner may read, durably, before it resolves. */
export async function writeIdentityFile(path: string, content: IdentityFile): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(content, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Moves a file or directory, durably: the directories on both sides are flushed. */
export async function moveDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncDirectory(dirname(to));
  await syncDirectory(dirname(from));
}

/** Makes a directory, and those on the way to it, durably. */
export async function makeDirectoryDurably(path: string, mode: number): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode });
  if (first === undefined) return; // it was there
  for (let made = resolve(path); made.startsWith(resolve(first)); made = dirname(made))
    await syncDirectory(dirname(made));
}

async function syncDirectory(path: string): Promise<void> {
  if (process.platform === "win32") return; // a directory cannot be opened there, and renames are journaled
  const directory = await open(path, constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

export function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(reasonOf(error));
}

/** The same in words. */
export function whyOf(error: unknown): string {
  return meaningOf(reasonOf(error));
}

/** The system's own short name of what went wrong, as `EACCES`. */
export function reasonOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown";
}
