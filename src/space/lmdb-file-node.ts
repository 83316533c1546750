import { closeSync, existsSync, fstatSync, fsyncSync, openSync, readSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { getSystemErrorName } from "node:util";
import { failedWith, KeysagaError } from "../base/index.js";
import { recordLimits } from "../ibgib/index.js";

/** Where things lie in the page that starts an lmdb file, and in the second one, which it takes turns with. */
const meta = { magic: 24, pageSize: 48, freeRoot: 88, mainRoot: 136, transaction: 152, bytes: 160 } as const;
const magic = 0xbeefc0de;
/** What lmdb writes for the root of a tree that is empty. */
const noPage = 0xffff_ffff_ffff_ffffn;

/**
 * Looks at the head of an lmdb file before lmdb does: a file that is something else, or cut off before the trees it
 * starts from, does not fail in lmdb but crashes the process. An absent or empty file is a new store.
 *
 * @returns Whether there is a store.
 * @throws KeysagaError `store_damaged`, with the fact `reason`.
 */
export function checkLmdbFile(path: string): boolean {
  const file = openIfThere(path);
  if (file === undefined) return false;
  try {
    const isThere = sizeOf(file) > 0n;
    if (isThere) checkHead(file);
    return isThere;
  } finally {
    closeSync(file);
  }
}

/** With less than this a disk is full: the largest record does not fit any more. */
const roomBytesMin = recordLimits.recordBytesMax;
/** What a new store takes, its locks among them. */
const newStoreBytes = 64 * 1024;

/**
 * lmdb maps its locks into memory before they have a place on the disk: where there is none left, that crashes the
 * process.
 *
 * @throws KeysagaError `disk_full`
 */
export function checkRoomForLocks(directory: string): void {
  const parent = existsSync(directory) ? directory : dirname(directory);
  if (!existsSync(`${directory}/lock.mdb`) && existsSync(parent) && roomIn(parent) < newStoreBytes)
    throw failedWith("ENOSPC", directory);
}

/** @throws KeysagaError `disk_full` */
export function checkRoom(directory: string): void {
  if (roomIn(directory) < roomBytesMin) throw failedWith("ENOSPC", directory);
}

/**
 * What the system calls a failure of lmdb, which tells its number alone; undefined for what is no failure of the
 * system. A write that did not fit is `EIO` to lmdb, so there the disk is looked at.
 */
export function systemNameOf(thrown: unknown, directory: string): string | undefined {
  if (!(thrown instanceof Error) || !("code" in thrown)) return undefined;
  const { code } = thrown;
  if (typeof code === "string") return code;
  if (/MDB_MAP_FULL/.test(thrown.message)) return "ENOSPC";
  if (typeof code !== "number" || code <= 0) return undefined;
  const name = getSystemErrorName(-code);
  return name === "EIO" && roomIn(directory) < roomBytesMin ? "ENOSPC" : name;
}

/** Bytes that a file in `directory` may still take; none are known of a disk that does not answer. */
function roomIn(directory: string): number {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Does the file begin as lmdb's do, whole or not? False as well where it cannot be read. */
export function isLmdbFile(path: string): boolean {
  const view = new DataView(new ArrayBuffer(meta.bytes));
  try {
    const file = openSync(path, "r");
    try {
      return readSync(file, view, 0, meta.bytes, 0) > meta.magic && hasMagic(view);
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
}

/** The same of a file that begins with these bytes. */
export function beginsAsLmdb(head: Uint8Array): boolean {
  return head.length > meta.magic + 4 && hasMagic(new DataView(head.buffer, head.byteOffset, head.length));
}

/** lmdb flushes what is in its files, not their names: of a new store those are flushed here. */
export function flushNames(directory: string): void {
  if (process.platform === "win32") return; // a directory cannot be opened there, and names are journaled
  for (const path of [directory, dirname(directory)]) {
    const opened = openSync(path, "r");
    try {
      fsyncSync(opened);
    } finally {
      closeSync(opened);
    }
  }
}

/** Another process may write meanwhile. It lets the file grow before the head says so: so the size is read last. */
function checkHead(file: number): void {
  const first = metaAt(file, 0);
  const second = metaAt(file, first.getUint32(meta.pageSize, isLittleEndian(first)));
  const newest = transactionOf(first) > transactionOf(second) ? first : second;
  const littleEndian = isLittleEndian(newest);
  const pageSize = BigInt(newest.getUint32(meta.pageSize, littleEndian));
  const size = sizeOf(file);
  for (const at of [meta.freeRoot, meta.mainRoot]) {
    const root = newest.getBigUint64(at, littleEndian);
    if (root !== noPage && (root + 1n) * pageSize > size) damaged("the data file is cut off");
  }
}

function sizeOf(file: number): bigint {
  return fstatSync(file, { bigint: true }).size;
}

function metaAt(file: number, at: number): DataView {
  const view = new DataView(new ArrayBuffer(meta.bytes));
  if (readSync(file, view, 0, meta.bytes, at) < meta.bytes) return damaged("the data file is cut off");
  if (!hasMagic(view)) return damaged("the data file is not an lmdb file");
  return view;
}

function hasMagic(view: DataView): boolean {
  return [true, false].some((littleEndian) => view.getUint32(meta.magic, littleEndian) === magic);
}

function transactionOf(view: DataView): bigint {
  return view.getBigUint64(meta.transaction, isLittleEndian(view));
}

/** lmdb writes numbers as the machine has them. */
function isLittleEndian(view: DataView): boolean {
  return view.getUint32(meta.magic, true) === magic;
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return undefined;
    throw thrown;
  }
}

function damaged(reason: string): never {
  throw new KeysagaError("store_damaged", { reason });
}
