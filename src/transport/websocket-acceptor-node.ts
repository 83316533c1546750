import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { settingsFrom, type TransportOptions } from "./limits.js";
import type { Connection } from "./transport.js";
import { connectionOver, farEndOf, wsOptions } from "./websocket-connection-node.js";
import { subprotocol } from "./websocket-options.js";

/** Turns the upgrades of an HTTP server, which belongs to the caller, into connections. */
export interface WebSocketAcceptor {
  /**
   * Answers one `upgrade` event. `onConnection` is called before this returns, or not at all: a request that is not
   * a WebSocket upgrade or does not offer `keysaga.v1` gets 400, and 503 once closing has begun.
   *
   * @param remoteAddress Who is at the other end, where that is not whoever the socket leads to.
   */
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    onConnection: (connection: Connection) => void,
    remoteAddress?: string,
  ): void;
  /** Takes no further upgrades and closes every connection. Resolves when none is left, within the close grace. */
  close(): Promise<void>;
}

export function createWebSocketAcceptor(options: TransportOptions): WebSocketAcceptor {
  const settings = settingsFrom(options);
  const server = new WebSocketServer({
    ...wsOptions(settings),
    noServer: true,
    clientTracking: false,
    handleProtocols: () => subprotocol,
  });
  const live = new Set<Connection>();
  let isClosing = false;

  return {
    handleUpgrade: (request, socket, head, onConnection, remoteAddress) => {
      if (isClosing) return refuseUpgrade(socket, 503);
      if (!offersSubprotocol(request)) return refuseUpgrade(socket, 400);
      const seen = farEndOf(request.socket);
      const farEnd = { ...seen, remoteAddress: remoteAddress ?? seen.remoteAddress };
      server.handleUpgrade(request, socket, head, (webSocket) => {
        const connection = connectionOver(webSocket, farEnd, settings);
        live.add(connection);
        webSocket.on("close", () => live.delete(connection));
        onConnection(connection);
      });
    },
    close: async () => {
      isClosing = true;
      await Promise.all(Array.from(live, (connection) => connection.close()));
    },
  };
}

/** Answers an upgrade with an HTTP status and ends its socket; nothing of the request is repeated. */
export function refuseUpgrade(socket: Duplex, status: number): void {
  socket.on("error", () => socket.destroy()); // the other side may have gone before it could be refused
  socket.once("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function offersSubprotocol(request: IncomingMessage): boolean {
  const offered = request.headers["sec-websocket-protocol"] ?? "";
  return offered.split(",").some((name) => name.trim() === subprotocol);
}
