import { KeysagaError, sha256, toHex, toKeysagaError, utf8 } from "../../base/index.js";
import { type Address, parseAddress } from "../../ibgib/index.js";
import { type MergeFunctions, mergeFunctions } from "../../merge/index.js";
import { type Direction, type SessionLimits, sessionLimits } from "../../saga/index.js";
import { type Connection, type Dial, dialWebSocket, type TlsOptions } from "../../transport/index.js";
import { mergingOf } from "../branches/merging.js";
import { pauseAfterLoss } from "../home/backoff.js";
import { cellKinds, readCell } from "../home/cells.js";
import { Gate, queueTimeoutMs } from "../home/gate.js";
import { type Identity, internalsOf } from "../home/identity.js";
import { type Invite, readInvite } from "../home/invite-text.js";
import { Calls, orAborted } from "../home/patience.js";
import { type Platform, systemPlatform } from "../home/platform.js";
import type { AccessPolicy } from "../rights/standing.js";
import { withdrawExpired } from "../rights/sharing.js";
import { bindTo } from "../session/channel.js";
import { guarded, type OnEvent, type PeerEvent } from "../session/events.js";
import { Waits } from "../session/waits.js";
import { type Explanation, explainRecord, type RecordStatus } from "./explain.js";
import { openConnection } from "./open-connection.js";
import { type ReconnectOptions, withRetries } from "./reconnect.js";
import { type SyncReport, withBefore } from "./sender-commit.js";
import type { SagaDone, SyncRequest } from "./saga-request.js";
import { SenderSession } from "./sender-session.js";

/** Over WebSocket, by the receiver's URL; `ws://` only to this machine, unless `insecure`. */
export interface ReachByUrl {
  readonly url: string;
  readonly insecure?: boolean;
  /** Node only: certificates beside the platform's own. */
  readonly tls?: TlsOptions;
  readonly dial?: never;
}

/** Over WebSocket, where an invite says. */
export interface ReachByInvite extends Omit<ReachByUrl, "url"> {
  readonly invite: string;
}

/** Over any other transport. */
export interface ReachByDial {
  /** Opens a connection to the receiver. */
  readonly dial: Dial;
  /** The origin that is dialled, as the receiver has it configured. */
  readonly audience: string;
}

export type SenderOptions = (ReachByUrl | ReachByInvite | ReachByDial) & SenderSettings;

export interface SenderSettings {
  readonly identity: Identity;
  /** The receiver's identity. Without it, the first that answers at this origin is trusted, and pinned. */
  readonly pin?: Address;
  /**
   * An invite as it was given out. The receiver it is from is the pin; there it lets this identity in, where it is not
   * admitted yet. It does no harm later, and is not needed.
   */
  readonly invite?: string;
  readonly limits?: Partial<SessionLimits>;
  /** Sign the TLS channel as well (RFC 9266). Both sides have to be set so, with no proxy in between that ends TLS. */
  readonly bindChannel?: boolean;
  /**
   * Whose word is taken for what comes: `owners` (default): a timeline's owner's, and that of those it lets write.
   * `open`: anyone's whom the receiver admits.
   */
  readonly access?: AccessPolicy;
  /** Merge functions beside the built-in one (`mergeFunctions`), by kind of record. */
  readonly functions?: MergeFunctions;
  /**
   * Makes a call that fails again, on a new connection: off unless given; `{}` takes the defaults.
   *
   * `connect` and `sync` are made again where the failure is `retryable` in the table of errors (`connection_lost`,
   * `cannot_connect`, `turn_timeout`, `shutting_down` …): never after a validation failure, nor when they were cancelled.
   * A try is a new session from its first message: of the one before no connection, key, turn or saga is used again, and
   * its saga is run anew, which converges wherever the other was cut off. So a report tells what the last try did, and a use
   * of a counted entry may be spent by each. Other calls wait meanwhile, as behind any call; `disconnect` and the call's
   * signal end the waiting at once. A connection that is lost while no call runs is not opened by itself: the next call
   * does.
   */
  readonly reconnect?: ReconnectOptions;
  readonly onEvent?: (event: PeerEvent) => void;
  /**
   * How long a call waits for those before it, in milliseconds; then it ends in `queue_timeout`, and is not run.
   * Default: two minutes.
   */
  readonly queueTimeoutMs?: number;
  readonly platform?: Platform;
}

export interface SyncOptions {
  /** Default `both`: up what the receiver lacks, down where it is ahead. */
  readonly direction?: Direction;
  /**
   * How many timelines may come down, or are here already, that links alone lead to: neither asked for, nor within what is,
   * with its owner. Each counts with all that is within it. What is nearer comes first, then by address. The report names
   * what is beyond among its `references`; a later sync with a higher limit, or without one, brings it. Default: any number.
   */
  readonly linkedMax?: number;
  /** Cancels: the session ends, and nothing half-done is left. */
  readonly signal?: AbortSignal;
}

/** How often a handshake is begun anew where another process of this home was first, or the lane had to be replaced. */
const handshakesMax = 8;

/** A session under way. */
interface Live {
  readonly session: SenderSession;
  /** Rejects where the session ends before it is ready. */
  readonly ready: Promise<void>;
  /** Resolves when nothing is left of the session. */
  readonly over: Promise<void>;
}

/**
 * The side that dials: one receiver, at most one connection at a time. Calls queue and run one after another; one
 * that fails or is cancelled ends its session, and the next one opens another.
 */
export class Sender {
  readonly #options: SenderSettings;
  readonly #reach: ReachByDial;
  readonly #invite: Invite | undefined;
  readonly #platform: Platform;
  readonly #gate: Gate;
  readonly #waits: Waits;
  /** What is told of this side beside its sessions. */
  readonly #tell: OnEvent;
  /** Cancelled by `disconnect`. */
  readonly #calls = new Calls();
  #live: Live | undefined;

  constructor(options: SenderSettings, reach: ReachByDial, invite: Invite | undefined) {
    this.#options = options;
    this.#reach = reach;
    this.#invite = invite;
    this.#platform = options.platform ?? systemPlatform;
    const { timers } = this.#platform;
    this.#gate = new Gate(timers, options.queueTimeoutMs ?? queueTimeoutMs);
    this.#tell = guarded(
      (event) => options.onEvent?.(event),
      (error) => this.#live?.session.end(error),
    );
    this.#waits = new Waits(timers, (reason) => this.#tell({ kind: "waiting", reason }));
  }

  /** Connects and signs in. Resolves when the receiver has said that everything is stored and live. */
  connect({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return this.#queue(signal, (live) => live.ready);
  }

  /**
   * Brings `roots` (timelines by first address, stones by address) and all they link to in step with the receiver.
   * Connects first where there is no connection; the first turn then rides along with the handshake.
   *
   * Whose time is over in lists of this identity's own is withdrawn there, once what the receiver has is here.
   *
   * @returns What was done: durable on both sides, the receiver's receipt verified and stored; and what was left of which
   *   root, and why. All else is done.
   * @throws KeysagaError `diverged` (by a push; nothing was changed), `tip_moved`, `commit_waited`, `queue_timeout` and
   *   `connection_lost` (try again), `aborted`, `connection_closed` (by `disconnect`), and
   *   whatever else ended the session.
   * @throws RangeError for a `linkedMax` that is no count.
   */
  sync(
    roots: readonly Address[],
    { direction = "both", linkedMax, signal }: SyncOptions = {},
  ): Promise<SyncReport> {
    if (roots.length === 0) return Promise.reject(new KeysagaError("nothing_to_sync"));
    if (linkedMax !== undefined && !(Number.isSafeInteger(linkedMax) && linkedMax >= 0))
      return Promise.reject(new RangeError("linkedMax is a whole number, not below 0"));
    return this.#parts(signal, { roots, direction, linkedMax });
  }

  /** One part after another, in one session after the other where one is used up. */
  async #parts(signal: AbortSignal | undefined, request: Omit<SyncRequest, "gone">): Promise<SyncReport> {
    let report: SyncReport | undefined;
    const gone = new Set<Address>();
    const seen = new Set<string>();
    for (;;) {
      const done = await this.#queue(signal, (live) => this.#sagas(live, { ...request, gone }));
      report = report ? withBefore(report, done.report) : done.report;
      if (done.isStale) continue;
      if (!done.isPart) return report;
      for (const root of done.gone) gone.add(root);
      const where = toHex(sha256(utf8(JSON.stringify([done.ends, gone.size]))));
      if (seen.has(where))
        throw new KeysagaError("malformed_message", { in: "ack", rule: "more, and nothing came" });
      seen.add(where);
    }
  }

  /** One saga, and another one where what came with it has something to go up. */
  async #sagas({ session }: Live, request: SyncRequest): Promise<SagaDone> {
    const done = await session.sync(request);
    const { identity, functions } = this.#options;
    const writing = { ...this.#platform, ...(functions && { functions }) };
    const isWithdrawn =
      request.direction !== "push" && (await withdrawExpired(identity, request.roots, writing));
    const goesUp = request.direction !== "pull" && (done.isMore || isWithdrawn);
    if (done.isPart || done.isStale || !goesUp) return done;
    const next = await session.sync({ ...request, gone: new Set() });
    return { ...next, report: withBefore(done.report, next.report) };
  }

  /**
   * Where a record is: only `local`, held here; `sent`, it went out in a saga whose receipt has not come; `durable`, a
   * receipt says that the receiver has it. So it stays for the next process; no connection is needed. Undefined where
   * this space does not hold the record.
   *
   * What is durable is all that links lead to, `past` among them, from the tips and stones of receipts: stones too, and
   * frames that were grafted on. A link to a timeline leads to its first frame; the others go by its own receipts, as
   * do the frames of every timeline that was synced with this receiver.
   *
   * @throws KeysagaError `limit_exceeded` as `explain`.
   */
  async status(address: Address): Promise<RecordStatus | undefined> {
    return (await this.explain(address)).status;
  }

  /**
   * Why a record is, or is not, at the receiver: from what this space holds and the receiver has signed, never by
   * asking. For frames of a timeline that was synced it takes a few look-ups, for other records a walk.
   *
   * @throws KeysagaError `limit_exceeded` where a walk meets more than a million addresses.
   */
  async explain(address: Address): Promise<Explanation> {
    const { identity, functions = mergeFunctions() } = this.#options;
    const { options } = mergingOf(functions, this.#platform);
    return explainRecord({ space: identity.space, receiver: await this.#pin(), options }, address);
  }

  /** Ends the connection, from any state, any number of times. Resolves when nothing is left and callers are told. */
  async disconnect(): Promise<void> {
    this.#calls.cancel(new KeysagaError("connection_closed"));
    this.#live?.session.end();
    await this.#gate.run(() => this.#live?.over ?? Promise.resolve(), { isPatient: true });
  }

  /** Runs `task` on a live session when its turn comes; a call that fails with it is told when nothing is left of it. */
  #queue<Result>(signal: AbortSignal | undefined, task: (live: Live) => Promise<Result>): Promise<Result> {
    const { signal: cancel, release } = this.#calls.begin(signal);
    const endWait = this.#waits.begin("queued");
    const { reconnect: options } = this.#options;
    const retrying = { options, platform: this.#platform, onEvent: this.#tell, cancel };
    const once = (onReady: () => void) =>
      this.#withHandshakes(cancel, () => this.#try(task, cancel, onReady));
    const outcome = this.#gate.run(
      () => {
        endWait();
        return withRetries(once, retrying);
      },
      { cancel },
    );
    const end = () => {
      endWait();
      release();
    };
    void outcome.then(end, end);
    return outcome;
  }

  /** Begins anew where one side is not where the other took it to be. */
  async #withHandshakes<Result>(cancel: AbortSignal, run: () => Promise<Result>): Promise<Result> {
    for (let losses = 1; losses < handshakesMax; losses++) {
      try {
        return await run();
      } catch (thrown) {
        if (!isBegunAnew(thrown)) throw thrown;
        this.#tellBehind(thrown);
      }
      await pauseAfterLoss(this.#platform, losses, cancel);
    }
    return run();
  }

  #tellBehind({ code, facts }: KeysagaError): void {
    if (code !== "home_behind") return;
    const { receiver, frames, lane } = facts;
    if (typeof receiver !== "string" || typeof frames !== "number") return;
    this.#tell({ kind: "behind", receiver: parseAddress(receiver), frames, isLaneSpent: lane === "spent" });
  }

  async #try<Result>(
    task: (live: Live) => Promise<Result>,
    cancel: AbortSignal,
    onReady: () => void,
  ): Promise<Result> {
    // What has ended and is being cleared away is nobody's connection any more.
    if (this.#live?.session.isUsedUp) {
      this.#live.session.end();
      await orAborted(this.#live.over, cancel);
    }
    while (this.#live?.session.isOver) await orAborted(this.#live.over, cancel);
    const live = this.#live ?? (await this.#open(cancel));
    live.ready.then(onReady, () => undefined);
    const stop = () => live.session.end(toKeysagaError(cancel.reason, "aborted"));
    cancel.addEventListener("abort", stop, { once: true });
    if (cancel.aborted) stop();
    try {
      return await task(live);
    } catch (thrown) {
      if (live.session.isOver) await live.over;
      throw thrown;
    } finally {
      cancel.removeEventListener("abort", stop);
    }
  }

  /** One handshake of an identity with a receiver at a time, from here until `ready`. */
  async #open(cancel: AbortSignal): Promise<Live> {
    const { identity, limits } = this.#options;
    const { handshakeTimeoutMs: timeoutMs } = { ...sessionLimits, ...limits };
    const turn = internalsOf(identity).handshakes.begin(this.#reach.audience, timeoutMs, cancel);
    const endTurn = await this.#waits.during("queued", turn);
    try {
      const pin = await orAborted(this.#pin(), cancel);
      const { timers } = this.#platform;
      const live = this.#start(await openConnection(this.#reach.dial, { cancel, timers, timeoutMs }), pin);
      live.ready.then(endTurn, endTurn);
      return live;
    } catch (thrown) {
      endTurn();
      throw thrown;
    }
  }

  async #pin(): Promise<Address | undefined> {
    const { pin, identity } = this.#options;
    return (
      this.#invite?.receiver ??
      pin ??
      (await readCell(identity.space, cellKinds.pin, this.#reach.audience)).value?.receiver
    );
  }

  #start(connection: Connection, pin: Address | undefined): Live {
    const {
      identity,
      limits,
      onEvent,
      bindChannel = false,
      functions = mergeFunctions(),
      access = "owners",
    } = this.#options;
    const binding = bindTo(connection, bindChannel);
    const session = new SenderSession({
      identity,
      connection,
      audience: this.#reach.audience,
      pin,
      exporter: binding.exporter,
      invite: this.#invite,
      limits: { ...sessionLimits, ...limits },
      merging: mergingOf(functions, this.#platform),
      access,
      platform: this.#platform,
      onEvent: guarded(
        (event) => onEvent?.(event),
        (error) => session.end(error),
      ),
    });
    if (binding.error) session.end(binding.error);
    const over = session.run().then(() => {
      if (this.#live === live) this.#live = undefined;
    });
    const live: Live = { session, ready: session.ready, over };
    this.#live = live;
    return live;
  }
}

/**
 * Another process of this home has met the receiver first, or frames of the lane never arrived, or this home was put back:
 * nothing was signed. Or one side was put back and lacks proofs, which are shown anew: nothing was committed.
 */
function isBegunAnew(thrown: unknown): thrown is KeysagaError {
  return (
    thrown instanceof KeysagaError &&
    ["keystone_moved", "lane_replaced", "home_behind", "proofs_missing"].includes(thrown.code)
  );
}

/**
 * A sender for one receiver. Nothing is dialled before `connect` or `sync`.
 *
 * @throws KeysagaError `invite_malformed`; `receiver_changed` where the invite is not from the pinned receiver.
 */
export function createSender(options: SenderOptions): Sender {
  const invite = options.invite === undefined ? undefined : readInvite(options.invite);
  if (invite && options.pin !== undefined && options.pin !== invite.receiver)
    throw new KeysagaError("receiver_changed", { pinned: options.pin, invitedTo: invite.receiver });
  if (options.dial) return new Sender(options, options, invite);
  const url = "url" in options ? options.url : (invite?.url ?? "");
  return new Sender(options, reachByUrl({ ...options, url }), invite);
}

/** The audience is the URL's origin: what a receiver is configured with, whatever path it is mounted on. */
function reachByUrl({
  url,
  insecure = false,
  tls,
  platform = systemPlatform,
  limits,
}: ReachByUrl & SenderSettings): ReachByDial {
  const { handshakeTimeoutMs } = { ...sessionLimits, ...limits };
  const dial = dialWebSocket(url, {
    timers: platform.timers,
    insecure,
    handshakeTimeoutMs,
    ...(tls && { tls }),
  });
  return { dial, audience: originOf(url) };
}

/** What is no URL is left for the dial to refuse. */
function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url;
}
