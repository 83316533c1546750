import { type Address, gibOf, type IbGib, isPrimitive, readRecord, tjpOf } from "../ibgib/index.js";
import {
  type BatchRow,
  damaged,
  decodeBatchRow,
  decodeRecordRow,
  type RecordRow,
  type Relation,
} from "./rows.js";
import type { Holder, Look, Sight } from "./space.js";
import type { Reader } from "./store.js";
import { timelinesWithin } from "./timelines.js";

/** A record that has passed `checkRecords`, with what the check found out. */
export interface CheckedRecord {
  readonly record: IbGib;
  readonly isTjp: boolean;
  readonly relation: string | undefined;
  /** What it adds to the relations of its links; undefined where it adds nothing. */
  readonly adds: Relation | undefined;
  readonly links: readonly Address[];
  /** Targets of links that it brings, and that were declared to stay away. */
  readonly references: readonly Address[];
  /** Targets that stayed away from it when others brought it, and that are there for it now. */
  readonly come: readonly Address[];
  /** Timelines without a committed tip that it links to and the frames before it did not. */
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

export const nothingStaged: StagedPart = { records: new Map(), batch: undefined };

/**
 * What is present to a sight, on one snapshot, and perhaps to a stage. Costs one look-up for each record, and one for
 * each batch that is met; where the sight reads timelines, one more for each timeline.
 */
export class Presence {
  readonly #reader: Reader;
  readonly #holders: ReadonlySet<Holder> | undefined;
  readonly #reads: Sight["reads"];
  readonly #stones: Sight["stones"];
  readonly #staged: StagedPart;
  readonly #batches = new Map<number, BatchRow>();
  /** What the sight says of first frames. */
  readonly #verdicts = new Map<Address, boolean>();
  /** The same snapshot and stage, for anyone's eyes. */
  #open: Presence | undefined;

  constructor(reader: Reader, sight: Sight | "anyone" = "anyone", staged: StagedPart = nothingStaged) {
    this.#reader = reader;
    this.#holders = sight === "anyone" ? undefined : new Set(sight.holders);
    this.#reads = sight === "anyone" ? undefined : sight.reads;
    this.#stones = sight === "anyone" ? undefined : sight.stones;
    this.#staged = staged;
  }

  /** Does everything committed count, in whosever name? */
  get isOpen(): boolean {
    return this.#holders === undefined;
  }

  /** Are there timelines whose frames count whoever holds them? */
  get readsTimelines(): boolean {
    return this.#reads !== undefined;
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

  /** What is here, present or not: committed in whosever name, or in this stage. */
  known(address: Address): Found | undefined {
    if (this.isOpen) return this.find(address);
    this.#open ??= new Presence(this.#reader, "anyone", this.#staged);
    return this.#open.find(address);
  }

  /** This snapshot, whoever holds what is here. */
  get look(): Look {
    return {
      cell: (key) => this.#reader.get("cells", key),
      cells: (prefix) => this.#reader.entries("cells", prefix),
      record: (address) => this.known(address)?.record,
      within: (outer) => timelinesWithin(this.#reader, outer),
    };
  }

  /** Is this a committed frame of a timeline that the sight reads? */
  reads(record: IbGib): boolean {
    return this.#isReadable(record) && this.known(record.address) !== undefined;
  }

  /** Does a link to this mean the very record, because it starts a timeline that the sight may not read? */
  denies({ record, isTjp }: Found): boolean {
    return isTjp && this.#reads !== undefined && !this.#mayRead(record, this.#reads);
  }

  /** The first frame of a timeline that is here and that the sight may not read. */
  denied(timeline: Address): Found | undefined {
    const first = this.#reads && this.known(timeline);
    return first !== undefined && this.denies(first) ? first : undefined;
  }

  /** Does this stage have the record, or `holder` hold it already? Then there is nothing to store. */
  isHeldBy(holder: Holder, record: IbGib): boolean {
    if (this.#staged.records.has(record.gib)) return true;
    const row = recordRow(this.#reader, record.gib);
    return row?.batches.some((id) => this.#isStaged(id) || this.#isCommittedBy(id, holder)) ?? false;
  }

  /** Has `holder` committed the record? */
  isCommittedFor(holder: Holder, record: IbGib): boolean {
    const row = recordRow(this.#reader, record.gib);
    return row?.batches.some((id) => this.#isCommittedBy(id, holder)) ?? false;
  }

  /** Is a record of these batches present? */
  isVisible(batches: readonly number[]): boolean {
    return batches.some((id) => this.#isStaged(id) || this.#isCommittedByAny(id));
  }

  #stored(key: string): Found | undefined {
    const row = recordRow(this.#reader, key);
    if (row === undefined) return undefined;
    const isHeld = this.isVisible(row.batches);
    const mayCount = this.#reads !== undefined || this.#stones !== undefined;
    if (!isHeld && (!mayCount || !this.#isCommitted(row.batches))) return undefined;
    const record = readRecord(row.bytes);
    if (record.gib !== key) return damaged("records");
    if (!isHeld && !this.#stones?.has(record.address) && !this.#isReadable(record)) return undefined;
    return { record, isTjp: row.isTjp, relation: row.relation };
  }

  #isReadable(record: IbGib): boolean {
    const reads = this.#reads;
    const tjp = reads && tjpOf(record);
    if (reads === undefined || tjp === undefined) return false;
    const known = this.#verdicts.get(tjp);
    if (known !== undefined) return known;
    const first = tjp === record.address ? record : this.known(tjp)?.record;
    return first !== undefined && this.#mayRead(first, reads);
  }

  #mayRead(first: IbGib, reads: NonNullable<Sight["reads"]>): boolean {
    const known = this.#verdicts.get(first.address);
    if (known !== undefined) return known;
    const verdict = reads(first, this.look);
    this.#verdicts.set(first.address, verdict);
    return verdict;
  }

  #isStaged(id: number): boolean {
    return id === this.#staged.batch;
  }

  #isCommitted(batches: readonly number[]): boolean {
    return batches.some((id) => this.#batch(id).isCommitted);
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
