import { limitExceeded } from "../base/index.js";
import type { Address } from "../ibgib/index.js";
import type { StoredStage } from "./batches.js";
import type { KeptStage } from "./kept-stage.js";
import type { SpaceLimits } from "./limits.js";
import type { CheckedRecord, StagedPart } from "./presence.js";
import { SightsUsed } from "./sight.js";
import type { Holder, Sight, StageTotals } from "./space.js";
import { StageTracker } from "./stage-tracker.js";

/**
 * What one saga has staged. The newest part lies in memory: nothing of a stage outlives a crash, so a small one never
 * touches the store before it commits. What is more than fits is moved to the store in portions.
 */
export class Stage {
  readonly holder: Holder;
  /** What was counted on when it was checked. */
  readonly sights = new SightsUsed();
  readonly tracker = StageTracker.empty();
  /** Targets that were declared to stay away. */
  readonly references: Set<Address>;
  readonly #inMemory = new Map<string, CheckedRecord>();
  /** Records in memory that no move has taken. */
  #waiting: CheckedRecord[] = [];
  #waitingBytes = 0;
  #stored: StoredStage | undefined;
  #move: Promise<void> = Promise.resolve();
  #isMoving = false;
  #totals: StageTotals;

  /** @param resumed What lies in the store already. */
  constructor(holder: Holder, resumed?: Pick<KeptStage, "stored" | "totals" | "references">) {
    this.holder = holder;
    this.references = new Set(resumed?.references);
    this.#stored = resumed?.stored;
    this.#totals = resumed?.totals ?? { records: 0, bytes: 0 };
  }

  get totals(): StageTotals {
    return this.#totals;
  }

  /** Bytes in memory that are not on their way to the store. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  get isMoving(): boolean {
    return this.#isMoving;
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

  add(checked: readonly CheckedRecord[], sight: Sight | "anyone", references: ReadonlySet<Address>): void {
    for (const target of references) this.references.add(target);
    const added = totalsOf(checked);
    this.sights.add(sight);
    for (const each of checked) {
      this.#inMemory.set(each.record.gib, each);
      this.#waiting.push(each);
    }
    this.#waitingBytes += added.bytes;
    this.tracker.add(checked);
    this.#totals = sum(this.#totals, added);
  }

  /** Of the records that wait in memory, those among the first so many of the stage. Nothing is on its way to the store. */
  waitingAmong(records: number): readonly CheckedRecord[] {
    const stored = this.#totals.records - this.#waiting.length;
    return this.#waiting.slice(0, Math.max(0, records - stored));
  }

  /** Starts to move to the store what waits in memory. `settled` tells how that ended. */
  startMove(
    put: (stored: StoredStage | undefined, records: readonly CheckedRecord[]) => Promise<StoredStage>,
  ): void {
    const records = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#isMoving = true;
    const move = this.#moved(put(this.#stored, records), records);
    move.catch(() => undefined); // told to whoever comes next
    this.#move = move;
  }

  /** Waits for the move that is under way; where the last one failed, what it had taken waits again. */
  async settled(): Promise<void> {
    const move = this.#move;
    this.#move = Promise.resolve();
    await move;
  }

  async #moved(put: Promise<StoredStage>, records: readonly CheckedRecord[]): Promise<void> {
    try {
      this.#stored = await put;
      for (const { record } of records) this.#inMemory.delete(record.gib);
    } catch (thrown) {
      this.#waiting = [...records, ...this.#waiting];
      this.#waitingBytes += totalsOf(records).bytes;
      throw thrown;
    } finally {
      this.#isMoving = false;
    }
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
    this.#check("stagedRecordsPerHolderMax", own.records);
    this.#check("stagedBytesPerHolderMax", own.bytes);
    this.#check("stagedRecordsInSpaceMax", all.records);
    this.#check("stagedBytesInSpaceMax", all.bytes);
    this.#byHolder.set(holder, own);
    this.#all = all;
  }

  release({ holder, totals }: Pick<Stage, "holder" | "totals">): void {
    const back = { records: -totals.records, bytes: -totals.bytes };
    const own = sum(this.#byHolder.get(holder) ?? totals, back);
    if (own.records === 0) this.#byHolder.delete(holder);
    else this.#byHolder.set(holder, own);
    this.#all = sum(this.#all, back);
  }

  #check(limit: keyof SpaceLimits, count: number): void {
    const max = this.#limits[limit];
    if (count > max) throw limitExceeded(limit, max);
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
