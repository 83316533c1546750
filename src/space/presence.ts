import { type Address, gibOf, type IbGib, isPrimitive, readRecord } from "../ibgib/index.js";
import {
  type BatchRow,
  damaged,
  decodeBatchRow,
  decodeRecordRow,
  type RecordRow,
  type Relation,
} from "./rows.js";
import type { Holder, Holders } from "./space.js";
import type { Reader } from "./store.js";

/** A record that has passed `checkRecords`, with what the check found out. */
export interface CheckedRecord {
  readonly record: IbGib;
  readonly isTjp: boolean;
  readonly relation: string | undefined;
  /** What it adds to the relations of its links; undefined where it adds nothing. */
  readonly adds: Relation | undefined;
  readonly links: readonly Address[];
  /** Timelines it links to that had no committed tip. */
  readonly untipped: readonly Address[];
}

/** What the rest of the space has to know of a record that is present. */
export interface Found {
  readonly record: IbGib;
  readonly isTjp: boolean;
  readonly relation: string | undefined;
}

/** What counts as present beside committed records: the part of a stage that lies in memory, and its batch in the store. */
export interface StagedPart {
  readonly records: ReadonlyMap<string, CheckedRecord>;
  readonly batch: number | undefined;
}

/** Whose records count; undefined counts everyone's. */
export type HolderSet = ReadonlySet<Holder> | undefined;

export function holderSet(holder: Holder, holders: Holders): HolderSet {
  return holders === "anyone" ? undefined : new Set([holder, ...holders]);
}

/** Does `whole` count everyone that `part` counts? */
export function countsAll(whole: HolderSet, part: HolderSet): boolean {
  if (whole === undefined || part === undefined) return whole === undefined;
  return [...part].every((holder) => whole.has(holder));
}

export const nothingStaged: StagedPart = { records: new Map(), batch: undefined };

/**
 * What is present, on one snapshot, to some holders and perhaps a stage. Without holders: all that is committed, in
 * whosever name. Costs one look-up for each record, and one for each batch that is met.
 */
export class Presence {
  readonly #reader: Reader;
  readonly #holders: ReadonlySet<Holder> | undefined;
  readonly #staged: StagedPart;
  readonly #batches = new Map<number, BatchRow>();

  constructor(reader: Reader, holders: Iterable<Holder> | undefined, staged: StagedPart = nothingStaged) {
    this.#reader = reader;
    this.#holders = holders === undefined ? undefined : new Set(holders);
    this.#staged = staged;
  }

  /** Compares the whole address: an ib that does not belong to the gib names nothing. */
  find(address: Address): Found | undefined {
    if (isPrimitive(address)) return undefined;
    const key = gibOf(address);
    const found = this.#staged.records.get(key) ?? this.#stored(key);
    return found?.record.address === address ? found : undefined;
  }

  has(address: Address): boolean {
    return this.find(address) !== undefined;
  }

  /** Does this stage have the record, or `holder` hold it already? Then there is nothing to store. */
  isHeldBy(holder: Holder, record: IbGib): boolean {
    if (this.#staged.records.has(record.gib)) return true;
    const row = recordRow(this.#reader, record.gib);
    return row?.batches.some((id) => this.#isStaged(id) || this.#isCommittedBy(id, holder)) ?? false;
  }

  /** Is a record of these batches present? */
  isVisible(batches: readonly number[]): boolean {
    return batches.some((id) => this.#isStaged(id) || this.#isCommittedByAny(id));
  }

  #stored(key: string): Found | undefined {
    const row = recordRow(this.#reader, key);
    if (row === undefined || !this.isVisible(row.batches)) return undefined;
    const record = readRecord(row.bytes);
    return record.gib === key ? { record, isTjp: row.isTjp, relation: row.relation } : damaged("records");
  }

  #isStaged(id: number): boolean {
    return id === this.#staged.batch;
  }

  #isCommittedByAny(id: number): boolean {
    const { holder, isCommitted } = this.#batch(id);
    return isCommitted && (this.#holders === undefined || this.#holders.has(holder));
  }

  #isCommittedBy(id: number, holder: Holder): boolean {
    const batch = this.#batch(id);
    return batch.isCommitted && batch.holder === holder;
  }

  #batch(id: number): BatchRow {
    const known = this.#batches.get(id);
    if (known !== undefined) return known;
    const row = this.#reader.get("batches", String(id));
    const batch = row === undefined ? damaged("batches") : decodeBatchRow(row);
    this.#batches.set(id, batch);
    return batch;
  }
}

/** A stored record whoever holds it, staged ones included. */
export function recordRow(reader: Reader, key: string): RecordRow | undefined {
  const row = reader.get("records", key);
  return row && decodeRecordRow(row);
}
