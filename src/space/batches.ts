/** In whose name records are held: a record names batches, a batch names its holder. */
import { KeysagaError } from "../base/index.js";
import { type IbGib, readRecord } from "../ibgib/index.js";
import { rowBytes } from "./metered-writer.js";
import { type CheckedRecord, recordRow } from "./presence.js";
import {
  damaged,
  decodeCount,
  decodeGibs,
  decodeStageRow,
  encodeBatchRow,
  encodeCount,
  encodeGibs,
  encodeRecordRow,
  encodeRecordRows,
  encodeRelation,
  encodeStageRow,
  lengthOfRecordRow,
} from "./rows.js";
import type { Holder } from "./space.js";
import type { Reader, Writer } from "./store.js";

/** The part of a stage that lies in the store. */
export interface StoredStage {
  readonly batch: number;
  readonly portions: number;
}

/** Adds checked records to a batch; of one that is stored already, only the list of batches grows. */
export function putRecords(writer: Writer, records: readonly CheckedRecord[], batch: number): void {
  const sorted = [...records].sort((a, b) => (a.record.gib < b.record.gib ? -1 : 1));
  const batches = [batch];
  const rows = sorted.map(({ record, isTjp, relation }) => ({
    batches,
    isTjp,
    relation,
    bytes: record.bytes,
  }));
  for (const [at, row] of encodeRecordRows(rows).entries()) {
    const { record, adds } = sorted[at]!;
    if (adds !== undefined) writer.putNew("relations", record.gib, encodeRelation(adds));
    if (!writer.putNew("records", record.gib, row)) addToBatch(writer, record.gib, batch);
  }
}

/** What a record takes on a disk where nobody else has it: two rows at the most. */
export function rowBytesOf({ record, isTjp, relation, adds }: CheckedRecord): number {
  const { gib, bytes } = record;
  const length = lengthOfRecordRow({ batches: [0], isTjp, relation, bytes });
  return rowBytes(gib, { length }) + (adds === undefined ? 0 : rowBytes(gib, encodeRelation(adds)));
}

function addToBatch(writer: Writer, gib: string, batch: number): void {
  const stored = recordRow(writer, gib) ?? damaged("records");
  if (stored.batches.includes(batch)) return;
  const batches = [...stored.batches, batch];
  writer.put("records", gib, encodeRecordRow({ ...stored, batches }));
}

/** The batch of what `holder` commits without having staged it in the store; made when first asked for. */
export function homeBatch(writer: Writer, holder: Holder): number {
  const known = writer.get("holders", holder);
  if (known !== undefined) return decodeCount(known, "holders");
  const batch = newBatch(writer, holder, true);
  writer.put("holders", holder, encodeCount(batch));
  return batch;
}

/** Stores a portion of a stage; `stage` is undefined for the first. */
export function putPortion(
  writer: Writer,
  stage: StoredStage | undefined,
  holder: Holder,
  opener: string,
  records: readonly CheckedRecord[],
): StoredStage {
  if (stage !== undefined) checkStage(writer, stage);
  const batch = stage?.batch ?? newBatch(writer, holder, false);
  const portions = stage?.portions ?? 0;
  putRecords(writer, records, batch);
  writer.put("portions", portionKey(batch, portions), encodeGibs(records.map(({ record }) => record.gib)));
  writer.put("stages", String(batch), encodeStageRow({ opener, portions: portions + 1 }));
  return { batch, portions: portions + 1 };
}

/** Everything a stage has stored becomes committed in the name of `holder`: one row, whatever the number of records. */
export function commitStage(writer: Writer, stage: StoredStage, holder: Holder): void {
  checkStage(writer, stage);
  writer.put("batches", String(stage.batch), encodeBatchRow({ holder, isCommitted: true }));
  for (let portion = 0; portion < stage.portions; portion++) {
    writer.remove("portions", portionKey(stage.batch, portion));
  }
  writer.remove("stages", String(stage.batch));
}

/** The gibs of what a stage has stored, in the order it came. */
export function* gibsOfStage(reader: Reader, stage: StoredStage): Generator<string> {
  for (let portion = 0; portion < stage.portions; portion++) yield* portionGibs(reader, stage.batch, portion);
}

/** How many records a portion has. */
export function portionSize(reader: Reader, batch: number, portion: number): number {
  return portionGibs(reader, batch, portion).length;
}

/** The records of a portion, in the order they came. @throws KeysagaError where another process has dropped the stage. */
export function portionRecords(reader: Reader, stage: StoredStage, portion: number): IbGib[] {
  checkStage(reader, stage);
  return portionGibs(reader, stage.batch, portion).map((gib) =>
    readRecord((recordRow(reader, gib) ?? damaged("records")).bytes),
  );
}

/**
 * Takes all but the first `records` of a stage's last portion out of the store again, the whole of it where that is none.
 */
export function shortenPortion(
  writer: Writer,
  { batch, portions }: StoredStage,
  records: number,
): StoredStage {
  const last = portions - 1;
  const gibs = portionGibs(writer, batch, last);
  for (const gib of gibs.slice(records)) removeRecord(writer, gib, batch);
  if (records > 0) {
    writer.put("portions", portionKey(batch, last), encodeGibs(gibs.slice(0, records)));
    return { batch, portions };
  }
  writer.remove("portions", portionKey(batch, last));
  const { opener } = decodeStageRow(writer.get("stages", String(batch)) ?? damaged("stages"));
  writer.put("stages", String(batch), encodeStageRow({ opener, portions: last }));
  return { batch, portions: last };
}

/** Takes a portion of a stage out of the store again; records that nobody else has go with it. */
export function removePortion(writer: Writer, batch: number, portion: number): void {
  for (const gib of portionGibs(writer, batch, portion)) removeRecord(writer, gib, batch);
  writer.remove("portions", portionKey(batch, portion));
}

/** What is left of a stage after its portions. */
export function removeStage(writer: Writer, batch: number): void {
  writer.remove("stages", String(batch));
  writer.remove("batches", String(batch));
}

/** Is what this process remembers of a stage still what the store has? */
function checkStage(reader: Reader, { batch, portions }: StoredStage): void {
  const row = reader.get("stages", String(batch));
  if (row === undefined || decodeStageRow(row).portions !== portions) {
    throw new KeysagaError("store_failed", { reason: "the stage was dropped by another process" });
  }
}

function removeRecord(writer: Writer, gib: string, batch: number): void {
  const stored = recordRow(writer, gib);
  if (stored === undefined) return;
  const batches = stored.batches.filter((id) => id !== batch);
  if (batches.length > 0) {
    writer.put("records", gib, encodeRecordRow({ ...stored, batches }));
  } else {
    writer.remove("records", gib);
    writer.remove("relations", gib);
  }
}

function portionGibs(reader: Reader, batch: number, portion: number): string[] {
  const row = reader.get("portions", portionKey(batch, portion));
  return row === undefined ? [] : decodeGibs(row);
}

function newBatch(writer: Writer, holder: Holder, isCommitted: boolean): number {
  const batch = nextCount(writer, "batches");
  writer.put("batches", String(batch), encodeBatchRow({ holder, isCommitted }));
  return batch;
}

/** A number that this counter of the store has not given before. */
export function nextCount(writer: Writer, counter: "batches" | "openers"): number {
  const counted = writer.get("meta", counter);
  const count = counted === undefined ? 0 : decodeCount(counted, "meta");
  writer.put("meta", counter, encodeCount(count + 1));
  return count;
}

function portionKey(batch: number, portion: number): string {
  return `${batch}/${portion}`;
}
