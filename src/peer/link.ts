import type { z } from "zod";
import { type Instant, KeysagaError, toKeysagaError, utf8 } from "../base/index.js";
import { type Exact, parseJson, pathOf, sagaLimits } from "../saga/index.js";
import type { Connection, Message as TransportMessage } from "../transport/index.js";

/** Payload frames that either side may have under way before the other grants more. */
const creditWindow = 8;

/** What arrives over a link, in order. */
export type Heard<Message> =
  | { readonly kind: "message"; readonly heard: Exact<Message> }
  | { readonly kind: "payload"; readonly frame: Uint8Array }
  | { readonly kind: "closed"; readonly error: KeysagaError | undefined };

/**
 * A connection with the protocol's half of one side on it: text messages parsed by that side's schema, payload frames
 * under flow control. Credit stays below the machines: a sender of payload waits, and a slow taker bounds what it has
 * to hold. What is said on a connection that is closing goes nowhere; that it closes, and why, is heard as `closed`.
 */
export class Link<Message extends { type: string }> {
  #toSend = creditWindow;
  #owed = 0;
  #granting = 0;
  #failed: KeysagaError | undefined;
  #waiting: (() => void)[] = [];
  /** Payload frames that wait for credit or room, and those that have gone through. */
  #pending = 0;
  #passed = 0;
  /** Since when none has gone through, as far as was looked. */
  #stalled: { readonly passed: number; readonly since: Instant } | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly schema: z.ZodType<Message>,
    private readonly heard: (event: Heard<Message>) => void,
  ) {}

  start(): void {
    this.connection.start({
      message: (message) => this.#take(message),
      closed: (error) => {
        this.#stop(error ?? new KeysagaError("connection_closed"));
        this.heard({ kind: "closed", error });
      },
    });
  }

  get remoteAddress(): string {
    return this.connection.remoteAddress;
  }

  /** Says a text message; its exact text is returned. */
  say(message: object): string {
    const text = JSON.stringify(message);
    this.sayText(text);
    return text;
  }

  sayText(text: string): void {
    checkSize(text);
    this.#send(text);
  }

  /** Sends a payload frame once there is credit and room. @throws KeysagaError when the link ends first. */
  async sayPayload(frame: Uint8Array): Promise<void> {
    this.#pending++;
    try {
      while (this.#toSend === 0 && !this.#failed)
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      if (this.#failed) throw this.#failed;
      this.#toSend--;
      this.#send(frame);
      await this.connection.drained();
      this.#passed++;
    } finally {
      this.#pending--;
    }
  }

  /**
   * To be asked now and then: does the other side take what is sent to it?
   *
   * @throws KeysagaError `turn_timeout` where payload has waited for longer than `patienceMs` and none went through: who
   *   answers pings and grants nothing would be waited for without end.
   */
  expectProgress(now: Instant, patienceMs: number): void {
    if (this.#pending === 0) this.#stalled = undefined;
    else if (this.#stalled?.passed !== this.#passed) this.#stalled = { passed: this.#passed, since: now };
    else if (now - this.#stalled.since >= patienceMs)
      throw new KeysagaError("turn_timeout", { during: "payload" });
  }

  /** A payload frame has been dealt with: the other side may send another. Told in halves of the window. */
  grant(): void {
    this.#owed--;
    this.#granting++;
    if (this.#granting < creditWindow / 2 || this.#failed) return;
    const frames = this.#granting;
    this.#granting = 0;
    this.say({ type: "credit", frames });
  }

  close(): Promise<void> {
    this.#stop(new KeysagaError("connection_closed"));
    return this.connection.close();
  }

  #send(message: TransportMessage): void {
    try {
      this.connection.send(message);
    } catch (thrown) {
      if (toKeysagaError(thrown).code !== "connection_closed") throw thrown;
    }
  }

  #take(message: TransportMessage): void {
    if (this.#failed) return;
    try {
      if (typeof message === "string") this.#takeText(message);
      else this.#takePayload(message);
    } catch (thrown) {
      const error = toKeysagaError(thrown);
      this.#stop(error);
      this.heard({ kind: "closed", error });
    }
  }

  #takeText(text: string): void {
    checkSize(text);
    const parsed = this.schema.safeParse(parseJson(text));
    if (!parsed.success) throw new KeysagaError("malformed_message", { at: pathOf(parsed.error) });
    const message = parsed.data;
    if (isCredit(message)) this.#credit(message.frames);
    else this.heard({ kind: "message", heard: { text, message } });
  }

  #takePayload(frame: Uint8Array): void {
    this.#owed++;
    if (this.#owed + this.#granting > creditWindow)
      throw new KeysagaError("credit_exceeded", { window: creditWindow });
    this.heard({ kind: "payload", frame });
  }

  #credit(frames: number): void {
    this.#toSend += frames;
    if (this.#toSend > creditWindow)
      throw new KeysagaError("out_of_turn", { got: "credit", rule: "beyond the window" });
    this.#wake();
  }

  #stop(error: KeysagaError): void {
    this.#failed ??= error;
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}

/** A character takes up to three bytes: only text in between has to be counted out. */
function checkSize(text: string): void {
  const max = sagaLimits.messageBytesMax;
  if (text.length <= max / 3 || (text.length <= max && utf8(text).length <= max)) return;
  throw new KeysagaError("limit_exceeded", { limit: "messageBytesMax", max });
}

function isCredit(message: { type: string }): message is { type: "credit"; frames: number } {
  return message.type === "credit" && "frames" in message && typeof message.frames === "number";
}
