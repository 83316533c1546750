/** Keystone frames and contexts: filed under groups, apart from domain records, dropped a group at a time. */
import { type Address, gibOf, type IbGib, readRecord } from "../ibgib/index.js";
import {
  damaged,
  decodeGroupRow,
  decodeProofRow,
  decodeTexts,
  encodeGroupRow,
  encodeProofRow,
  encodeTexts,
  type ProofRow,
} from "./rows.js";
import type { ProofPut } from "./space.js";
import type { Reader, Writer } from "./store.js";

export function proofOf(reader: Reader, address: Address): IbGib | undefined {
  const row = proofRow(reader, gibOf(address));
  const proof = row && readRecord(row.bytes);
  return proof?.address === address ? proof : undefined;
}

export function proofsOf(reader: Reader, group: Address, from?: number, to?: number): IbGib[] {
  return gibsOfGroup(reader, group, from, to).map((gib) =>
    readRecord((proofRow(reader, gib) ?? damaged("proofs")).bytes),
  );
}

/** Files a proof behind those its group has; filing it there again changes nothing. */
export function putProof(writer: Writer, { group, record }: ProofPut): void {
  const groups = proofRow(writer, record.gib)?.groups ?? [];
  if (groups.includes(group)) return;
  const count = countOf(writer, group);
  writer.put("groups", entryKey(group, count), encodeTexts([record.gib]));
  writer.put("groups", gibOf(group), encodeGroupRow({ group, count: count + 1 }));
  const row = { groups: [...groups, group], bytes: record.bytes };
  writer.put("proofs", record.gib, encodeProofRow(row));
}

/** Drops a group; a proof that is filed under others as well stays there. */
export function dropGroup(writer: Writer, group: Address): void {
  for (const [at, gib] of gibsOfGroup(writer, group).entries()) {
    const row = proofRow(writer, gib) ?? damaged("proofs");
    const groups = row.groups.filter((other) => other !== group);
    if (groups.length === 0) writer.remove("proofs", gib);
    else writer.put("proofs", gib, encodeProofRow({ ...row, groups }));
    writer.remove("groups", entryKey(group, at));
  }
  writer.remove("groups", gibOf(group));
}

function proofRow(reader: Reader, gib: string): ProofRow | undefined {
  const row = reader.get("proofs", gib);
  return row && decodeProofRow(row);
}

function gibsOfGroup(reader: Reader, group: Address, from = 0, to = Number.POSITIVE_INFINITY): string[] {
  const end = Math.min(to, countOf(reader, group));
  return Array.from({ length: Math.max(0, end - from) }, (_, at) => {
    const row = reader.get("groups", entryKey(group, from + at)) ?? damaged("groups");
    return decodeTexts(row, "groups", 1)[0]!;
  });
}

function countOf(reader: Reader, group: Address): number {
  const row = reader.get("groups", gibOf(group));
  const found = row && decodeGroupRow(row);
  return found?.group === group ? found.count : 0;
}

function entryKey(group: Address, at: number): string {
  return `${gibOf(group)}/${at}`;
}
