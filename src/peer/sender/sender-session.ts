import { KeysagaError, toHex } from "../../base/index.js";
import type { Address } from "../../ibgib/index.js";
import {
  type Exact,
  type Exporter,
  FromReceiver,
  type InviteKey,
  type SenderHandshakeEffect,
  type SenderHandshakeEvent,
  type SenderHandshakeState,
  type SenderSagaEffect,
  type SenderSagaEvent,
  type SenderSagaState,
  startSenderHandshake,
  startSenderSaga,
  stepSenderHandshake,
  stepSenderSaga,
  type Turn,
  type TurnDraft,
  TurnFromReceiver,
} from "../../saga/index.js";
import type { Connection } from "../../transport/index.js";
import { deferred } from "../home/deferred.js";
import { internalsOf } from "../home/identity.js";
import { endGraceMs, within } from "../home/patience.js";
import { showAgainIfMissing } from "../rights/proof-parts.js";
import { Conversation, isOneMessage } from "../session/conversation.js";
import { connectedEvent, tellEnd, type WaitReason } from "../session/events.js";
import { lastWord, peerFailure } from "../session/last-word.js";
import { Link } from "../session/link.js";
import { type LoopEvent, SessionLoop } from "../session/session-loop.js";
import { Waits } from "../session/waits.js";
import type { Asked, SagaDone, SagaRunOptions, SyncRequest } from "./saga-request.js";
import { SenderSagaRun } from "./sender-saga-run.js";
import { type LaneChoice, loadSenderStanding, reserveConnect } from "./sender-store.js";

export interface SenderSessionOptions extends SagaRunOptions {
  readonly connection: Connection;
  readonly audience: string;
  readonly pin: Address | undefined;
  readonly exporter: Exporter;
  readonly invite: InviteKey | undefined;
}

type Own =
  | { readonly machine: "handshake"; readonly event: SenderHandshakeEvent }
  | { readonly machine: "saga"; readonly event: SenderSagaEvent }
  | { readonly machine: "none" }; // a saga was asked for

/** One connection of a sender, from hello to its end: the shell around the two machines of this side. */
export class SenderSession {
  readonly #loop: SessionLoop<FromReceiver, Own>;
  readonly #link: Link<FromReceiver>;
  #handshake: SenderHandshakeState;
  #saga: SenderSagaState | undefined;
  /** The newest saga; what it has staged is dropped at the end, whichever state it ended in. */
  #run: SenderSagaRun | undefined;
  /** The saga that is asked for and has not begun. */
  #asked: Asked | undefined;
  readonly #waits: Waits;
  readonly #ready = deferred<void>();
  #conversation: Conversation | undefined;
  #lane: LaneChoice | undefined;
  #isOver = false;
  /** A turn whose list is too long for one message waits for `ready`: no payload goes out before. */
  #held: (() => Promise<void>) | undefined;

  constructor(private readonly options: SenderSessionOptions) {
    const { audience, pin, exporter, invite, limits, platform, connection } = options;
    this.#loop = new SessionLoop(platform);
    this.#link = new Link(connection, FromReceiver, this.#loop.put, { platform, limits });
    this.#waits = new Waits(platform.timers, (reason) => this.#tellWait(reason));
    const intent = { audience, pin, exporter, invite, limits };
    this.#handshake = startSenderHandshake(intent, platform.clock.elapsed());
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

  /** Has it carried half of what it may, in either direction? What follows is for another session. */
  get isUsedUp(): boolean {
    if (!this.#conversation) return false;
    const { caps, voices } = this.#conversation.dialogue;
    return Object.values(voices).some(
      ({ totals: { records, bytes, contexts } }) =>
        2 * records > caps.records || 2 * bytes > caps.bytes || 2 * contexts > caps.turns,
    );
  }

  /**
   * Runs a saga; one at a time. Rejects with what ended the session, where that comes first.
   */
  sync(request: SyncRequest): Promise<SagaDone> {
    const outcome = deferred<SagaDone>();
    if (this.#isOver) outcome.reject(new KeysagaError("connection_closed"));
    else this.#asked = { ...request, outcome, started: this.options.platform.clock.elapsed() };
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
      case "credit":
        this.#stepSaga({ kind: "credit", bytes: event.bytes, now: this.options.platform.clock.elapsed() });
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
    const now = this.options.platform.clock.elapsed();
    this.#stepHandshake({ kind: "tick", now });
    this.#stepSaga({ kind: "tick", now });
  }

  #hear({ text, message }: Exact<FromReceiver>): void {
    if (this.#handshake.kind === "ready" && ["hello", "frames", "challenge", "ready"].includes(message.type))
      throw new KeysagaError("out_of_turn", { got: message.type, during: "ready" });
    switch (message.type) {
      case "hello":
        return this.#stepHandshake({ kind: "hello", heard: { text, message } });
      case "frames":
        return this.#stepHandshake({ kind: "frames", heard: { text, message } });
      case "challenge":
        return this.#stepHandshake({ kind: "challenge", heard: { text, message } });
      case "ready":
        return this.#onReady({ text, message });
      case "turn":
        return this.#hearTurn(message);
      case "error":
        throw this.#explained(peerFailure(message.code, this.#handshake.kind === "ready"));
      case "credit":
        return; // dealt with by the link
    }
  }

  /**
   * The receiver says no more than that it refuses: what its operator has to know to change that is known here. After an
   * invite was shown, that is most likely why.
   */
  #explained(failure: KeysagaError): KeysagaError {
    if (this.#handshake.kind === "ready") return failure;
    const { invite, identity, audience } = this.options;
    const wasShown = invite !== undefined && this.#handshake.kind === "awaitingReady";
    const isFirst = this.#lane?.founding !== undefined;
    const facts = { ...failure.facts, identity: identity.address, dialled: audience, isFirst };
    return new KeysagaError(wasShown ? "invite_refused" : "auth_fail", facts);
  }

  #onReady(heard: Extract<SenderHandshakeEvent, { kind: "ready" }>["heard"]): void {
    this.#stepHandshake({ kind: "ready", heard });
    if (this.#handshake.kind !== "ready") return;
    // It was shown all frames of the identity, and has met it before: it knows nothing newer.
    const { established } = this.#handshake;
    if (!this.#lane?.founding) internalsOf(this.options.identity).confirmation.give(established.receiver);
    this.options.onEvent(connectedEvent(established));
    this.#ready.resolve();
    if (this.#held) this.#begin(this.#held);
    this.#held = undefined;
  }

  #hearTurn(turn: Turn): void {
    if (this.#handshake.kind !== "ready" || !this.#conversation)
      throw new KeysagaError("out_of_turn", { got: "turn", during: this.#handshake.kind });
    const verified = this.#conversation.hear(turn, TurnFromReceiver);
    const { message } = verified;
    this.#run?.turn(message);
    const now = this.options.platform.clock.elapsed();
    switch (message.type) {
      case "alike":
        return this.#stepSaga({ kind: "alike", turn: { ...verified, message }, now });
      case "ack":
        return this.#stepSaga({ kind: "ack", turn: { ...verified, message } });
      case "branch":
        return this.#stepSaga({ kind: "branch", turn: { ...verified, message } });
      case "moved":
        return this.#stepSaga({ kind: "moved", turn: { ...verified, message } });
      case "wants":
        return this.#stepSaga({ kind: "wants", turn: { ...verified, message } });
      case "staged":
        return this.#stepSaga({ kind: "staged", turn: { ...verified, message } });
      case "receipt":
        return this.#stepSaga({ kind: "receipt", turn: { ...verified, message } });
    }
  }

  #hearPayload(frame: Uint8Array): void {
    const isRunning = this.#saga !== undefined && this.#saga.kind !== "committed";
    if (this.#handshake.kind !== "ready" || !this.#conversation || !isRunning)
      throw new KeysagaError("out_of_turn", { got: "payload", during: this.#handshake.kind });
    const { records, evidence } = this.#conversation.hearPayload(frame);
    this.#running().hear(evidence);
    const now = this.options.platform.clock.elapsed();
    this.#stepSaga({ kind: "payload", records, bytes: frame.length, now });
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
    const { identity, platform } = this.options;
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
          ...(await reserveConnect(identity, lane, effect, this.options)),
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
    const asked = this.#asked;
    this.#asked = undefined;
    const saga = toHex(this.options.platform.random.bytes(16));
    this.#run = new SenderSagaRun(saga, asked, this.#spoken(), this.options);
    const { state, effects } = startSenderSaga(saga, asked.roots, asked.direction, this.options.limits);
    this.#saga = state;
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
    const run = this.#running();
    const now = () => this.options.platform.clock.elapsed();
    switch (effect.kind) {
      case "planRoots":
        return this.#beginSagaWork(async () => ({ ...(await run.planRoots(effect)), now: now() }));
      case "sendTurn":
        return this.#sendTurn(effect.draft);
      case "stage":
        return this.#beginSagaWork(async () => {
          await run.stage(effect.records);
          this.#link.grant();
          return { kind: "payloadStaged" };
        });
      case "compare":
        return this.#beginSagaWork(async () => ({ ...(await run.compare(effect)), now: now() }));
      case "resolve":
        return this.#beginSagaWork(async () => ({ ...(await run.resolve(effect)), now: now() }));
      case "sendRecords":
        return this.#beginSagaWork(async () => ({ ...(await run.sendRecords(effect)), now: now() }));
      case "sendMore":
        return this.#beginSagaWork(async () => ({ ...(await run.sendMore()), now: now() }));
      case "commitSpace":
        return this.#beginSagaWork(async () => {
          await run.commit(effect);
          return { kind: "spaceCommitted" };
        });
    }
  }

  #sendTurn(draft: TurnDraft): void {
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

  #running(): SenderSagaRun {
    if (!this.#run) throw new KeysagaError("internal", { what: "a saga that was not begun" });
    return this.#run;
  }

  /** The saga that has begun and is not durable yet. */
  get #begun(): SenderSagaRun | undefined {
    return this.#run?.isDurable ? undefined : this.#run;
  }

  #tellWait(reason: WaitReason): void {
    const begun = this.#begun;
    this.options.onEvent({ kind: "waiting", ...(begun && { saga: begun.saga }), reason });
  }

  #spoken(): Conversation {
    if (!this.#conversation) throw new KeysagaError("internal", { what: "a turn before the session" });
    return this.#conversation;
  }

  /**
   * The one place where a session ends: last word, close, drop what was staged, tell those who wait. What is under way
   * is waited for, so that callers are told what became of it; what hangs, for a while only.
   */
  async #finish(error: KeysagaError | undefined): Promise<void> {
    this.#isOver = true;
    this.#waits.end();
    lastWord(this.#link, error, this.#handshake.kind === "ready");
    const again = showAgainIfMissing(this.options.identity, this.#conversation?.established.lane, error);
    const ends = [this.#link.close(), this.#run?.end(), this.#loop.settled(), again];
    await within(this.options.platform.timers, endGraceMs, Promise.allSettled(ends));
    const reason = error ?? new KeysagaError("connection_closed");
    this.#ready.reject(reason);
    for (const asked of [this.#asked, this.#begun?.asked]) asked?.outcome.reject(reason);
    tellEnd(this.options.onEvent, this.#begun?.saga, error);
  }
}
