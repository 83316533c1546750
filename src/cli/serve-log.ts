import { type KeysagaError, shortAddress } from "../index.js";
import type { ServerEvent } from "../node/index.js";
import { type Context, note } from "./context.js";

/** One line of the log: what happened, to whom, and no data of any record. */
interface Entry {
  readonly event: "refused" | "admitted" | "connected" | "synced" | "failed" | "closed";
  readonly from: string;
  /** More words: an identity, a reason, the code of an error. */
  readonly detail?: string;
}

/** Writes a line to stderr for what an operator wants to know of; turns and payloads are not among it. */
export function serveLog(context: Context, isJson: boolean): (event: ServerEvent) => void {
  return (event) => {
    const entry = entryOf(event);
    if (entry !== undefined) note(context, isJson ? JSON.stringify(entry) : lineOf(entry));
  };
}

function lineOf({ from, event, detail }: Entry): string {
  return [from, event, ...(detail === undefined ? [] : [detail])].join(" ");
}

function entryOf(told: ServerEvent): Entry | undefined {
  const { from } = told;
  if (told.kind === "refused") return { event: "refused", from, detail: told.reason };
  const { event } = told;
  switch (event.kind) {
    case "admitted":
      return { event: "admitted", from, detail: `${event.identity} by invite ${event.invite}` };
    case "connected":
      return { event: "connected", from, detail: `as ${shortAddress(event.identity)}` };
    case "durable":
      return { event: "synced", from };
    case "closed":
      return event.error === undefined
        ? { event: "closed", from }
        : { event: "failed", from, detail: failureOf(event.error) };
    case "turn":
    case "payload":
    case "started":
    case "progress":
    case "waiting":
    case "kept":
    case "dropped":
    case "resumed":
    case "merged":
    case "conflict":
    case "refused":
    case "reconnecting":
    case "reconnected":
    case "gaveUp":
      return undefined;
  }
}

/** Why an invite did not let somebody in is told to nobody but the operator. */
function failureOf({ code, facts }: KeysagaError): string {
  return code === "invite_refused" ? `${code}: ${facts["reason"]}` : code;
}
