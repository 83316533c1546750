import { KeysagaError } from "../../base/index.js";
import { type Address, recordLimits } from "../../ibgib/index.js";
import { type MergeFunctions, mergeFunctions } from "../../merge/index.js";
import { type ReceiverSelf, type SessionLimits, sessionLimits } from "../../saga/index.js";
import { type Connection, networkOf } from "../../transport/index.js";
import { type Merging, mergingOf } from "../branches/merging.js";
import { certifyHostKey, type Identity, internalsOf, stateOf } from "../home/identity.js";
import { within } from "../home/patience.js";
import { type Platform, systemPlatform } from "../home/platform.js";
import type { AccessPolicy } from "../rights/standing.js";
import { bindTo } from "../session/channel.js";
import { guarded, type OnEvent, type PeerEvent } from "../session/events.js";
import { type Admission, Admissions, admitIdentity, expelIdentity } from "./admission.js";
import { CommitQueue } from "./commit-queue.js";
import { KeptStages } from "./kept-stages.js";
import { Quotas, type ReceiverLimits, receiverLimits } from "./quotas.js";
import { ReceiverSession } from "./receiver-session.js";
import { Slices } from "./slices.js";

export interface ReceiverOptions {
  readonly identity: Identity;
  /** Origins that senders may have dialled, as in `wss://host:port`; any other is refused. */
  readonly audiences: readonly string[];
  readonly admission: Admission;
  /** Who may read and write which timelines, of those who are admitted. Default: `owners`. */
  readonly access?: AccessPolicy;
  readonly limits?: Partial<SessionLimits & ReceiverLimits>;
  /** Have senders sign the TLS channel as well (RFC 9266); others are refused. */
  readonly bindChannel?: boolean;
  /** Merge functions beside the built-in one (`mergeFunctions`), to compute merges of theirs again. */
  readonly functions?: MergeFunctions;
  readonly onEvent?: (event: PeerEvent, from: Session) => void;
  readonly platform?: Platform;
}

/** What a watcher may know of a connection. */
export interface Session {
  readonly remoteAddress: string;
  /** Undefined until the sender has proved it. */
  readonly identity: Address | undefined;
}

/** A session that is in the receiver's hands. */
interface UnderWay {
  /** Who has a place among the sessions: proved, and let in as things stood. */
  entered: Address | undefined;
  isOver: boolean;
  /** Resolves when nothing is left of it. */
  over: Promise<void>;
}

/** What a receiver is made of. */
export interface ReceiverParts {
  readonly self: Omit<ReceiverSelf, "exporter">;
  readonly quotas: Quotas;
  readonly merging: Merging;
  readonly commits: CommitQueue;
  readonly kept: KeptStages;
  readonly slices: Slices;
  readonly options: ReceiverOptions & { readonly platform: Platform };
}

/**
 * The answering side. It accepts connections from any transport, runs each to its end, and leaves nothing behind.
 * Made by `createReceiver`, which resolves when its host key is certified and durable.
 */
export class Receiver {
  readonly #parts: ReceiverParts;
  readonly #admissions: Admissions;
  readonly #sessions = new Map<ReceiverSession, UnderWay>();
  #isClosing = false;

  constructor(parts: ReceiverParts) {
    this.#parts = parts;
    const { identity, admission, platform } = parts.options;
    this.#admissions = new Admissions(identity, admission, platform.clock);
  }

  /** The identity that senders pin. */
  get address(): Address {
    return this.#parts.options.identity.address;
  }

  /** Sessions under way, signed in or not. */
  get sessionCount(): number {
    return this.#sessions.size;
  }

  /**
   * Takes over a connection; it is closed when its session ends, however it ends.
   *
   * @param onOwnEvent Told what happens on this connection, beside the receiver's own watcher.
   */
  accept(connection: Connection, onOwnEvent?: OnEvent): void {
    if (this.#isClosing) {
      void connection.close();
      return;
    }
    const { identity, access = "owners", platform, onEvent, bindChannel = false } = this.#parts.options;
    const binding = bindTo(connection, bindChannel);
    const tell: OnEvent = (event) => {
      onOwnEvent?.(event);
      onEvent?.(event, describe(connection, session));
    };
    const underWay: UnderWay = { entered: undefined, isOver: false, over: Promise.resolve() };
    const session = new ReceiverSession({
      self: { ...this.#parts.self, exporter: binding.exporter },
      identity,
      space: identity.space,
      connection,
      screen: (candidate) => this.#admissions.screen(candidate),
      slice: (frames, signal) => this.#parts.slices.next(networkOf(connection.remoteAddress), frames, signal),
      admit: async (candidate) => {
        await this.#admissions.check(candidate);
        if (underWay.isOver) throw new KeysagaError("connection_closed");
        if (underWay.entered === undefined) this.#parts.quotas.enter(candidate.identity);
        underWay.entered = candidate.identity;
      },
      entry: async (candidate) => {
        const entry = await this.#admissions.entry(candidate);
        const from = entry.invite === undefined ? networkOf(connection.remoteAddress) : undefined;
        return { ...entry, claim: await this.#parts.quotas.meet(candidate.identity, from) };
      },
      quotas: this.#parts.quotas,
      merging: this.#parts.merging,
      access,
      commits: this.#parts.commits,
      kept: this.#parts.kept,
      platform,
      onEvent: guarded(tell, (error) => session.end(error)),
    });
    if (binding.error) session.end(binding.error);
    this.#sessions.set(session, underWay);
    underWay.over = session.run().then(() => {
      underWay.isOver = true;
      if (underWay.entered) this.#parts.quotas.leave(underWay.entered);
      this.#sessions.delete(session);
    });
  }

  /**
   * Lets an identity in, whatever the rule of `admission` says of it. When this resolves that is durable, and good for
   * whoever connects then: here and in every other process on this home.
   */
  admit(identity: Address): Promise<void> {
    return admitIdentity(this.#parts.options.identity, identity);
  }

  /**
   * Turns an identity out, whatever the rule of `admission` says of it, until `admit`. When this resolves that is durable,
   * and no session of it is left in this process. In others on this home its sessions end with their next turn.
   */
  async expel(identity: Address): Promise<void> {
    await expelIdentity(this.#parts.options.identity, identity);
    const its = [...this.#sessions].filter(([, { entered }]) => entered === identity);
    for (const [session] of its) session.end(new KeysagaError("not_admitted", { rule: "expelled" }));
    await Promise.all(its.map(([, { over }]) => over));
  }

  /** Is there room on the disk? Costs a look at it. @throws KeysagaError `disk_full` */
  checkRoom(): void {
    this.#parts.options.identity.space.checkRoom?.();
  }

  /**
   * Writes as much as the largest record takes, and removes it again, to see whether anything can be stored.
   *
   * @throws KeysagaError as the store does: `disk_full`, `store_failed` …
   */
  async tryStore(): Promise<void> {
    const { space, address: holder } = this.#parts.options.identity;
    for (const to of [new Uint8Array(recordLimits.recordBytesMax), undefined]) {
      const cells = [{ key: "trial/", from: await space.cell("trial/"), to }];
      await space.commit({ holder, sight: { holders: [] }, cells });
    }
  }

  /**
   * Stops accepting, lets sagas under way finish for up to `graceMs`, then ends every session. Idempotent. Resolves
   * when nothing is left of any.
   */
  async close(graceMs = 0): Promise<void> {
    this.#isClosing = true;
    for (const session of this.#sessions.keys()) session.drain(goingAway());
    if (graceMs > 0) await within(this.#parts.options.platform.timers, graceMs, this.#over());
    for (const session of this.#sessions.keys()) session.end(goingAway());
    await this.#over();
    this.#parts.slices.close();
    await this.#parts.kept.close();
  }

  /** Resolves when nothing is left of any session; never rejects. */
  async #over(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map(({ over }) => over));
  }
}

/**
 * Makes a receiver for an identity. Its host key is certified, once in the life of a home; when this resolves,
 * whoever connects is answered.
 */
export async function createReceiver(options: ReceiverOptions): Promise<Receiver> {
  const { identity, audiences, platform = systemPlatform } = options;
  const { hostSeed } = internalsOf(identity);
  const { frames, hostKey } = await certifyHostKey(identity);
  const limits = { ...receiverLimits, ...options.limits };
  return new Receiver({
    self: {
      identity: stateOf(frames),
      frames,
      hostKey,
      hostSeed,
      audiences,
      limits: { ...sessionLimits, ...options.limits },
    },
    quotas: await Quotas.open(identity.space, limits, platform),
    merging: mergingOf(options.functions ?? mergeFunctions(), platform),
    commits: new CommitQueue(limits, platform.timers),
    kept: new KeptStages(identity.space, limits, platform.timers),
    slices: new Slices(limits.signaturesPerNetworkPerMinute, platform),
    options: { ...options, platform },
  });
}

function describe(connection: Connection, session: ReceiverSession): Session {
  return { remoteAddress: connection.remoteAddress, identity: session.identity };
}

const goingAway = () => new KeysagaError("shutting_down");
