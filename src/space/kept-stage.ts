import { assert, KeysagaError } from "../base/index.js";
import { type Address, type IbGib, isFrame, tjpOf, isMerge } from "../ibgib/index.js";
import { portionRecords, portionSize, putPortion, type StoredStage, shortenPortion } from "./batches.js";
import { checkRecords } from "./check-records.js";
import { sightOf } from "./sight.js";
import type { Holder, Sight, StageTotals, Tip } from "./space.js";
import { Stage } from "./stage.js";
import type { Store } from "./store.js";
import { numberOf } from "./timelines.js";

/** What is left of the stage of a saga that has ended: records in the store. In memory it costs a few words. */
export interface KeptStage {
  readonly holder: Holder;
  readonly stored: StoredStage;
  readonly totals: StageTotals;
  /** Targets that were declared to stay away. */
  readonly references: ReadonlySet<Address>;
}

/**
 * Moves a stage to the store as it was when it had `upTo`, which is not nothing. What came behind that and lies in the
 * store is taken out, a portion at a time: a long one stops nobody.
 */
export async function keepStage(
  store: Store,
  stage: Stage,
  opener: string,
  upTo: StageTotals,
): Promise<KeptStage> {
  const { holder } = stage;
  const waiting = stage.waitingAmong(upTo.records);
  const stored =
    waiting.length > 0
      ? await store.write((writer) => putPortion(writer, stage.stored, holder, opener, waiting))
      : stage.stored && (await shortened(store, stage.stored, upTo.records));
  assert(stored, "what is neither in the store nor waits was never staged");
  const { records, bytes } = upTo;
  return { holder, stored, totals: { records, bytes }, references: new Set(stage.references) };
}

async function shortened(store: Store, whole: StoredStage, records: number): Promise<StoredStage> {
  let stored = whole;
  let more = storedRecords(store, whole) - records;
  while (more > 0) {
    const { batch, portions } = stored;
    const size = store.read((reader) => portionSize(reader, batch, portions - 1));
    const left = Math.max(0, size - more);
    stored = await store.write((writer) => shortenPortion(writer, { batch, portions }, left));
    more -= size - left;
  }
  return stored;
}

function storedRecords(store: Store, { batch, portions }: StoredStage): number {
  return store.read((reader) => {
    let records = 0;
    for (let portion = 0; portion < portions; portion++) records += portionSize(reader, batch, portion);
    return records;
  });
}

/**
 * Makes a stage of what was kept, a portion at a time. All of it is checked as if it came now, but for its place: that
 * links lead to what came before them was checked then.
 *
 * @returns the stage, and of each timeline the newest frame that is no merge.
 * @throws KeysagaError as `checkRecords`, and `record_missing`; nothing was changed.
 */
export async function resumeStage(
  store: Store,
  { holder, stored, totals, references }: KeptStage,
  sight: Sight | "anyone",
): Promise<{ stage: Stage; tips: readonly Tip[] }> {
  const stage = new Stage(holder, { stored, totals, references });
  const newest = new NewestFrames();
  const standing = { holder, sight: sightOf(holder, sight), staged: stage.part, isStaged: true, references };
  for (let portion = 0; portion < stored.portions; portion++) {
    // In a write, because that waits: a long stage stops nobody.
    const records = await store.write((writer) => portionRecords(writer, stored, portion));
    const { checked, missing } = store.read((reader) => checkRecords(reader, standing, records));
    if (missing.length > 0) throw new KeysagaError("record_missing", { missing: missing.length });
    stage.tracker.add(checked);
    newest.add(records);
  }
  stage.sights.add(standing.sight);
  return { stage, tips: newest.tips };
}

class NewestFrames {
  readonly #tips = new Map<Address, Tip>();

  add(records: readonly IbGib[]): void {
    for (const record of records) {
      const tjp = tjpOf(record);
      if (tjp === undefined || !isFrame(record) || isMerge(record)) continue;
      const n = numberOf(record);
      const newest = this.#tips.get(tjp);
      if (newest === undefined || newest.n < n) this.#tips.set(tjp, { tjp, address: record.address, n });
    }
  }

  get tips(): readonly Tip[] {
    return [...this.#tips.values()];
  }
}

/** Does this say that records may not be staged as things are now, and not that the store has failed? */
export function isRefusal(thrown: unknown): boolean {
  const codes: readonly string[] = ["record_missing", "chain_refused", "reserved_record"];
  return thrown instanceof KeysagaError && codes.includes(thrown.code);
}
