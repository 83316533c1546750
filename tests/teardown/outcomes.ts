import type { TapSide } from "../../src/testing/index.js";
import type { EndName } from "./ends.js";
import { isIdle, type Machine, type Reach } from "./states.js";

/** A cell that cannot be: why. */
export interface Impossible {
  readonly impossible: string;
}

/** The ways to end, and any call of the state that fails. */
export type Column = EndName | "a call fails";

/**
 * How each side's session ends: "sender / receiver", in codes. The sender's call is told the same, but for `done`: it
 * is told that all went well, and the session ends behind it.
 */
export type Outcomes = Readonly<Record<Column, string | Impossible>>;
type Differing = Partial<Record<Column, string | Impossible>>;

const impossible = (reason: string): Impossible => ({ impossible: reason });
const makesNoCall = impossible("waits for a message, or for nothing: makes no call that could fail");
const saysNoMore = impossible("has nothing more to say, so that no send could throw");
const noCaller = impossible("no call is under way that could be aborted");

const everywhere = {
  success: "none / none",
  lost: "connection_lost / connection_lost",
} as const;

/** Who is not signed in is told one code for what it did wrong, and nothing where it did nothing wrong. */
const handshakes: Readonly<Record<TapSide, Outcomes>> = {
  sender: {
    ...everywhere,
    "invalid message": "malformed_message / auth_fail",
    "peer's error": "auth_fail / none",
    "time-out": "handshake_timeout / handshake_timeout",
    abort: "aborted / none",
    disconnect: "connection_closed / none",
    "closed in order": "connection_lost / none",
    "half-open": "handshake_timeout / handshake_timeout",
    "half-open, pinged": "handshake_timeout / handshake_timeout",
    "send throws": "internal / none",
    "receiver closes": "connection_lost / shutting_down",
    "receiver closes with grace": "connection_lost / shutting_down",
    "a call fails": "store_failed / none",
  },
  receiver: {
    ...everywhere,
    "invalid message": "auth_fail / malformed_message",
    "peer's error": "connection_lost / auth_fail",
    "time-out": "handshake_timeout / handshake_timeout",
    abort: "aborted / none",
    disconnect: "connection_closed / none",
    "closed in order": "connection_lost / none",
    "half-open": "handshake_timeout / handshake_timeout",
    "half-open, pinged": "handshake_timeout / handshake_timeout",
    "send throws": "connection_lost / internal",
    "receiver closes": "connection_lost / shutting_down",
    "receiver closes with grace": "connection_lost / shutting_down",
    "a call fails": "connection_lost / store_failed",
  },
};

const sagas: Readonly<Record<TapSide, Outcomes>> = {
  sender: {
    ...everywhere,
    "invalid message": "malformed_message / malformed_message",
    "peer's error": "sync_error / connection_lost",
    "time-out": "turn_timeout / turn_timeout",
    abort: "aborted / aborted",
    disconnect: "connection_closed / aborted",
    "closed in order": "connection_lost / connection_lost",
    "half-open": "turn_timeout / turn_timeout",
    "half-open, pinged": "connection_lost / turn_timeout",
    "send throws": "internal / connection_lost",
    "receiver closes": "shutting_down / shutting_down",
    "receiver closes with grace": "done, shutting_down / shutting_down",
    "a call fails": "store_failed / store_failed",
  },
  receiver: {
    ...everywhere,
    "invalid message": "malformed_message / malformed_message",
    "peer's error": "connection_lost / sync_error",
    "time-out": "turn_timeout / turn_timeout",
    abort: "aborted / aborted",
    disconnect: "connection_closed / aborted",
    "closed in order": "connection_lost / connection_lost",
    "half-open": "turn_timeout / turn_timeout",
    "half-open, pinged": "turn_timeout / connection_lost",
    "send throws": "connection_lost / internal",
    "receiver closes": "shutting_down / shutting_down",
    "receiver closes with grace": "done, shutting_down / shutting_down",
    "a call fails": "store_failed / store_failed",
  },
};

/** Nothing is under way: neither side has lost anything, and a call that comes later finds out. */
const idle: Differing = {
  abort: noCaller,
  disconnect: "none / none",
  "closed in order": "connection_lost / none",
  "half-open, pinged": "connection_lost / connection_lost",
  "time-out": "turn_timeout / turn_timeout",
  "send throws": saysNoMore,
  "invalid message": "malformed_message / malformed_message",
  "half-open": "turn_timeout / turn_timeout",
  "receiver closes": "shutting_down / shutting_down",
  "receiver closes with grace": "shutting_down / shutting_down",
};

/** Nothing arrives at the side that waits: it does not hear what is said of an end, only the end itself. */
const unheardBySender: Differing = { "receiver closes": "connection_lost / shutting_down" };
const unheardByReceiver: Differing = {
  abort: "aborted / connection_lost",
  disconnect: "connection_closed / connection_lost",
};
/** The answer to what the other side says of its end is lost as well. */
const unanswered: Differing = {
  "peer's error": "auth_fail / connection_lost",
  abort: "aborted / connection_lost",
  disconnect: "connection_closed / connection_lost",
};

/** What is different in a state, and why. */
const differing: Readonly<Partial<Record<Machine, Readonly<Record<string, Differing>>>>> = {
  "sender handshake": {
    awaitingHello: unanswered,
    awaitingChallenge: unanswered,
    // What is reserved is signed: the sender leaves it to the receiver's clock.
    reserving: {
      "time-out": "connection_lost / handshake_timeout",
      "half-open, pinged": "connection_lost / handshake_timeout",
    },
    // The receiver is ready, and its saga has begun.
    awaitingReady: {
      ...unanswered,
      "time-out": "handshake_timeout / connection_lost",
      "closed in order": "connection_lost / connection_lost",
      "half-open": "handshake_timeout / turn_timeout",
      "half-open, pinged": "handshake_timeout / turn_timeout",
      "send throws": "internal / connection_lost",
      "receiver closes with grace": "done, shutting_down / shutting_down",
    },
    ready: { "peer's error": "sync_error / none" },
  },
  "receiver handshake": {
    awaitingOpen: unheardByReceiver,
    awaitingConnect: unheardByReceiver,
    // Once it goes on it is ready, and nothing comes.
    screening: { "half-open": "handshake_timeout / turn_timeout" },
    checking: { "half-open": "handshake_timeout / turn_timeout" },
    admitting: { "half-open": "handshake_timeout / turn_timeout" },
    storing: { "half-open": "handshake_timeout / turn_timeout" },
    ready: { "peer's error": "connection_lost / sync_error" },
  },
  "sender saga": {
    // The receiver has not heard of a saga.
    planning: {
      "peer's error": "sync_error / none",
      "closed in order": "connection_lost / none",
      "half-open, pinged": "connection_lost / connection_lost",
      "send throws": "internal / none",
      "receiver closes with grace": "shutting_down / shutting_down",
    },
    awaitingAlike: { ...unheardBySender, "half-open, pinged": "turn_timeout / turn_timeout" },
    awaitingAck: { ...unheardBySender, "half-open, pinged": "turn_timeout / turn_timeout" },
    awaitingBranch: { ...unheardBySender, "half-open, pinged": "turn_timeout / turn_timeout" },
    awaitingWants: { ...unheardBySender, "half-open, pinged": "turn_timeout / turn_timeout" },
    awaitingStaged: { ...unheardBySender, "half-open, pinged": "turn_timeout / turn_timeout" },
    // The receiver is done.
    awaitingReceipt: {
      ...unheardBySender,
      "closed in order": "connection_lost / none",
      "half-open, pinged": "turn_timeout / connection_lost",
      "send throws": saysNoMore,
    },
    committing: {
      "peer's error": "sync_error / none",
      "closed in order": "connection_lost / none",
      "half-open, pinged": "connection_lost / connection_lost",
      "send throws": saysNoMore,
    },
    committed: { "peer's error": "sync_error / none" },
  },
  "receiver saga": {
    awaitingRanges: { ...unheardByReceiver, "half-open, pinged": "turn_timeout / turn_timeout" },
    awaitingCommit: { ...unheardByReceiver, "half-open, pinged": "turn_timeout / turn_timeout" },
  },
};

/** What is expected of a state, whichever way it ends. */
export function outcomesOf(machine: Machine, state: string, reach: Reach): Outcomes {
  const side: TapSide = machine.startsWith("sender") ? "sender" : "receiver";
  const usual = machine.endsWith("handshake") ? handshakes : sagas;
  const makesCalls = !isIdle(reach) && !state.startsWith("awaiting");
  return {
    ...usual[side],
    ...(isIdle(reach) && idle),
    ...(!makesCalls && { "a call fails": makesNoCall }),
    ...differing[machine]?.[state],
  };
}
