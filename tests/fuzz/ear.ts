import { type Clock, type ErrorCode, KeysagaError, type Timers } from "../../src/base/index.js";
import { certifyHostKey, internalsOf, stateOf } from "../../src/peer/home/identity.js";
import { peerFailure } from "../../src/peer/session/last-word.js";
import { Link } from "../../src/peer/session/link.js";
import {
  type Dialogue,
  FromReceiver,
  FromSender,
  type ReceiverSelf,
  type Role,
  readPayload,
  sessionLimits,
  stepReceiverHandshake,
  stepReceiverSaga,
  stepSenderHandshake,
  stepSenderSaga,
  type Turn,
  TurnFromReceiver,
  TurnFromSender,
  tallyPayload,
  checkTurn,
} from "../../src/saga/index.js";
import type { Connection, ConnectionHandlers, Message } from "../../src/transport/index.js";
import { audience, type Cast } from "./cast.js";
import type { Moment } from "./notes.js";

/** What came of a message: why the side that heard it ends, or what it took it for. */
export type Verdict =
  | { readonly kind: "refused"; readonly error: KeysagaError }
  | { readonly kind: "taken"; readonly as: string; readonly by: Moment };

/** What a peer can never cause, whatever it says: codes that speak of our own store, home or program. */
export function isOurFault(code: ErrorCode): boolean {
  return code === "internal" || /^(store|home)_|^(keystone_moved|merge_failed)$/.test(code);
}

/** An ear sends nothing, so it waits for nothing. */
/** States of a receiver's handshake in which one turn is kept, unread, until it is known who speaks. */
export const keepsTurns: readonly string[] = ["screening", "checking", "admitting", "storing"];

const timers: Timers = { after: () => () => undefined };
const clock: Clock = { now: () => 0, elapsed: () => 0 };

/**
 * One side of a session at one moment, without its effects: what is said to it goes through the real link and the real
 * machines. Their states are values, so one moment can hear any number of messages.
 */
export class Ear {
  #taken: Verdict | undefined;
  #handlers: ConnectionHandlers | undefined;

  constructor(
    private now: Moment,
    private readonly self: ReceiverSelf,
    private readonly time: number,
  ) {
    const heard: ConstructorParameters<typeof Link>[2] = (event) => this.#hear(event);
    const start = (handlers: ConnectionHandlers) => {
      this.#handlers = handlers;
    };
    const half = now.side === "sender" ? FromReceiver : FromSender;
    const patience = { platform: { clock, timers }, limits: sessionLimits };
    new Link({ start } as unknown as Connection, half as never, heard as never, patience).start();
  }

  hear(message: Message): Verdict {
    this.#taken = undefined;
    try {
      this.#handlers?.message(message);
    } catch (thrown) {
      if (!(thrown instanceof KeysagaError)) throw thrown;
      return { kind: "refused", error: thrown };
    }
    return this.#taken ?? { kind: "taken", as: "credit", by: this.now };
  }

  #hear(event: Parameters<ConstructorParameters<typeof Link>[2]>[0]): void {
    if (event.kind === "closed") this.#refuse(event.error ?? new KeysagaError("connection_closed"));
    else if (event.kind === "payload") this.#take("payload", () => this.#payload(event.frame));
    else if (event.kind === "message") {
      const { message } = event.heard;
      if (message.type === "error")
        this.#refuse(peerFailure("sync_error", this.now.handshake.kind === "ready"));
      else if (message.type === "turn" && this.#speaks())
        this.#take("turn", () => this.#turn(message as unknown as Turn));
      else this.#take(message.type, () => this.#handshake(message.type, event.heard));
    }
  }

  /** A receiver that is not ready keeps a turn for later, unread. */
  #speaks(): boolean {
    return this.now.side === "sender" || this.now.handshake.kind === "ready";
  }

  #take(as: string, step: () => Moment): void {
    const by = step();
    const failed = [by.handshake, by.saga].find((state) => state?.kind === "failed");
    if (failed?.kind === "failed") return this.#refuse(failed.error);
    this.now = by;
    this.#taken = { kind: "taken", as, by };
  }

  #refuse(error: KeysagaError): void {
    this.#taken = { kind: "refused", error };
  }

  #handshake(kind: string, heard: unknown): Moment {
    if (this.now.handshake.kind === "ready") throw new KeysagaError("out_of_turn", { got: kind });
    const event = { kind, heard } as never;
    if (this.now.side === "sender")
      return { ...this.now, handshake: stepSenderHandshake(this.now.handshake, event).state };
    return { ...this.now, handshake: stepReceiverHandshake(this.self, this.now.handshake, event).state };
  }

  #turn(turn: Turn): Moment {
    const { now, time } = this;
    if (now.handshake.kind !== "ready" || !now.dialogue) throw new KeysagaError("out_of_turn");
    const from = otherSide(now.side);
    if (now.side === "sender") {
      const { dialogue, verified } = checkTurn(now.dialogue, from, turn, TurnFromReceiver);
      const event = { kind: verified.message.type, turn: verified, now: time } as never;
      return { ...now, dialogue, saga: now.saga && stepSenderSaga(now.saga, event).state };
    }
    const { dialogue, verified } = checkTurn(now.dialogue, from, turn, TurnFromSender);
    const event = { kind: verified.message.type, turn: verified, now: time } as never;
    return { ...now, dialogue, saga: now.saga && stepReceiverSaga(now.saga, event).state };
  }

  #payload(frame: Uint8Array): Moment {
    const { now, time } = this;
    const isRunning = now.side === "receiver" || (now.saga && now.saga.kind !== "committed");
    if (now.handshake.kind !== "ready" || !now.dialogue || !isRunning) throw new KeysagaError("out_of_turn");
    const content = readPayload(frame);
    const dialogue: Dialogue = tallyPayload(now.dialogue, otherSide(now.side), frame, content);
    const event = { kind: "payload", records: content.records, bytes: frame.length, now: time } as const;
    if (now.side === "sender")
      return { ...now, dialogue, saga: now.saga && stepSenderSaga(now.saga, event).state };
    return { ...now, dialogue, saga: now.saga && stepReceiverSaga(now.saga, event).state };
  }
}

const otherSide = (side: Role): Role => (side === "sender" ? "receiver" : "sender");

/** What the receiver of a cast is, as its machine is told. */
export async function selfOf({ rita }: Cast): Promise<ReceiverSelf> {
  const { frames, hostKey } = await certifyHostKey(rita.identity);
  const { hostSeed } = internalsOf(rita.identity);
  return {
    identity: stateOf(frames),
    frames,
    hostKey,
    hostSeed,
    audiences: [audience],
    limits: sessionLimits,
    exporter: undefined,
  };
}
