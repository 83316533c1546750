import { type Address, describeError, type ErrorCode, type KeysagaError, printable } from "../index.js";
import type { Refusal } from "../node/index.js";
import { limitWords, raiseWords } from "./limit-words.js";

/** Longer than any sentence of ours with its facts. */
const causeMax = 600;

/** Why a connection was not let in at the door, and what an operator can do about it. */
export function refusalOf(refusal: Refusal): string {
  switch (refusal.reason) {
    case "origin": {
      const { origin } = refusal;
      return `a page of origin ${quoted(origin)} may not connect; if it should, serve with --origin ${named(origin, /^https?:/)}`;
    }
    case "busy":
      return limitWords(refusal) + raiseWords(refusal);
    case "proxy":
      return "a trusted proxy did not say for whom it connects; it has to send a PROXY header at once";
    case "starting":
      return "this receiver is not ready yet";
    case "draining":
      return "this receiver is ending";
  }
}

/** Why a session failed, in one line, and what an operator can do about it. Text of the other side is quoted. */
export function causeOf(error: KeysagaError, identity: Address | undefined): string {
  const { code, facts } = error;
  if (facts["told"] !== undefined) return toldBy(code);
  switch (code) {
    case "not_admitted":
      return identity === undefined ? describeError(code) : notAdmitted(identity, facts["rule"]);
    case "wrong_audience": {
      const dialled = String(facts["dialled"]);
      return (
        `it dialled ${quoted(dialled)}, and this receiver answers for ${facts["answersFor"]}; if it should, serve with` +
        ` --audience ${named(dialled, /^wss?:/)}, and with one for each of the others that is to go on`
      );
    }
    case "invite_refused":
      return `the invite ${facts["invite"]} does not count: ${facts["reason"]}`;
    case "auth_fail":
      return `it did not prove what it said: ${facts["rule"]}`;
    case "limit_exceeded":
      return facts["side"] === "theirs" ? limitWords(facts) : limitWords(facts) + raiseWords(facts);
    default:
      return printable(error.message, causeMax);
  }
}

/** What the other side has said as its last word. */
function toldBy(code: ErrorCode): string {
  return code === "auth_fail"
    ? "the other side did not accept this receiver: it expects another identity, say"
    : `the other side ended it: ${describeError(code)}`;
}

function notAdmitted(identity: Address, rule: unknown): string {
  return rule === "expelled"
    ? `it was expelled; keysaga admit ${identity} lets it in again`
    : `it proved who it is, and is not admitted; keysaga admit ${identity} lets it in`;
}

/** So that nothing within it can pass for another part of the line. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

/** An origin as an operator may type it; what is none is not put behind an option. */
function named(text: string, schemes: RegExp): string {
  return schemes.test(text) && URL.canParse(text) && /^\w+:\/\/[\w.:[\]-]+$/.test(text) ? text : "ORIGIN";
}
