import { KeysagaError, utf8 } from "../base/index.js";
import { browserCloseCode, closeCodes } from "./close-codes.js";
import { settingsFrom, type TransportSettings } from "./limits.js";
import type { Connection, Dial, Message } from "./transport.js";
import { cannotConnect, parseDialUrl, subprotocol, type WebSocketDialOptions } from "./websocket-options.js";
import { type Wire, WireConnection, type WireReports } from "./wire-connection.js";

/** What is used of the platform's `WebSocket`. It has no ping, no pause and no terminate. */
export interface PlatformWebSocket {
  binaryType: string;
  readonly bufferedAmount: number;
  readonly readyState: number;
  readonly protocol: string;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
  addEventListener(type: "open" | "error", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "close", listener: (event: { readonly code: number }) => void): void;
  removeEventListener(type: "open" | "error", listener: () => void): void;
  removeEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  removeEventListener(type: "close", listener: (event: { readonly code: number }) => void): void;
}

export type PlatformWebSocketClass = new (url: string, protocols: string) => PlatformWebSocket;

const open = 1;

/**
 * Dials a receiver over the platform's WebSocket. A page is not told why a connection failed, so the reasons are few.
 * It cannot stop reading either: what may be kept is bounded by `keptBytesMax`, and credit above keeps it lower.
 *
 * @param WebSocketClass The platform's own unless told otherwise.
 * @throws KeysagaError from the returned function: `insecure_url`, `cannot_connect`, `aborted`.
 */
export function dialWebSocket(
  url: string,
  options: WebSocketDialOptions,
  WebSocketClass: PlatformWebSocketClass = globalThis.WebSocket,
): Dial {
  const settings = settingsFrom(options);
  return async (signal) => {
    const target = parseDialUrl(url, options.insecure ?? false);
    if (options.tls !== undefined) throw cannotConnect(target.host, "TLS options outside Node");
    if (signal?.aborted) throw new KeysagaError("aborted");
    const socket = new WebSocketClass(target.href, subprotocol);
    return established(socket, target.host, settings, signal);
  };
}

function established(
  socket: PlatformWebSocket,
  host: string,
  settings: TransportSettings,
  signal: AbortSignal | undefined,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const giveUp = (error: KeysagaError) => {
      settle();
      socket.close();
      reject(error);
    };
    const onAbort = () => giveUp(new KeysagaError("aborted"));
    const onClose = () => giveUp(cannotConnect(host, "refused or unreachable"));
    const onOpen = () => {
      if (socket.protocol === subprotocol) {
        settle();
        resolve(connectionOver(socket, host, settings));
      } else {
        giveUp(cannotConnect(host, "wrong subprotocol"));
      }
    };
    const cancelTimeout = settings.timers.after(settings.handshakeTimeoutMs, () =>
      giveUp(cannotConnect(host, "timeout")),
    );
    const settle = () => {
      cancelTimeout();
      signal?.removeEventListener("abort", onAbort);
      socket.removeEventListener("open", onOpen);
      socket.removeEventListener("close", onClose);
    };
    signal?.addEventListener("abort", onAbort);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("error", () => {}); // says nothing; the `close` that follows it counts
    socket.addEventListener("open", onOpen);
    socket.addEventListener("close", onClose);
  });
}

function connectionOver(socket: PlatformWebSocket, host: string, settings: TransportSettings): Connection {
  return new WireConnection((reports) => new PlatformWire(socket, host, settings, reports), settings);
}

class PlatformWire implements Wire {
  readonly remoteAddress: string;
  readonly channelBinding = undefined;
  readonly #socket: PlatformWebSocket;
  readonly #settings: TransportSettings;
  readonly #reports: WireReports;
  #cancelPoll: (() => void) | undefined;

  constructor(
    socket: PlatformWebSocket,
    remoteAddress: string,
    settings: TransportSettings,
    reports: WireReports,
  ) {
    this.remoteAddress = remoteAddress;
    this.#socket = socket;
    this.#settings = settings;
    this.#reports = reports;
    socket.addEventListener("message", this.#onMessage);
    socket.addEventListener("close", this.#onClose);
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  write(message: Message): void {
    if (this.#socket.readyState !== open) return;
    this.#socket.send(typeof message === "string" ? message : unshared(message));
    this.#pollWhileFull();
  }

  /** Not in a browser: see `dialWebSocket`. */
  pause(): void {}
  resume(): void {}

  close(closeCode: number): void {
    this.#socket.close(browserCloseCode(closeCode));
  }

  /** Lets go of the socket; the browser ends it by a time limit of its own. */
  cut(): void {
    this.#socket.close();
    queueMicrotask(() => this.#leave(closeCodes.lost));
  }

  readonly #onMessage = ({ data }: { readonly data: unknown }): void => {
    if (typeof data === "string") this.#reports.received(data, utf8(data).length);
    else if (data instanceof ArrayBuffer) this.#reports.received(new Uint8Array(data), data.byteLength);
  };

  readonly #onClose = ({ code }: { readonly code: number }): void => this.#leave(code);

  #pollWhileFull(): void {
    if (this.#cancelPoll !== undefined || this.bufferedBytes < this.#settings.bufferedBytesLow) return;
    this.#cancelPoll = this.#settings.timers.after(this.#settings.drainPollMs, () => {
      this.#cancelPoll = undefined;
      this.#reports.written();
      this.#pollWhileFull();
    });
  }

  #leave(closeCode: number): void {
    this.#cancelPoll?.();
    this.#socket.removeEventListener("message", this.#onMessage);
    this.#socket.removeEventListener("close", this.#onClose);
    this.#reports.gone(closeCode);
  }
}

/** A WebSocket does not take shared memory; bytes in it are copied out. */
function unshared(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = bytes;
  return buffer instanceof ArrayBuffer ? new Uint8Array(buffer, byteOffset, length) : new Uint8Array(bytes);
}
