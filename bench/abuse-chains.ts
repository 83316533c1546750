/** Strangers who are admitted nowhere and show long chains of identities, again and again. */
import { randomBytes } from "node:crypto";
import {
  type Address,
  type Connection,
  createIdentity,
  createSender,
  dialWebSocket,
  type Identity,
  InnerSpace,
  systemPlatform,
} from "keysaga";
import { type Api, serve } from "./child.js";

/** What the strangers have done so far. */
export interface Shown {
  /** Connections that ended. */
  readonly tries: number;
  readonly bytes: number;
  readonly seconds: number;
}

interface Target {
  readonly audience: string;
  readonly connections: number;
  /** Frames of each identity. */
  readonly frames: number;
  /** Of all of them together. */
  readonly bytesPerSecond: number;
}

let strangers: readonly Identity[] = [];
let isOver = true;
let began = 0;
let counts = { tries: 0, bytes: 0 };
let loops: readonly Promise<void>[] = [];

const api = {
  /** Makes the identities, which takes longer than to show them. */
  async prepare({ connections, frames }: Pick<Target, "connections" | "frames">): Promise<void> {
    strangers = await Promise.all(Array.from({ length: connections }, () => longIdentity(frames)));
  },

  async begin(target: Omit<Target, "connections" | "frames">): Promise<void> {
    isOver = false;
    began = performance.now();
    counts = { tries: 0, bytes: 0 };
    loops = strangers.map((identity) => show(identity, target));
  },

  /** Waits for the tries that are under way. */
  async end(_: undefined): Promise<Shown> {
    isOver = true;
    await Promise.all(loops);
    return { ...counts, seconds: (performance.now() - began) / 1000 };
  },
} satisfies Api;
export type ChainsApi = typeof api;

/** What an identity signs for itself is no part of the public interface: this is the module that the package loads. */
interface Internals {
  internalsOf(identity: Identity): {
    readonly signer: { sign(plan: (view: View) => Promise<object>): Promise<unknown> };
  };
}

interface View {
  load(identity: Address, kind: "identity"): Promise<object>;
}

async function longIdentity(frames: number): Promise<Identity> {
  const path = new URL("../dist/peer/home/identity.js", import.meta.url).href;
  const { internalsOf } = (await import(path)) as Internals;
  const secrets = { secret: randomBytes(32), recoverySecret: randomBytes(32) };
  const identity = await createIdentity({ space: new InnerSpace(), ...secrets });
  for (let made = 1; made < frames; made++) {
    const target = `keystone.lane^${made.toString(16).toUpperCase().padStart(64, "0")}`;
    await internalsOf(identity).signer.sign(async (view) => {
      const held = await view.load(identity.address, "identity");
      return { requests: [{ held, frame: { verb: "delegate", target } }] };
    });
  }
  return identity;
}

/** One connection after another, no faster than its part of the bytes may go. */
async function show(
  identity: Identity,
  { audience, bytesPerSecond }: Omit<Target, "connections" | "frames">,
): Promise<void> {
  const own = bytesPerSecond / strangers.length;
  const since = performance.now();
  const dialled = dialWebSocket(audience, { timers: systemPlatform.timers });
  let bytes = 0;
  const count = (message: string | Uint8Array) => {
    bytes += message.length;
    counts.bytes += message.length;
  };
  while (!isOver) {
    const dial = async () => counted(await dialled(), count);
    const sender = createSender({ identity, audience, dial });
    await sender.connect().then(
      () => {
        throw new Error("a stranger was let in");
      },
      () => undefined,
    );
    await sender.disconnect();
    counts.tries++;
    while (!isOver && bytes / own > (performance.now() - since) / 1000) await pause(20);
  }
}

function counted(inner: Connection, count: (message: string | Uint8Array) => void): Connection {
  return new Proxy(inner, {
    get(target, name) {
      if (name === "send")
        return (message: string | Uint8Array) => {
          count(message);
          target.send(message);
        };
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

serve(api);
