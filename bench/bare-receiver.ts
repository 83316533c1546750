/** The receiving process of the bare exchange. */
import { hash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open, type RootDatabase } from "lmdb";
import { type WebSocket, WebSocketServer } from "ws";
import { checkTimes, type Durability, Mail, signTimes, steps } from "./bare.js";
import { type Api, serve } from "./child.js";
import type { Crossing } from "./transcript.js";

let close = async (): Promise<void> => {};

const api = {
  /** Listens with an empty store; answers every connection by the transcript. */
  async open(to: { transcript: readonly Crossing[]; durability: Durability }): Promise<string> {
    await close();
    const path = mkdtempSync(join(tmpdir(), "keysaga-bench-"));
    const store = open<Buffer, Buffer>({
      path,
      encoding: "binary",
      keyEncoding: "binary",
      overlappingSync: false,
    });
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
    await new Promise((resolve) => server.once("listening", resolve));
    server.on("connection", (socket) => void answer(socket, store, to.transcript, to.durability));
    close = async () => {
      close = async () => {};
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
      await store.close();
      rmSync(path, { recursive: true });
    };
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("not listening on a port");
    return `ws://127.0.0.1:${address.port}`;
  },

  async close(_: undefined): Promise<void> {
    await close();
  },
} satisfies Api;
export type BareReceiverApi = typeof api;

async function answer(
  socket: WebSocket,
  store: RootDatabase<Buffer, Buffer>,
  transcript: readonly Crossing[],
  durability: Durability,
): Promise<void> {
  const mail = new Mail(socket);
  const arrived: [key: Buffer, record: Buffer][] = [];
  const messages = steps(transcript);
  for (const { from, type, bytes, signatures } of messages) {
    if (from === "sender") {
      const message = await mail.next();
      if (type === "payload") hashRecords(message, arrived);
      else checkTimes(signatures);
    } else {
      if (type === "ready" && durability === "every-statement") await store.put(anyKey, anyKey);
      const isReceipt = messages.at(-1)?.type === type && arrived.length > 0;
      if (isReceipt) await keep(store, arrived);
      signTimes(signatures);
      socket.send("x".repeat(bytes));
    }
  }
}

const anyKey = Buffer.from("a statement");

function hashRecords(frame: Buffer, into: [Buffer, Buffer][]): void {
  for (let at = 1; at < frame.length; ) {
    const record = frame.subarray(at + 4, at + 4 + frame.readUInt32BE(at));
    into.push([hash("sha256", record, "buffer"), record]);
    at += 4 + record.length;
  }
}

async function keep(store: RootDatabase<Buffer, Buffer>, arrived: [Buffer, Buffer][]): Promise<void> {
  await store.transaction(() => {
    for (const [key, record] of arrived.splice(0)) store.putSync(key, record);
  });
}

serve(api);
