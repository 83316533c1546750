import { type Instant, KeysagaError, toHex } from "../base/index.js";
import { type Address, type IbGib, toText } from "../ibgib/index.js";
import {
  type Direction,
  type Evidence,
  type Exact,
  type Exporter,
  FromReceiver,
  type Root,
  readEvidence,
  type SenderHandshakeEffect,
  type SenderHandshakeEvent,
  type SenderHandshakeState,
  type SenderSagaEffect,
  type SenderSagaEvent,
  type SenderSagaState,
  type SessionLimits,
  startSenderHandshake,
  startSenderSaga,
  stepSenderHandshake,
  stepSenderSaga,
  type Turn,
  TurnFromReceiver,
} from "../saga/index.js";
import { isMerge } from "../merge/index.js";
import type { Connection } from "../transport/index.js";
import { type CheckedHeads, checkHeads, onlyOf } from "./attestations.js";
import { Conversation, isOneMessage } from "./conversation.js";
import { type Deferred, deferred } from "./deferred.js";
import { connectedEvent, type OnEvent, tellEnd, tellMerged, tellRefused, type WaitReason } from "./events.js";
import type { Identity } from "./identity.js";
import { keepSent } from "./keep-sent.js";
import { keepToldStatements } from "./keep-statements.js";
import { lastWord, peerFailure } from "./last-word.js";
import { Link } from "./link.js";
import type { Merging } from "./merging.js";
import { outgoing } from "./outgoing.js";
import { planRoots } from "./plan-roots.js";
import type { Platform } from "./platform.js";
import { Progress } from "./progress.js";
import { resolveRoots, tipsToAsk } from "./resolution.js";
import { commitSender, type SyncReport } from "./sender-commit.js";
import { type LaneChoice, loadSenderStanding, reserveConnect } from "./sender-store.js";
import { type LoopEvent, SessionLoop } from "./session-loop.js";
import { type AccessPolicy, Standing } from "./standing.js";
import { nothingToTell, statementsFor, type Telling } from "./statements.js";
import { Waits } from "./waits.js";

/** What to bring in step, and which way records may go. */
export interface SyncRequest {
  readonly roots: readonly Address[];
  readonly direction: Direction;
  /** See `SyncOptions`. */
  readonly adopt: boolean;
}

/** The saga that is asked for or under way, and its caller. */
interface Asked extends SyncRequest {
  readonly outcome: Deferred<SyncReport>;
  readonly started: Instant;
}

export interface SenderSessionOptions {
  readonly identity: Identity;
  readonly connection: Connection;
  readonly audience: string;
  readonly pin: Address | undefined;
  readonly exporter: Exporter;
  readonly limits: SessionLimits;
  readonly merging: Merging;
  readonly access: AccessPolicy;
  readonly platform: Platform;
  readonly onEvent: OnEvent;
}

type On<Kind> = Extract<SenderSagaEffect, { kind: Kind }>;

type Own =
  | { readonly machine: "handshake"; readonly event: SenderHandshakeEvent }
  | { readonly machine: "saga"; readonly event: SenderSagaEvent }
  | { readonly machine: "none" }; // a saga was asked for

/** One connection of a sender, from hello to its end: the shell around the two machines of this side. */
export class SenderSession {
  readonly #loop: SessionLoop<FromReceiver, Own>;
  readonly #link: Link<FromReceiver>;
  /** What this side's own identity may see in its own space, where others may hold records as well. */
  readonly #standing: Standing;
  #loading: Promise<Standing> | undefined;
  #handshake: SenderHandshakeState;
  #saga: SenderSagaState | undefined;
  /** What the newest saga has staged is dropped at the end, whichever state it ended in. */
  #sagaId: string | undefined;
  #asked: Asked | undefined;
  /** What came in the saga under way to prove who added which heads, and who granted what. */
  #evidence: Evidence[] = [];
  #checked: Pick<CheckedHeads, "attestations" | "records"> = { attestations: [], records: [] };
  /** What the receiver is told of grants in the saga under way. */
  #telling: Telling = nothingToTell;
  /** Frames that the saga under way has made to bring branches together. */
  #merges: IbGib[] = [];
  #progress: Progress | undefined;
  /** Keeps what has gone out. */
  #keeping: Promise<void> = Promise.resolve();
  readonly #waits: Waits;
  readonly #ready = deferred<void>();
  #conversation: Conversation | undefined;
  #lane: LaneChoice | undefined;
  #isOver = false;
  /** A turn whose list is too long for one message waits for `ready`: no payload goes out before. */
  #held: (() => Promise<void>) | undefined;

  constructor(private readonly options: SenderSessionOptions) {
    const { identity, audience, pin, exporter, limits, platform, connection } = options;
    this.#loop = new SessionLoop(platform);
    this.#link = new Link(connection, FromReceiver, this.#loop.put);
    this.#waits = new Waits(platform.timers, (reason) => this.#tellWait(reason));
    this.#standing = new Standing(identity.address, {
      space: identity.space,
      self: identity.address,
      access: "owners",
      now: () => platform.clock.now(),
    });
    const intent = { audience, pin, exporter, limits, sessionKeys: identity.sessionKeys };
    this.#handshake = startSenderHandshake(intent, platform.clock.now());
  }

  /** Runs the session to its end. Resolves, never rejects, when nothing is left of it. */
  async run(): Promise<KeysagaError | undefined> {
    this.#link.start();
    const error = await this.#loop.run((event) => this.#take(event));
    await this.#finish(error);
    return error;
  }

  /** Resolves once the receiver has said that everything about the session is durable and live. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Runs a saga; one at a time. Rejects with what ended the session, where that comes first, and with `not_permitted`
   * where all was done but what the receiver does not let this side write.
   */
  sync(request: SyncRequest): Promise<SyncReport> {
    const outcome = deferred<SyncReport>();
    if (this.#isOver) outcome.reject(new KeysagaError("connection_closed"));
    else this.#asked = { ...request, outcome, started: this.options.platform.clock.now() };
    this.#loop.put({ kind: "own", event: { machine: "none" } });
    return outcome.promise;
  }

  /** Ends the session; idempotent. `run` resolves when it is over. */
  end(error?: KeysagaError): void {
    this.#loop.put({ kind: "end", error });
  }

  #take(event: Exclude<LoopEvent<FromReceiver, Own>, { kind: "end" }>): KeysagaError | undefined {
    switch (event.kind) {
      case "message":
        this.#hear(event.heard);
        break;
      case "payload":
        this.#hearPayload(event.frame);
        break;
      case "tick":
        this.#tick();
        break;
      case "own":
        this.#takeOwn(event.event);
        break;
      case "closed":
        return event.error ?? new KeysagaError("connection_lost", { by: "the other side" });
    }
    this.#startNext();
    return this.#failure();
  }

  #failure(): KeysagaError | undefined {
    if (this.#handshake.kind === "failed") return this.#handshake.error;
    return this.#saga?.kind === "failed" ? this.#saga.error : undefined;
  }

  #takeOwn(own: Own): void {
    if (own.machine === "handshake") this.#stepHandshake(own.event);
    if (own.machine === "saga") this.#stepSaga(own.event);
  }

  #tick(): void {
    const now = this.options.platform.clock.now();
    this.#stepHandshake({ kind: "tick", now });
    this.#stepSaga({ kind: "tick", now });
  }

  #hear({ text, message }: Exact<FromReceiver>): void {
    if (this.#handshake.kind === "ready" && ["hello", "challenge", "ready"].includes(message.type))
      throw new KeysagaError("out_of_turn", { got: message.type, during: "ready" });
    switch (message.type) {
      case "hello":
        return this.#stepHandshake({ kind: "hello", heard: { text, message } });
      case "challenge":
        return this.#stepHandshake({ kind: "challenge", heard: { text, message } });
      case "ready":
        return this.#onReady({ text, message });
      case "turn":
        return this.#hearTurn(message);
      case "error":
        throw peerFailure(message.code, this.#handshake.kind === "ready");
      case "credit":
        return; // dealt with by the link
    }
  }

  #onReady(heard: Extract<SenderHandshakeEvent, { kind: "ready" }>["heard"]): void {
    this.#stepHandshake({ kind: "ready", heard });
    if (this.#handshake.kind !== "ready") return;
    this.options.onEvent(connectedEvent(this.#handshake.established));
    this.#ready.resolve();
    if (this.#held) this.#begin(this.#held);
    this.#held = undefined;
  }

  #hearTurn(turn: Turn): void {
    if (this.#handshake.kind !== "ready" || !this.#conversation)
      throw new KeysagaError("out_of_turn", { got: "turn", during: this.#handshake.kind });
    const verified = this.#conversation.hear(turn, TurnFromReceiver);
    const { message } = verified;
    switch (message.type) {
      case "ack":
        return this.#stepSaga({ kind: "ack", turn: { ...verified, message } });
      case "branch":
        return this.#stepSaga({ kind: "branch", turn: { ...verified, message } });
      case "moved":
        return this.#stepSaga({ kind: "moved", turn: { ...verified, message } });
      case "wants":
        return this.#stepSaga({ kind: "wants", turn: { ...verified, message } });
      case "receipt":
        return this.#stepSaga({ kind: "receipt", turn: { ...verified, message } });
    }
  }

  #hearPayload(frame: Uint8Array): void {
    const isRunning = this.#saga !== undefined && this.#saga.kind !== "committed";
    if (this.#handshake.kind !== "ready" || !this.#conversation || !isRunning)
      throw new KeysagaError("out_of_turn", { got: "payload", during: this.#handshake.kind });
    const { records, evidence } = this.#conversation.hearPayload(frame);
    this.#evidence.push(...evidence);
    this.#stepSaga({ kind: "payload", records, now: this.options.platform.clock.now() });
    if (records.length === 0) this.#link.grant();
  }

  #stepHandshake(event: SenderHandshakeEvent): void {
    const { state, effects } = stepSenderHandshake(this.#handshake, event);
    this.#handshake = state;
    if (state.kind === "awaitingReady" && !this.#conversation)
      this.#conversation = new Conversation(
        state.established,
        "sender",
        this.#link,
        this.options.onEvent,
        this.#waits,
      );
    for (const effect of effects) this.#beginHandshake(effect);
  }

  #beginHandshake(effect: SenderHandshakeEffect): void {
    const { identity, platform, audience } = this.options;
    switch (effect.kind) {
      case "send":
        this.#link.say(effect.message);
        return;
      case "loadStanding":
        return this.#beginHandshakeWork(async () => {
          const { standing, lane } = await loadSenderStanding(identity, effect.receiver, platform);
          this.#lane = lane;
          return { kind: "standingLoaded", standing };
        });
      case "reserveConnect": {
        const lane = this.#lane;
        if (!lane) throw new KeysagaError("internal", { what: "a reservation without a lane" });
        return this.#beginHandshakeWork(async () => ({
          kind: "reserved",
          ...(await reserveConnect(identity, lane, effect, audience)),
        }));
      }
    }
  }

  #beginHandshakeWork(work: () => Promise<SenderHandshakeEvent>): void {
    this.#loop.begin(async () => ({ machine: "handshake", event: await work() }));
  }

  /** The next saga starts once S can speak: its first turn follows `connect` at once. */
  #startNext(): void {
    const canSpeak = this.#handshake.kind === "awaitingReady" || this.#handshake.kind === "ready";
    const isRunning = this.#saga !== undefined && this.#saga.kind !== "committed";
    if (!canSpeak || isRunning || !this.#asked) return;
    const saga = toHex(this.options.platform.random.bytes(16));
    const { state, effects } = startSenderSaga(
      saga,
      this.#asked.roots,
      this.#asked.direction,
      this.options.limits,
    );
    this.#saga = state;
    this.#sagaId = saga;
    this.#evidence = [];
    this.#checked = { attestations: [], records: [] };
    this.#telling = nothingToTell;
    this.#progress = new Progress(saga, "up", this.options.onEvent);
    this.#loading = undefined;
    for (const effect of effects) this.#beginSaga(effect);
  }

  #stepSaga(event: SenderSagaEvent): void {
    if (!this.#saga) return;
    const { state, effects } = stepSenderSaga(this.#saga, event);
    if (state.kind !== this.#saga.kind || event.kind === "payload")
      this.#waits.turn(state.kind.startsWith("awaiting"));
    this.#saga = state;
    for (const effect of effects) this.#beginSaga(effect);
  }

  #beginSaga(effect: SenderSagaEffect): void {
    const { identity, platform, merging } = this.options;
    const { space } = identity;
    const now = () => platform.clock.now();
    switch (effect.kind) {
      case "planRoots":
        return this.#beginSagaWork(async () => {
          const roots = await planRoots(space, effect.wanted);
          this.#telling = await this.#tellOf(roots);
          this.#started(roots);
          return { kind: "planned", roots, evidence: this.#telling.records.map(toText), now: now() };
        });
      case "sendTurn":
        return this.#sendTurn(effect);
      case "stage":
        return this.#beginSagaWork(async () => {
          await this.#stage(effect.records);
          this.#link.grant();
          return { kind: "staged" };
        });
      case "compare":
        return this.#beginSagaWork(async () => {
          const asks = await tipsToAsk(space, effect.roots, effect.statuses, merging);
          return { kind: "compared", asks, now: now() };
        });
      case "resolve":
        return this.#beginSagaWork(async () => {
          const resolved = await this.#resolve(effect);
          return { kind: "resolved", ...resolved, now: now() };
        });
      case "sendRecords":
        return this.#beginSagaWork(async () => {
          await this.#sendRecords(effect);
          return { kind: "recordsSent", now: now() };
        });
      case "commitSpace":
        return this.#commitSpace(effect);
    }
  }

  /** What is staged once the session has ended would outlive it. */
  async #stage(records: readonly IbGib[]): Promise<void> {
    const { identity } = this.options;
    const { sight } = await this.#ownStanding();
    if (this.#isOver || this.#sagaId === undefined) throw new KeysagaError("connection_closed");
    await identity.space.stage(this.#sagaId, identity.address, sight, records);
  }

  /** Loaded once in a saga, when something comes or is committed. */
  #ownStanding(): Promise<Standing> {
    this.#loading ??= this.#standing.load().then(() => this.#standing);
    return this.#loading;
  }

  /** Grants that the receiver has not been told of, for the timelines that the saga is about. */
  #tellOf(roots: readonly Root[]): Promise<Telling> {
    const { receiver } = this.#spoken().established;
    return statementsFor(
      this.options.identity,
      receiver,
      roots.map(({ address }) => address),
    );
  }

  /** What came is checked, and kept as far as it counts whatever becomes of the saga; then branches become one. */
  async #resolve(effect: On<"resolve">) {
    const { identity, merging, access } = this.options;
    const { receiver } = this.#spoken().established;
    const { heads, records } = readEvidence(this.#evidence);
    if (await keepToldStatements(identity.space, receiver, records)) this.#loading = undefined;
    const checked = await checkHeads(identity.space, access === "open" ? [] : heads, records);
    const { attesters } = checked;
    this.#merges = [];
    const stage = (frame: IbGib) => {
      if (isMerge(frame)) this.#merges.push(frame);
      return this.#stage([frame]);
    };
    const adopt = this.#asked?.adopt === true;
    const resolving = { identity, receiver, merging, access, adopt, attesters, stage };
    const { resolved, proved } = await resolveRoots(resolving, effect);
    this.#checked = onlyOf(checked, proved);
    return resolved;
  }

  #started(roots: readonly Root[]): void {
    const { saga, direction } = this.#running();
    this.options.onEvent({ kind: "started", saga, direction, roots: roots.length });
  }

  /** What goes out is kept as gone out meanwhile: whatever becomes of the saga, a later process knows of it. */
  async #sendRecords({ plan, known, unsure, roots }: On<"sendRecords">): Promise<void> {
    const { space } = this.options.identity;
    const { saga, progress } = this.#running();
    this.#keeping = keepSent(this.options.identity, this.#spoken().established.receiver, plan, roots);
    this.#begin(() => this.#keeping);
    const notThere = new Set([...plan.stones, ...unsure]);
    for (const address of known) notThere.delete(address);
    progress.expect(plan, notThere);
    const source = { space, reader: space.view(saga) };
    await this.#spoken().sendRecords(outgoing(source, plan, known, progress), progress);
  }

  #sendTurn({ draft }: On<"sendTurn">): void {
    const send = () => this.#spoken().send(draft);
    if (!isOneMessage(draft) && this.#handshake.kind !== "ready") this.#held = send;
    else this.#begin(send);
  }

  #begin(work: () => Promise<void>): void {
    this.#loop.begin(async () => {
      await work();
      return undefined;
    });
  }

  #beginSagaWork(work: () => Promise<SenderSagaEvent>): void {
    this.#loop.begin(async () => ({ machine: "saga", event: await work() }));
  }

  #commitSpace(effect: On<"commitSpace">): void {
    const asked = this.#asked;
    if (!asked) throw new KeysagaError("internal", { what: "a commit nobody asked for" });
    this.#beginSagaWork(async () => {
      const { identity, merging, onEvent } = this.options;
      await this.#keeping;
      const landing = {
        identity,
        conversation: this.#spoken(),
        merging,
        sight: (await this.#ownStanding()).sight,
        telling: this.#telling,
        evidence: this.#checked,
        merges: this.#merges,
      };
      const { report, merged } = await commitSender(landing, effect);
      this.#asked = undefined;
      this.#progress = undefined;
      tellRefused(onEvent, effect.saga, report.refused);
      tellMerged(onEvent, effect.saga, merged);
      onEvent({ kind: "durable", saga: effect.saga, tips: report.tips.length });
      const written = new Set(effect.heads.map(({ tjp }) => tjp));
      const lost = report.refused.filter(({ address }) => written.has(address));
      const elapsedMs = this.options.platform.clock.now() - asked.started;
      if (lost.length === 0) asked.outcome.resolve({ ...report, elapsedMs });
      else {
        asked.outcome.reject(new KeysagaError("not_permitted", { timelines: lost.length }));
        this.end();
      }
      return { kind: "spaceCommitted" };
    });
  }

  /** The saga that has begun and is not durable yet. */
  #running(): { readonly saga: string; readonly direction: Direction; readonly progress: Progress } {
    const [saga, asked, progress] = [this.#sagaId, this.#asked, this.#progress];
    if (saga === undefined || !asked || !progress)
      throw new KeysagaError("internal", { what: "a saga that was not begun" });
    return { saga, direction: asked.direction, progress };
  }

  get #begun(): string | undefined {
    return this.#progress && this.#sagaId;
  }

  #tellWait(reason: WaitReason): void {
    this.options.onEvent({ kind: "waiting", ...(this.#begun && { saga: this.#begun }), reason });
  }

  #spoken(): Conversation {
    if (!this.#conversation) throw new KeysagaError("internal", { what: "a turn before the session" });
    return this.#conversation;
  }

  /** The one place where a session ends: last word, close, drop what was staged, tell those who wait. */
  async #finish(error: KeysagaError | undefined): Promise<void> {
    this.#isOver = true;
    this.#waits.end();
    lastWord(this.#link, error, this.#handshake.kind === "ready");
    const closed = this.#link.close();
    const reason = error ?? new KeysagaError("connection_closed");
    const staged = this.#sagaId === undefined ? [] : [this.#sagaId];
    await Promise.allSettled([
      closed,
      this.#keeping,
      ...staged.map((saga) => this.options.identity.space.drop(saga)),
    ]);
    this.#ready.reject(reason);
    this.#asked?.outcome.reject(reason);
    tellEnd(this.options.onEvent, this.#begun, error);
  }
}
