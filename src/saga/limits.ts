/** What a stranger may make a peer hold or compute, by name. Sizes are bytes, times milliseconds. */
export const sagaLimits = {
  /** One text message. */
  messageBytesMax: 256 * 1024,
  /** One payload frame, and the records or entries in it. */
  payloadBytesMax: 256 * 1024 + 4096,
  payloadRecordsMax: 256,
  /** Before authentication: frames of I and of L that one connect may show, and of the receiver in a challenge. */
  framesShownMax: 64,
  /** Timelines and stones that one init may name; entries of any list of a saga. */
  entriesMax: 100_000,
  /** The list of a turn rides in its message up to this many entries, beyond as payload. */
  entriesInlineMax: 512,
  /** What one saga may carry in each direction. */
  sagaRecordsMax: 100_000,
  sagaBytesMax: 64 * 1024 * 1024,
  /** Turns that one side may send in a session. */
  sessionTurnsMax: 10_000,
  /** Records that may be sent without asking whether the other side has them. */
  unaskedMax: 4,
  /** The sender's and the receiver's nonces. */
  nonceBytes: 32,
  audienceLengthMax: 256,
  handshakeTimeoutMs: 10_000,
  turnTimeoutMs: 60_000,
  idleTimeoutMs: 10 * 60_000,
} as const;

/** The same names, with values an embedder may change. */
export type SagaLimits = { readonly [Name in keyof typeof sagaLimits]: number };
