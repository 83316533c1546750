import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { RawData, WebSocket } from "ws";
import { assert, KeysagaError, limitExceeded } from "../base/index.js";
import { type Heartbeat, startHeartbeat } from "./heartbeat.js";
import type { TransportSettings } from "./limits.js";
import type { Connection, Message } from "./transport.js";
import { type Wire, WireConnection, type WireReports } from "./wire-connection.js";

/** How both ends set `ws` up. Its own timers stay behind ours, which are the ones that count. */
export function wsOptions(settings: TransportSettings) {
  return {
    perMessageDeflate: false,
    maxPayload: settings.messageBytesMax,
    maxFragments: settings.fragmentsMax,
    maxBufferedChunks: settings.bufferedChunksMax,
    closeTimeout: 2 * settings.closeGraceMs,
  };
}

/** What the network says of the other end, and the socket to it. */
export type FarEnd = Pick<Connection, "remoteAddress" | "channelBinding"> & {
  readonly socket: Pick<Socket, "bytesRead">;
};

/**
 * To be read while the socket is open: afterwards it knows nothing more.
 */
export function farEndOf(socket: Socket): FarEnd {
  const remoteAddress = addressOf(socket);
  const isTls13 = socket instanceof TLSSocket && socket.getProtocol() === "TLSv1.3";
  const context = Buffer.alloc(0);
  const exported = isTls13 ? socket.exportKeyingMaterial(32, "EXPORTER-Channel-Binding", context) : undefined;
  return { remoteAddress, channelBinding: exported && new Uint8Array(exported), socket };
}

/** Whom a socket leads to, an IPv4 address always in its own spelling; empty once it is gone. */
export function addressOf({ remoteAddress = "" }: Pick<Socket, "remoteAddress">): string {
  return remoteAddress.replace(/^::ffff:(?=\d+\.)/, "");
}

/** A connection over a `ws` socket that has just opened; to be called before the event loop goes on. */
export function connectionOver(socket: WebSocket, farEnd: FarEnd, settings: TransportSettings): Connection {
  return new WireConnection((reports) => new WsWire(socket, farEnd, settings, reports), settings);
}

class WsWire implements Wire {
  readonly remoteAddress: string;
  readonly channelBinding: Uint8Array | undefined;
  readonly #socket: WebSocket;
  readonly #reports: WireReports;
  readonly #heartbeat: Heartbeat;

  constructor(socket: WebSocket, farEnd: FarEnd, settings: TransportSettings, reports: WireReports) {
    this.remoteAddress = farEnd.remoteAddress;
    this.channelBinding = farEnd.channelBinding;
    this.#socket = socket;
    this.#reports = reports;
    this.#heartbeat = startHeartbeat({
      timers: settings.timers,
      intervalMs: settings.pingIntervalMs,
      missesMax: settings.pingMissesMax,
      ping: (written) => this.#ping(written),
      bytesRead: () => farEnd.socket.bytesRead,
      isReading: () => !socket.isPaused,
      lost: () => reports.lost(new KeysagaError("connection_lost", { reason: "no answer to ping" })),
    });
    // Binary messages get memory of their own: a view into what the socket read would keep all of that alive.
    socket.binaryType = "arraybuffer";
    socket.on("message", (data, isBinary) => this.#received(data, isBinary));
    socket.on("error", (error) => reports.failed(errorOfSocket(error, settings)));
    socket.on("close", (closeCode) => this.#gone(closeCode));
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** A socket that the other side is closing takes nothing more: that message is lost, as if sent a moment later. */
  write(message: Message): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.send(message, { binary: typeof message !== "string" }, (error) => {
      if (error === undefined || error === null) this.#written();
    });
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(closeCode: number): void {
    this.#socket.close(closeCode);
  }

  cut(): void {
    this.#socket.terminate();
  }

  #ping(written: () => void): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping(undefined, undefined, written);
  }

  #received(data: RawData, isBinary: boolean): void {
    if (isBinary) {
      assert(data instanceof ArrayBuffer, "binaryType is arraybuffer");
      this.#reports.received(new Uint8Array(data), data.byteLength);
    } else {
      assert(data instanceof Buffer, "ws gives text as a Buffer");
      this.#reports.received(data.toString("utf8"), data.length); // ws has checked that it is UTF-8
    }
  }

  #written(): void {
    this.#heartbeat.moved();
    this.#reports.written();
  }

  #gone(closeCode: number): void {
    this.#heartbeat.stop();
    this.#reports.gone(closeCode);
  }
}

/** What of `ws`'s errors means that a limit was exceeded; its other `WS_ERR_` codes mean broken framing or UTF-8. */
const limitOf: ReadonlyMap<string, "messageBytesMax" | "fragmentsMax"> = new Map([
  ["WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", "messageBytesMax"],
  ["WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH", "messageBytesMax"],
  ["WS_ERR_TOO_MANY_BUFFERED_PARTS", "fragmentsMax"],
]);

function errorOfSocket(error: Error, settings: TransportSettings): KeysagaError {
  const reason = "code" in error && typeof error.code === "string" ? error.code : error.name;
  const limit = limitOf.get(reason);
  if (limit) return limitExceeded(limit, settings[limit], { cause: error });
  if (reason.startsWith("WS_ERR_"))
    return new KeysagaError("malformed_message", { reason }, { cause: error });
  return new KeysagaError("connection_lost", { reason }, { cause: error });
}
