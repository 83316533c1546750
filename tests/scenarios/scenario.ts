import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "vitest";
import type { Receiver } from "../../src/peer/index.js";
import { systemPlatform } from "../../src/peer/index.js";
import {
  createWorld,
  innerspaceNetwork,
  type Network,
  type Peer,
  type SenderPeer,
  type World,
} from "../../src/testing/index.js";
import { createWebSocketAcceptor } from "../../src/transport/websocket-acceptor-node.js";
import { dialWebSocket } from "../../src/transport/index.js";

/** A real WebSocket server on loopback. */
export function webSocketNetwork(): Network {
  return {
    async listen(receiver: Receiver) {
      const acceptor = createWebSocketAcceptor({ timers: systemPlatform.timers });
      const server = createServer();
      server.on("upgrade", (request, socket, head) =>
        acceptor.handleUpgrade(request, socket, head, (connection) => receiver.accept(connection)),
      );
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as AddressInfo;
      const audience = `ws://127.0.0.1:${port}`;
      return {
        audience,
        dial: dialWebSocket(audience, { timers: systemPlatform.timers }),
        async close() {
          await receiver.close();
          await acceptor.close();
          await new Promise((resolve) => server.close(resolve));
        },
      };
    },
  };
}

/** The cast of a scenario: alice sends, bob receives; carol is a second device or person. */
export interface Cast {
  readonly alice: SenderPeer;
  readonly carol: SenderPeer;
  readonly bob: Peer;
  readonly world: World;
  /** What was said since the last call. */
  readonly transcript: () => readonly string[];
}

const networks = { innerspace: innerspaceNetwork, websocket: webSocketNetwork };

/** Runs a story over innerspace and over a real WebSocket. */
export function scenario(name: string, story: (cast: Cast) => Promise<void>): void {
  describe(name, () => {
    for (const [transport, network] of Object.entries(networks)) {
      test(`over ${transport}`, async () => {
        const world = await createWorld({ senders: ["alice", "carol"], seed: name, network: network() });
        const [alice, carol] = world.senders;
        try {
          await story({
            alice: alice!,
            carol: carol!,
            bob: world.receiver,
            world,
            transcript: world.transcript,
          });
        } finally {
          await world.close();
        }
      });
    }
  });
}
