/** A process that holds WebSockets and does nothing else. */
import { type WebSocket, WebSocketServer } from "ws";
import { type Api, serve } from "./child.js";
import { type Memory, measureMemory } from "./memory.js";

const held = new Set<WebSocket>();

const api = {
  async open(_: undefined): Promise<string> {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
    await new Promise((resolve) => server.once("listening", resolve));
    server.on("connection", (socket) => {
      held.add(socket);
      socket.on("message", () => undefined).on("close", () => held.delete(socket));
    });
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("not listening on a port");
    return `ws://127.0.0.1:${address.port}`;
  },

  /** All that this process has, in bytes. */
  async memoryNow(_: undefined): Promise<Memory> {
    return measureMemory();
  },
} satisfies Api;
export type IdleBareApi = typeof api;

serve(api);
