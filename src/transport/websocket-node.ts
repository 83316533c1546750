import { WebSocket } from "ws";
import { assert, KeysagaError } from "../base/index.js";
import { settingsFrom, type TransportSettings } from "./limits.js";
import type { Connection, Dial } from "./transport.js";
import { connectionOver, type FarEnd, farEndOf, wsOptions } from "./websocket-connection-node.js";
import { cannotConnect, parseDialUrl, subprotocol, type WebSocketDialOptions } from "./websocket-options.js";

/**
 * Dials a receiver over WebSocket (Node, by `ws`). Follows no redirect; permessage-deflate is off.
 *
 * @throws KeysagaError from the returned function: `insecure_url`, `aborted`, or `cannot_connect` with the host and a
 *   reason: an error code of the platform, `HTTP` and the status, `timeout`, or what was wrong with the answer.
 */
export function dialWebSocket(url: string, options: WebSocketDialOptions): Dial {
  const settings = settingsFrom(options);
  return async (signal) => {
    const target = parseDialUrl(url, options.insecure ?? false);
    if (signal?.aborted) throw new KeysagaError("aborted");
    const socket = openSocket(target, options, settings);
    return established(socket, target.host, settings, signal);
  };
}

function openSocket(target: URL, { tls = {} }: WebSocketDialOptions, settings: TransportSettings): WebSocket {
  return new WebSocket(target, subprotocol, { ...tls, ...wsOptions(settings), followRedirects: false });
}

/** Waits for the socket to open; a failed attempt rejects once `ws` has let go of its socket. */
function established(
  socket: WebSocket,
  host: string,
  settings: TransportSettings,
  signal: AbortSignal | undefined,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    let failure: KeysagaError | undefined;
    let farEnd: FarEnd | undefined;
    const giveUp = (error: KeysagaError) => {
      failure ??= error;
      socket.terminate();
    };
    const onAbort = () => giveUp(new KeysagaError("aborted"));
    const cancelTimeout = settings.timers.after(settings.handshakeTimeoutMs, () =>
      giveUp(cannotConnect(host, "timeout")),
    );
    const settle = () => {
      cancelTimeout();
      signal?.removeEventListener("abort", onAbort);
      socket.removeAllListeners();
    };
    signal?.addEventListener("abort", onAbort);
    socket.on("upgrade", (response) => {
      farEnd = farEndOf(response.socket);
    });
    socket.on("unexpected-response", (_request, response) => {
      giveUp(cannotConnect(host, `HTTP ${response.statusCode}`));
    });
    socket.on("error", (error) => {
      failure ??= cannotConnect(host, reasonOf(error), error);
    });
    socket.on("close", () => {
      settle();
      reject(failure ?? cannotConnect(host, "closed during the handshake"));
    });
    socket.on("open", () => {
      settle();
      assert(farEnd !== undefined, "a socket upgrades before it opens");
      resolve(connectionOver(socket, farEnd, settings));
    });
  });
}

/** The platform's code, else what `ws` says: its handshake errors have no code and quote nothing of the answer. */
function reasonOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : error.message;
}
