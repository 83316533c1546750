import type { Timers } from "../base/index.js";

/** Everything the other end can make a connection hold or wait for. Sizes in bytes, times in milliseconds. */
export interface TransportLimits {
  /** A message that arrives with more ends the connection on both sides (`limit_exceeded`, WebSocket code 1009). */
  readonly messageBytesMax: number;
  /** Frames that one message may be split into. */
  readonly fragmentsMax: number;
  /** Pieces of a frame that may wait for the rest of it. */
  readonly bufferedChunksMax: number;
  /** `drained` resolves when less than this waits to go out. */
  readonly bufferedBytesLow: number;
  /** A send while more than this waits to go out ends the connection (`limit_exceeded`). */
  readonly bufferedBytesMax: number;
  /** Reading stops while this much has arrived and was not taken. */
  readonly keptBytesHigh: number;
  /** Where the platform cannot stop reading, more than this ends the connection (`limit_exceeded`). */
  readonly keptBytesMax: number;
  readonly handshakeTimeoutMs: number;
  readonly pingIntervalMs: number;
  /** So many intervals without a sign of life end the connection (`connection_lost`). */
  readonly pingMissesMax: number;
  /** How long `close` waits for the other side before it cuts. */
  readonly closeGraceMs: number;
  /** Browsers do not say when they have written: how often to look. */
  readonly drainPollMs: number;
}

export const transportLimits: TransportLimits = {
  messageBytesMax: 1024 * 1024,
  fragmentsMax: 64,
  bufferedChunksMax: 1024,
  bufferedBytesLow: 256 * 1024,
  bufferedBytesMax: 8 * 1024 * 1024,
  keptBytesHigh: 256 * 1024,
  keptBytesMax: 4 * 1024 * 1024,
  handshakeTimeoutMs: 10_000,
  pingIntervalMs: 25_000,
  pingMissesMax: 2,
  closeGraceMs: 5_000,
  drainPollMs: 20,
};

/** What every transport takes: limits that differ from the defaults, and the one source of timers. */
export interface TransportOptions extends Partial<TransportLimits> {
  readonly timers: Timers;
}

/** Limits and timers as a connection uses them. */
export interface TransportSettings extends TransportLimits {
  readonly timers: Timers;
}

export function settingsFrom(options: TransportOptions): TransportSettings {
  return { ...transportLimits, ...options };
}
