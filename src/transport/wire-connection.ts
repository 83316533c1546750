import { assert, KeysagaError, limitExceeded, toKeysagaError } from "../base/index.js";
import { closeCodeOf, errorOfClose } from "./close-codes.js";
import type { TransportSettings } from "./limits.js";
import type { Connection, ConnectionHandlers, Message } from "./transport.js";

/** The link under a connection: what differs from transport to transport. No call reports before it has returned. */
export interface Wire {
  readonly bufferedBytes: number;
  readonly remoteAddress: string;
  readonly channelBinding: Uint8Array | undefined;
  write(message: Message): void;
  /** Stops and resumes reading, where the platform can. */
  pause(): void;
  resume(): void;
  /** Flushes, tells the other side, and ends. `gone` follows when the other side has answered. */
  close(closeCode: number): void;
  /** Drops the link. `gone` follows, whatever the other side does. */
  cut(): void;
}

/** What a wire reports to its connection, from the event loop. */
export interface WireReports {
  /** `byteLength`: of the message as it travelled. */
  received(message: Message, byteLength: number): void;
  /** Something that waited was handed to the network. */
  written(): void;
  /** The other side broke a rule: close with the code that says so. */
  failed(error: KeysagaError): void;
  /** The other side no longer answers: cut. */
  lost(error: KeysagaError): void;
  /** Last, once: socket and listeners are gone. `closeCode`: what the other side closed with, 1006 for nothing. */
  gone(closeCode: number): void;
}

interface Kept {
  readonly message: Message;
  readonly cost: number;
}

/** What a kept message counts beside its bytes, so that a flood of empty ones is bounded too. */
const keptOverheadBytes = 64;

/** The part that all transports share: start, order, pausing, closing, limits. See `Connection` for what holds. */
export class WireConnection implements Connection {
  readonly #settings: TransportSettings;
  readonly #wire: Wire;
  #state: "open" | "closing" | "gone" = "open";
  #cause: KeysagaError | undefined;
  #handlers: ConnectionHandlers | undefined;
  #kept: Kept[] = [];
  #keptBytes = 0;
  #paused = false;
  #reading = true;
  #deliveryQueued = false;
  #closedReported = false;
  #waitingForDrain: (() => void)[] = [];
  #cancelGrace: () => void = () => {};
  #nothingLeft: () => void = () => {};
  readonly #ended = new Promise<void>((resolve) => {
    this.#nothingLeft = resolve;
  });

  /** @param attach Makes the wire; it gets what to report to, and reports nothing before it has returned. */
  constructor(attach: (reports: WireReports) => Wire, settings: TransportSettings) {
    this.#settings = settings;
    this.#wire = attach({
      received: (message, byteLength) => this.#received(message, byteLength),
      written: () => this.#releaseDrained(),
      failed: (error) => this.#beginClosing(error),
      lost: (error) => this.#cut(error),
      gone: (closeCode) => this.#gone(closeCode),
    });
  }

  get remoteAddress(): string {
    return this.#wire.remoteAddress;
  }

  get channelBinding(): Uint8Array | undefined {
    return this.#wire.channelBinding;
  }

  get bufferedBytes(): number {
    return this.#state === "gone" ? 0 : this.#wire.bufferedBytes;
  }

  start(handlers: ConnectionHandlers): void {
    assert(this.#handlers === undefined, "a connection is started once");
    this.#handlers = handlers;
    this.#queueDelivery();
  }

  send(message: Message): void {
    if (this.#state !== "open") throw new KeysagaError("connection_closed");
    if (this.bufferedBytes > this.#settings.bufferedBytesMax) this.#cut(this.#tooMuch("bufferedBytesMax"));
    else this.#write(message);
  }

  drained(): Promise<void> {
    if (this.#isDrained()) return Promise.resolve();
    return new Promise((resolve) => this.#waitingForDrain.push(resolve));
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#queueDelivery();
  }

  close(): Promise<void> {
    this.#dropKept();
    this.#beginClosing(undefined);
    this.#queueDelivery();
    return this.#ended;
  }

  #write(message: Message): void {
    try {
      this.#wire.write(message);
    } catch (thrown) {
      this.#cut(new KeysagaError("connection_lost", { reason: "send failed" }, { cause: thrown }));
    }
  }

  #received(message: Message, byteLength: number): void {
    if (this.#state !== "open") return;
    if (byteLength > this.#settings.messageBytesMax) this.#beginClosing(this.#tooMuch("messageBytesMax"));
    else this.#keep({ message, cost: byteLength + keptOverheadBytes });
  }

  #keep(kept: Kept): void {
    this.#kept.push(kept);
    this.#keptBytes += kept.cost;
    if (this.#keptBytes > this.#settings.keptBytesMax) {
      this.#dropKept();
      this.#beginClosing(this.#tooMuch("keptBytesMax"));
    } else if (this.#keptBytes >= this.#settings.keptBytesHigh) {
      this.#setReading(false);
    }
    this.#queueDelivery();
  }

  #queueDelivery(): void {
    if (this.#deliveryQueued) return;
    this.#deliveryQueued = true;
    queueMicrotask(() => {
      this.#deliveryQueued = false;
      if (this.#handlers !== undefined) this.#deliver(this.#handlers);
    });
  }

  #deliver(handlers: ConnectionHandlers): void {
    while (!this.#paused) {
      const next = this.#kept.shift();
      if (next === undefined) break;
      this.#keptBytes -= next.cost;
      this.#handOver(handlers, next.message);
    }
    if (this.#keptBytes < this.#settings.keptBytesHigh) this.#setReading(true);
    if (this.#state === "gone" && this.#kept.length === 0) this.#reportClosed(handlers);
  }

  #handOver(handlers: ConnectionHandlers, message: Message): void {
    try {
      handlers.message(message);
    } catch (thrown) {
      this.#dropKept();
      this.#beginClosing(toKeysagaError(thrown));
    }
  }

  #reportClosed(handlers: ConnectionHandlers): void {
    if (this.#closedReported) return;
    this.#closedReported = true;
    this.#nothingLeft();
    handlers.closed(this.#cause);
  }

  /** The first cause wins. Reads on (and drops what comes), so that the other side's answer is seen. */
  #beginClosing(cause: KeysagaError | undefined): void {
    if (this.#state !== "open") return;
    this.#leaveOpen(cause);
    this.#setReading(true);
    this.#cancelGrace = this.#settings.timers.after(this.#settings.closeGraceMs, () => this.#wire.cut());
    try {
      this.#wire.close(closeCodeOf(cause));
    } catch {
      this.#wire.cut(); // A link that cannot be told is dropped; the cause to report stays.
    }
  }

  #cut(cause: KeysagaError): void {
    if (this.#state === "gone") return;
    if (this.#state === "open") this.#leaveOpen(cause);
    this.#wire.cut();
  }

  #gone(closeCode: number): void {
    if (this.#state === "open") this.#leaveOpen(errorOfClose(closeCode));
    this.#state = "gone";
    this.#cancelGrace();
    if (this.#handlers === undefined) this.#nothingLeft();
    this.#queueDelivery();
  }

  #leaveOpen(cause: KeysagaError | undefined): void {
    this.#state = "closing";
    this.#cause = cause;
    this.#releaseDrained();
  }

  #isDrained(): boolean {
    return this.#state !== "open" || this.#wire.bufferedBytes < this.#settings.bufferedBytesLow;
  }

  #releaseDrained(): void {
    if (this.#waitingForDrain.length === 0 || !this.#isDrained()) return;
    const waiting = this.#waitingForDrain;
    this.#waitingForDrain = [];
    for (const resolve of waiting) resolve();
  }

  #setReading(reading: boolean): void {
    if (this.#reading === reading || this.#state === "gone") return;
    this.#reading = reading;
    if (reading) this.#wire.resume();
    else this.#wire.pause();
  }

  #tooMuch(limit: "bufferedBytesMax" | "messageBytesMax" | "keptBytesMax"): KeysagaError {
    return limitExceeded(limit, this.#settings[limit]);
  }

  #dropKept(): void {
    this.#kept = [];
    this.#keptBytes = 0;
  }
}
