import { assert, KeysagaError, utf8 } from "../base/index.js";
import { type Address, type IbGib, shortAddress } from "../ibgib/index.js";
import { putPortion, type StoredStage } from "./batches.js";
import { checkRecords } from "./check-records.js";
import { missingOf, reachableTips, referencesFrom } from "./closure.js";
import { type CommitOutcome, makeCommit, stagedSizes } from "./commit.js";
import { Gates } from "./gates.js";
import { isRefusal, type KeptStage, keepStage, resumeStage } from "./kept-stage.js";
import { nameBytesMax, type SpaceLimits } from "./limits.js";
import { dropStored, leaveOpener } from "./openers.js";
import { nothingStaged, Presence } from "./presence.js";
import { proofOf, proofsOf } from "./proofs.js";
import { referencesOf } from "./references.js";
import { scanStore } from "./scan.js";
import { sightOf } from "./sight.js";
import type {
  Commit,
  CommitResult,
  Holder,
  Look,
  Reference,
  SagaId,
  Scanned,
  Sight,
  Space,
  SpaceView,
  StagedRecord,
  StageTotals,
  TakenOver,
  Tip,
} from "./space.js";
import { Stage, StageBudget, totalsOf } from "./stage.js";
import type { Reader, Store } from "./store.js";
import { frameAt, framesOf, tipOf } from "./timelines.js";

export interface StoreSpaceOptions {
  readonly limits: SpaceLimits;
  /** Marks what this space stages in the store, so that it is found after a crash. */
  readonly opener: string;
}

const nothingTaken: TakenOver = { records: 0, bytes: 0, tips: [] };

/** A space over any `Store`: all that spaces have in common. */
export class StoreSpace implements Space {
  readonly #store: Store;
  readonly #limits: SpaceLimits;
  readonly #opener: string;
  readonly #stages = new Map<SagaId, Stage>();
  /** Of sagas that have ended. */
  readonly #kept = new Map<SagaId, KeptStage>();
  /** What a failing store did not take out: every drop, and the close, tries again. */
  readonly #left = new Set<StoredStage>();
  readonly #budget: StageBudget;
  readonly #gates = new Gates();
  readonly #listeners = new Set<Parameters<Space["watch"]>[0]>();
  readonly #underWay = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(store: Store, { limits, opener }: StoreSpaceOptions) {
    this.#store = store;
    this.#limits = limits;
    this.#opener = opener;
    this.#budget = new StageBudget(limits);
  }

  getMany(addresses: readonly Address[], sight?: Sight | "anyone"): Promise<(IbGib | undefined)[]> {
    return this.#read((reader) => {
      const presence = new Presence(reader, sight);
      return addresses.map((address) => presence.find(address)?.record);
    });
  }

  async get(address: Address, sight?: Sight | "anyone"): Promise<IbGib | undefined> {
    const [record] = await this.getMany([address], sight);
    return record;
  }

  hasMany(addresses: readonly Address[], sight?: Sight | "anyone"): Promise<boolean[]> {
    return this.#read((reader) => {
      const presence = new Presence(reader, sight);
      return addresses.map((address) => presence.has(address));
    });
  }

  view(saga: SagaId, sight?: Sight | "anyone"): SpaceView {
    const look = <Found>(find: (presence: Presence) => Found): Promise<Found> =>
      this.#run(() =>
        this.#gates.pass(saga, async () =>
          this.#store.read((reader) =>
            find(new Presence(reader, sight, this.#stages.get(saga)?.part ?? nothingStaged)),
          ),
        ),
      );
    return {
      getMany: (addresses) => look((presence) => addresses.map((address) => presence.find(address)?.record)),
      hasMany: (addresses) => look((presence) => addresses.map((address) => presence.has(address))),
    };
  }

  tip(tjp: Address): Promise<Tip | undefined> {
    return this.#read((reader) => tipOf(reader, tjp));
  }

  tips(tjps: readonly Address[]): Promise<(Tip | undefined)[]> {
    return this.#read((reader) => tjps.map((tjp) => tipOf(reader, tjp)));
  }

  frameAt(tjp: Address, n: number): Promise<Address | undefined> {
    return this.#read((reader) => frameAt(reader, new Presence(reader), tjp, n)?.address);
  }

  frames(tjp: Address, from: number, to: number, of?: Address): Promise<IbGib[]> {
    return this.#read((reader) => framesOf(reader, new Presence(reader), tjp, from, to, of));
  }

  reachableTips(roots: readonly Address[], sight?: Sight | "anyone"): Promise<Tip[]> {
    return this.#read((reader) => reachableTips(reader, new Presence(reader, sight), roots));
  }

  missing(roots: readonly Address[], sight: Sight | "anyone"): Promise<Address[]> {
    return this.#read((reader) => missingOf(reader, new Presence(reader, sight), roots));
  }

  stage(
    saga: SagaId,
    holder: Holder,
    sight: Sight | "anyone",
    records: readonly IbGib[],
    references: ReadonlySet<Address> = new Set(),
  ): Promise<StageTotals> {
    return this.#run(() =>
      this.#gates.pass(saga, async () => {
        const stage = this.#stages.get(saga) ?? new Stage(holder);
        assert(stage.holder === holder, "a saga stages for one holder");
        // Before anything is added: where the move that is under way fails, this call has changed nothing.
        if (this.#isHalfFull(stage)) await stage.settled();
        this.#addTo(stage, sightOf(holder, sight), records, references);
        this.#stages.set(saga, stage);
        if (this.#isHalfFull(stage) && !stage.isMoving) this.#startMove(stage);
        return stage.totals;
      }),
    );
  }

  readStage(saga: SagaId): Promise<StagedRecord[]> {
    return this.#run(() =>
      this.#gates.pass(saga, async () => {
        const stage = this.#stages.get(saga);
        await stage?.settled();
        return this.#store.read((reader) => stagedSizes(reader, stage));
      }),
    );
  }

  keep(saga: SagaId, upTo: StageTotals): Promise<boolean> {
    return this.#run(() =>
      this.#gates.pass(saga, async () => {
        const stage = this.#stages.get(saga);
        return stage !== undefined && this.#keep(saga, stage, upTo);
      }),
    );
  }

  takeOver(saga: SagaId, kept: SagaId, sight: Sight | "anyone"): Promise<TakenOver> {
    return this.#run(() =>
      this.#gates.pass(saga, () => this.#gates.pass(kept, () => this.#takeOver(saga, kept, sight))),
    );
  }

  drop(saga: SagaId): Promise<void> {
    return this.#run(() =>
      this.#gates.pass(saga, async () => {
        const stage = this.#stages.get(saga);
        if (stage !== undefined) {
          this.#forget(saga, stage);
          await this.#dropStored(stage);
        }
        const kept = this.#kept.get(saga);
        if (kept !== undefined) await this.#dropKept(saga, kept);
        await this.#takeOutLeft();
      }),
    );
  }

  async commit(commit: Commit): Promise<CommitResult> {
    checkArguments(commit);
    const { saga } = commit;
    return this.#run(() =>
      saga === undefined
        ? this.#commit(commit, undefined)
        : this.#gates.pass(saga, () => this.#commit(commit, saga)),
    );
  }

  look<Answer>(ask: (look: Look) => Answer): Promise<Answer> {
    return this.#read((reader) => ask(new Presence(reader).look));
  }

  references(holders: readonly Address[]): Promise<Reference[]> {
    return this.#read((reader) => holders.flatMap((holder) => referencesOf(reader, holder)));
  }

  referencesFrom(roots: readonly Address[]): Promise<Reference[]> {
    return this.#read((reader) => referencesFrom(reader, roots));
  }

  cell(key: string): Promise<Uint8Array | undefined> {
    return this.#read((reader) => reader.get("cells", key)?.slice());
  }

  cells(prefix: string): Promise<{ key: string; value: Uint8Array }[]> {
    return this.#read((reader) => {
      const found = Array.from(reader.entries("cells", prefix), ([key, value]) => ({
        key,
        value: value.slice(),
      }));
      return found.sort((a, b) => (a.key < b.key ? -1 : 1));
    });
  }

  proof(address: Address): Promise<IbGib | undefined> {
    return this.#read((reader) => proofOf(reader, address));
  }

  proofs(group: Address, from?: number, to?: number): Promise<IbGib[]> {
    return this.#read((reader) => proofsOf(reader, group, from, to));
  }

  async *scan(): AsyncGenerator<Scanned> {
    const pages = scanStore(this.#store);
    for (;;) {
      const page = await this.#run(async () => pages.next());
      if (page.done === true) return;
      yield* page.value;
    }
  }

  watch(listener: Parameters<Space["watch"]>[0]): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  checkRoom(): void {
    this.#store.checkRoom?.();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #addTo(
    stage: Stage,
    sight: Sight | "anyone",
    records: readonly IbGib[],
    declared: ReadonlySet<Address>,
  ): void {
    const references = new Set([...stage.references, ...declared]);
    const standing = { holder: stage.holder, sight, staged: stage.part, references };
    const { checked, missing } = this.#store.read((reader) => checkRecords(reader, standing, records));
    const [first] = missing;
    if (first !== undefined) {
      throw new KeysagaError("record_missing", { missing: missing.length, first: shortAddress(first) });
    }
    this.#budget.take(stage.holder, totalsOf(checked));
    stage.add(checked, sight, declared);
  }

  #isHalfFull({ waitingBytes }: Stage): boolean {
    return waitingBytes > this.#limits.stagedBytesInMemoryMax / 2;
  }

  /** Half of a stage's memory is on its way to the store while the other half fills. */
  #startMove(stage: Stage): void {
    stage.startMove((stored, records) =>
      this.#store.write((writer) => putPortion(writer, stored, stage.holder, this.#opener, records)),
    );
  }

  async #commit(commit: Commit, saga: SagaId | undefined): Promise<CommitResult> {
    const stage = saga === undefined ? undefined : this.#stages.get(saga);
    assert(stage === undefined || stage.holder === commit.holder, "a stage is committed for its holder");
    await stage?.settled();
    const outcome = await this.#store.write((writer) =>
      makeCommit(writer, commit, stage, this.#limits.missingReportedMax),
    );
    if (outcome.result.kind === "committed") {
      if (saga !== undefined && stage !== undefined) this.#forget(saga, stage);
      this.#tell(outcome);
    }
    return outcome.result;
  }

  async #keep(saga: SagaId, stage: Stage, upTo: StageTotals): Promise<boolean> {
    assert(upTo.records <= stage.totals.records, "a stage is kept up to where it was once");
    // Where a move has failed, what it had taken waits again.
    await stage.settled().catch(() => undefined);
    try {
      const kept = upTo.records === 0 ? undefined : await keepStage(this.#store, stage, this.#opener, upTo);
      this.#forget(saga, stage);
      if (kept === undefined) {
        await this.#dropStored(stage);
        return false;
      }
      this.#budget.take(kept.holder, kept.totals); // no more than was just given back
      this.#kept.set(saga, kept);
      return true;
    } catch (thrown) {
      if (this.#stages.has(saga)) this.#forget(saga, stage);
      await this.#dropStored(stage);
      throw thrown;
    }
  }

  async #takeOver(saga: SagaId, from: SagaId, sight: Sight | "anyone"): Promise<TakenOver> {
    const kept = this.#kept.get(from);
    if (kept === undefined) return nothingTaken;
    assert(!this.#stages.has(saga), "a saga takes over before it stages");
    try {
      const { stage, tips } = await resumeStage(this.#store, kept, sight);
      this.#kept.delete(from);
      this.#stages.set(saga, stage); // counted as it was
      return { ...stage.totals, tips };
    } catch (thrown) {
      await this.#dropKept(from, kept);
      if (isRefusal(thrown)) return nothingTaken;
      throw thrown;
    }
  }

  async #dropKept(saga: SagaId, kept: KeptStage): Promise<void> {
    this.#kept.delete(saga);
    this.#budget.release(kept);
    await this.#takeOut(kept.stored);
  }

  async #dropStored(stage: Stage): Promise<void> {
    // Where a move has failed, it has left nothing behind.
    await stage.settled().catch(() => undefined);
    if (stage.stored !== undefined) await this.#takeOut(stage.stored);
  }

  async #takeOut(stored: StoredStage): Promise<void> {
    this.#left.add(stored);
    await this.#takeOutLeft();
  }

  async #takeOutLeft(): Promise<void> {
    for (const stored of this.#left) {
      await dropStored(this.#store, stored);
      this.#left.delete(stored);
    }
  }

  #forget(saga: SagaId, stage: Stage): void {
    this.#stages.delete(saga);
    this.#budget.release(stage);
  }

  #tell({ moves }: CommitOutcome): void {
    const moved = moves.filter(({ isMoved }) => isMoved);
    if (moved.length === 0) return;
    const tips = moved.flatMap(({ tip }) => tip ?? []);
    const gone = moved.flatMap(({ tip, tjp }) => (tip ? [] : [tjp]));
    // What a listener throws is its own affair: the commit stands. It surfaces as an uncaught error.
    for (const listener of [...this.#listeners]) queueMicrotask(() => listener(tips, gone));
  }

  #read<Result>(work: (reader: Reader) => Result): Promise<Result> {
    return this.#run(async () => this.#store.read(work));
  }

  /** Every call passes here: refused once closed, and waited for when closing. */
  async #run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#closing !== undefined) throw new KeysagaError("store_failed", { reason: "closed" });
    const call = work();
    this.#underWay.add(call);
    try {
      return await call;
    } finally {
      this.#underWay.delete(call);
    }
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    this.#listeners.clear();
    try {
      for (const stage of this.#stages.values()) await this.#dropStored(stage);
      for (const { stored } of this.#kept.values()) await this.#takeOut(stored);
      await this.#takeOutLeft();
      await leaveOpener(this.#store, this.#opener);
    } finally {
      this.#stages.clear();
      this.#kept.clear();
      await this.#store.close();
    }
  }
}

function checkArguments({ tips = [], cells = [] }: Commit): void {
  assert(new Set(tips.map(({ tjp }) => tjp)).size === tips.length, "a commit moves a tip once");
  assert(new Set(cells.map(({ key }) => key)).size === cells.length, "a commit changes a cell once");
  assert(
    cells.every(({ key }) => utf8(key).length <= nameBytesMax),
    "a cell's key fits the store",
  );
}
