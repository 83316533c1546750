import type { Opened } from "../../keystone/index.js";
import { type RecordText, sealRecord, toText } from "../../ibgib/index.js";
import type { Message } from "../../transport/index.js";
import type { Dice } from "./dice.js";

/** Which end of a connection. */
/**
 * What can happen to a message on its way. The last three take somebody who means it: he says again what was said
 * elsewhere, says something else, or signs a frame himself and seals it anew, so that its address is right.
 */
export const messageFaults = [
  "drop",
  "duplicate",
  "reorder",
  "delay",
  "flip",
  "truncate",
  "replay",
  "forge",
  "reseal",
] as const;
export type MessageFault = (typeof messageFaults)[number];

/** What can happen to a connection at a message: it is cut in it, or nothing passes from then on. */
export const connectionFaults = ["cut", "half-open"] as const;
export type ConnectionFault = (typeof connectionFaults)[number];

export type NetworkFault = MessageFault | ConnectionFault;

/** What goes on in place of a message, and how much later. */
export interface Onward {
  readonly message: Message;
  readonly late: number;
}

/** @param heard What was said earlier in this direction, on any connection. */
export function meddle(
  fault: MessageFault,
  message: Message,
  heard: readonly Message[],
  dice: Dice,
): readonly Onward[] {
  const onward = (changed: Message, late = 0) => ({ message: changed, late });
  switch (fault) {
    case "drop":
      return [];
    case "duplicate":
      return [onward(message), onward(message)];
    case "reorder":
      return [onward(message, dice.between(1, 200))];
    case "delay":
      return [onward(message, dice.between(500, 60_000))];
    case "flip":
      return [onward(flip(message, dice))];
    case "truncate":
      return [onward(message.slice(0, dice.below(message.length)))];
    case "replay":
      return [
        onward(heard.length > 0 ? dice.pick(heard) : message),
        ...(dice.chance(0.5) ? [onward(message)] : []),
      ];
    case "forge":
      return [onward(typeof message === "string" ? forge(message, dice) : flip(message, dice))];
    case "reseal":
      return [onward(typeof message === "string" ? reseal(message) : message)];
  }
}

/** What a message is signed with, with a signature that is nobody's. */
function reseal(text: string): string {
  const said = parse(text) as Signed | undefined;
  if (said?.proof === undefined) return text;
  if (!("frame" in said.proof)) {
    const signature = said.proof.signature.replace(/^../, "00");
    return JSON.stringify({ ...said, proof: { ...said.proof, signature } });
  }
  const [ib, , rel8ns, data] = said.proof.frame;
  const content = JSON.parse(data);
  for (const solution of content.proofs[0].solutions)
    solution.signature = solution.signature.replace(/^../, "00");
  const sealed = sealRecord({ ib, rel8ns: JSON.parse(rel8ns), data: content });
  return JSON.stringify({ ...said, proof: { ...said.proof, frame: toText(sealed) } });
}

interface Signed {
  readonly proof?: { readonly frame: RecordText } | Opened;
}

/** One bit is another. */
function flip(message: Message, dice: Dice): Message {
  const at = dice.below(message.length);
  const bit = 1 << dice.below(7);
  if (typeof message !== "string") return message.map((byte, i) => (i === at ? byte ^ bit : byte));
  return message.slice(0, at) + String.fromCharCode(message.charCodeAt(at) ^ bit) + message.slice(at + 1);
}

/** Still a message of the protocol, with another value somewhere, as deep as texts within texts go. */
function forge(text: string, dice: Dice): string {
  const parsed = parse(text);
  if (parsed === undefined) return text;
  return JSON.stringify(forged(parsed, dice));
}

function forged(value: unknown, dice: Dice): unknown {
  if (typeof value === "number") return value + dice.pick([-1, 1, 7]);
  if (typeof value === "boolean") return !value;
  if (typeof value === "string") return forgedText(value, dice);
  if (typeof value !== "object" || value === null) return 1;
  const entries = Object.entries(value);
  if (entries.length === 0) return value;
  // Where most is said: in a text that is itself a message, and in lists.
  const rich = entries.findIndex(([, each]) =>
    typeof each === "string" ? each.startsWith("{") : Array.isArray(each),
  );
  const at = rich >= 0 && dice.chance(0.6) ? rich : dice.below(entries.length);
  const changed = entries.map(([name, each], i) => [name, i === at ? forged(each, dice) : each] as const);
  return Array.isArray(value) ? changed.map(([, each]) => each) : Object.fromEntries(changed);
}

function forgedText(text: string, dice: Dice): string {
  const inner = text.startsWith("{") ? parse(text) : undefined;
  if (inner !== undefined) return JSON.stringify(forged(inner, dice));
  if (text.length === 0) return "0";
  const at = dice.below(text.length);
  const other = text[at] === "0" ? "1" : "0";
  return text.slice(0, at) + other + text.slice(at + 1);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
