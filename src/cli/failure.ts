import { describeError, type ErrorCode, KeysagaError, systemError } from "../index.js";
import { limitWords } from "./limit-words.js";

/** One line for the person who ran the command: what happened, and what to do. */
export function failureLine(thrown: unknown): string {
  const error = thrown instanceof KeysagaError ? thrown : systemError(thrown);
  const text = error ? sentenceOf(error) : thrown instanceof Error ? thrown.message : String(thrown);
  return text.replace(/\s*\n\s*/g, " ");
}

/** Where it matters which of the two sides a failure is about. */
const ofOneSide: ReadonlySet<ErrorCode> = new Set(["disk_full", "store_failed", "internal"]);

function sentenceOf(error: KeysagaError): string {
  const { code, facts } = error;
  const { identity, dialled } = facts;
  switch (code) {
    case "auth_fail":
      if (identity === undefined) return error.message;
      return refusedAt(String(dialled), String(identity)) + (facts["isFirst"] === true ? isItOld : "");
    case "invite_refused":
      return describeError(code, { identity, dialled });
    case "receiver_changed":
      return changed(error);
    case "limit_exceeded":
      return limitWords(facts, "the receiver");
    case "cannot_connect":
      return notReached(error);
    default:
      return facts["told"] !== undefined && ofOneSide.has(code)
        ? `at the receiver: ${describeError(code)}`
        : error.message;
  }
}

/** The receiver says no more than that it refuses; what its operator needs is known here. */
function refusedAt(dialled: string, identity: string): string {
  return (
    `the receiver at ${dialled} did not let this identity in; it tells nobody why, but its log does. Ask its operator` +
    ` to run keysaga admit ${identity}, or, where the log says that it does not answer for that address, to serve with` +
    ` --audience ${dialled} (a web page needs --origin as well)`
  );
}

/** A first meeting by a home that is older than its first one: nothing tells the home. */
const isItOld =
  ". If this home was put back from a copy that is older than its first sync there, no receiver that has met its" +
  " identity since lets it in: put back a newer copy, or make a new home";

function changed({ facts, message }: KeysagaError): string {
  const { pinned, answered, invitedTo, dialled } = facts;
  if (answered !== undefined)
    return (
      `another receiver answers at ${dialled}: pinned is ${pinned}, but ${answered} answers. If its operator confirms` +
      ` that this is its identity, say --pin ${answered}; if not, somebody else may be answering`
    );
  if (invitedTo !== undefined)
    return `the invite is of ${invitedTo}, but --pin names ${pinned}: leave --pin out, or ask for another invite`;
  return message;
}

/** What the network's names of failures mean. */
const networkWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "the connection was cut",
  ENOTFOUND: "there is no host of that name",
  EAI_AGAIN: "the host's name could not be looked up",
  EHOSTUNREACH: "there is no way to that host",
  ENETUNREACH: "there is no way to that network",
  ETIMEDOUT: "no answer in time",
  timeout: "no answer in time",
  "HTTP 400": "what answers there is no keysaga receiver",
  "HTTP 403": "what answers there refuses the connection (HTTP 403)",
  "HTTP 404": "what answers there is no keysaga receiver",
  "HTTP 503": "the receiver is starting, ending or busy",
};

function notReached({ facts: { host, reason }, message }: KeysagaError): string {
  const words = networkWords[String(reason)];
  if (words === undefined) return message;
  const at = host === undefined || host === "" ? "" : ` at ${host}`;
  return `could not connect to the receiver${at}: ${words}. Check the address, and that the receiver runs`;
}
