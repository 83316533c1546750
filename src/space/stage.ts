import { KeysagaError } from "../base/index.js";
import type { StoredStage } from "./batches.js";
import type { SpaceLimits } from "./limits.js";
import type { CheckedRecord, HolderSet, StagedPart } from "./presence.js";
import type { Holder, StageTotals } from "./space.js";
import { StageTracker } from "./stage-tracker.js";

/**
 * What one saga has staged. The newest part lies in memory: nothing of a stage outlives a crash, so a small one never
 * touches the store before it commits. What is more than fits is moved to the store in portions.
 */
export class Stage {
  readonly holder: Holder;
  /** Everyone whose records were counted on when it was checked. */
  #holders: HolderSet = new Set();
  readonly tracker = StageTracker.empty();
  readonly #inMemory = new Map<string, CheckedRecord>();
  #bytesInMemory = 0;
  #stored: StoredStage | undefined;
  #totals: StageTotals = { records: 0, bytes: 0 };

  constructor(holder: Holder) {
    this.holder = holder;
  }

  get holders(): HolderSet {
    return this.#holders;
  }

  get totals(): StageTotals {
    return this.#totals;
  }

  get bytesInMemory(): number {
    return this.#bytesInMemory;
  }

  get inMemory(): readonly CheckedRecord[] {
    return [...this.#inMemory.values()];
  }

  get stored(): StoredStage | undefined {
    return this.#stored;
  }

  /** What presence has to see of it. */
  get part(): StagedPart {
    return { records: this.#inMemory, batch: this.#stored?.batch };
  }

  add(checked: readonly CheckedRecord[], holders: HolderSet): void {
    const added = totalsOf(checked);
    this.#holders = holders && this.#holders && new Set([...this.#holders, ...holders]);
    for (const each of checked) this.#inMemory.set(each.record.gib, each);
    this.tracker.add(checked);
    this.#bytesInMemory += added.bytes;
    this.#totals = sum(this.#totals, added);
  }

  /** What was in memory is in the store now. */
  moved(stored: StoredStage): void {
    this.#stored = stored;
    this.#inMemory.clear();
    this.#bytesInMemory = 0;
  }
}

/** Counts what all stages hold, by holder and together. */
export class StageBudget {
  readonly #limits: SpaceLimits;
  readonly #byHolder = new Map<Holder, StageTotals>();
  #all: StageTotals = { records: 0, bytes: 0 };

  constructor(limits: SpaceLimits) {
    this.#limits = limits;
  }

  /** @throws KeysagaError `limit_exceeded`, with nothing taken. */
  take(holder: Holder, more: StageTotals): void {
    const own = sum(this.#byHolder.get(holder) ?? { records: 0, bytes: 0 }, more);
    const all = sum(this.#all, more);
    this.#check("stagedRecordsPerHolder", own.records);
    this.#check("stagedBytesPerHolder", own.bytes);
    this.#check("stagedRecords", all.records);
    this.#check("stagedBytes", all.bytes);
    this.#byHolder.set(holder, own);
    this.#all = all;
  }

  release({ holder, totals }: Stage): void {
    const back = { records: -totals.records, bytes: -totals.bytes };
    const own = sum(this.#byHolder.get(holder) ?? totals, back);
    if (own.records === 0) this.#byHolder.delete(holder);
    else this.#byHolder.set(holder, own);
    this.#all = sum(this.#all, back);
  }

  #check(limit: keyof SpaceLimits, count: number): void {
    const max = this.#limits[limit];
    if (count > max) throw new KeysagaError("limit_exceeded", { limit, max });
  }
}

export function totalsOf(checked: readonly CheckedRecord[]): StageTotals {
  let bytes = 0;
  for (const { record } of checked) bytes += record.bytes.length;
  return { records: checked.length, bytes };
}

function sum(a: StageTotals, b: StageTotals): StageTotals {
  return { records: a.records + b.records, bytes: a.bytes + b.bytes };
}
