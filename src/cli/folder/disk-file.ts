import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, lstat, open } from "node:fs/promises";
import { recordLimits } from "../../index.js";
import { holdsDeviceSecret } from "../../node/index.js";
import { treeDigest } from "./chunk-tree.js";
import { chunksIn } from "./chunker.js";
import { type Content, type Digest, digestOf, isSame, type Said, type SaidText } from "./content.js";
import { isAny, isNameRefused } from "./file-system.js";
import { folderLimits } from "./limits.js";
import type { Skipped, SkipReason } from "./skipped.js";

/** What stands at a path. */
export type OnDisk =
  | { readonly kind: "absent" }
  | {
      readonly kind: "file";
      /** Read anew each time that it is asked for. */
      readonly content: Content;
      readonly mode: number;
      readonly isExecutable: boolean;
      readonly stamp: string | undefined;
    }
  | ({ readonly kind: "other" } & Omit<Skipped, "path">);

/** A content that a file had, and what told it from a later one. */
export interface Known {
  readonly content: Content;
  readonly stamp?: string | undefined;
}

/** What stands at `file`. Reads all of it, as that is what tells one content from another, but where its stamp is a known one. */
export async function lookAtFile(file: string, known?: Known): Promise<OnDisk> {
  const there = await statsOf(file);
  if ("kind" in there) return there;
  const stamp = stampOf(there, Date.now());
  if (known !== undefined && stamp !== undefined && stamp === known.stamp)
    return { kind: "file", content: known.content, ...modeIn(there), stamp };
  try {
    return await withFile(file, async (handle) => {
      const stats = await handle.stat({ bigint: true });
      const bytes = Number(stats.size);
      if (bytes > folderLimits.fileBytesMax) return tooLarge(bytes);
      const stamp = stampOf(stats, Date.now());
      const content = await contentIn(file, await readFrom(handle, bytes));
      return { kind: "file", content, ...modeIn(stats), stamp };
    });
  } catch (thrown) {
    return { kind: "other", reason: readingFailed(thrown) };
  }
}

function modeIn({ mode }: BigIntStats): { readonly mode: number; readonly isExecutable: boolean } {
  return { mode: Number(mode), isExecutable: (mode & 0o100n) !== 0n };
}

/** What a file said when it was looked at, as long as it does: of chunks the caller finds out. */
async function contentIn(file: string, said: Said): Promise<Content> {
  if ("text" in said) {
    const digest = digestOf(said.text);
    return { ...digest, read: () => readTextAgain(file, digest) };
  }
  const digest = await treeDigest(said.chunks);
  if (digest === undefined) throw new FileChanged();
  return { ...digest, read: async () => ({ chunks: chunksOfFile(file) }) };
}

async function readTextAgain(file: string, digest: Digest): Promise<SaidText | undefined> {
  try {
    const said = await withFile(file, (handle) => readFrom(handle, digest.bytes));
    return "text" in said && isSame(digestOf(said.text), digest) ? said : undefined;
  } catch {
    return undefined; // the next look tells why
  }
}

/** What was read of a file is not what it said before, or it cannot be read any more. */
export class FileChanged extends Error {}

async function* chunksOfFile(file: string): AsyncGenerator<Uint8Array> {
  const handle = await openFile(file).catch((cause) => {
    throw new FileChanged(undefined, { cause });
  });
  try {
    yield* checked(chunksIn(piecesOf(handle)));
  } catch (cause) {
    throw new FileChanged(undefined, { cause });
  } finally {
    await handle.close();
  }
}

/** What was put in a file's place after the look is not followed, nor waited for. @throws FileChanged */
async function openFile(file: string): Promise<FileHandle> {
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  const handle = await open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new FileChanged();
}

async function withFile<Result>(file: string, work: (handle: FileHandle) => Promise<Result>) {
  const handle = await openFile(file);
  try {
    return await work(handle);
  } finally {
    await handle.close();
  }
}

/**
 * Whether it is a text depends on what it says alone, so that everybody sees the same in it.
 *
 * @param size As the system says: what has more by now is changing.
 * @throws HoldsSecret, FileChanged
 */
async function readFrom(handle: FileHandle, size: number): Promise<Said> {
  const head = await readUpTo(handle, Math.min(size, textBytesMax) + 1);
  if (size <= textBytesMax && head.length > size) throw new FileChanged();
  const text = head.length > textBytesMax ? undefined : strictText(head);
  if (text !== undefined && holdsDeviceSecret(text)) throw new HoldsSecret();
  if (text !== undefined && Buffer.byteLength(JSON.stringify(text)) <= textBytesMax) return { text };
  return { chunks: checked(chunksIn(piecesOf(handle, head))) };
}

async function readUpTo(handle: FileHandle, max: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(max);
  let length = 0;
  while (length < max) {
    const { bytesRead } = await handle.read(buffer, length, max - length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

const pieceBytes = 1024 * 1024;

/** From where the handle stands. What grows for as long as it is read ends at the limit. */
async function* piecesOf(
  handle: FileHandle,
  head: Uint8Array = new Uint8Array(),
): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head;
  let left = folderLimits.fileBytesMax - head.length;
  while (left > 0) {
    const piece = await readUpTo(handle, Math.min(left, pieceBytes));
    if (piece.length === 0) return;
    left -= piece.length;
    yield piece;
  }
}

/** A file that must not travel, nor be written: it would be taken for a part of a home. */
export class HoldsSecret extends Error {}

export const secretReason = "holds the secret of an identity" satisfies SkipReason;

/** Longer than a secret with all that has to stand beside it to be one. */
const secretBytes = 4 * 1024;

/** The same chunks, for as long as no device secret is in them. @throws HoldsSecret */
export async function* checked(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let before = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const seen = Buffer.concat([before, chunk]);
    if (seen.includes('"kind') && holdsDeviceSecret(seen.toString("latin1"))) throw new HoldsSecret();
    before = seen.subarray(-secretBytes);
    yield chunk;
  }
}

/** How young a file may be for its times to tell every later change: file systems count them in up to two seconds. */
const youngMs = 2_500n;

/**
 * What tells a file that was not changed from one that was, without reading it: size, time of the last write and of the last
 * change of anything, and number. The times tell nothing of a file as young as the look at it (git calls that racy).
 *
 * @returns Undefined for one that is that young.
 */
function stampOf({ size, mtimeNs, ctimeNs, ino }: BigIntStats, nowMs: number): string | undefined {
  const newest = mtimeNs > ctimeNs ? mtimeNs : ctimeNs;
  const isYoung = newest / 1_000_000n > BigInt(nowMs) - youngMs;
  return isYoung ? undefined : [size, mtimeNs, ctimeNs, ino].join(" ");
}

/** Of a regular file; what else there is, or that it cannot be told. */
async function statsOf(file: string): Promise<BigIntStats | Exclude<OnDisk, { kind: "file" }>> {
  try {
    const stats = await lstat(file, { bigint: true });
    if (stats.isFile()) return stats;
    if (stats.isDirectory()) return { kind: "other", reason: "a directory is in its place" };
    return { kind: "other", reason: stats.isSymbolicLink() ? "symbolic link" : "not a regular file" };
  } catch (thrown) {
    if (isAny(thrown, "ENOENT", "ENOTDIR")) return { kind: "absent" };
    return { kind: "other", reason: isNameRefused(thrown) ? "this disk cannot hold its name" : "unreadable" };
  }
}

function readingFailed(thrown: unknown): SkipReason {
  if (thrown instanceof HoldsSecret) return secretReason;
  if (thrown instanceof FileChanged) return "changed meanwhile";
  if (isAny(thrown, "ENOENT", "ENOTDIR", "ESTALE")) return "vanished while it was read";
  if (isAny(thrown, "ELOOP")) return "symbolic link";
  return isAny(thrown, "EBUSY", "ETXTBSY", "EAGAIN") ? "in use by another program" : "unreadable";
}

/** What a record of a file holds beside its text: path, links, owner, numbers. Generous. */
const frameBytes = 6 * 1024;

/** A text as JSON, in which a line end or a quote takes two bytes. What is longer goes as chunks. */
const textBytesMax = recordLimits.recordBytesMax - frameBytes;

function tooLarge(bytes: number): OnDisk {
  return { kind: "other", reason: "too large", size: { bytes, bytesMax: folderLimits.fileBytesMax } };
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes as text that gives the same bytes again; undefined for what is not UTF-8. */
export function strictText(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
