/** What a row of the table has to say about a code. */
export interface ErrorRow {
  /** May the same call succeed later without anyone changing anything? */
  readonly retryable: boolean;
  /** Is the code sent to the other side before the connection closes? */
  readonly tellPeer: boolean;
  /** One sentence, safe to show to anyone; it never holds data of a peer or a secret. */
  readonly text: string;
}

/** Every way to fail. docs/errors.md is generated from this table (`npm run docs:errors`). */
export const errorTable = {
  // records
  json_refused: {
    retryable: false,
    tellPeer: true,
    text: "The JSON is not in the one normal form that records use.",
  },
  record_refused: { retryable: false, tellPeer: true, text: "The record breaks a rule of admission." },
  chain_refused: { retryable: false, tellPeer: true, text: "The frame does not continue its timeline." },
  record_missing: { retryable: false, tellPeer: true, text: "A record that is linked to is not there." },
  reserved_record: {
    retryable: false,
    tellPeer: true,
    text: "Keystone frames and contexts cannot travel as domain records.",
  },
  limit_exceeded: {
    retryable: false,
    tellPeer: true,
    text: "A limit was exceeded. The side whose limit it is can raise it, if it is a setting.",
  },
  merge_refused: {
    retryable: false,
    tellPeer: true,
    text: "The frame is not the merge of the frames it names, or they cannot be merged.",
  },
  merge_failed: {
    retryable: false,
    tellPeer: false,
    text: "A merge function did not give a result that every peer can agree on. Nothing was changed.",
  },

  // keystones
  frame_refused: {
    retryable: false,
    tellPeer: true,
    text: "The keystone frame is not a valid successor of the one before.",
  },
  wrong_solution: {
    retryable: false,
    tellPeer: true,
    text: "A solution does not open its challenge, or signs something else.",
  },
  challenge_reused: { retryable: false, tellPeer: true, text: "A one-time key was presented a second time." },
  verb_not_allowed: { retryable: false, tellPeer: true, text: "The pool does not allow this verb." },
  wrong_demand: {
    retryable: false,
    tellPeer: true,
    text: "The demanded challenges are not what the pool allows.",
  },
  pool_exhausted: { retryable: false, tellPeer: true, text: "The pool has no challenge left." },
  duplicity: {
    retryable: false,
    tellPeer: true,
    text: "Two valid frames claim the same place in a keystone.",
  },
  keystone_moved: {
    retryable: true,
    tellPeer: false,
    text: "Another process signed with this keystone at the same time.",
  },
  restored_backup: {
    retryable: false,
    tellPeer: false,
    text: "The receiver knows newer frames of this identity than this home does: it looks like a restored backup.",
  },

  tip_unconfirmed: {
    retryable: false,
    tellPeer: false,
    text: "No receiver has confirmed that it knows nothing newer of this identity, so it signs nothing: this home may be a copy or a restored backup. Connect to a receiver that it has met first. Only if it surely is neither, open it with signUnconfirmed (--unconfirmed).",
  },
  queue_timeout: {
    retryable: true,
    tellPeer: false,
    text: "The call waited too long for those before it, and was not run. Try again, or raise queueTimeoutMs.",
  },

  // lists
  list_refused: {
    retryable: false,
    tellPeer: true,
    text: "That is not what the list of writers or readers of a timeline may say, or not by its owner.",
  },
  entry_used_up: {
    retryable: false,
    tellPeer: true,
    text: "The entry that lets this identity in was used as often as it allows: ask the owner to share again.",
  },
  not_owner: {
    retryable: false,
    tellPeer: false,
    text: "Only the owner of a timeline can share it, or take back what was shared.",
  },
  not_shared: { retryable: false, tellPeer: false, text: "The timeline is not shared with that identity." },

  // handshake
  auth_fail: {
    retryable: false,
    tellPeer: true,
    text: "The other side did not accept the handshake, and tells strangers no reason: the receiver's log has it. Its operator can admit this identity (keysaga admit), and let it answer for the address that was dialled (keysaga serve --audience) or for the page's origin (--origin).",
  },
  not_admitted: { retryable: false, tellPeer: true, text: "The receiver does not admit this identity." },
  invite_refused: {
    retryable: false,
    tellPeer: true,
    text: "The receiver did not let this identity in by its invite. It may have expired, been used already, or be another receiver's: ask for a new one.",
  },
  invite_malformed: {
    retryable: false,
    tellPeer: false,
    text: "This is not an invite as it was given out: something of it is missing, added or altered.",
  },
  invite_not_made: {
    retryable: false,
    tellPeer: false,
    text: "An invite needs a ws:// or wss:// URL without a user or fragment, and a time to expire that is ahead and not too far.",
  },
  receiver_changed: {
    retryable: false,
    tellPeer: false,
    text: "The receiver at this address is not the one that was pinned. If its operator confirms the new identity, name that one as the pin (--pin); if not, somebody else may be answering.",
  },
  receiver_unproved: {
    retryable: false,
    tellPeer: false,
    text: "The receiver could not prove its identity.",
  },
  no_common_version: {
    retryable: false,
    tellPeer: true,
    text: "The two sides have no protocol version or suite in common.",
  },
  wrong_audience: {
    retryable: false,
    tellPeer: true,
    text: "The receiver does not answer for the address that was dialled. If it should, name that address with --audience.",
  },
  channel_not_bound: {
    retryable: false,
    tellPeer: true,
    text: "This connection cannot be bound to its TLS channel, which this side is configured to ask for.",
  },
  insecure_url: {
    retryable: false,
    tellPeer: false,
    text: "Refusing to connect without TLS to another machine. Use wss://, or allow it explicitly.",
  },

  // turns
  malformed_message: { retryable: false, tellPeer: true, text: "The message is not one of this protocol." },
  out_of_turn: {
    retryable: false,
    tellPeer: true,
    text: "The peer sent a message that does not belong here.",
  },
  wrong_context: {
    retryable: false,
    tellPeer: true,
    text: "The context does not cover this message, turn or session.",
  },
  credit_exceeded: {
    retryable: false,
    tellPeer: true,
    text: "The peer sent more than it was given credit for.",
  },
  diverged: {
    retryable: false,
    tellPeer: true,
    text: "Both sides have changed the timeline since they were last in step. Sync both ways: a push merges nothing.",
  },
  maker_not_self: {
    retryable: false,
    tellPeer: false,
    text: "The frame names another identity as its maker. Make it with `by`, the identity that saves it.",
  },
  tip_moved: {
    retryable: true,
    tellPeer: true,
    text: "Others changed the timeline at the same time. Try again, from where it is now.",
  },
  not_permitted: {
    retryable: false,
    tellPeer: true,
    text: "Not all changes were taken by the receiver: the owner has not shared these timelines with you for writing.",
  },
  commit_waited: {
    retryable: true,
    tellPeer: true,
    text: "Too many others are changing the same timelines at the receiver. Try again.",
  },
  not_closed: {
    retryable: false,
    tellPeer: true,
    text: "The commit leaves links to records that are not there.",
  },
  unknown_root: {
    retryable: false,
    tellPeer: true,
    text: "The receiver has nothing to give for a root that was asked for.",
  },
  reference_refused: {
    retryable: false,
    tellPeer: true,
    text: "The peer said of a link that its target stays away, which is not so or cannot be. Nothing was taken.",
  },
  not_asked_for: {
    retryable: false,
    tellPeer: true,
    text: "The receiver sent something that was not asked for, that nothing asked for leads to, or that is beyond the limit. Nothing was taken.",
  },
  no_receipt: {
    retryable: false,
    tellPeer: false,
    text: "No receipt of that saga is kept here.",
  },
  no_transcript: {
    retryable: false,
    tellPeer: false,
    text: "No transcript of that session is kept here: it went for newer ones, or the session changed nothing.",
  },
  no_proof: {
    retryable: false,
    tellPeer: false,
    text: "Nothing is kept here that proves who made that frame.",
  },
  receipt_refused: {
    retryable: false,
    tellPeer: false,
    text: "The receipt does not prove what it says.",
  },
  attestation_refused: {
    retryable: false,
    tellPeer: true,
    text: "What came with a frame does not prove that the maker that it names has made it.",
  },
  proofs_missing: {
    retryable: true,
    tellPeer: true,
    text: "Proofs that were shown once are missing, as after a backup was put back. They are shown anew: try again.",
  },
  sync_error: { retryable: false, tellPeer: true, text: "The other side ended the session with an error." },

  // connections
  handshake_timeout: { retryable: true, tellPeer: true, text: "The handshake did not finish in time." },
  turn_timeout: { retryable: true, tellPeer: true, text: "The peer did not answer in time." },
  connection_lost: { retryable: true, tellPeer: false, text: "The connection was lost." },
  connection_closed: { retryable: false, tellPeer: false, text: "The connection is closed." },
  cannot_connect: { retryable: true, tellPeer: false, text: "Could not connect to the receiver." },
  too_busy: { retryable: true, tellPeer: true, text: "The receiver has no room for another connection." },
  aborted: { retryable: false, tellPeer: true, text: "The operation was cancelled." },
  shutting_down: { retryable: true, tellPeer: true, text: "The other side is shutting down." },

  // space and home
  identity_exists: { retryable: false, tellPeer: false, text: "This home already has an identity." },
  nothing_to_sync: {
    retryable: false,
    tellPeer: false,
    text: "There is nothing to sync: name at least one address.",
  },
  home_exists: {
    retryable: false,
    tellPeer: false,
    text: "There is an identity in this home already. Name another directory with --home to make a second one.",
  },
  home_missing: {
    retryable: false,
    tellPeer: false,
    text: "There is no identity in this home. Make one with keysaga init.",
  },
  home_incomplete: {
    retryable: false,
    tellPeer: false,
    text: "This home has a store but no identity.json. Put that file back from a backup, or name another home.",
  },
  home_unwritable: {
    retryable: false,
    tellPeer: false,
    text: "The home cannot be written. Check that it is a directory of yours, or name another home.",
  },
  home_exposed: {
    retryable: false,
    tellPeer: false,
    text: "Others can read the secret in identity.json. Take their access away with chmod 600 and start again.",
  },
  home_damaged: {
    retryable: false,
    tellPeer: false,
    text: "The file identity.json of this home cannot be read. Put it back from a backup.",
  },
  home_busy: {
    retryable: true,
    tellPeer: false,
    text: "Another keysaga init is at work in this home.",
  },
  passphrase_needed: {
    retryable: false,
    tellPeer: false,
    text: "This home is locked with a passphrase. Set KEYSAGA_PASSPHRASE, or run this where it can be typed.",
  },
  wrong_passphrase: {
    retryable: false,
    tellPeer: false,
    text: "The passphrase does not open this home. Try again.",
  },
  recovery_secret_mistyped: {
    retryable: false,
    tellPeer: false,
    text: "This is not a recovery secret as it was shown: a letter is wrong, missing or too much.",
  },
  port_in_use: {
    retryable: true,
    tellPeer: false,
    text: "Another process listens there already. Stop it, or name another port with --port (0: any that is free).",
  },
  tls_refused: {
    retryable: false,
    tellPeer: false,
    text: "The TLS certificate and key cannot be used: both have to be PEM, and belong together.",
  },
  wrong_proxy_address: {
    retryable: false,
    tellPeer: false,
    text: "A proxy to trust is named by its IP address, or by a block of them as in 10.0.0.0/8.",
  },
  cannot_listen: {
    retryable: true,
    tellPeer: false,
    text: "Cannot listen there. Name another address with --host, or another port with --port.",
  },
  no_identity: {
    retryable: false,
    tellPeer: false,
    text: "This home has no identity yet. Make one with keysaga init.",
  },
  wrong_secret: {
    retryable: false,
    tellPeer: false,
    text: "The secret is not the one this identity was made with.",
  },
  lane_replaced: {
    retryable: true,
    tellPeer: false,
    text: "Too many of this device's sessions never reached the receiver; the next connection uses a new lane.",
  },
  disk_full: {
    retryable: false,
    tellPeer: true,
    text: "There is no space left on the disk. Make room there and try again.",
  },
  file_refused: {
    retryable: false,
    tellPeer: false,
    text: "The system does not allow this with the file or directory. Check whose it is and its permissions, and whether the disk is read-only.",
  },
  file_failed: {
    retryable: false,
    tellPeer: false,
    text: "The system could not do this with the file or directory.",
  },
  lmdb_missing: {
    retryable: false,
    tellPeer: false,
    text: "The package lmdb, which keeps stores on disk, cannot be loaded. Install it beside keysaga with npm install lmdb@3.5.6, or with npm install --global lmdb@3.5.6 for the command.",
  },
  store_failed: { retryable: true, tellPeer: true, text: "The store could not complete the operation." },
  store_damaged: {
    retryable: false,
    tellPeer: false,
    text: "The store is damaged. Run keysaga verify to see what is wrong.",
  },
  store_crashed: {
    retryable: false,
    tellPeer: false,
    text: "The store crashed its reader: its file is damaged. Put the home back from a backup.",
  },
  not_found: { retryable: false, tellPeer: false, text: "There is no such record in this home." },
  internal: { retryable: false, tellPeer: true, text: "An internal error occurred." },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errorTable;

/**
 * What helps to understand a failure and to end it: rules, counts, addresses, paths. Never data, never a secret, never sent
 * to the peer. Text that the other side chose is `printable`.
 */
export type Facts = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * What is said of a limit: whose it is (`ours`: of the side that throws), its name and its value. The other side tells
 * no more than that there is one.
 */
export type LimitFacts = Facts &
  ({ readonly side: "ours"; readonly limit: string; readonly max: number } | { readonly side: "theirs" });

/** The one error class. What a peer can cause is a `KeysagaError`; what only our own bug can cause is an `assert`. */
export class KeysagaError extends Error {
  override readonly name = "KeysagaError";

  readonly code: ErrorCode;
  readonly facts: Facts;

  constructor(code: "limit_exceeded", facts: LimitFacts, options?: ErrorOptions);
  constructor(code: Exclude<ErrorCode, "limit_exceeded">, facts?: Facts, options?: ErrorOptions);
  constructor(code: ErrorCode, facts: Facts = {}, options?: ErrorOptions) {
    super(describe(code, facts), options);
    this.code = code;
    this.facts = facts;
  }

  get retryable(): boolean {
    return errorTable[this.code].retryable;
  }

  get tellPeer(): boolean {
    return errorTable[this.code].tellPeer;
  }
}

function describe(code: ErrorCode, facts: Facts): string {
  const told = Object.entries(facts).filter(([, value]) => value !== undefined);
  if (told.length === 0) return errorTable[code].text;
  return `${errorTable[code].text} (${told.map(([name, value]) => `${name}: ${value}`).join(", ")})`;
}

/** Is `code` a row of the table? What a peer sends may be any string. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code);
}

/** A limit of this side that was exceeded, by its name and value. */
export function limitExceeded(limit: string, max: number, options?: ErrorOptions): KeysagaError {
  return new KeysagaError("limit_exceeded", { side: "ours", limit, max }, options);
}

/** Is it one of these limits of this side that was exceeded? */
export function isLimit(thrown: unknown, names: readonly string[]): boolean {
  return (
    thrown instanceof KeysagaError &&
    thrown.code === "limit_exceeded" &&
    names.includes(String(thrown.facts["limit"]))
  );
}

/** What went wrong elsewhere: at the other side, or in another process of this one, whose facts come along. */
export function errorFromElsewhere(code: ErrorCode, facts: Facts): KeysagaError {
  if (code !== "limit_exceeded") return new KeysagaError(code, facts);
  const { side, limit, max } = facts;
  const isOurs = side === "ours" && typeof limit === "string" && typeof max === "number";
  return new KeysagaError(code, isOurs ? { ...facts, side, limit, max } : { ...facts, side: "theirs" });
}

/** Any thrown value as a `KeysagaError`: what is not one already is `fallback`, with the original as its cause. */
export function toKeysagaError(
  thrown: unknown,
  fallback: Exclude<ErrorCode, "limit_exceeded"> = "internal",
): KeysagaError {
  return thrown instanceof KeysagaError ? thrown : new KeysagaError(fallback, {}, { cause: thrown });
}

/** Fails on what only a bug of this package can cause. */
export function assert(holds: unknown, what: string): asserts holds {
  if (!holds) throw new Error(`keysaga bug: ${what}`);
}
