import { KeysagaError } from "../base/index.js";
import type { Address } from "../ibgib/index.js";
import {
  awaitSaga,
  type Evidence,
  type Exact,
  type FinalTip,
  FromSender,
  helloOf,
  type InitBody,
  type ReceiverHandshakeEffect,
  type ReceiverHandshakeEvent,
  type ReceiverHandshakeState,
  type ReceiverSagaEffect,
  type ReceiverSagaEvent,
  type ReceiverSagaState,
  type ReceiverSelf,
  readEvidence,
  startReceiverHandshake,
  stepReceiverHandshake,
  stepReceiverSaga,
  type Turn,
  TurnFromSender,
} from "../saga/index.js";
import type { Space } from "../space/index.js";
import type { Connection } from "../transport/index.js";
import { Answers } from "./answer.js";
import { checkHeads } from "./attestations.js";
import type { CommitQueue, CommitTurn } from "./commit-queue.js";
import { Conversation } from "./conversation.js";
import { connectedEvent, type OnEvent, tellEnd, tellRefused, type WaitReason } from "./events.js";
import { lastWord, peerFailure } from "./last-word.js";
import { Link } from "./link.js";
import type { Merging } from "./merging.js";
import { outgoing } from "./outgoing.js";
import type { Platform } from "./platform.js";
import { keepToldStatements } from "./keep-statements.js";
import type { Identity } from "./identity.js";
import type { Quotas } from "./quotas.js";
import { Progress } from "./progress.js";
import { commitReceiver, contested } from "./receiver-commit.js";
import { drawChallenge, loadKnown, storeSession } from "./receiver-store.js";
import { type LoopEvent, SessionLoop } from "./session-loop.js";
import { type AccessPolicy, Standing } from "./standing.js";
import { Waits } from "./waits.js";

export interface ReceiverSessionOptions {
  readonly self: ReceiverSelf;
  /** Whose store it is, which has answers of its own to give. */
  readonly identity: Identity;
  readonly space: Space;
  readonly connection: Connection;
  /** Throws where this identity, which has proved itself, may not sync here now. */
  readonly admit: (identity: Address) => Promise<void>;
  readonly quotas: Quotas;
  readonly merging: Merging;
  readonly access: AccessPolicy;
  readonly commits: CommitQueue;
  readonly platform: Platform;
  readonly onEvent: OnEvent;
}

type CommitEffect = Extract<ReceiverSagaEffect, { kind: "commitSpace" }>;

type Own =
  | { readonly machine: "handshake"; readonly event: ReceiverHandshakeEvent }
  | { readonly machine: "saga"; readonly event: ReceiverSagaEvent };

/** One connection of a receiver, from hello to its end: the shell around the two machines of this side. */
export class ReceiverSession {
  readonly #loop: SessionLoop<FromSender, Own>;
  readonly #link: Link<FromSender>;
  #handshake: ReceiverHandshakeState;
  #saga: ReceiverSagaState;
  #conversation: Conversation | undefined;
  /** What the saga under way has staged: it is charged to the sender's identity when it is committed. */
  #stagedBytes = 0;
  /** What came in the saga under way to prove who added which heads, and who granted what. */
  #evidence: Evidence[] = [];
  #standing: Standing | undefined;
  #answers: Answers | undefined;
  /** The saga that has begun and is not durable yet. */
  #begun: string | undefined;
  #progress: Progress | undefined;
  readonly #waits: Waits;
  /** Its turn at the timelines it commits to, while it has one. */
  #turn: CommitTurn | undefined;
  readonly #over = new AbortController();

  constructor(private readonly options: ReceiverSessionOptions) {
    const { self, platform, connection } = options;
    this.#loop = new SessionLoop(platform);
    this.#link = new Link(connection, FromSender, this.#loop.put);
    this.#waits = new Waits(platform.timers, (reason) => this.#tellWait(reason));
    const hello = helloOf(self);
    this.#handshake = startReceiverHandshake(
      self,
      { text: JSON.stringify(hello), message: hello },
      platform.clock.now(),
    );
    this.#saga = awaitSaga(self.limits, platform.clock.now());
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
      case "tick":
        this.#tick();
        break;
      case "own":
        if (event.event.machine === "handshake") this.#stepHandshake(event.event.event);
        else this.#stepSaga(event.event.event);
        break;
      case "closed":
        return event.error ?? (this.isBusy ? new KeysagaError("connection_lost") : undefined);
    }
    if (this.#handshake.kind === "failed") return this.#handshake.error;
    return this.#saga.kind === "failed" ? this.#saga.error : undefined;
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
        return this.#stepHandshake({ kind: "open", heard: { text, message } });
      case "frames":
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
    switch (message.type) {
      case "init":
        this.#started(message);
        return this.#stepSaga({ kind: "init", turn: { ...verified, message }, now });
      case "ask":
        return this.#stepSaga({ kind: "ask", turn: { ...verified, message } });
      case "offer":
        return this.#stepSaga({ kind: "offer", turn: { ...verified, message } });
      case "commit":
        return this.#stepSaga({ kind: "commit", turn: { ...verified, message }, now });
    }
  }

  #hearPayload(frame: Uint8Array): void {
    if (this.#handshake.kind !== "ready")
      throw new KeysagaError("out_of_turn", { got: "payload", during: this.#handshake.kind });
    const { records, evidence } = this.#spoken().hearPayload(frame);
    this.#evidence.push(...evidence);
    this.#stepSaga({ kind: "payload", records, now: this.#now() });
    if (records.length === 0) this.#link.grant();
  }

  #stepHandshake(event: ReceiverHandshakeEvent): void {
    const wasReady = this.#handshake.kind === "ready";
    const { state, effects } = stepReceiverHandshake(this.options.self, this.#handshake, event);
    this.#handshake = state;
    if (state.kind === "ready" && !wasReady) this.#onReady(state);
    for (const effect of effects) this.#beginHandshake(effect);
    if (state.kind === "ready" && !wasReady && state.early) this.#hearTurn(state.early.message);
  }

  /** Everything is attached before the sender is told that it is. */
  #onReady({ established }: Extract<ReceiverHandshakeState, { kind: "ready" }>): void {
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
    const { space, platform, admit } = this.options;
    switch (effect.kind) {
      case "send":
        this.#link.say(effect.message);
        return;
      case "loadKnown":
        return this.#beginHandshakeWork(async () => {
          const known = await loadKnown(space, effect.open);
          return { kind: "knownLoaded", known, draw: drawChallenge(platform) };
        });
      case "admit":
        return this.#beginHandshakeWork(async () => {
          await admit(effect.identity);
          return { kind: "admitted" };
        });
      case "storeSession":
        return this.#beginHandshakeWork(async () => {
          if (await storeSession(space, effect.accepted)) return { kind: "sessionStored" };
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
    const { space } = this.options;
    switch (effect.kind) {
      case "compareRoots":
        return this.#beginSagaWork(async () => {
          const answers = await this.#openSaga();
          const answer = await answers.roots(effect.roots, effect.direction);
          return { kind: "compared", ...answer, now: this.#now() };
        });
      case "readBranches":
        return this.#beginSagaWork(async () => {
          const { standing, answers } = this.#opened();
          await standing.refresh();
          const branches = await answers.branches(effect, effect.asks);
          return { kind: "branchesRead", ...branches, now: this.#now() };
        });
      case "sendRecords":
        return this.#beginSagaWork(async () => {
          const { plan, known } = effect;
          const { progress } = this.#opened();
          progress.expect(plan, new Set(plan.stones));
          const records = outgoing({ space, reader: space }, plan, known, progress);
          await this.#spoken().sendRecords(records, progress);
          return { kind: "recordsSent", now: this.#now() };
        });
      case "sendTurn":
        return this.#loop.begin(async () => {
          await this.#spoken().send(effect.draft);
          return undefined;
        });
      case "stage":
        return this.#beginSagaWork(async () => {
          const { identity, sight } = this.#opened().standing;
          const { bytes } = await space.stage(effect.saga, identity, sight, effect.records);
          this.#stagedBytes = bytes;
          this.#link.grant();
          return { kind: "staged", now: this.#now() };
        });
      case "choose":
        return this.#beginSagaWork(async () => {
          const { standing } = this.#opened();
          await standing.refresh();
          const held = await space.hasMany(effect.offered, standing.sight);
          return { kind: "chosen", wanted: held.map((isHeld) => !isHeld), now: this.#now() };
        });
      case "commitSpace":
        return this.#beginSagaWork(() => this.#commit(effect));
    }
  }

  /** A saga begins: what came ahead of it about grants is kept, and what the sender may do here is loaded. */
  async #openSaga(): Promise<Answers> {
    const { identity: self, space, merging, access } = this.options;
    const { identity } = this.#spoken().established;
    const { records } = readEvidence(this.#evidence);
    await keepToldStatements(space, identity, records, this.options.quotas);
    const now = () => this.#now();
    const standing = new Standing(identity, { space, self: self.address, access, now });
    await standing.load();
    this.#standing = standing;
    this.#answers = new Answers(self, standing, merging);
    return this.#answers;
  }

  #opened(): { readonly standing: Standing; readonly answers: Answers; readonly progress: Progress } {
    const [standing, answers, progress] = [this.#standing, this.#answers, this.#progress];
    if (!standing || !answers || !progress)
      throw new KeysagaError("internal", { what: "a saga that was not opened" });
    return { standing, answers, progress };
  }

  #started({ saga, direction, entries = [] }: InitBody): void {
    const { onEvent } = this.options;
    this.#begun = saga;
    this.#progress = new Progress(saga, "down", onEvent);
    onEvent({ kind: "started", saga, direction, roots: entries.length });
  }

  #durable({ saga, final }: CommitEffect, refused: readonly FinalTip[]): void {
    this.#begun = undefined;
    tellRefused(this.options.onEvent, saga, refused);
    this.options.onEvent({ kind: "durable", saga, tips: final.length });
  }

  /** In its turn among the commits of the same timelines; one that came second keeps its turn for the next try. */
  async #commit(effect: CommitEffect): Promise<ReceiverSagaEvent> {
    const { space } = this.options;
    if (!this.#turn?.resume()) this.#turn = await this.#enterCommits(effect);
    const turn = this.#turn;
    let isHeld = false;
    try {
      this.#over.signal.throwIfAborted();
      const { heads, records } = readEvidence(this.#evidence);
      const committing = {
        ...this.options,
        ...this.#opened(),
        conversation: this.#spoken(),
        stagedBytes: this.#stagedBytes,
        evidence: await checkHeads(space, this.#opened().standing.isOpen ? [] : heads, records),
      };
      const outcome = await commitReceiver(committing, effect);
      if (outcome.kind === "moved") {
        isHeld = true;
        turn.hold();
        return { ...outcome, kind: "spaceMoved", now: this.#now() };
      }
      this.#stagedBytes = 0;
      this.#evidence = [];
      this.#durable(effect, outcome.refused);
      return { kind: "spaceCommitted", now: this.#now() };
    } finally {
      if (!isHeld) {
        turn.release();
        this.#turn = undefined;
      }
    }
  }

  async #enterCommits(effect: CommitEffect): Promise<CommitTurn> {
    const { space, commits } = this.options;
    const timelines = await contested(space, effect, this.#opened().standing);
    return this.#waits.during("others", commits.enter(timelines, this.#over.signal));
  }

  #tellWait(reason: WaitReason): void {
    this.options.onEvent({ kind: "waiting", ...(this.#begun && { saga: this.#begun }), reason });
  }

  #beginSagaWork(work: () => Promise<ReceiverSagaEvent>): void {
    this.#loop.begin(async () => ({ machine: "saga", event: await work() }));
  }

  #spoken(): Conversation {
    if (!this.#conversation) throw new KeysagaError("internal", { what: "a turn before the session" });
    return this.#conversation;
  }

  #now(): number {
    return this.options.platform.clock.now();
  }

  /** The one place where a session ends: last word, close, drop what was staged. */
  async #finish(error: KeysagaError | undefined): Promise<void> {
    this.#over.abort(new KeysagaError("connection_closed"));
    this.#turn?.release();
    this.#waits.end();
    lastWord(this.#link, error, this.#handshake.kind === "ready");
    const closed = this.#link.close();
    const staged = this.#conversation?.dialogue.saga;
    await Promise.allSettled([closed, ...(staged === undefined ? [] : [this.options.space.drop(staged)])]);
    tellEnd(this.options.onEvent, this.#begun, error);
  }
}
