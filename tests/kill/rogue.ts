/** Whoever speaks no word of the protocol, on either side: so that the other one has to say `error`. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { systemPlatform } from "../../src/peer/index.js";
import { dialWebSocket } from "../../src/transport/index.js";
import { createWebSocketAcceptor } from "../../src/transport/websocket-acceptor-node.js";

const { timers } = systemPlatform;

/** Dials a receiver, says something else, and waits until that ends. Never rejects. */
export async function sayNonsense(url: string): Promise<void> {
  try {
    const connection = await dialWebSocket(url, { timers })();
    const closed = new Promise<void>((resolve) =>
      connection.start({ message: () => undefined, closed: () => resolve() }),
    );
    connection.send("nonsense");
    await closed;
  } catch {
    // Nobody was there any more.
  }
}

/** A receiver that greets everyone with something else. */
export async function nonsenseServer(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const acceptor = createWebSocketAcceptor({ timers });
  const server = createServer().on("upgrade", (request, socket, head) =>
    acceptor.handleUpgrade(request, socket, head, (connection) => {
      connection.start({ message: () => undefined, closed: () => undefined });
      connection.send("nonsense");
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      await acceptor.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
