import { WebSocket } from "ws";
import type { TransportOptions } from "../../src/transport/limits.js";
import type { Dial } from "../../src/transport/transport.js";
import { dialWebSocket as dialFromBrowser } from "../../src/transport/websocket-browser.js";
import { dialWebSocket as dialFromNode } from "../../src/transport/websocket-node.js";
import { type Network, transportContract } from "./contract.js";
import { receiverServer } from "./http-server.js";

async function openNetwork(
  options: TransportOptions,
  dialTo: (url: string, options: TransportOptions) => Dial,
): Promise<Network> {
  const server = await receiverServer(options, (connection) => network.onConnection(connection));
  const network: Network = {
    dial: dialTo(server.url, options),
    onConnection: () => {},
    vanish: () => {
      for (const socket of server.sockets) socket.destroy();
    },
    stop: async () => {
      await server.acceptor.close();
      await server.stop();
    },
  };
  return network;
}

transportContract("ws on Node, both ends", (options) => openNetwork(options, dialFromNode));

transportContract("a page's WebSocket to ws on Node", (options) =>
  openNetwork(options, (url, { ...rest }) => dialFromBrowser(url, rest, WebSocket)),
);
