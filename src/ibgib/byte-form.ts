/**
 * The one byte form of a record, as it is stored and sent:
 *
 *     version   1 byte    0x01
 *     flags     1 byte    1: has rel8ns · 2: has data · 4: data is raw bytes (only beside 2); all others are 0
 *     ib        u32 length, then UTF-8
 *     gib       u32 length, then ASCII
 *     rel8ns    u32 length, then normal JSON in UTF-8: where flagged
 *     data      u32 length, then normal JSON in UTF-8, or the raw bytes: where flagged
 *
 * Lengths are big-endian and count bytes; nothing follows. rel8ns and data are hashed as they lie here.
 */
import { assert } from "../base/index.js";

export interface RecordParts {
  readonly ib: Uint8Array;
  /** Empty only in what a keystone frame's digest is taken over. */
  readonly gib: Uint8Array;
  readonly rel8ns: Uint8Array | undefined;
  readonly data: Uint8Array | undefined;
  /** Is `data` raw bytes, not JSON? */
  readonly isRaw: boolean;
}

const version = 1;
const rel8nsFlag = 1;
const dataFlag = 2;
const rawFlag = 4;
const headLength = 2;
const lengthLength = 4;

export function joinParts(parts: RecordParts): Uint8Array {
  assert(!parts.isRaw || parts.data !== undefined, "raw data is data");
  const pieces = [parts.ib, parts.gib];
  if (parts.rel8ns !== undefined) pieces.push(parts.rel8ns);
  if (parts.data !== undefined) pieces.push(parts.data);
  const bytes = new Uint8Array(
    headLength + pieces.reduce((sum, piece) => sum + lengthLength + piece.length, 0),
  );
  bytes[0] = version;
  bytes[1] = flagsOf(parts);
  let at = headLength;
  for (const piece of pieces) {
    writeLength(bytes, at, piece.length);
    bytes.set(piece, at + lengthLength);
    at += lengthLength + piece.length;
  }
  return bytes;
}

/** The parts as views into `bytes`, or undefined where the frame of the form is broken. Contents are not looked at. */
export function splitParts(bytes: Uint8Array): RecordParts | undefined {
  const flags = bytes[1];
  if (bytes[0] !== version || flags === undefined || !isFlags(flags)) return undefined;
  const ib = pieceAt(bytes, headLength);
  const gib = pieceAt(bytes, endOf(ib, headLength));
  let end = endOf(gib, endOf(ib, headLength));
  const rel8ns = (flags & rel8nsFlag) === 0 ? undefined : pieceAt(bytes, end);
  if ((flags & rel8nsFlag) !== 0) end = endOf(rel8ns, end);
  const data = (flags & dataFlag) === 0 ? undefined : pieceAt(bytes, end);
  if ((flags & dataFlag) !== 0) end = endOf(data, end);
  if (ib === undefined || gib === undefined || end !== bytes.length) return undefined;
  return { ib, gib, rel8ns, data, isRaw: (flags & rawFlag) !== 0 };
}

function flagsOf({ rel8ns, data, isRaw }: RecordParts): number {
  return (
    (rel8ns === undefined ? 0 : rel8nsFlag) | (data === undefined ? 0 : dataFlag) | (isRaw ? rawFlag : 0)
  );
}

function isFlags(flags: number): boolean {
  return flags <= (rel8nsFlag | dataFlag | rawFlag) && ((flags & rawFlag) === 0 || (flags & dataFlag) !== 0);
}

/** The piece whose length stands at `at`; undefined where it does not fit. */
function pieceAt(bytes: Uint8Array, at: number): Uint8Array | undefined {
  const from = at + lengthLength;
  if (from > bytes.length) return undefined;
  const length = bytes[at]! * 2 ** 24 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
  return from + length > bytes.length ? undefined : bytes.subarray(from, from + length);
}

/** Where the piece that stands at `at` ends: nowhere, where there is none. */
function endOf(piece: Uint8Array | undefined, at: number): number {
  return piece === undefined ? Number.POSITIVE_INFINITY : at + lengthLength + piece.length;
}

function writeLength(bytes: Uint8Array, at: number, length: number): void {
  bytes[at] = length >>> 24;
  bytes[at + 1] = length >>> 16;
  bytes[at + 2] = length >>> 8;
  bytes[at + 3] = length;
}
