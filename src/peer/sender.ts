import { KeysagaError } from "../base/index.js";
import type { Address } from "../ibgib/index.js";
import { type Caps, type Direction, sagaLimits } from "../saga/index.js";
import type { Connection, Dial } from "../transport/index.js";
import { cellKinds, readCell } from "./cells.js";
import type { PeerEvent } from "./events.js";
import type { Identity } from "./identity.js";
import { type Platform, systemPlatform } from "./platform.js";
import type { SyncReport } from "./sender-commit.js";
import { SenderSession } from "./sender-session.js";

export interface SenderOptions {
  readonly identity: Identity;
  /** Opens a connection to the receiver, over any transport. */
  readonly dial: Dial;
  /** The origin that is dialled, as the receiver has it configured: `wss://host:port`. */
  readonly audience: string;
  /** The receiver's identity. Without it, the first that answers at this origin is trusted, and pinned. */
  readonly pin?: Address;
  /** What one session may carry in each direction. */
  readonly caps?: Partial<Caps>;
  readonly onEvent?: (event: PeerEvent) => void;
  readonly platform?: Platform;
}

export interface SyncOptions {
  /** Default `both`: up what the receiver lacks, down where it is ahead. */
  readonly direction?: Direction;
  /** Cancels: the session ends, and nothing half-done is left. */
  readonly signal?: AbortSignal;
}

/** Idle, dialling, in a session, or closing one; a closed sender may connect again. */
type State =
  | { readonly kind: "idle" }
  | { readonly kind: "dialling"; readonly abort: AbortController; readonly opened: Promise<Live> }
  | { readonly kind: "live"; readonly live: Live }
  | { readonly kind: "closing"; readonly over: Promise<unknown> };

interface Live {
  readonly session: SenderSession;
  readonly ready: Promise<void>;
  readonly over: Promise<unknown>;
}

/** The side that dials: one receiver, at most one connection at a time. */
export class Sender {
  #state: State = { kind: "idle" };
  readonly #platform: Platform;

  constructor(private readonly options: SenderOptions) {
    this.#platform = options.platform ?? systemPlatform;
  }

  /** Connects and signs in. Resolves when the receiver has said that everything is stored and live. */
  async connect(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const live = await this.#open(options.signal);
    await this.#unlessAborted(live, live.ready, options.signal);
  }

  /**
   * Brings `roots` (timelines by first address, stones by address) and all they link to in step with the receiver.
   * Connects first where there is no connection; the first turn then rides along with the handshake. Calls queue.
   *
   * @returns What was done: durable on both sides, the receiver's receipt verified and stored.
   * @throws KeysagaError `diverged` (nothing was changed), `tip_moved` and `connection_lost` (try again), and
   *   whatever ended the session.
   */
  async sync(roots: readonly Address[], options: SyncOptions = {}): Promise<SyncReport> {
    if (roots.length === 0) throw new KeysagaError("nothing_to_sync");
    const live = await this.#open(options.signal);
    const { direction = "both", signal } = options;
    const outcome = new Promise<SyncReport>((resolve, reject) => {
      live.session.sync({
        roots,
        direction,
        settle: (result) => (result instanceof KeysagaError ? reject(result) : resolve(result)),
      });
      live.over.then(() => reject(new KeysagaError("connection_closed")));
    });
    return this.#unlessAborted(live, outcome, signal);
  }

  /** Ends the connection, from any state, any number of times. Resolves when nothing is left of it. */
  async disconnect(): Promise<void> {
    const state = this.#state;
    switch (state.kind) {
      case "idle":
        return;
      case "dialling":
        state.abort.abort();
        await state.opened.then(
          (live) => this.#close(live),
          () => undefined,
        );
        return;
      case "live":
        return this.#close(state.live);
      case "closing":
        await state.over;
    }
  }

  async #close({ session, over }: Live): Promise<void> {
    session.end();
    await over;
  }

  async #open(signal: AbortSignal | undefined): Promise<Live> {
    signal?.throwIfAborted();
    const state = this.#state;
    switch (state.kind) {
      case "live":
        return state.live;
      case "dialling":
        return state.opened;
      case "closing":
        await state.over;
        return this.#open(signal);
      case "idle":
        return this.#dial(signal);
    }
  }

  #dial(signal: AbortSignal | undefined): Promise<Live> {
    const abort = new AbortController();
    const cancel = () => abort.abort();
    signal?.addEventListener("abort", cancel, { once: true });
    const opened = this.#connectionToLive(abort.signal).finally(() =>
      signal?.removeEventListener("abort", cancel),
    );
    this.#state = { kind: "dialling", abort, opened };
    return opened;
  }

  async #connectionToLive(signal: AbortSignal): Promise<Live> {
    try {
      const pin = await this.#pin();
      const live = this.#start(await this.options.dial(signal), pin);
      this.#state = { kind: "live", live };
      return live;
    } catch (thrown) {
      this.#state = { kind: "idle" };
      throw thrown;
    }
  }

  async #pin(): Promise<Address | undefined> {
    const { pin, identity, audience } = this.options;
    return pin ?? (await readCell(identity.space, cellKinds.pin, audience)).value?.receiver;
  }

  #start(connection: Connection, pin: Address | undefined): Live {
    const { identity, audience, caps, onEvent } = this.options;
    let onReady = () => {};
    let onOver: (error: KeysagaError) => void = () => {};
    const ready = new Promise<void>((resolve, reject) => {
      onReady = resolve;
      onOver = reject;
    });
    // Nobody may be waiting for `ready`; its failure is told by `over` and by each call's own outcome.
    ready.catch(() => undefined);
    const session = new SenderSession({
      identity,
      connection,
      audience,
      pin,
      caps: { ...defaultCaps, ...caps },
      platform: this.#platform,
      onEvent: (event) => onEvent?.(event),
      onReady,
    });
    const over = session.run().then((error) => {
      this.#state = { kind: "idle" };
      onOver(error ?? new KeysagaError("connection_closed"));
    });
    return { session, ready, over };
  }

  /** Waits for `outcome`; an abort ends the session, and the call rejects once nothing is left of it. */
  async #unlessAborted<Result>(
    live: Live,
    outcome: Promise<Result>,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    if (!signal) return outcome;
    const cancel = () => live.session.end(new KeysagaError("aborted"));
    if (signal.aborted) cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      return await outcome;
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }
}

const defaultCaps: Caps = {
  records: sagaLimits.sagaRecordsMax,
  bytes: sagaLimits.sagaBytesMax,
  turns: sagaLimits.sessionTurnsMax,
};

/** A sender for one receiver. Nothing is dialled before `connect` or `sync`. */
export function createSender(options: SenderOptions): Sender {
  return new Sender(options);
}
