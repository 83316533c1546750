import { isAddress, shortAddress } from "../../ibgib/index.js";
import type { Dialogue, Role } from "../../saga/index.js";
import type { PeerEvent } from "./events.js";

interface Said {
  readonly type: string;
  readonly entries?: readonly unknown[] | undefined;
  /** Records that were kept from a lost connection. */
  readonly kept?: unknown;
}

/** A turn as people read it: who, what, and of each entry the short of it. */
export function describeTurn(role: Role, dialogue: Dialogue, message: Said): PeerEvent & { kind: "turn" } {
  const { n } = dialogue.voices[role].keystone;
  return { kind: "turn", from: role, type: message.type, n, note: noteOf(message) };
}

const shownMax = 3;

function noteOf({ entries = [], kept }: Said): string {
  const told = entries.filter((entry) => !isMade(entry));
  const shown = told.slice(0, shownMax).map(entryNote).join(", ");
  const note = told.length > shownMax ? `${shown} and ${told.length - shownMax} more` : shown;
  return typeof kept === "number" ? `${note}, ${kept} records kept` : note;
}

/** Frames that are signed repeat what the tips before them say. */
function isMade(entry: unknown): boolean {
  return typeof entry === "object" && entry !== null && "frame" in entry;
}

function entryNote(entry: unknown): string {
  if (isAddress(entry)) return shortAddress(entry);
  if (typeof entry !== "object" || entry === null) return "";
  const told: Readonly<Record<string, unknown>> = { ...entry };
  const address = pick(told["address"]);
  const tip = pick(told["tip"]);
  const n = typeof told["n"] === "number" ? `n=${told["n"]}` : tip;
  return [told["status"] ?? address, n].filter(Boolean).join(" ");
}

function pick(value: unknown): string {
  return isAddress(value) ? shortAddress(value) : "";
}
