/** The sending process of the bare exchange. Its records lie ready in memory. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open } from "lmdb";
import { WebSocket } from "ws";
import { checkTimes, type Durability, Mail, signTimes, steps } from "./bare.js";
import { type Api, serve } from "./child.js";
import type { Crossing } from "./transcript.js";
import { makeGraph, noOne, type Shape } from "./workload.js";

let records: readonly Uint8Array[] = [];
const path = mkdtempSync(join(tmpdir(), "keysaga-bench-"));
const store = open<string, string>({ path, overlappingSync: false });
process.on("exit", () => rmSync(path, { recursive: true }));

const api = {
  async holdGraph({ shape, count }: { shape: Shape; count: number }): Promise<void> {
    records = makeGraph(shape, count, noOne).records.map(({ bytes }) => bytes);
  },

  /** Milliseconds from before the dial to the last message. */
  async push(to: { url: string; transcript: readonly Crossing[]; durability: Durability }): Promise<number> {
    const started = performance.now();
    const socket = new WebSocket(to.url, { perMessageDeflate: false });
    const mail = new Mail(socket);
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    const durable = async () => {
      if (to.durability === "every-statement") await store.put("a", "statement");
    };
    let sent = 0;
    for (const { from, type, bytes, records: count, signatures } of steps(to.transcript)) {
      if (from === "receiver") {
        await mail.next();
        checkTimes(signatures);
      } else if (type === "payload") {
        socket.send(frameOf(records.slice(sent, sent + count)));
        sent += count;
      } else {
        if (type === "connect") await durable();
        signTimes(signatures);
        socket.send("x".repeat(bytes));
      }
    }
    await durable();
    const ms = performance.now() - started;
    socket.terminate();
    return ms;
  },
} satisfies Api;
export type BareSenderApi = typeof api;

function frameOf(batch: readonly Uint8Array[]): Buffer {
  const frame = Buffer.allocUnsafe(batch.reduce((sum, { length }) => sum + 4 + length, 1));
  frame[0] = 1;
  let at = 1;
  for (const record of batch) {
    frame.writeUInt32BE(record.length, at);
    frame.set(record, at + 4);
    at += 4 + record.length;
  }
  return frame;
}

serve(api);
