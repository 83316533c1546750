/** Milliseconds since the epoch by somebody's clock. What rests on it is in docs/security.md, threat 18. */
export type Instant = number;

/** Milliseconds since a moment of one process's own, for deadlines and for what something took. */
export type Moment = number;

export interface Clock {
  /** The time of day, which may be wrong and be set, forward or back. */
  now(): Instant;
  /** The time that has passed: it goes forward only, and evenly, whatever the clock is set to. */
  elapsed(): Moment;
}

/** Cryptographically strong random bytes (tests and the simulator pass seeded ones). */
export interface Random {
  bytes(length: number): Uint8Array;
}

/** Starts a timer; the returned function stops it. */
export interface Timers {
  after(ms: number, fire: () => void): () => void;
}
