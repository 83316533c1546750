/** What one message may hold: part of the protocol, the same for everyone. Sizes are bytes. */
export const sagaLimits = {
  /** One text message. */
  messageBytesMax: 256 * 1024,
  /** One payload frame, and the records in it. */
  payloadBytesMax: 256 * 1024 + 4096,
  payloadRecordsMax: 256,
  /** Frames of I and of L that one connect may show, of the receiver a challenge, and of either what goes ahead of it. */
  framesShownMax: 64,
  /**
   * Frames of an identity ride in one message up to this many characters of JSON. With a whole lane beside them, or
   * escaped once more in a challenge, they stay within it.
   */
  framesCharsMax: 160 * 1024,
  /**
   * Frames of a sender's own identity that a challenge shows to a home that was put back, with the lanes that they delegate,
   * and the characters of JSON that they take: so the challenge stays a message. What is more follows in the next handshake.
   */
  newerFramesMax: 8,
  newerCharsMax: 24 * 1024,
  /** Entries of any list of a turn: roots, statuses, offers, tips. */
  entriesMax: 100_000,
  /**
   * A list rides in its turn up to this many characters of JSON, beyond as payload, in parts of so many. A character
   * has up to three bytes, and quotes are escaped in a turn: either way it stays within a message.
   */
  entriesCharsMax: 64 * 1024,
  /** Ranges of a set that one turn divides, and sets that are compared ahead of a saga. */
  rangesMax: 4_096,
  setsMax: 16,
  /** Frames that a sender names of one timeline, for the receiver to find what both have. */
  locatorMax: 64,
  /** The path of an entry in a list of `entriesMax`. */
  entryPathMax: 17,
  /** Attested frames in one item of evidence: with their paths they fit a payload frame. */
  framesProvedMax: 64,
  /** Keystone frames, vouchers and lists of attested frames that one turn may show as evidence. */
  evidenceMax: 100_000,
  /** Frames of a lane that came with a newer one and may still bring the session that they vouch for. */
  unusedFramesMax: 32,
  /** Targets of links that one turn may declare to stay away. */
  referencesMax: 100_000,
  nonceBytes: 32,
  audienceLengthMax: 256,
} as const;

/** What one side lets a session cost it; an embedder may set each. Times are milliseconds. */
export const sessionLimits = {
  /** From the connection to `ready`, absolute. */
  handshakeTimeoutMs: 10_000,
  /** Frames of its identity that either side may show before it is known: each costs a hash and a signature to check. */
  chainFramesMax: 1_024,
  /** For the other side to answer, lists included; absolute, unless records move meanwhile at `payloadBytesPerSecondMin`. */
  turnTimeoutMs: 60_000,
  /** Bytes of payload a second, averaged over ten: while at least as many move, nobody is called slow. */
  payloadBytesPerSecondMin: 4 * 1024,
  /** For a receiver: between sagas. */
  idleTimeoutMs: 10 * 60_000,
  /** What a session may carry in each direction: records, their canonical bytes, signed turns. */
  recordsMax: 100_000,
  bytesMax: 64 * 1024 * 1024,
  turnsMax: 10_000,
  /** Bytes of records that one saga carries each way, where the rest can follow in another. */
  partBytes: 16 * 1024 * 1024,
  /**
   * Bytes of records that a sender sends without a turn that covers them: with more to come it says `delta`. What a lost
   * connection has to send again is no more than that, and a record.
   */
  deltaBytes: 4 * 1024 * 1024,
  /** Timelines from which on a sender compares a set by ranges, and does not name each. */
  comparedMin: 256,
  /** Records that are sent without asking whether the other side has them. */
  unaskedMax: 4,
  /** Commits of one saga that others may come before. */
  commitsMax: 8,
} as const;

export type SessionLimits = { readonly [Name in keyof typeof sessionLimits]: number };
