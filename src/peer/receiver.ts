import { KeysagaError } from "../base/index.js";
import type { Address } from "../ibgib/index.js";
import { type MergeFunctions, mergeFunctions } from "../merge/index.js";
import { type ReceiverSelf, type SessionLimits, sessionLimits } from "../saga/index.js";
import type { Connection } from "../transport/index.js";
import type { OnEvent, PeerEvent } from "./events.js";
import { bindTo } from "./channel.js";
import { CommitQueue } from "./commit-queue.js";
import { certifyHostKey, type Identity, stateOf } from "./identity.js";
import { KeptStages } from "./kept-stages.js";
import { type Merging, mergingOf } from "./merging.js";
import { type Platform, systemPlatform } from "./platform.js";
import { type ReceiverLimits, Quotas, receiverLimits } from "./quotas.js";
import { ReceiverSession } from "./receiver-session.js";
import type { AccessPolicy } from "./standing.js";

/** Who may sync here, once it has proved who it is. A function is the embedder's own rule. */
export type Admission =
  | { readonly kind: "open" }
  | { readonly kind: "allow-list"; readonly identities: readonly Address[] }
  | { readonly kind: "ask"; readonly admit: (identity: Address) => boolean | Promise<boolean> };

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

/**
 * The answering side. It accepts connections from any transport, runs each to its end, and leaves nothing behind.
 * Made by `createReceiver`, which resolves when its host key is certified and durable.
 */
export class Receiver {
  readonly #sessions = new Map<ReceiverSession, Promise<void>>();
  #isClosing = false;

  constructor(
    private readonly self: Omit<ReceiverSelf, "exporter">,
    private readonly quotas: Quotas,
    private readonly merging: Merging,
    private readonly commits: CommitQueue,
    private readonly kept: KeptStages,
    private readonly options: ReceiverOptions & { readonly platform: Platform },
  ) {}

  /** The identity that senders pin. */
  get address(): Address {
    return this.options.identity.address;
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
    const { identity, admission, access = "owners", platform, onEvent, bindChannel = false } = this.options;
    const binding = bindTo(connection, bindChannel);
    const told: OnEvent = (event) => {
      onOwnEvent?.(event);
      onEvent?.(event, describe(connection, session));
    };
    let entered: Address | undefined;
    let isOver = false;
    const session = new ReceiverSession({
      self: { ...this.self, exporter: binding.exporter },
      identity,
      space: identity.space,
      connection,
      admit: async (sender) => {
        if (!(await isAdmitted(admission, sender))) throw new KeysagaError("not_admitted");
        if (isOver) throw new KeysagaError("connection_closed");
        this.quotas.enter(sender);
        entered = sender;
        await this.quotas.meet(sender, connection.remoteAddress);
      },
      quotas: this.quotas,
      merging: this.merging,
      access,
      commits: this.commits,
      kept: this.kept,
      platform,
      onEvent: told,
    });
    if (binding.error) session.end(binding.error);
    this.#sessions.set(
      session,
      session.run().then(() => {
        isOver = true;
        if (entered) this.quotas.leave(entered);
        this.#sessions.delete(session);
      }),
    );
  }

  /**
   * Stops accepting, lets sagas under way finish for up to `graceMs`, then ends every session. Idempotent. Resolves
   * when nothing is left of any.
   */
  async close(graceMs = 0): Promise<void> {
    this.#isClosing = true;
    for (const session of this.#sessions.keys()) if (!session.isBusy) session.end(goingAway());
    await this.#grace(graceMs);
    for (const session of this.#sessions.keys()) session.end(goingAway());
    await Promise.all(this.#sessions.values());
    await this.kept.close();
  }

  async #grace(graceMs: number): Promise<void> {
    const { timers, clock } = this.options.platform;
    const until = clock.now() + graceMs;
    while (this.#sessions.size > 0 && clock.now() < until) {
      await new Promise<void>((resolve) => timers.after(Math.min(20, graceMs), resolve));
      for (const session of this.#sessions.keys()) if (!session.isBusy) session.end(goingAway());
    }
  }
}

/**
 * Makes a receiver for an identity. Its host key is certified, once in the life of a home; when this resolves,
 * whoever connects is answered.
 */
export async function createReceiver(options: ReceiverOptions): Promise<Receiver> {
  const { identity, audiences, platform = systemPlatform } = options;
  const { frames, hostKey } = await certifyHostKey(identity);
  const self: Omit<ReceiverSelf, "exporter"> = {
    identity: stateOf(frames),
    frames,
    hostKey,
    hostSeed: identity.hostSeed,
    audiences,
    limits: { ...sessionLimits, ...options.limits },
    sessionKeys: identity.sessionKeys,
  };
  const limits = { ...receiverLimits, ...options.limits };
  const quotas = await Quotas.open(identity.space, limits, platform);
  const merging = mergingOf(options.functions ?? mergeFunctions(), platform);
  const commits = new CommitQueue(limits, platform.timers);
  const kept = new KeptStages(identity.space, limits, platform.timers);
  return new Receiver(self, quotas, merging, commits, kept, { ...options, platform });
}

function isAdmitted(admission: Admission, sender: Address): boolean | Promise<boolean> {
  switch (admission.kind) {
    case "open":
      return true;
    case "allow-list":
      return admission.identities.includes(sender);
    case "ask":
      return admission.admit(sender);
  }
}

function describe(connection: Connection, session: ReceiverSession): Session {
  return { remoteAddress: connection.remoteAddress, identity: session.identity };
}

const goingAway = () => new KeysagaError("shutting_down");
