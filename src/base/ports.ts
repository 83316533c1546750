/** Milliseconds since the epoch by somebody's clock. No safety rests on it: see design, section 9. */
export type Instant = number;

/** The current time. */
export interface Clock {
  now(): Instant;
}

/** Cryptographically strong random bytes (tests and the simulator pass seeded ones). */
export interface Random {
  bytes(length: number): Uint8Array;
}

/** Starts a timer; the returned function stops it. */
export interface Timers {
  after(ms: number, fire: () => void): () => void;
}
