import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { createWorld } from "../../src/testing/index.js";
import { subprotocol } from "../../src/transport/websocket-options.js";
import { webSocketNetwork } from "../scenarios/scenario.js";

test("compression that is offered is not taken, so nothing grows when it arrives (threat 10)", async () => {
  const world = await createWorld({ network: webSocketNetwork() });
  const socket = new WebSocket(world.audience, subprotocol, { perMessageDeflate: true });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  expect(socket.extensions).toBe("");
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.close();
  await closed;
  await world.close();
});
