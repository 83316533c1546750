import { assert, KeysagaError } from "../../base/index.js";
import type { Reader, Store, Table, Writer } from "../../space/store.js";
import type { Dice } from "./dice.js";
import { Draft, type RowChange, withPrefix } from "./draft.js";
import type { Scheduler } from "./scheduler.js";

type Rows = ReadonlyMap<string, Uint8Array>;
/** Everything that was durable at some moment. */
export type Snapshot = ReadonlyMap<Table, Rows>;

/** Who uses a disk. What is not alive any more gets no answers and writes nothing. */
export interface DiskUser {
  readonly isAlive: boolean;
  /** Told whenever the disk has done something for it: a place where it may crash. */
  breathe(): void;
}

interface Waiting {
  readonly user: DiskUser;
  /** Runs on the draft of the batch; what it returns answers the caller once the batch is flushed. */
  readonly apply: (draft: Draft) => () => void;
  readonly fail: (error: KeysagaError) => void;
}

interface Batch {
  readonly user: DiskUser;
  readonly draft: Draft;
  readonly writes: readonly Waiting[];
  readonly answers: readonly (() => void)[];
}

/**
 * A simulated disk with a database on it, as lmdb is: writes are grouped, run one after another, and are seen by
 * readers and by other processes, all at once, when they are flushed. What is not flushed when its process stops is lost,
 * or, where the flush was under way, may still get there with nobody told.
 */
export class Disk {
  #tables: Map<Table, Map<string, Uint8Array>>;
  #waiting: Waiting[] = [];
  #batch: Batch | undefined;
  #isStarting = false;
  readonly #reader: Reader = {
    get: (table, key) => this.table(table).get(key),
    entries: (table, prefix = "") => withPrefix(this.table(table), prefix),
  };
  #flushesToFail = 0;
  #fullUntil = 0;
  #slowUntil = 0;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly dice: Dice,
    /** Told what each flush has changed, as soon as it is seen by readers. */
    private readonly flushed: (changes: readonly RowChange[], by: DiskUser) => void,
    snapshot: Snapshot = new Map(),
  ) {
    this.#tables = tablesOf(snapshot);
  }

  /** So many of the flushes to come fail. */
  failFlushes(count: number): void {
    this.#flushesToFail += count;
  }

  /** There is no room for so long. */
  fill(ms: number): void {
    this.#fullUntil = this.scheduler.now + ms;
  }

  /** Every flush takes its time for so long. */
  slowDown(ms: number): void {
    this.#slowUntil = this.scheduler.now + ms;
  }

  /** No more faults. */
  calm(): void {
    this.#flushesToFail = 0;
    this.#fullUntil = 0;
    this.#slowUntil = 0;
  }

  table(name: Table): Rows {
    return this.#tables.get(name) ?? nothing;
  }

  snapshot(): Snapshot {
    return tablesOf(this.#tables);
  }

  /** Puts an older state back. Nobody may be using it. */
  restore(snapshot: Snapshot): void {
    assert(
      this.#batch === undefined && this.#waiting.length === 0,
      "a disk is restored while nobody uses it",
    );
    this.#tables = tablesOf(snapshot);
  }

  /** A process has stopped: what it has waiting is gone, and what is being flushed gets there or does not. */
  abandon(user: DiskUser): void {
    this.#waiting = this.#waiting.filter((write) => write.user !== user);
    const batch = this.#batch;
    if (batch?.user !== user) return;
    this.#batch = undefined;
    if (this.dice.chance(0.5)) this.#publish(batch);
    this.#startBatch();
  }

  write<Result>(user: DiskUser, work: (writer: Writer) => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (!user.isAlive) return;
      const apply = (draft: Draft) => {
        const own = new Draft(draft);
        try {
          const result = work(own);
          own.mergeInto(draft);
          return () => resolve(result);
        } catch (thrown) {
          return () => reject(thrown);
        }
      };
      this.#waiting.push({ user, apply, fail: reject });
      this.#startBatch();
    });
  }

  read<Result>(work: (reader: Reader) => Result): Result {
    return work(this.#reader);
  }

  /** Writes that come in before it begins go along. */
  #startBatch(): void {
    if (this.#batch !== undefined || this.#isStarting || this.#waiting.length === 0) return;
    this.#isStarting = true;
    this.scheduler.after(this.dice.below(2), () => {
      this.#isStarting = false;
      this.#beginBatch();
    });
  }

  #beginBatch(): void {
    const [first] = this.#waiting;
    if (first === undefined) return;
    const { user } = first;
    const writes = this.#waiting.filter((write) => write.user === user);
    this.#waiting = this.#waiting.filter((write) => write.user !== user);
    const draft = new Draft(this.#reader);
    const batch = { user, draft, writes, answers: writes.map(({ apply }) => apply(draft)) };
    this.#batch = batch;
    this.scheduler.after(this.#flushMs(), () => this.#flush(batch));
    user.breathe();
  }

  #flushMs(): number {
    const isSlow = this.scheduler.now < this.#slowUntil;
    return isSlow ? this.dice.between(50, 1_500) : this.dice.below(4);
  }

  #flush(batch: Batch): void {
    if (this.#batch !== batch) return;
    this.#batch = undefined;
    const reason = this.#failure(batch);
    if (reason !== undefined)
      for (const { fail } of batch.writes) fail(new KeysagaError("store_failed", { reason }));
    else {
      this.#publish(batch);
      for (const answer of batch.answers) answer();
    }
    this.#startBatch();
    batch.user.breathe();
  }

  #failure({ draft }: Batch): string | undefined {
    if (this.#flushesToFail > 0) {
      this.#flushesToFail--;
      return "the flush failed";
    }
    return draft.puts && this.scheduler.now < this.#fullUntil ? "the disk is full" : undefined;
  }

  #publish({ draft, user }: Batch): void {
    const changes = draft.changes();
    for (const { table, key, to } of changes) {
      const rows = this.#tables.get(table) ?? new Map<string, Uint8Array>();
      this.#tables.set(table, rows);
      if (to === undefined) rows.delete(key);
      else rows.set(key, to);
    }
    this.flushed(changes, user);
  }
}

/** The disk as one process has it open. */
export class SimulatedStore implements Store {
  constructor(
    private readonly disk: Disk,
    private readonly user: DiskUser,
  ) {}

  read<Result>(work: (reader: Reader) => Result): Result {
    return this.disk.read(work);
  }

  write<Result>(work: (writer: Writer) => Result): Promise<Result> {
    return this.disk.write(this.user, work);
  }

  scan(table: Table): Iterable<readonly (readonly [string, Uint8Array])[]> {
    return [[...this.disk.table(table)]];
  }

  async close(): Promise<void> {}
}

const nothing: Rows = new Map();

function tablesOf(snapshot: Snapshot): Map<Table, Map<string, Uint8Array>> {
  return new Map(Array.from(snapshot, ([table, rows]) => [table, new Map(rows)]));
}
