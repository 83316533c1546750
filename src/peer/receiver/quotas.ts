import type { Moment } from "../../base/index.js";
import type { Address } from "../../ibgib/index.js";
import type { Charge, Look, Space } from "../../space/index.js";
import type { Connection } from "../../transport/index.js";
import { cellKinds, changeCell, readCell, readCells } from "../home/cells.js";
import type { Charging, Claim } from "../home/claims.js";
import { readNow } from "../home/list-rows.js";
import type { Platform } from "../home/platform.js";
import { Budget, checkLimit, type NamedLimit } from "./budget.js";
import { Inflow } from "./inflow.js";
import { MinuteMeter } from "./minute-meter.js";
import type { Refused } from "./what-fits.js";

/** What a receiver lets the identities it serves cost it in the long run; an embedder may set each. */
export const receiverLimits = {
  /** Identities whose frames are kept. */
  identitiesMax: 100_000,
  /** Identities met for the first time within an hour: from one IPv4 address or IPv6 /64 network, and in all. */
  newIdentitiesPerAddressPerHour: 20,
  newIdentitiesPerHour: 1_000,
  /**
   * Signatures that are checked within a minute for connections of one network on which nobody has proved who they are
   * yet: those of long chains, in steps of a slice. A chain of `chainFramesMax` is a quarter of it.
   */
  signaturesPerNetworkPerMinute: 4_096,
  /**
   * What walks and merges cost within a minute for one identity, in steps of some 20 ns: a sixth of a core. Whatever is
   * under way goes on to the end of its fold.
   */
  mergeStepsPerIdentityPerMinute: 500_000_000,
  /** Sessions of one identity at a time. */
  sessionsPerIdentityMax: 16,
  /** Characters of frames that are held, in all, for connections on which nobody has proved who they are yet. */
  unprovedCharsMax: 64 * 1024 ** 2,
  /** Bytes of memory that lists and evidence take for sagas under way, of one identity and in all. */
  listedBytesPerIdentityMax: 128 * 1024 ** 2,
  listedBytesMax: 512 * 1024 ** 2,
  /** Bytes of records that are staged by sagas under way, of one identity and in all. */
  stagedBytesPerIdentityMax: 256 * 1024 ** 2,
  stagedBytesMax: 8 * 1024 ** 3,
  /**
   * Bytes that the store holds for one identity, and in all: what its sagas and its connects have added, records and all
   * that is kept of them, keys and rows included.
   */
  durableBytesPerIdentityMax: 1024 ** 3,
  durableBytesMax: 64 * 1024 ** 3,
  /**
   * What lost connections leave for the next saga of the same identity: canonical bytes of one identity and in all, of how
   * many identities, and for how long (KeptStages).
   */
  keptBytesPerIdentityMax: 64 * 1024 ** 2,
  keptBytesMax: 512 * 1024 ** 2,
  keptStagesMax: 1_000,
  keptMs: 10 * 60_000,
  /** How long a commit waits for those of the same timelines before it. */
  commitWaitMs: 30_000,
  /** How long, in all, one that came second keeps its turn while its sender takes in what came first. */
  commitHoldMs: 10_000,
} as const;

export type ReceiverLimits = { readonly [Name in keyof typeof receiverLimits]: number };

const hourMs = 60 * 60_000;

/**
 * How far beyond the durable limits everybody may go for what has to be possible without room, of one and of all: lists,
 * transcripts, and what readers were shown.
 */
const beyondBytes = { one: 8 * 1024 ** 2, all: 4 * 1024 ** 3 };

/** What the cell of what an identity holds takes, at the most. */
const usageChars = 26;

/** The least that a saga takes which brings something: a short record, with its tip and what proves it. */
const leastBytes = 1024;

/** What a commit adds, counted for an identity. */
export interface QuotaCharge extends Charge, Claim {
  /** Where it was over a limit: what it would have added, and how much there was room for. */
  refused(): Refused | undefined;
}

/** An identity that was first met within the last hour: when, from where, and what is claimed for it or held. */
interface Newcomer {
  readonly at: Moment;
  readonly from: string | undefined;
  claims: number;
}

/**
 * Counts what identities cost. What one identity holds is a cell, moved by the commit that adds to it; sums over all
 * are counted in this process, from what the store held when it was opened. Whatever is counted is claimed in the same
 * step as it is checked, so that calls at once cannot all find the same place free.
 */
export class Quotas implements Charging {
  /** What connections show ahead of a proof. */
  readonly unproved: Budget<Connection>;
  readonly #listed: Budget<Address>;
  readonly #staged: Budget<Address>;
  readonly #newcomers = new Map<Address, Newcomer>();
  readonly #sessions = new Map<Address, number>();
  readonly #mergeSteps: MinuteMeter;

  private constructor(
    private readonly space: Space,
    private readonly limits: ReceiverLimits,
    private readonly platform: Platform,
    private identities: number,
    private durableBytes: number,
  ) {
    this.#mergeSteps = new MinuteMeter(this.#named("mergeStepsPerIdentityPerMinute"), platform.clock);
    this.unproved = new Budget(this.#named("unprovedCharsMax"));
    this.#listed = new Budget(this.#named("listedBytesMax"), this.#named("listedBytesPerIdentityMax"));
    this.#staged = new Budget(this.#named("stagedBytesMax"), this.#named("stagedBytesPerIdentityMax"));
  }

  static async open(space: Space, limits: ReceiverLimits, platform: Platform): Promise<Quotas> {
    const [identities, usages] = await Promise.all([
      readCells(space, cellKinds.identity, ""),
      space.cells(cellKinds.usage.prefix),
    ]);
    const met = identities.filter(({ value }) => value.met);
    const read = usages.map(({ key }) =>
      readCell(space, cellKinds.usage, key.slice(cellKinds.usage.prefix.length)),
    );
    const held = (await Promise.all(read)).reduce((sum, { value }) => sum + (value?.bytes ?? 0), 0);
    return new Quotas(space, limits, platform, met.length, held);
  }

  /** Claims a place for one more session of an identity; `leave` gives it back. @throws KeysagaError `limit_exceeded` */
  enter(identity: Address): void {
    const sessions = (this.#sessions.get(identity) ?? 0) + 1;
    this.#check("sessionsPerIdentityMax", sessions);
    this.#sessions.set(identity, sessions);
  }

  leave(identity: Address): void {
    const sessions = (this.#sessions.get(identity) ?? 0) - 1;
    if (sessions > 0) this.#sessions.set(identity, sessions);
    else this.#sessions.delete(identity);
  }

  /** Counts steps of merges and walks that were taken for an identity. @throws KeysagaError `limit_exceeded` */
  spendSteps(identity: Address, steps: number): void {
    this.#mergeSteps.spend(identity, steps);
  }

  /** For what comes for the sagas of one session; to be given back when each has ended. */
  inflow(identity: Address): Inflow {
    return new Inflow(this.#listed.share(identity), this.#staged.share(identity));
  }

  /**
   * Claims a place for an identity that may be about to be kept for the first time.
   *
   * @param from The network that it counts for; none for one that was invited.
   * @throws KeysagaError `limit_exceeded`
   */
  async meet(identity: Address, from: string | undefined): Promise<Claim> {
    const known = await readCell(this.space, cellKinds.identity, identity);
    if (known.value?.met) return { release: () => undefined };
    const at = this.platform.clock.elapsed();
    for (const [address, newcomer] of this.#newcomers)
      if (newcomer.at <= at - hourMs) this.#newcomers.delete(address);
    const newcomer = this.#newcomers.get(identity) ?? this.#newcomer(identity, from, at);
    newcomer.claims++;
    return { release: () => --newcomer.claims === 0 && this.#forget(identity, newcomer) };
  }

  #newcomer(identity: Address, from: string | undefined, at: Moment): Newcomer {
    const others = [...this.#newcomers.values()];
    this.#check("identitiesMax", this.identities + 1);
    this.#check("newIdentitiesPerHour", others.length + 1);
    if (from !== undefined) {
      const fromThere = others.filter((other) => other.from === from);
      this.#check("newIdentitiesPerAddressPerHour", fromThere.length + 1);
    }
    const newcomer = { at, from, claims: 0 };
    this.#newcomers.set(identity, newcomer);
    this.identities++;
    return newcomer;
  }

  #forget(identity: Address, newcomer: Newcomer): void {
    if (this.#newcomers.get(identity) === newcomer) this.#newcomers.delete(identity);
    this.identities--;
  }

  charge(identity: Address): QuotaCharge {
    return this.#charge(identity, { one: 0, all: 0 });
  }

  /**
   * For connects, lists, and sagas that bring nothing else: whoever has no room left can still read, and withdraw others.
   */
  chargeBeyond(identity: Address): QuotaCharge {
    return this.#charge(identity, beyondBytes);
  }

  /** Would the least that a saga can bring be taken? */
  async hasRoom(identity: Address): Promise<boolean> {
    const { value } = await readCell(this.space, cellKinds.usage, identity);
    const { durableBytesPerIdentityMax, durableBytesMax } = this.limits;
    return (
      (value?.bytes ?? 0) + leastBytes <= durableBytesPerIdentityMax &&
      this.durableBytes + leastBytes <= durableBytesMax
    );
  }

  /** @param beyond How far beyond the limits it may go. */
  #charge(identity: Address, beyond: { readonly one: number; readonly all: number }): QuotaCharge {
    let claimed = 0;
    let refused: Refused | undefined;
    // A store may run its transaction again.
    const claim = (bytes: number) => {
      this.durableBytes += bytes - claimed;
      claimed = bytes;
    };
    const heldNow = (look: Pick<Look, "cell">) => readNow(look, cellKinds.usage, identity);
    return {
      admit: (bytes, look) => {
        if (bytes <= 0) return;
        const own = (heldNow(look).value?.bytes ?? 0) + bytes - beyond.one;
        const all = this.durableBytes - claimed + bytes - beyond.all;
        const { durableBytesPerIdentityMax, durableBytesMax } = this.limits;
        const overBy = Math.max(own - durableBytesPerIdentityMax, all - durableBytesMax);
        refused = overBy > 0 ? { bytes, room: bytes - overBy } : undefined;
        this.#check("durableBytesPerIdentityMax", own);
        this.#check("durableBytesMax", all);
      },
      count: (bytes, look) => {
        const usage = heldNow(look);
        const own = usage.value ? 0 : usage.key.length + usageChars;
        claim(bytes + own);
        return bytes === 0
          ? []
          : [changeCell(usage, { bytes: Math.max(0, (usage.value?.bytes ?? 0) + claimed) })];
      },
      release: () => claim(0),
      refused: () => refused,
    };
  }

  #check(limit: keyof ReceiverLimits, count: number): void {
    checkLimit(this.#named(limit), count);
  }

  #named(limit: keyof ReceiverLimits): NamedLimit {
    return { limit, max: this.limits[limit] };
  }
}
