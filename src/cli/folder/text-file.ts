import { type BigIntStats, constants } from "node:fs";
import { lstat, open } from "node:fs/promises";
import { recordLimits } from "../../index.js";
import { holdsDeviceSecret } from "../../node/index.js";
import { isAny, isNameRefused } from "./file-system.js";
import type { Skipped, SkipReason } from "./skipped.js";

/** What stands at a path. */
export type OnDisk =
  | { readonly kind: "absent" }
  | {
      readonly kind: "text";
      readonly text: string;
      readonly mode: number;
      readonly isExecutable: boolean;
      readonly stamp: string | undefined;
    }
  | ({ readonly kind: "other" } & Omit<Skipped, "path">);

/** What stands at `file`. `path` is what a record would call it: it counts for what the record can hold. */
export async function readTextFile(file: string, path: string): Promise<OnDisk> {
  const kind = await kindOf(file);
  if (kind !== "file") return kind;
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  } catch (thrown) {
    return { kind: "other", reason: readingFailed(thrown) };
  }
  try {
    const stats = await handle.stat({ bigint: true });
    const [size, mode] = [Number(stats.size), Number(stats.mode)];
    if (size > textBytesMax) return tooLarge("file", size);
    const stamp = stampOf(stats, Date.now());
    const text = strictText(await handle.readFile());
    if (text === undefined) return { kind: "other", reason: "not UTF-8 text" };
    if (holdsDeviceSecret(text)) return { kind: "other", reason: "holds the secret of an identity" };
    const bytes = Buffer.byteLength(JSON.stringify({ path, text }));
    return bytes <= textBytesMax
      ? { kind: "text", text, mode, isExecutable: (mode & 0o100) !== 0, stamp }
      : tooLarge("record", bytes);
  } catch (thrown) {
    return { kind: "other", reason: readingFailed(thrown) };
  } finally {
    await handle.close();
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

/** The stamp of the file that is at a path; undefined where there is none, or it is that young. */
export async function stampAt(file: string): Promise<string | undefined> {
  try {
    const stats = await lstat(file, { bigint: true });
    return stats.isFile() ? stampOf(stats, Date.now()) : undefined;
  } catch {
    return undefined; // reading it says why
  }
}

async function kindOf(file: string): Promise<"file" | Exclude<OnDisk, { kind: "text" }>> {
  try {
    const stats = await lstat(file);
    if (stats.isFile()) return "file";
    if (stats.isDirectory()) return { kind: "other", reason: "a directory is in its place" };
    return { kind: "other", reason: stats.isSymbolicLink() ? "symbolic link" : "not a regular file" };
  } catch (thrown) {
    if (isAny(thrown, "ENOENT", "ENOTDIR")) return { kind: "absent" };
    return { kind: "other", reason: isNameRefused(thrown) ? "this disk cannot hold its name" : "unreadable" };
  }
}

function readingFailed(thrown: unknown): SkipReason {
  if (isAny(thrown, "ENOENT", "ENOTDIR", "ESTALE")) return "vanished while it was read";
  if (isAny(thrown, "ELOOP")) return "symbolic link";
  return isAny(thrown, "EBUSY", "ETXTBSY", "EAGAIN") ? "in use by another program" : "unreadable";
}

/** What a record of a file holds beside path and text: links, owner, numbers. Generous. */
const frameBytes = 2 * 1024;

/** Path and text of a file as JSON, in which a line end or a quote takes two bytes. */
const textBytesMax = recordLimits.recordBytesMax - frameBytes;

function tooLarge(of: "file" | "record", bytes: number): OnDisk {
  return { kind: "other", reason: "too large", size: { of, bytes, bytesMax: textBytesMax } };
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
