/** Strangers who hold what they can, and say what is refused, as fast as it is. */
import { connect, type Socket } from "node:net";
import { type Api, serve } from "./child.js";

/** What the strangers have done so far. */
export interface Abused {
  /** Connections that were upgraded and held, each with a message that never ends. */
  readonly held: number;
  /** Connections that said something wrong and were closed. */
  readonly refused: number;
}

interface Target {
  readonly port: number;
  /** Connections to hold at a time, from as many networks as that takes. */
  readonly held: number;
  /** Bytes of the message that each of them begins. */
  readonly begunBytes: number;
  /** Others at a time that are refused and come again. */
  readonly insistent: number;
}

const perAddress = 10;
let isOver = true;
let counts = { held: 0, refused: 0 };
const sockets = new Set<Socket>();

const api = {
  async begin(target: Target): Promise<void> {
    isOver = false;
    counts = { held: 0, refused: 0 };
    for (let at = 0; at < target.held; at++) void hold(target, at);
    for (let at = 0; at < target.insistent; at++) void insist(target, at);
  },

  async end(_: undefined): Promise<Abused> {
    isOver = true;
    for (const socket of sockets) socket.destroy();
    return counts;
  },
} satisfies Api;
export type StrangersApi = typeof api;

const request = [
  "GET / HTTP/1.1",
  "Host: here",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Protocol: keysaga.v1",
].join("\r\n");

/** A frame of text, masked with zeros. */
function frame(payload: string, isLast = true): Buffer {
  const head = Buffer.alloc(14);
  head[0] = (isLast ? 0x80 : 0) | 1;
  head[1] = 0x80 | 127;
  head.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([head, Buffer.from(payload)]);
}

/** Always one more once the last one was given up. */
async function hold({ port, begunBytes }: Target, at: number): Promise<void> {
  const message = frame("x".repeat(begunBytes), false);
  await new Promise((resolve) => setTimeout(resolve, 10 * at)); // one after another
  while (!isOver) {
    const socket = await upgraded(
      port,
      `127.2.${Math.floor(at / perAddress / 200)}.${1 + (Math.floor(at / perAddress) % 200)}`,
    );
    socket.write(message);
    counts.held++;
    await closed(socket);
  }
}

const wrongs = [
  frame(`{"type":"open","nonce":${"[".repeat(100_000)}${"]".repeat(100_000)}}`),
  frame(`{"type":"open","nonce":"${"0".repeat(250_000)}"}`),
  frame("no JSON"),
  Buffer.alloc(1_000, 0xff),
];

async function insist({ port }: Target, at: number): Promise<void> {
  while (!isOver) {
    const socket = await upgraded(port, `127.3.0.${1 + at}`);
    socket.write(wrongs[counts.refused % wrongs.length] ?? "");
    await closed(socket);
    counts.refused++;
  }
}

async function upgraded(port: number, localAddress: string): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", localAddress });
  sockets.add(socket);
  socket.on("error", () => socket.destroy());
  socket.on("close", () => sockets.delete(socket));
  socket.write(`${request}\r\n\r\n`);
  await new Promise((resolve) => socket.once("data", resolve).once("close", resolve));
  socket.resume();
  return socket;
}

/** Whoever is told to go, goes. */
function closed(socket: Socket): Promise<unknown> {
  if (socket.destroyed) return Promise.resolve();
  socket.on("data", (data) => {
    if (data.includes(0x88)) socket.end();
  });
  return new Promise((resolve) => socket.once("close", resolve));
}

serve(api);
