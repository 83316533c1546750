/** What a file says, on its way to a disk. */
import { statfs, writeFile } from "node:fs/promises";
import { holdsDeviceSecret, isStoreFile } from "../../node/index.js";
import { BrokenTree } from "./chunk-tree.js";
import { type Content, isSame, type Said } from "./content.js";
import { checked, HoldsSecret, lookAtFile, secretReason } from "./disk-file.js";
import type { SkipReason } from "./skipped.js";

/** What large files leave on a disk for everything else, and from how many bytes on they are large. */
const roomLimits = { leftBytes: 64 * 1024 * 1024, largeBytes: 1024 * 1024 } as const;

/** Each large file that does not fit beside those before it is left out alone; a disk that is full stops all writing. */
export class Room {
  #left: Promise<number> | undefined;
  #taken = 0;

  constructor(private readonly dir: string) {}

  async take({ bytes }: Content): Promise<boolean> {
    if (bytes < roomLimits.largeBytes) return true;
    this.#left ??= statfs(this.dir).then(
      ({ bavail, bsize }) => bavail * bsize - roomLimits.leftBytes,
      () => Number.POSITIVE_INFINITY, // some file systems do not say: then the write does
    );
    const left = await this.#left;
    if (this.#taken + bytes > left) return false;
    this.#taken += bytes;
    return true;
  }
}

/** A content that must not be a file here. */
export class Unfit extends Error {
  constructor(readonly reason: SkipReason) {
    super();
  }
}

/**
 * Writes and flushes what a file says, chunk by chunk.
 *
 * @param name The file's, where that is another one than it is written to.
 * @throws Unfit for what would be taken for a part of a home, or is not what its record says.
 */
export async function writeSaid(
  file: string,
  said: Said,
  { flag, mode, name }: { readonly flag: string; readonly mode?: number; readonly name: string },
): Promise<void> {
  if ("text" in said && holdsDeviceSecret(said.text)) throw new Unfit(secretReason);
  try {
    const data = "text" in said ? said.text : noStore(name, checked(said.chunks));
    await writeFile(file, data, { flag, flush: true, mode });
  } catch (thrown) {
    if (thrown instanceof BrokenTree) throw new Unfit("its chunks do not make it up");
    throw thrown instanceof HoldsSecret ? new Unfit(secretReason) : thrown;
  }
}

/** Of trees that were cut elsewhere a file would come whose next look finds another one. @throws Unfit */
export async function checkWritten(temporary: string, content: Content): Promise<void> {
  const found = await lookAtFile(temporary);
  if (found.kind !== "file" || !isSame(found.content, content))
    throw new Unfit("its chunks do not make it up");
}

async function* noStore(name: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let isFirst = true;
  for await (const chunk of chunks) {
    if (isFirst && isStoreFile(name, chunk))
      throw new Unfit("it would make a store of keysaga of its directory");
    isFirst = false;
    yield chunk;
  }
}
