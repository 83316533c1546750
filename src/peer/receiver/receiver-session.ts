import { KeysagaError } from "../../base/index.js";
import type { Address } from "../../ibgib/index.js";
import {
  awaitSaga,
  type Candidate,
  type Exact,
  FromSender,
  helloOf,
  type ReceiverHandshakeEffect,
  type ReceiverHandshakeEvent,
  type ReceiverHandshakeState,
  type ReceiverSagaEffect,
  type ReceiverSagaEvent,
  type ReceiverSagaState,
  type ReceiverSelf,
  startReceiverHandshake,
  stepReceiverHandshake,
  stepReceiverSaga,
  type Turn,
  TurnFromSender,
} from "../../saga/index.js";
import type { Connection } from "../../transport/index.js";
import { type Claim, releasing } from "../home/claims.js";
import { endGraceMs, orAborted, within } from "../home/patience.js";
import { showAgainIfMissing } from "../rights/proof-parts.js";
import { Conversation } from "../session/conversation.js";
import { connectedEvent, type FarParty, tellEnd, type WaitReason } from "../session/events.js";
import { lastWord, peerFailure } from "../session/last-word.js";
import { Link } from "../session/link.js";
import { type LoopEvent, SessionLoop } from "../session/session-loop.js";
import { Waits } from "../session/waits.js";
import type { Entry } from "./admission.js";
import type { Share } from "./budget.js";
import type { Inflow } from "./inflow.js";
import { type ReceiverRunOptions, ReceiverSagaRun } from "./receiver-saga-run.js";
import { drawChallenge, loadKnown, storeSession } from "./receiver-store.js";

export interface ReceiverSessionOptions extends Omit<ReceiverRunOptions, "limits"> {
  readonly self: ReceiverSelf;
  readonly connection: Connection;
  /** Throws where it is clear that this one, which has proved nothing of its identity yet, may not sync here. */
  readonly screen: (candidate: Candidate) => Promise<void>;
  /** Resolves when a slice of a chain may be checked, at once; see `Slices.next`. */
  readonly slice: (frames: number, signal: AbortSignal) => Promise<void>;
  /** Throws where this one, which has proved itself, may not sync here now. */
  readonly admit: (candidate: Candidate) => Promise<void>;
  /** What its session has to be stored with, and its place; throws where things have changed since `admit`. */
  readonly entry: (candidate: Candidate) => Promise<Entry & { readonly claim: Claim }>;
}

type Own =
  | { readonly machine: "handshake"; readonly event: ReceiverHandshakeEvent }
  | { readonly machine: "saga"; readonly event: ReceiverSagaEvent }
  | { readonly machine: "none" }; // to be ended once no saga is under way

/** One connection of a receiver, from hello to its end: the shell around the two machines of this side. */
export class ReceiverSession {
  readonly #loop: SessionLoop<FromSender, Own>;
  readonly #link: Link<FromSender>;
  #handshake: ReceiverHandshakeState;
  #saga: ReceiverSagaState;
  #conversation: Conversation | undefined;
  /** The saga that has begun and is not durable yet. */
  #run: ReceiverSagaRun | undefined;
  /** What has come for it, some of it ahead of its `init`. */
  #inflow: Inflow | undefined;
  readonly #waits: Waits;
  /** What asks an embedder gives up with the session: a person may take any time. */
  readonly #over = new AbortController();
  #draining: KeysagaError | undefined;
  #party: FarParty = {};
  /** Did the connection break? Then nobody meant to end the saga, and what it covers is kept. */
  #isLost = false;
  /** What is held of frames that go ahead of `connect`, in characters. */
  readonly #unproved: Share;

  constructor(private readonly options: ReceiverSessionOptions) {
    const { self, platform, connection, quotas } = options;
    this.#loop = new SessionLoop(platform);
    const { limits } = self;
    this.#link = new Link(connection, FromSender, this.#loop.put, { platform, limits });
    this.#waits = new Waits(platform.timers, (reason) => this.#tellWait(reason));
    const hello = helloOf(self);
    this.#handshake = startReceiverHandshake(
      self,
      { text: JSON.stringify(hello), message: hello },
      platform.clock.elapsed(),
    );
    this.#saga = awaitSaga(self.limits, platform.clock.elapsed());
    this.#unproved = quotas.unproved.share(connection);
  }

  /** Runs the session to its end. Resolves, never rejects, when nothing is left of it. */
  async run(): Promise<KeysagaError | undefined> {
    this.#link.start();
    const error = this.#greet() ?? (await this.#loop.run((event) => this.#take(event)));
    await this.#finish(error);
    return error;
  }

  /** Ends the session; idempotent. `run` resolves when it is over. */
  end(error?: KeysagaError): void {
    this.#loop.put({ kind: "end", error });
  }

  /** Ends the session as soon as no saga is under way: at once, or when its receipt is written. */
  drain(error: KeysagaError): void {
    this.#draining = error;
    this.#loop.put({ kind: "own", event: { machine: "none" } });
  }

  /** Is a saga under way? A receiver that shuts down lets it finish. */
  get isBusy(): boolean {
    return (
      this.#handshake.kind === "ready" && this.#saga.kind !== "awaitingInit" && this.#saga.kind !== "failed"
    );
  }

  get identity(): Address | undefined {
    return this.#handshake.kind === "ready" ? this.#handshake.established.identity : undefined;
  }

  #greet(): KeysagaError | undefined {
    if (this.#handshake.kind !== "awaitingOpen") return undefined;
    try {
      this.#link.sayText(this.#handshake.hello.text);
      return undefined;
    } catch (thrown) {
      return thrown instanceof KeysagaError
        ? thrown
        : new KeysagaError("connection_lost", {}, { cause: thrown });
    }
  }

  #take(event: Exclude<LoopEvent<FromSender, Own>, { kind: "end" }>): KeysagaError | undefined {
    switch (event.kind) {
      case "message":
        this.#hear(event.heard);
        break;
      case "payload":
        this.#hearPayload(event.frame);
        break;
      case "credit":
        this.#stepSaga({ kind: "credit", bytes: event.bytes, now: this.#now() });
        break;
      case "tick":
        this.#tick();
        break;
      case "own":
        this.#takeOwn(event.event);
        break;
      case "closed":
        this.#isLost = event.error?.code === "connection_lost";
        return event.error ?? (this.isBusy ? new KeysagaError("connection_lost") : undefined);
    }
    if (this.#handshake.kind === "failed") return this.#handshake.error;
    if (this.#saga.kind === "failed") return this.#saga.error;
    return this.isBusy ? undefined : this.#draining;
  }

  #takeOwn(own: Own): void {
    if (own.machine === "handshake") this.#stepHandshake(own.event);
    if (own.machine === "saga") this.#stepSaga(own.event);
  }

  #tick(): void {
    const now = this.#now();
    if (this.#handshake.kind === "ready") this.#stepSaga({ kind: "tick", now });
    else this.#stepHandshake({ kind: "tick", now });
  }

  #hear({ text, message }: Exact<FromSender>): void {
    if (this.#handshake.kind === "ready" && ["open", "frames", "connect"].includes(message.type))
      throw new KeysagaError("out_of_turn", { got: message.type, during: "ready" });
    switch (message.type) {
      case "open":
        this.#party = { claimed: message.identity.keystone };
        return this.#stepHandshake({ kind: "open", heard: { text, message } });
      case "frames":
        this.#unproved.claim(text.length);
        return this.#stepHandshake({ kind: "frames", heard: { text, message } });
      case "connect":
        return this.#stepHandshake({ kind: "connect", heard: { text, message } });
      case "turn":
        if (this.#handshake.kind === "ready") return this.#hearTurn(message);
        return this.#stepHandshake({ kind: "turn", heard: { text, message } });
      case "error":
        throw peerFailure(message.code, this.#handshake.kind === "ready");
      case "credit":
        return; // dealt with by the link
    }
  }

  #hearTurn(turn: Turn): void {
    const verified = this.#spoken().hear(turn, TurnFromSender);
    const { message } = verified;
    const now = this.#now();
    this.#run?.cover();
    this.#inflow?.evidence.turn();
    switch (message.type) {
      case "ranges":
        this.#run ??= this.#started(message.saga);
        return this.#stepSaga({ kind: "ranges", turn: { ...verified, message }, now });
      case "init":
        this.#run ??= this.#started(message.saga);
        return this.#stepSaga({ kind: "init", turn: { ...verified, message }, now });
      case "ask":
        return this.#stepSaga({ kind: "ask", turn: { ...verified, message } });
      case "offer":
        return this.#stepSaga({ kind: "offer", turn: { ...verified, message } });
      case "delta":
        return this.#stepSaga({ kind: "delta", turn: { ...verified, message }, now });
      case "commit":
        return this.#stepSaga({ kind: "commit", turn: { ...verified, message } });
    }
  }

  #hearPayload(frame: Uint8Array): void {
    if (this.#handshake.kind !== "ready")
      throw new KeysagaError("out_of_turn", { got: "payload", during: this.#handshake.kind });
    const content = this.#spoken().hearPayload(frame);
    const { records } = content;
    this.#coming().hear(frame, content);
    this.#stepSaga({ kind: "payload", records, bytes: frame.length, now: this.#now() });
    if (records.length === 0) this.#link.grant();
  }

  #stepHandshake(event: ReceiverHandshakeEvent): void {
    const wasReady = this.#handshake.kind === "ready";
    const { state, effects } = stepReceiverHandshake(this.options.self, this.#handshake, event);
    this.#handshake = state;
    if (state.kind === "admitting") this.#party = { identity: state.accepted.candidate.identity };
    if (state.kind === "ready" && !wasReady) this.#onReady(state);
    for (const effect of effects) this.#beginHandshake(effect);
  }

  /** Everything is attached before the sender is told that it is. */
  #onReady({ established }: Extract<ReceiverHandshakeState, { kind: "ready" }>): void {
    this.#unproved.release();
    this.#conversation = new Conversation(
      established,
      "receiver",
      this.#link,
      this.options.onEvent,
      this.#waits,
    );
    this.#saga = awaitSaga(this.options.self.limits, this.#now());
    this.options.onEvent(connectedEvent(established));
  }

  #beginHandshake(effect: ReceiverHandshakeEffect): void {
    const { identity, space, platform, quotas, screen, slice, admit, entry, onEvent } = this.options;
    switch (effect.kind) {
      case "send":
        this.#link.say(effect.message);
        return;
      case "hearTurn":
        return this.#hearTurn(effect.turn);
      case "loadKnown":
        return this.#beginHandshakeWork(async () => {
          const known = await loadKnown(space, effect.open);
          return { kind: "knownLoaded", known, draw: drawChallenge(identity, platform) };
        });
      case "screen":
        return this.#beginHandshakeWork(async () => {
          await orAborted(screen(effect.candidate), this.#over.signal);
          return { kind: "screened" };
        });
      case "awaitSlice":
        return this.#beginHandshakeWork(async () => {
          await slice(effect.frames, this.#over.signal);
          return { kind: "sliceGranted" };
        });
      case "admit":
        return this.#beginHandshakeWork(async () => {
          await orAborted(admit(effect.candidate), this.#over.signal);
          return { kind: "admitted" };
        });
      case "storeSession":
        return this.#beginHandshakeWork(async () => {
          const { candidate } = effect.accepted;
          const { cells, invite, claim } = await entry(candidate);
          const charge = quotas.chargeBeyond(candidate.identity);
          const store = () => storeSession(space, effect.accepted, cells, charge);
          if (await releasing(claim, store, (isStored) => isStored)) {
            if (invite !== undefined) onEvent({ kind: "admitted", identity: candidate.identity, invite });
            return { kind: "sessionStored" };
          }
          return { kind: "knownMoved", known: await loadKnown(space, effect.open) };
        });
    }
  }

  #beginHandshakeWork(work: () => Promise<ReceiverHandshakeEvent>): void {
    this.#loop.begin(async () => ({ machine: "handshake", event: await work() }));
  }

  #stepSaga(event: ReceiverSagaEvent): void {
    const { state, effects } = stepReceiverSaga(this.#saga, event);
    if (state.kind !== this.#saga.kind || event.kind === "payload")
      this.#waits.turn(state.kind === "awaitingCommit");
    this.#saga = state;
    for (const effect of effects) this.#beginSaga(effect);
  }

  #beginSaga(effect: ReceiverSagaEffect): void {
    const run = this.#running();
    const now = () => this.#now();
    switch (effect.kind) {
      case "loadSet":
        return this.#beginSagaWork(async () => ({ ...(await run.loadSet(effect)), now: now() }));
      case "compareRoots":
        return this.#beginSagaWork(async () => ({ ...(await run.compareRoots(effect)), now: now() }));
      case "readBranches":
        return this.#beginSagaWork(async () => ({ ...(await run.readBranches(effect)), now: now() }));
      case "sendRecords":
        return this.#beginSagaWork(async () => ({ ...(await run.sendRecords(effect)), now: now() }));
      case "sendTurn":
        return this.#loop.begin(async () => {
          await this.#spoken().send(effect.draft);
          return undefined;
        });
      case "stage":
        return this.#beginSagaWork(async () => {
          await run.stage(effect);
          this.#link.grant();
          return { kind: "payloadStaged", now: now() };
        });
      case "choose":
        return this.#beginSagaWork(async () => ({ ...(await run.choose(effect)), now: now() }));
      case "commitSpace":
        return this.#beginSagaWork(async () => {
          const end = await run.commit(effect);
          if (end.kind === "spaceCommitted") this.#ended();
          return { ...end, now: now() };
        });
    }
  }

  #started(saga: string): ReceiverSagaRun {
    return new ReceiverSagaRun(saga, this.#coming(), this.#spoken(), this.#waits, {
      ...this.options,
      limits: this.options.self.limits,
    });
  }

  #ended(): void {
    this.#run = undefined;
    this.#inflow?.release();
    this.#inflow = undefined;
  }

  #coming(): Inflow {
    this.#inflow ??= this.options.quotas.inflow(this.#spoken().established.identity);
    return this.#inflow;
  }

  #running(): ReceiverSagaRun {
    if (!this.#run) throw new KeysagaError("internal", { what: "a saga that was not begun" });
    return this.#run;
  }

  #tellWait(reason: WaitReason): void {
    const run = this.#run;
    this.options.onEvent({ kind: "waiting", ...(run && { saga: run.saga }), reason });
  }

  #beginSagaWork(work: () => Promise<ReceiverSagaEvent>): void {
    this.#loop.begin(async () => ({ machine: "saga", event: await work() }));
  }

  #spoken(): Conversation {
    if (!this.#conversation) throw new KeysagaError("internal", { what: "a turn before the session" });
    return this.#conversation;
  }

  #now(): number {
    return this.options.platform.clock.elapsed();
  }

  /**
   * The one place where a session ends: last word, close, drop what was staged or keep it for the next session. What is
   * under way is waited for, so that a watcher is told what became of it; what hangs, for a while only.
   */
  async #finish(error: KeysagaError | undefined): Promise<void> {
    this.#unproved.release();
    this.#waits.end();
    this.#over.abort(new KeysagaError("connection_closed"));
    lastWord(this.#link, error, this.#handshake.kind === "ready");
    const again = showAgainIfMissing(this.options.identity, this.#conversation?.established.lane, error);
    const ends = [this.#link.close(), this.#run?.end(this.#isLost), this.#loop.settled(), again];
    await within(this.options.platform.timers, endGraceMs, Promise.allSettled(ends));
    this.#inflow?.release();
    tellEnd(this.options.onEvent, this.#run?.saga, error, this.#party);
  }
}
