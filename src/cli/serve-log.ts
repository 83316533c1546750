import { type Address, type KeysagaError, printable } from "../index.js";
import type { ServerEvent } from "../node/index.js";
import { type Context, note } from "./context.js";
import { causeOf, refusalOf } from "./refusals.js";

/** One line of the log: what happened, when, to whom and why, and no data of any record. */
interface Entry {
  readonly event: "refused" | "admitted" | "connected" | "synced" | "failed" | "closed";
  readonly from: string;
  /** Proved. */
  readonly identity?: Address | undefined;
  /** Said at the other end, and not proved. */
  readonly claimed?: string | undefined;
  /** Of the error, or of a refusal at the door. */
  readonly code?: string;
  /** Why, and what the operator can do. For the operator alone: the other side is told no more than a code. */
  readonly cause?: string;
  readonly invite?: string;
}

/** Writes a line to stderr for what an operator wants to know of; turns and payloads are not among it. */
export function serveLog(context: Context, isJson: boolean): (event: ServerEvent) => void {
  return (event) => {
    const entry = entryOf(event);
    if (entry === undefined) return;
    const time = new Date().toISOString();
    note(context, isJson ? JSON.stringify({ time, ...entry }) : `${time} ${lineOf(entry)}`);
  };
}

function lineOf({ from, event, identity, claimed, code, cause, invite }: Entry): string {
  const who =
    identity ?? (claimed === undefined ? undefined : `somebody who claims, unproved, to be ${claimed}`);
  const words = [from, event, who, invite && `by invite ${invite}`].filter((word) => word !== undefined);
  return code === undefined ? words.join(" ") : `${words.join(" ")}: ${code}: ${cause}`;
}

function entryOf(told: ServerEvent): Entry | undefined {
  const { from } = told;
  if (told.kind === "refused") return { event: "refused", from, code: told.reason, cause: refusalOf(told) };
  const { event, identity } = told;
  switch (event.kind) {
    case "admitted":
      return { event: "admitted", from, identity: event.identity, invite: event.invite };
    case "connected":
      return { event: "connected", from, identity };
    case "durable":
      return { event: "synced", from, identity };
    case "closed":
      return closed(from, event);
    case "behind":
    case "turn":
    case "payload":
    case "started":
    case "progress":
    case "waiting":
    case "staysAway":
    case "kept":
    case "dropped":
    case "resumed":
    case "merged":
    case "conflict":
    case "left":
    case "refused":
    case "reconnecting":
    case "reconnected":
    case "gaveUp":
      return undefined;
  }
}

interface Closed {
  readonly error: KeysagaError | undefined;
  readonly identity?: Address;
  readonly claimed?: Address;
}

function closed(from: string, { error, identity, claimed }: Closed): Entry {
  if (error === undefined) return { event: "closed", from, identity };
  return {
    event: "failed",
    from,
    identity,
    claimed: claimed && printable(claimed),
    code: error.code,
    cause: causeOf(error, identity),
  };
}
