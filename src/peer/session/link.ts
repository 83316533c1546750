import type * as z from "zod";
import { KeysagaError, limitExceeded, toKeysagaError, utf8 } from "../../base/index.js";
import {
  afterMovement,
  type Exact,
  type Pace,
  parseJson,
  pathOf,
  type SessionLimits,
  sagaLimits,
  startPace,
} from "../../saga/index.js";
import type { Connection, Message as TransportMessage } from "../../transport/index.js";
import { deferred } from "../home/deferred.js";
import type { Platform } from "../home/platform.js";

/** Payload frames that either side may have under way before the other grants more. */
const creditWindow = 8;

/** How long the other side may take to deal with what goes out, and by whose time. */
export interface LinkPatience {
  readonly platform: Pick<Platform, "clock" | "timers">;
  readonly limits: Pick<SessionLimits, "turnTimeoutMs" | "payloadBytesPerSecondMin">;
}

/** What arrives over a link, in order. */
export type Heard<Message> =
  | { readonly kind: "message"; readonly heard: Exact<Message> }
  | { readonly kind: "payload"; readonly frame: Uint8Array }
  /** The other side has dealt with a payload frame of so many bytes. */
  | { readonly kind: "credit"; readonly bytes: number }
  | { readonly kind: "closed"; readonly error: KeysagaError | undefined };

/**
 * A connection with the protocol's half of one side on it: text messages parsed by that side's schema, payload frames
 * under flow control. Credit stays below the machines: a sender of payload waits, and a slow taker bounds what it has
 * to hold, and one that takes nothing at all holds nobody. What is said on a connection that is closing goes nowhere;
 * that it closes, and why, is heard as `closed`.
 */
export class Link<Message extends { type: string }> {
  /** Bytes of each payload frame that is under way, oldest first. */
  readonly #underWay: number[] = [];
  /** Payload frames that came and are not dealt with. */
  #owed = 0;
  /** Of what is under way, since there was last credit left. */
  #pace: Pace;
  #failed: KeysagaError | undefined;
  #waiting: (() => void)[] = [];

  constructor(
    private readonly connection: Connection,
    private readonly schema: z.ZodType<Message>,
    private readonly heard: (event: Heard<Message>) => void,
    private readonly patience: LinkPatience,
  ) {
    this.#pace = this.#newPace();
  }

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

  /**
   * Sends a payload frame once there is credit and room.
   *
   * @throws KeysagaError when the link ends first; `turn_timeout` when the other side takes too little for too long.
   */
  async sayPayload(frame: Uint8Array): Promise<void> {
    if (this.#underWay.length < creditWindow) this.#pace = this.#newPace();
    const stall = this.#watchForStall();
    try {
      await Promise.race([this.#sendPayload(frame), stall.promise]);
    } finally {
      stall.stop();
    }
  }

  async #sendPayload(frame: Uint8Array): Promise<void> {
    while (this.#underWay.length === creditWindow && !this.#failed)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#failed) throw this.#failed;
    this.#underWay.push(frame.length);
    this.#send(frame);
    await this.connection.drained();
  }

  /** A payload frame has been dealt with: the other side may send another. Told at once, since it says that data moves. */
  grant(): void {
    this.#owed--;
    if (!this.#failed) this.say({ type: "credit", frames: 1 });
  }

  /** Rejects only where the connection breaks its contract. */
  async close(): Promise<void> {
    this.#stop(new KeysagaError("connection_closed"));
    await this.connection.close();
  }

  /** Rejects once what is under way has moved too slowly for too long. */
  #watchForStall(): { readonly promise: Promise<never>; stop(): void } {
    const { clock, timers } = this.patience.platform;
    const stalled = deferred<never>();
    const look = () => {
      const leftMs = this.#pace.deadline - clock.elapsed();
      if (leftMs > 0) stop = timers.after(leftMs, look);
      else stalled.reject(new KeysagaError("turn_timeout", { awaited: "credit" }));
    };
    let stop = () => {};
    look();
    return { promise: stalled.promise, stop: () => stop() };
  }

  #newPace(): Pace {
    return startPace(this.patience.platform.clock.elapsed(), this.patience.limits);
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
    if (this.#owed > creditWindow) throw new KeysagaError("credit_exceeded", { window: creditWindow });
    this.heard({ kind: "payload", frame });
  }

  #credit(frames: number): void {
    const dealtWith = this.#underWay.splice(0, frames);
    if (dealtWith.length < frames)
      throw new KeysagaError("out_of_turn", { got: "credit", rule: "beyond the window" });
    const bytes = dealtWith.reduce((sum, length) => sum + length, 0);
    const { clock } = this.patience.platform;
    this.#pace = afterMovement(this.#pace, bytes, clock.elapsed(), this.patience.limits);
    this.heard({ kind: "credit", bytes });
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
  throw limitExceeded("messageBytesMax", max);
}

function isCredit(message: { type: string }): message is { type: "credit"; frames: number } {
  return message.type === "credit" && "frames" in message && typeof message.frames === "number";
}
