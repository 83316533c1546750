import { open, unlink } from "node:fs/promises";

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

export function isAny(thrown: unknown, ...codes: readonly string[]): boolean {
  return thrown instanceof Error && "code" in thrown && codes.includes(String(thrown.code));
}
