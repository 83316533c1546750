import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "vitest";
import type { Receiver } from "../../src/peer/index.js";
import { systemPlatform } from "../../src/peer/index.js";
import {
  createWorld,
  innerspaceNetwork,
  type Network,
  type ReceiverPeer,
  type SenderPeer,
  type World,
  type WorldOptions,
} from "../../src/testing/index.js";
import { dialWebSocket } from "../../src/transport/index.js";
import { createWebSocketAcceptor } from "../../src/transport/websocket-acceptor-node.js";

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

/** The cast of a scenario: alice sends, bob receives; carol and erin are other devices or persons. */
export interface Cast {
  readonly alice: SenderPeer;
  readonly carol: SenderPeer;
  readonly erin: SenderPeer;
  readonly bob: ReceiverPeer;
  /** A second receiver. Receivers never talk to each other. */
  readonly dave: ReceiverPeer;
  readonly world: World;
  /** What was said since the last call. */
  readonly transcript: () => readonly string[];
}

const networks = { innerspace: innerspaceNetwork, websocket: webSocketNetwork };

/** Runs a story over innerspace and over a real WebSocket. */
export function scenario(
  name: string,
  story: (cast: Cast) => Promise<void>,
  options: Pick<WorldOptions, "earlier" | "limits"> = {},
): void {
  describe(name, () => {
    for (const [transport, network] of Object.entries(networks)) {
      test(`over ${transport}`, async () => {
        const senders = ["alice", "carol", "erin"];
        const receivers = ["bob", "dave"] as const;
        // What a story holds against is no part of it.
        const seed = name.replace(/( \([A-Z]+\d+(, [A-Z]+\d+)*\))?( \(threats? [\d, ]+\))?$/, "");
        const world = await createWorld({ senders, receivers, seed, network: network(), ...options });
        const [alice, carol, erin] = world.senders;
        const [bob, dave] = world.receivers;
        try {
          await story({
            alice: alice!,
            carol: carol!,
            erin: erin!,
            bob: bob!,
            dave: dave!,
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
