import { assert, fromUtf8, KeysagaError, utf8 } from "../base/index.js";
import { closeCodes } from "./close-codes.js";
import { settingsFrom, type TransportOptions } from "./limits.js";
import type { Connection, Dial, Message } from "./transport.js";
import { type Wire, WireConnection, type WireReports } from "./wire-connection.js";

/** A network in memory: one address, any number of connections to it. */
export interface Innerspace {
  /** Takes connections until the returned function is called. One listener at a time. */
  listen(onConnection: (connection: Connection) => void): () => void;
  /** @throws KeysagaError `cannot_connect` while nobody listens, `aborted`. */
  readonly dial: Dial;
  /** Cuts every connection, as a failing network does: both ends see `connection_lost`. */
  sever(): void;
}

/** Two connected ends; `sever` cuts between them. */
export interface InnerspacePair {
  readonly left: Connection;
  readonly right: Connection;
  sever(): void;
}

/**
 * Makes an in-memory network. Messages are copied, so the two ends share no memory; they move in microtasks, in order
 * and never from within a call. Buffers, limits and closing are those of a socket. No sockets, no disk; the only timer
 * is the grace of a close.
 */
export function createInnerspace(options: TransportOptions): Innerspace {
  const live = new Set<InnerspacePair>();
  let listener: ((connection: Connection) => void) | undefined;

  const dial: Dial = async (signal) => {
    await Promise.resolve();
    if (signal?.aborted) throw new KeysagaError("aborted");
    if (listener === undefined) throw new KeysagaError("cannot_connect", { reason: "nobody listens" });
    const pair = pairWith(options, () => live.delete(pair));
    live.add(pair);
    listener(pair.right);
    return pair.left;
  };

  return {
    dial,
    listen: (onConnection) => {
      assert(listener === undefined, "an innerspace has one listener at a time");
      listener = onConnection;
      return () => {
        if (listener === onConnection) listener = undefined;
      };
    },
    sever: () => {
      for (const pair of live) pair.sever();
    },
  };
}

/** Two ends that are connected to each other from the start. */
export function innerspacePair(options: TransportOptions): InnerspacePair {
  return pairWith(options, () => {});
}

function pairWith(options: TransportOptions, onGone: () => void): InnerspacePair {
  const settings = settingsFrom(options);
  const leftEnd = new End();
  const rightEnd = new End();
  leftEnd.join(rightEnd, onGone);
  rightEnd.join(leftEnd, () => {});
  const left = new WireConnection((reports) => leftEnd.attach(reports), settings);
  const right = new WireConnection((reports) => rightEnd.attach(reports), settings);
  return { left, right, sever: () => leftEnd.cut() };
}

/** What travels: a message as bytes, or the end of this direction, with its close code. */
type Parcel =
  | { readonly kind: "message"; readonly isText: boolean; readonly bytes: Uint8Array }
  | { readonly kind: "end"; readonly closeCode: number };

/** One end of the link. It holds what was sent from here until the other end reads. */
class End implements Wire {
  readonly remoteAddress = "innerspace";
  readonly channelBinding = undefined;
  bufferedBytes = 0;
  #other: End = this;
  #reports: WireReports | undefined;
  #onGone: () => void = () => {};
  #outgoing: Parcel[] = [];
  #reading = true;
  #moveQueued = false;
  #endSent = false;
  #endReceived: number | undefined;
  #isGone = false;

  join(other: End, onGone: () => void): void {
    this.#other = other;
    this.#onGone = onGone;
  }

  attach(reports: WireReports): Wire {
    this.#reports = reports;
    return this;
  }

  /** Once this direction has ended, what is still sent is lost, as on a socket that the other side is closing. */
  write(message: Message): void {
    if (this.#endSent) return;
    const isText = typeof message === "string";
    const bytes = isText ? utf8(message) : message.slice();
    this.bufferedBytes += bytes.length;
    this.#put({ kind: "message", isText, bytes });
  }

  pause(): void {
    this.#reading = false;
  }

  resume(): void {
    this.#reading = true;
    this.#other.#queueMove();
  }

  close(closeCode: number): void {
    if (this.#endSent) return;
    this.#endSent = true;
    this.#put({ kind: "end", closeCode });
  }

  cut(): void {
    for (const end of [this, this.#other]) {
      end.#endSent = true;
      end.#outgoing = [];
      end.bufferedBytes = 0;
      queueMicrotask(() => end.#leave(closeCodes.lost));
    }
  }

  #put(parcel: Parcel): void {
    this.#outgoing.push(parcel);
    this.#queueMove();
  }

  #queueMove(): void {
    if (this.#moveQueued) return;
    this.#moveQueued = true;
    queueMicrotask(() => {
      this.#moveQueued = false;
      this.#move();
    });
  }

  #move(): void {
    while (this.#other.#reading) {
      const parcel = this.#outgoing.shift();
      if (parcel === undefined) break;
      if (parcel.kind === "message") this.bufferedBytes -= parcel.bytes.length;
      this.#other.#take(parcel);
    }
    this.#reports?.written();
  }

  #take(parcel: Parcel): void {
    switch (parcel.kind) {
      case "message":
        this.#reports?.received(messageOf(parcel.isText, parcel.bytes), parcel.bytes.length);
        break;
      case "end":
        this.#endReceived = parcel.closeCode;
        this.close(parcel.closeCode); // behind what this side has sent; nothing, if it has closed itself
        this.#leaveIfBothEnded();
    }
  }

  #leaveIfBothEnded(): void {
    const [mine, theirs] = [this.#endReceived, this.#other.#endReceived];
    if (mine === undefined || theirs === undefined) return;
    this.#leave(mine);
    this.#other.#leave(theirs);
  }

  #leave(closeCode: number): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#onGone();
    this.#reports?.gone(closeCode);
  }
}

function messageOf(isText: boolean, bytes: Uint8Array): Message {
  if (!isText) return bytes;
  const text = fromUtf8(bytes);
  assert(text !== undefined, "text that was encoded here decodes");
  return text;
}
