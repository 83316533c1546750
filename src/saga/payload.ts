import {
  canonicalJson,
  concatBytes,
  fromUtf8,
  KeysagaError,
  limitExceeded,
  parseCanonicalJson,
  utf8,
} from "../base/index.js";
import {
  type Address,
  decodeRecord,
  type IbGib,
  ibOf,
  isAddress,
  isPrimitive,
  isReservedIb,
  linksOf,
} from "../ibgib/index.js";
import { sagaLimits } from "./limits.js";
import { Evidence } from "./turn-bodies.js";
import { noContent, type PayloadContent } from "./turn.js";

/** The first byte of a payload frame says what is in it. */
const recordsKind = 1;
const entriesKind = 2;
const evidenceKind = 3;
const referencesKind = 4;
const lengthBytes = 4;

/** A frame of records: kind, then each record's one byte form behind its length (big-endian 32 bit). */
export function recordsFrame(records: readonly IbGib[]): Uint8Array {
  const frame = new Uint8Array(records.reduce((sum, { bytes }) => sum + lengthBytes + bytes.length, 1));
  const view = new DataView(frame.buffer);
  frame[0] = recordsKind;
  let at = 1;
  for (const { bytes } of records) {
    view.setUint32(at, bytes.length);
    frame.set(bytes, at + lengthBytes);
    at += lengthBytes + bytes.length;
  }
  return frame;
}

/** A frame with a part of a turn's list: kind, then a JSON array in normal form. */
export function entriesFrame(entries: readonly unknown[]): Uint8Array {
  return concatBytes(Uint8Array.of(entriesKind), utf8(canonicalJson(entries)));
}

/** A frame with evidence, or a part of it: kind, then a JSON array in normal form. */
export function evidenceFrame(items: readonly Evidence[]): Uint8Array {
  return concatBytes(Uint8Array.of(evidenceKind), utf8(canonicalJson(items)));
}

/** A frame with targets of links that stay away, ahead of the records that link them: kind, then a JSON array. */
export function referencesFrame(targets: readonly Address[]): Uint8Array {
  return concatBytes(Uint8Array.of(referencesKind), utf8(canonicalJson(targets)));
}

/**
 * Reads a payload frame from a stranger; every record is admitted (ibgib `decodeRecord`) or the frame is refused.
 *
 * @throws KeysagaError `malformed_message`, `limit_exceeded`, `reserved_record`, or what `decodeRecord` throws.
 */
export function readPayload(frame: Uint8Array): PayloadContent {
  if (frame.length > sagaLimits.payloadBytesMax)
    throw limitExceeded("payloadBytesMax", sagaLimits.payloadBytesMax);
  switch (frame[0]) {
    case recordsKind:
      return { ...noContent, records: readRecords(frame) };
    case entriesKind:
      return { ...noContent, entries: readList(frame, "entries") };
    case evidenceKind:
      return { ...noContent, evidence: readList(frame, "evidence").map(readItem) };
    case referencesKind:
      return { ...noContent, references: readList(frame, "references").map(readTarget) };
    default:
      throw new KeysagaError("malformed_message", { in: "payload", rule: "kind" });
  }
}

function readRecords(frame: Uint8Array): IbGib[] {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const records: IbGib[] = [];
  for (let at = 1; at < frame.length; ) {
    if (at + 4 > frame.length) throw new KeysagaError("malformed_message", { in: "payload", rule: "length" });
    const end = at + 4 + view.getUint32(at);
    if (end > frame.length) throw new KeysagaError("malformed_message", { in: "payload", rule: "length" });
    if (records.length === sagaLimits.payloadRecordsMax)
      throw limitExceeded("payloadRecordsMax", sagaLimits.payloadRecordsMax);
    // A copy: what is kept of a record must not keep the whole frame alive.
    const record = decodeRecord(frame.slice(at + 4, end));
    refuseReserved(record);
    records.push(record);
    at = end;
  }
  if (records.length === 0) throw new KeysagaError("malformed_message", { in: "payload", rule: "empty" });
  return records;
}

/** Keystones and contexts have ways of their own; as domain records they could pass for what they are not. */
function refuseReserved(record: IbGib): void {
  if (isReservedIb(record.ib)) throw new KeysagaError("reserved_record", { rule: "ib" });
  for (const { target } of linksOf(record))
    if (isReservedIb(ibOf(target))) throw new KeysagaError("reserved_record", { rule: "link" });
}

function readList(frame: Uint8Array, rule: string): readonly unknown[] {
  const text = fromUtf8(frame.subarray(1));
  const list = text === undefined ? undefined : parseCanonicalJson(text);
  if (!Array.isArray(list) || list.length === 0)
    throw new KeysagaError("malformed_message", { in: "payload", rule });
  return list;
}

/** Primitives need no storage, and keystones and contexts are no domain records: none of them can stay away. */
function readTarget(item: unknown): Address {
  if (!isAddress(item) || isPrimitive(item))
    throw new KeysagaError("malformed_message", { in: "payload", rule: "references" });
  if (isReservedIb(ibOf(item))) throw new KeysagaError("reserved_record", { rule: "link" });
  return item;
}

function readItem(item: unknown): Evidence {
  const read = Evidence.safeParse(item);
  if (!read.success) throw new KeysagaError("malformed_message", { in: "payload", rule: "evidence" });
  return read.data;
}
