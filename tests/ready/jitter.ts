import { toKeysagaError } from "../../src/base/index.js";
import { seededPlatform } from "../../src/testing/index.js";
import type { Connection, ConnectionHandlers, Dial, Message } from "../../src/transport/index.js";

/** Waits for some turns of the event loop: how many, the seed says. No time passes by itself. */
export type Jitter = () => Promise<void>;

export function jitterOf(seed: string, turnsMax = 4): Jitter {
  const { random } = seededPlatform(seed);
  return async () => {
    for (let turns = random.bytes(1)[0]! % (turnsMax + 1); turns > 0; turns--)
      await new Promise((resolve) => setImmediate(resolve));
  };
}

/** Connections on which each message takes its time, in either direction, and keeps its place. */
export function jitteryDial(dial: Dial, jitter: Jitter): Dial {
  return async (signal) => {
    await jitter();
    return new JitteryConnection(await dial(signal), jitter);
  };
}

class JitteryConnection implements Connection {
  #incoming: Promise<void> = Promise.resolve();
  #outgoing: Promise<void> = Promise.resolve();

  constructor(
    private readonly inner: Connection,
    private readonly jitter: Jitter,
  ) {}

  get remoteAddress(): string {
    return this.inner.remoteAddress;
  }

  get channelBinding(): Uint8Array | undefined {
    return this.inner.channelBinding;
  }

  get bufferedBytes(): number {
    return this.inner.bufferedBytes;
  }

  start(handlers: ConnectionHandlers): void {
    const later = (work: () => void) => {
      this.#incoming = this.#incoming.then(this.jitter).then(work);
    };
    this.inner.start({
      message: (message) => later(() => handlers.message(message)),
      closed: (error) => later(() => handlers.closed(error)),
    });
  }

  send(message: Message): void {
    this.#outgoing = this.#outgoing.then(this.jitter).then(() => sendIfOpen(this.inner, message));
  }

  async drained(): Promise<void> {
    await this.#outgoing;
    await this.inner.drained();
  }

  pause(): void {
    this.inner.pause();
  }

  resume(): void {
    this.inner.resume();
  }

  async close(): Promise<void> {
    await this.#outgoing;
    await this.inner.close();
    await this.#incoming;
  }
}

/** What is said on a connection that has closed meanwhile is lost, as on any network. */
function sendIfOpen(connection: Connection, message: Message): void {
  try {
    connection.send(message);
  } catch (thrown) {
    const error = toKeysagaError(thrown);
    if (error.code !== "connection_closed") throw error;
  }
}
