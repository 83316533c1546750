import type { TapSide } from "../../src/testing/index.js";
import { type FaultName, faultNames } from "./faults.js";
import type { Row } from "./matrix.js";

/** A cell that cannot be: why. */
export interface Impossible {
  readonly impossible: string;
}

/** Both sides see it, and either may be first. */
export interface Either {
  readonly either: readonly string[];
}

/** For each fault, which side sees it, and as what. */
export interface RowOutcomes extends Row {
  readonly outcomes: Readonly<Record<FaultName, string | Either | Impossible>>;
}

const otherSide = (side: TapSide): TapSide => (side === "sender" ? "receiver" : "sender");
const impossible = (reason: string): Impossible => ({ impossible: reason });
const unsigned = impossible("carries no signature; the next signed message covers it");
const endsIt = impossible("after an error there is no session in which it could be wrong");
const anonymous = impossible("says nothing of its session: another session's is the same message");

type Differing = Partial<RowOutcomes["outcomes"]>;

/** Text that is not of the schema is found where it is parsed, whatever it was to be. */
function text(to: TapSide, differing: Differing): RowOutcomes["outcomes"] {
  const malformed = Object.fromEntries(faultNames.map((fault) => [fault, `${to} malformed_message`]));
  return { ...(malformed as Record<FaultName, string>), oversized: `${to} limit_exceeded`, ...differing };
}

/** Before the session is ready there is no payload at all. */
const beforeReady = (to: TapSide): Differing => ({ "text for binary": `${to} out_of_turn` });

const repeated = (to: TapSide): Differing => ({
  replayed: `${to} out_of_turn`,
  "out of turn": `${to} out_of_turn`,
});

/** A signed turn: its frame is derived from the chain and from everything said before, and the signature is over that. */
function turn(to: TapSide, differing: Differing = {}): RowOutcomes["outcomes"] {
  return text(to, {
    ...repeated(to),
    "wrong signature": `${to} wrong_solution`,
    "altered body": `${to} wrong_solution`,
    "another session's": `${to} out_of_turn`,
    ...differing,
  });
}

/** What is not a record or a list is refused at once; what is another one, by the turn that has to cover it. */
function payload(to: TapSide, differing: Differing): RowOutcomes["outcomes"] {
  return text(to, {
    "missing field": `${to} wrong_solution`,
    "wrong signature": unsigned,
    replayed: `${to} wrong_solution`,
    "another session's": `${to} wrong_solution`,
    "not JSON": `${to} json_refused`,
    "duplicate key": `${to} json_refused`,
    "__proto__ key": `${to} json_refused`,
    ...differing,
  });
}

/** Records twice are credited twice, which the other side has not sent: it may be quicker than the turn that covers them. */
const records = (to: TapSide) =>
  payload(to, {
    "altered body": `${to} json_refused`,
    "out of turn": `${to} out_of_turn`,
    replayed: { either: [`${to} wrong_solution`, `${otherSide(to)} out_of_turn`] },
  });
const entries = (to: TapSide) =>
  payload(to, {
    "altered body": `${to} wrong_solution`,
    "out of turn": `${to} wrong_solution`,
    truncated: `${to} json_refused`,
  });

/** Frames that go ahead are judged with the message they belong to: each has to follow the one before. */
const frames = (to: TapSide, differing: Differing) =>
  text(to, {
    ...beforeReady(to),
    "wrong signature": `${to} wrong_solution`,
    replayed: `${to} frame_refused`,
    "out of turn": `${to} out_of_turn`,
    ...differing,
  });

const credit = (to: TapSide) =>
  text(to, {
    ...repeated(to),
    "wrong signature": unsigned,
    "altered body": `${to} out_of_turn`,
    "another session's": anonymous,
  });

/** A failure that is one ends the session, whatever its code says. */
const failure = (to: TapSide, told: string, differing: Differing = {}) =>
  text(to, {
    "wrong signature": unsigned,
    "altered body": `${to} is told ${told}`,
    replayed: endsIt,
    "out of turn": endsIt,
    "another session's": anonymous,
    ...differing,
  });

/** Every message of the protocol, in the order of a session, on its way to the side that takes it. */
export const rows: readonly RowOutcomes[] = [
  {
    name: "hello",
    to: "sender",
    story: "note",
    outcomes: text("sender", {
      ...repeated("sender"),
      ...beforeReady("sender"),
      "wrong signature": unsigned,
      "altered body": "sender receiver_unproved",
      "another session's": impossible("a receiver says the same hello to everyone"),
    }),
  },
  {
    name: "open",
    to: "receiver",
    story: "note",
    outcomes: text("receiver", {
      ...repeated("receiver"),
      ...beforeReady("receiver"),
      "wrong signature": unsigned,
      // The receiver answers whoever asks; who did not say it finds out by the challenge.
      "altered body": "sender receiver_unproved",
      "another session's": "sender receiver_unproved",
    }),
  },
  {
    name: "frames",
    to: "sender",
    story: "newcomer",
    outcomes: frames("sender", {
      "altered body": "sender receiver_unproved",
      // Whoever comes is shown the same frames.
      "another session's": anonymous,
    }),
  },
  {
    name: "challenge",
    to: "sender",
    story: "note",
    outcomes: turn("sender", {
      ...beforeReady("sender"),
      "altered body": "sender receiver_unproved",
      "another session's": "sender receiver_unproved",
    }),
  },
  {
    name: "frames",
    to: "receiver",
    story: "often shared",
    outcomes: frames("receiver", {
      "altered body": "receiver auth_fail",
      "another session's": "receiver auth_fail",
    }),
  },
  {
    name: "connect",
    to: "receiver",
    story: "note",
    outcomes: turn("receiver", {
      ...beforeReady("receiver"),
      "altered body": "receiver wrong_solution",
      "another session's": "receiver frame_refused",
    }),
  },
  {
    name: "ready",
    to: "sender",
    story: "note",
    outcomes: text("sender", {
      ...repeated("sender"),
      ...beforeReady("sender"),
      "wrong signature": unsigned,
      "altered body": "sender receiver_unproved",
      "another session's": "sender receiver_unproved",
    }),
  },
  {
    name: "ranges",
    to: "receiver",
    story: "compared",
    outcomes: turn("receiver", {
      // It goes out once the set is read: before the receiver is ready, or behind that.
      "text for binary": { either: ["receiver out_of_turn", "receiver malformed_message"] },
      "another session's": "receiver wrong_solution",
    }),
  },
  {
    name: "alike",
    to: "sender",
    story: "compared",
    outcomes: turn("sender", { "altered body": "sender malformed_message" }),
  },
  {
    name: "init",
    to: "receiver",
    story: "note",
    outcomes: turn("receiver", {
      ...beforeReady("receiver"),
      "another session's": "receiver wrong_solution",
    }),
  },
  { name: "ack", to: "sender", story: "note", outcomes: turn("sender") },
  { name: "offer", to: "receiver", story: "branches", outcomes: turn("receiver") },
  { name: "wants", to: "sender", story: "branches", outcomes: turn("sender") },
  // These two say nothing but their place.
  {
    name: "delta",
    to: "receiver",
    story: "portions",
    outcomes: turn("receiver", { "altered body": "receiver out_of_turn" }),
  },
  {
    name: "staged",
    to: "sender",
    story: "portions",
    outcomes: turn("sender", { "altered body": "sender out_of_turn" }),
  },
  { name: "commit", to: "receiver", story: "note", outcomes: turn("receiver") },
  { name: "receipt", to: "sender", story: "note", outcomes: turn("sender") },
  { name: "records", to: "receiver", story: "note", outcomes: records("receiver") },
  { name: "records", to: "sender", story: "pull", outcomes: records("sender") },
  { name: "entries", to: "receiver", story: "many", outcomes: entries("receiver") },
  { name: "entries", to: "sender", story: "many pull", outcomes: entries("sender") },
  { name: "credit", to: "sender", story: "big", outcomes: credit("sender") },
  { name: "credit", to: "receiver", story: "big pull", outcomes: credit("receiver") },
  { name: "error", to: "sender", story: "note", outcomes: failure("sender", "sync_error") },
  {
    name: "error",
    to: "receiver",
    story: "note",
    outcomes: failure("receiver", "auth_fail", beforeReady("receiver")),
  },
];
