import type { KeysagaError } from "../base/index.js";

/** A text or binary message; a text message is given as a string, a binary one as bytes the taker may keep. */
export type Message = string | Uint8Array;

/** What a connection reports. All are called from the event loop, never from within a call on the connection. */
export interface ConnectionHandlers {
  /** One message, in the order sent. What it throws ends this connection (`closed` gets it) and no other. */
  message(message: Message): void;
  /**
   * Called once, last: after every message that had arrived, and when the link is gone. `error` says why when it was
   * not an orderly close of either side; the first cause counts, so after one's own `close()` there is none.
   * A connection that is paused over messages not yet taken reports its end behind them.
   */
  closed(error?: KeysagaError): void;
}

/**
 * One end of an ordered, message-preserving, two-way connection. It moves messages and knows nothing of what is in
 * them. A connection starts paused: messages that arrive before `start` are kept (within the transport's limits) and
 * delivered in order afterwards, so whoever is handed a connection never loses the first message.
 */
export interface Connection {
  /** Attaches the handlers and begins delivery. Called once. */
  start(handlers: ConnectionHandlers): void;
  /**
   * Queues a message; its bytes must not be changed afterwards. A link that fails under it ends as `closed`, never as
   * a throw here. More than `bufferedBytesMax` waiting ends the connection with `limit_exceeded`: use `drained`.
   *
   * @throws KeysagaError `connection_closed` once closing has begun.
   */
  send(message: Message): void;
  /** Bytes accepted by `send` and not yet handed to the network. */
  readonly bufferedBytes: number;
  /** Resolves when `bufferedBytes` is below the transport's low-water mark, or the connection is closing. */
  drained(): Promise<void>;
  /** Stops or resumes the delivery of messages. While `keptBytesHigh` wait here, no more are read from the network. */
  pause(): void;
  resume(): void;
  /**
   * Closes: what was sent before is flushed, the other side is told, and after a short grace the connection is cut.
   * Messages not yet delivered are dropped. Idempotent. Resolves when nothing is left (no socket, timer or listener);
   * never rejects, never waits on the other side longer than the grace.
   */
  close(): Promise<void>;
  /**
   * 32 bytes that only the two ends of this very TLS 1.3 connection know (RFC 9266, tls-exporter); undefined without
   * TLS, in browsers, and on whatever else cannot tell. Behind a proxy that ends TLS the two ends have different ones.
   */
  readonly channelBinding: Uint8Array | undefined;
  /**
   * Whom the other end looks like to the network (an IP address; in browsers the host dialled), for limits and logs;
   * never proof of anything.
   */
  readonly remoteAddress: string;
}

/** Opens connections to one receiver. @throws KeysagaError `cannot_connect`, `aborted`, `insecure_url`. */
export type Dial = (signal?: AbortSignal) => Promise<Connection>;
