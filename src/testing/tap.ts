import { KeysagaError } from "../base/index.js";
import type { Connection, ConnectionHandlers, Dial, Message } from "../transport/index.js";

/** Whom a message is on its way to: the side that dialled, or the one that answers. */
export type TapSide = "sender" | "receiver";

/** A message on its way past a tap. */
export interface Passing {
  readonly to: TapSide;
  readonly message: Message;
  /** Its place among what the other side has said on this connection, from 0. Injected messages do not count. */
  readonly at: number;
}

/** What goes on in place of a message: itself, others, several, or nothing. */
export type TapRule = (passing: Passing) => readonly Message[];

/** Lets everything pass. */
export const passOn: TapRule = ({ message }) => [message];

/** A man in the middle between a sender and its receiver; he has no key of either. */
export interface Tap {
  /** Dials through the tap. */
  readonly dial: Dial;
  /** What the two sides have said so far, over all connections, in the order it came by. */
  readonly said: readonly Passing[];
  /** What was handed on, injected messages included. */
  readonly heard: readonly Omit<Passing, "at">[];
  /** Says something on the newest connection in the name of the other side. @throws `connection_closed` without one. */
  inject(to: TapSide, message: Message): void;
}

/** Puts a tap on whatever `dial` connects to. `rule` is asked for each message, in either direction, once. */
export function tapDial(dial: Dial, rule: TapRule = passOn): Tap {
  const said: Passing[] = [];
  const heard: Omit<Passing, "at">[] = [];
  let newest: TappedConnection | undefined;
  return {
    said,
    heard,
    async dial(signal) {
      newest = new TappedConnection(await dial(signal), rule, { said, heard });
      return newest;
    },
    inject(to, message) {
      if (!newest) throw new KeysagaError("connection_closed");
      newest.inject(to, message);
    },
  };
}

interface Notes {
  readonly said: Passing[];
  readonly heard: Omit<Passing, "at">[];
}

/** The sender's end of a connection, with a rule between it and the link. */
class TappedConnection implements Connection {
  #handlers: ConnectionHandlers | undefined;
  readonly #count = { sender: 0, receiver: 0 };

  constructor(
    private readonly inner: Connection,
    private readonly rule: TapRule,
    private readonly notes: Notes,
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
    this.#handlers = handlers;
    this.inner.start({
      message: (message) => this.#pass("sender", message),
      closed: (error) => {
        this.#handlers = undefined;
        handlers.closed(error);
      },
    });
  }

  send(message: Message): void {
    this.#pass("receiver", message);
  }

  inject(to: TapSide, message: Message): void {
    if (to === "receiver") this.#handOn(to, message);
    else queueMicrotask(() => this.#handOn(to, message));
  }

  drained(): Promise<void> {
    return this.inner.drained();
  }

  pause(): void {
    this.inner.pause();
  }

  resume(): void {
    this.inner.resume();
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  #pass(to: TapSide, message: Message): void {
    const passing = { to, message, at: this.#count[to]++ };
    this.notes.said.push(passing);
    for (const next of this.rule(passing)) this.#handOn(to, next);
  }

  #handOn(to: TapSide, message: Message): void {
    this.notes.heard.push({ to, message });
    if (to === "receiver") this.inner.send(message);
    else this.#handlers?.message(message);
  }
}
