/**
 * References: links whose targets were declared to stay away. Each is filed for the timeline, or stone, that has the
 * link, by the commit that brings the link. It is present for the closure of that holder, and for nothing else. Once
 * its target has come for it, it is settled, and stays filed: the index of what a closure reaches does not know of it.
 */
import { sha256Hex } from "../base/index.js";
import { type Address, gibOf } from "../ibgib/index.js";
import { recordRow } from "./presence.js";
import { damaged, decodeReferenceRow, encodeReferenceRow } from "./rows.js";
import type { Reference, ReferenceTo } from "./space.js";
import type { Reader, Writer } from "./store.js";

export function referenceOf(reader: Reader, holder: Address, target: Address): Reference | undefined {
  const row = reader.get("references", referenceKey({ holder, target }));
  return row && decodeReferenceRow(row);
}

/** All that are filed for a holder. */
export function referencesOf(reader: Reader, holder: Address): Reference[] {
  return Array.from(reader.entries("references", `${gibOf(holder)}/`), ([, row]) => decodeReferenceRow(row));
}

/** Files a reference; one that is filed already stays as it is. */
export function putReference(writer: Writer, reference: Omit<Reference, "isOpen">): void {
  writer.putNew("references", referenceKey(reference), encodeReferenceRow({ ...reference, isOpen: true }));
}

/** The target has come for it. Where it is not here, or nothing is filed, nothing changes. */
export function settleReference(writer: Writer, { holder, target }: ReferenceTo): void {
  const filed = referenceOf(writer, holder, target);
  if (filed === undefined || !filed.isOpen || recordRow(writer, gibOf(target)) === undefined) return;
  writer.put("references", referenceKey(filed), encodeReferenceRow({ ...filed, isOpen: false }));
}

/** A target is named by its hash here: it may not be what its gib says, and an ib may be longer than a key. */
export function referenceKey({ holder, target }: ReferenceTo): string {
  return `${gibOf(holder)}/${sha256Hex(target)}`;
}

/** The holder that a row under this key is for, where the row is in its place. */
export function checkReferenceKey(key: string, reference: Reference): Reference {
  return referenceKey(reference) === key ? reference : damaged("references");
}
