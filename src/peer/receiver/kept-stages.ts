import type { Timers } from "../../base/index.js";
import type { Address } from "../../ibgib/index.js";
import type { SagaId, Space, StageTotals } from "../../space/index.js";
import { checkLimit } from "./budget.js";

export interface KeptStagesLimits {
  /** Canonical bytes of records that are kept from one identity's lost connection; of more nothing is kept. */
  readonly keptBytesPerIdentityMax: number;
  /** The same in all, and of how many identities. Beyond it the oldest go. */
  readonly keptBytesMax: number;
  readonly keptStagesMax: number;
  /** How long. */
  readonly keptMs: number;
}

interface Kept {
  readonly saga: SagaId;
  readonly bytes: number;
  readonly stopTimer: () => void;
}

/**
 * What lost connections have left for the next saga of the same identity: of each the newest, for a bounded time. It lies
 * in the space; that it is kept, and for whom, is known to this process alone, and ends with it.
 */
export class KeptStages {
  /** Oldest first. */
  readonly #byIdentity = new Map<Address, Kept>();
  #bytes = 0;
  #isClosed = false;

  constructor(
    private readonly space: Space,
    private readonly limits: KeptStagesLimits,
    private readonly timers: Timers,
  ) {}

  /** Identities of which something is kept. */
  get size(): number {
    return this.#byIdentity.size;
  }

  /**
   * Keeps what `saga` had staged when it had `covered`, in place of what was kept of the identity before.
   *
   * @returns false where the saga has nothing staged any more, since it was committed, and once this is closed.
   * @throws KeysagaError `limit_exceeded`; the stage is still there then. Where the space throws, it is dropped.
   */
  async keep(identity: Address, saga: SagaId, covered: StageTotals): Promise<boolean> {
    if (this.#isClosed) return false;
    this.#check("keptBytesPerIdentityMax", covered.bytes);
    this.#check("keptBytesMax", covered.bytes);
    const gone = this.#makeRoom(identity, covered.bytes);
    const stopTimer = this.timers.after(this.limits.keptMs, () => void this.#expire(identity, kept));
    const kept = { saga, bytes: covered.bytes, stopTimer };
    this.#byIdentity.set(identity, kept);
    this.#bytes += kept.bytes;
    let isKept = false;
    try {
      isKept = await this.space.keep(saga, covered);
    } finally {
      if (!isKept) this.#forget(identity, kept);
      await this.#drop(gone);
    }
    return isKept && !this.#isClosed;
  }

  /** Gives out what is kept of an identity, once: whoever takes it has to take it over or drop it. */
  take(identity: Address): SagaId | undefined {
    const kept = this.#byIdentity.get(identity);
    if (kept !== undefined) this.#forget(identity, kept);
    return kept?.saga;
  }

  /** Drops everything, and keeps nothing that a session which hangs leaves later. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const all = [...this.#byIdentity];
    for (const [identity, kept] of all) this.#forget(identity, kept);
    await this.#drop(all.map(([, { saga }]) => saga));
  }

  /** What has to go so that one more of this identity fits. */
  #makeRoom(identity: Address, bytes: number): readonly SagaId[] {
    const gone: SagaId[] = [];
    const older = this.take(identity);
    if (older !== undefined) gone.push(older);
    for (const [other, kept] of this.#byIdentity) {
      const { keptBytesMax, keptStagesMax } = this.limits;
      if (this.#bytes + bytes <= keptBytesMax && this.#byIdentity.size < keptStagesMax) break;
      this.#forget(other, kept);
      gone.push(kept.saga);
    }
    return gone;
  }

  async #expire(identity: Address, kept: Kept): Promise<void> {
    this.#forget(identity, kept);
    await this.#drop([kept.saga]);
  }

  #forget(identity: Address, kept: Kept): void {
    if (this.#byIdentity.get(identity) !== kept) return;
    this.#byIdentity.delete(identity);
    this.#bytes -= kept.bytes;
    kept.stopTimer();
  }

  /** What a store does not take out now, it takes out when it is opened the next time. */
  async #drop(sagas: readonly SagaId[]): Promise<void> {
    await Promise.allSettled(sagas.map((saga) => this.space.drop(saga)));
  }

  #check(limit: "keptBytesPerIdentityMax" | "keptBytesMax", bytes: number): void {
    checkLimit({ limit, max: this.limits[limit] }, bytes);
  }
}
