import { type Instant, KeysagaError } from "../base/index.js";
import type { Address } from "../ibgib/index.js";
import type { CellChange, Space } from "../space/index.js";
import { cellKinds, changeCell, readCell } from "./cells.js";
import type { Platform } from "./platform.js";

/** What a receiver lets the identities it serves cost it in the long run; an embedder may set each. */
export const receiverLimits = {
  /** Identities whose frames are kept. */
  identitiesMax: 100_000,
  /** Identities met for the first time within an hour: from one network address, and in all. */
  newIdentitiesPerAddressPerHour: 20,
  newIdentitiesPerHour: 1_000,
  /** Sessions of one identity at a time. */
  sessionsPerIdentityMax: 16,
  /** Canonical bytes of records held durably in the name of one identity, and in all. */
  durableBytesPerIdentityMax: 1024 ** 3,
  durableBytesMax: 64 * 1024 ** 3,
} as const;

export type ReceiverLimits = { readonly [Name in keyof typeof receiverLimits]: number };

const hourMs = 60 * 60_000;

/** Bytes that are about to be held, and the cell that says so once they are. */
export interface Charge {
  readonly cells: readonly CellChange[];
  /** To be called when they are held. */
  settle(): void;
}

/**
 * Counts what identities cost. What one identity holds is a cell, moved by the commit that adds to it; sums over all
 * are counted in this process, from what the store held when it was opened.
 */
export class Quotas {
  /** When identities were first met within the last hour, oldest first, and from where. */
  #newcomers: { readonly at: Instant; readonly from: string }[] = [];

  private constructor(
    private readonly space: Space,
    private readonly limits: ReceiverLimits,
    private readonly platform: Platform,
    private identities: number,
    private durableBytes: number,
  ) {}

  static async open(space: Space, limits: ReceiverLimits, platform: Platform): Promise<Quotas> {
    const [identities, usages] = await Promise.all([
      space.cells(cellKinds.identity.prefix),
      space.cells(cellKinds.usage.prefix),
    ]);
    const read = usages.map(({ key }) =>
      readCell(space, cellKinds.usage, key.slice(cellKinds.usage.prefix.length)),
    );
    const held = (await Promise.all(read)).reduce((sum, { value }) => sum + (value?.bytes ?? 0), 0);
    return new Quotas(space, limits, platform, identities.length, held);
  }

  /**
   * Lets an identity that has proved itself in.
   *
   * @param sessions How many it has open already.
   * @throws KeysagaError `limit_exceeded`
   */
  async enter(identity: Address, from: string, sessions: number): Promise<void> {
    this.#check("sessionsPerIdentityMax", sessions + 1);
    const known = await readCell(this.space, cellKinds.identity, identity);
    if (known.value) return;
    const now = this.platform.clock.now();
    this.#newcomers = this.#newcomers.filter(({ at }) => at > now - hourMs);
    this.#check("identitiesMax", this.identities + 1);
    this.#check("newIdentitiesPerHour", this.#newcomers.length + 1);
    const fromThere = this.#newcomers.filter((newcomer) => newcomer.from === from);
    this.#check("newIdentitiesPerAddressPerHour", fromThere.length + 1);
    this.#newcomers.push({ at: now, from });
    this.identities++;
  }

  /**
   * What a commit has to carry that adds `bytes` in the name of `identity`.
   *
   * @throws KeysagaError `limit_exceeded`
   */
  async charge(identity: Address, bytes: number): Promise<Charge> {
    if (bytes === 0) return { cells: [], settle: () => undefined };
    const usage = await readCell(this.space, cellKinds.usage, identity);
    const held = (usage.value?.bytes ?? 0) + bytes;
    this.#check("durableBytesPerIdentityMax", held);
    this.#check("durableBytesMax", this.durableBytes + bytes);
    return {
      cells: [changeCell(usage, { bytes: held })],
      settle: () => {
        this.durableBytes += bytes;
      },
    };
  }

  #check(limit: keyof ReceiverLimits, count: number): void {
    const max = this.limits[limit];
    if (count > max) throw new KeysagaError("limit_exceeded", { limit, max });
  }
}
