import { type ErrorCode, errorFromElsewhere, isErrorCode, type KeysagaError } from "../../base/index.js";

/** The one code for whatever goes wrong before authentication: a stranger learns nothing from it. */
const beforeAuthentication: ErrorCode = "auth_fail";
/** The code for what the other side need not know more about. */
const afterAuthentication: ErrorCode = "sync_error";

/** Ends that are no answer to anything the other side has shown: before authentication they are not called one. */
const noAnswers: ReadonlySet<ErrorCode> = new Set([
  "aborted",
  "connection_closed",
  "connection_lost",
  "handshake_timeout",
  "shutting_down",
  "store_failed",
  "disk_full",
  "file_refused",
  "file_failed",
]);

/** Tells the other side, as well as can be, that this one ends the session with an error. Never throws. */
export function lastWord(
  link: { say(message: object): unknown },
  error: KeysagaError | undefined,
  isAuthenticated: boolean,
): void {
  if (!error || error.facts["told"] !== undefined) return;
  if (!isAuthenticated && noAnswers.has(error.code)) return;
  const told = toldAs(error);
  try {
    link.say({ type: "error", code: isAuthenticated ? told : beforeAuthentication });
  } catch {
    // The connection is gone already; closing does not depend on a last word.
  }
}

/** One's own `disconnect` in the middle of a saga is no failure; to the other side it is a saga that was cancelled. */
function toldAs({ code, tellPeer }: KeysagaError): ErrorCode {
  if (code === "connection_closed") return "aborted";
  return tellPeer ? code : afterAuthentication;
}

/** The error that the other side's last word stands for, here. A code that is not one of ours is just an end. */
export function peerFailure(code: string, isAuthenticated: boolean): KeysagaError {
  const fallback = isAuthenticated ? afterAuthentication : beforeAuthentication;
  return errorFromElsewhere(isErrorCode(code) && isAuthenticated ? code : fallback, {
    told: "by the other side",
  });
}
