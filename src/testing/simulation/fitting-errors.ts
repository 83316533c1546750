import type { Program, Step } from "./program.js";

/** Errors that no call may end in, whatever goes wrong around it: they say that something is wrong in the code. */
const bugs: readonly string[] = ["internal", "store_damaged", "untyped"];

/** What may be said in a world of honest peers, whose messages and stores are lost, late or refused, and never altered. */
const honest: readonly string[] = [
  ...(["tip_moved", "not_permitted", "unknown_root", "diverged", "not_found"] as const),
  ...([
    "not_owner",
    "not_shared",
    "list_refused",
    "commit_waited",
    "lane_replaced",
    "keystone_moved",
  ] as const),
  ...(["auth_fail", "sync_error", "handshake_timeout", "turn_timeout", "connection_lost"] as const),
  ...(["connection_closed", "cannot_connect", "aborted", "shutting_down", "store_failed"] as const),
  ...(["limit_exceeded", "tip_unconfirmed", "queue_timeout"] as const),
];

/** What only one kind of call may end in, since it asks for it. */
const asked: Readonly<Record<string, string>> = { "links to nowhere": "not_closed" };

/** Messages come as they were sent, once and in order, or not at all; and nobody has an older state than he had. */
function isHonest(step: Step): boolean {
  if (step.do === "network") return ["cut", "half-open", "delay"].includes(step.fault);
  return !["restore", "clone", "relay", "forge"].includes(step.do);
}

/** Does an error of a call fit what goes wrong in a world? */
export function fittingErrors({ steps }: Program): (code: string, call: string) => boolean {
  if (!steps.every(isHonest)) return (code) => !bugs.includes(code);
  return (code, call) => honest.includes(code) || asked[call] === code;
}
