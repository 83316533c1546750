import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo, Server as NetServer, Socket } from "node:net";
import type { TransportOptions } from "../../src/transport/limits.js";
import type { Connection } from "../../src/transport/transport.js";
import { createWebSocketAcceptor } from "../../src/transport/websocket-acceptor-node.js";

export interface Listening {
  readonly port: number;
  readonly url: string;
  readonly sockets: ReadonlySet<Socket>;
  stop(): Promise<void>;
}

/** Listens on a free port of this machine; `stop` ends every socket with it. */
export async function listening(server: NetServer): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {}); // a reset by the other side is what some tests are about
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return { port, url: `ws://127.0.0.1:${port}/`, sockets, stop };
}

export function httpServer(onRequest: RequestListener = (_request, response) => response.end()): Server {
  return createServer(onRequest);
}

/** An HTTP server whose upgrades go to an acceptor. */
export async function receiverServer(
  options: TransportOptions,
  onConnection: (connection: Connection) => void,
  server: Server = httpServer(),
) {
  const acceptor = createWebSocketAcceptor(options);
  server.on("upgrade", (request, socket, head) =>
    acceptor.handleUpgrade(request, socket, head, onConnection),
  );
  return { ...(await listening(server)), acceptor };
}
