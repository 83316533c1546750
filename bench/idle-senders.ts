/** Many who connect, sign in, and say nothing more; and as many who only open a WebSocket. */
import { randomBytes } from "node:crypto";
import {
  createIdentity,
  createSender,
  dialWebSocket,
  InnerSpace,
  type Sender,
  systemPlatform,
} from "keysaga";
import { WebSocket } from "ws";
import { type Api, serve } from "./child.js";

interface Crowd {
  readonly url: string;
  readonly identities: number;
  readonly sessionsEach: number;
}

/** Identities that connect side by side: more would run into each other's time for a handshake. */
const atOnce = 4;
let senders: Sender[] = [];
let sockets: WebSocket[] = [];

const api = {
  /** Connects so many sessions of so many identities; gives how many are ready. */
  async connect({ url, identities, sessionsEach }: Crowd): Promise<number> {
    let left = identities;
    const work = Array.from({ length: atOnce }, async () => {
      while (left-- > 0) await connectOne(url, sessionsEach);
    });
    await Promise.all(work);
    return senders.length;
  },

  async disconnect(_: undefined): Promise<void> {
    await Promise.all(senders.map((sender) => sender.disconnect()));
    senders = [];
  },

  /** Opens so many WebSockets, and nothing else. */
  async open({ url, count }: { url: string; count: number }): Promise<void> {
    for (let at = 0; at < count; at++) {
      const socket = new WebSocket(url, { perMessageDeflate: false });
      await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
      sockets.push(socket);
    }
  },

  async close(_: undefined): Promise<void> {
    for (const socket of sockets) socket.terminate();
    sockets = [];
  },
} satisfies Api;
export type IdleApi = typeof api;

async function connectOne(audience: string, sessions: number): Promise<void> {
  const secrets = { secret: randomBytes(32), recoverySecret: randomBytes(32) };
  const identity = await createIdentity({ space: new InnerSpace(), ...secrets });
  const dial = dialWebSocket(audience, { timers: systemPlatform.timers });
  for (let at = 0; at < sessions; at++) {
    const sender = createSender({ identity, audience, dial });
    await sender.connect();
    senders.push(sender);
  }
}

serve(api);
