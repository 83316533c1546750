import type { Timers } from "../../src/base/index.js";
import { utf8 } from "../../src/base/index.js";
import type { Connection, Dial, Message } from "../../src/transport/index.js";

/** Bytes a second that a proxy passes on, each way, as they are now. It takes everything at once, however much. */
export interface Speeds {
  up: number;
  down: number;
}

/** Dials through a proxy that buffers without bound and passes on slowly: neither side sees what it holds. */
export function slowDial(dial: Dial, timers: Timers, speeds: Readonly<Speeds>): Dial {
  return async (signal) => behindProxy(await dial(signal), timers, speeds);
}

function behindProxy(inner: Connection, timers: Timers, speeds: Readonly<Speeds>): Connection {
  const toReceiver = new Pipe(timers, () => speeds.up);
  const toSender = new Pipe(timers, () => speeds.down);
  return {
    start: ({ message, closed }) =>
      inner.start({
        message: (said) => toSender.pass(sizeOf(said), () => message(said)),
        closed: (error) => {
          toReceiver.drop();
          toSender.pass(0, () => closed(error));
        },
      }),
    send: (message) => toReceiver.pass(sizeOf(message), () => inner.send(message)),
    bufferedBytes: 0,
    drained: () => Promise.resolve(),
    pause: () => inner.pause(),
    resume: () => inner.resume(),
    close: () => {
      toReceiver.drop();
      return inner.close();
    },
    channelBinding: inner.channelBinding,
    remoteAddress: inner.remoteAddress,
  };
}

/** One direction: what went in comes out in order, each when its last byte has passed. */
class Pipe {
  #waiting: { readonly bytes: number; readonly out: () => void }[] = [];
  #stop: (() => void) | undefined;

  constructor(
    private readonly timers: Timers,
    private readonly bytesPerSecond: () => number,
  ) {}

  pass(bytes: number, out: () => void): void {
    if (this.#stop === undefined && this.bytesPerSecond() === Number.POSITIVE_INFINITY) return out();
    this.#waiting.push({ bytes, out });
    if (this.#stop === undefined) this.#next();
  }

  drop(): void {
    this.#waiting = [];
    this.#stop?.();
    this.#stop = undefined;
  }

  #next(): void {
    const first = this.#waiting.shift();
    if (first === undefined) return;
    this.#stop = this.timers.after(Math.ceil((first.bytes * 1_000) / this.bytesPerSecond()), () => {
      this.#stop = undefined;
      first.out();
      if (this.#stop === undefined) this.#next();
    });
  }
}

function sizeOf(message: Message): number {
  return typeof message === "string" ? utf8(message).length : message.length;
}
