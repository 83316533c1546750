import type { Opened } from "../../src/keystone/index.js";
import { fromUtf8, utf8 } from "../../src/base/index.js";
import { decodeText, type RecordText, sealRecord, toText } from "../../src/ibgib/index.js";
import { entriesFrame, readPayload, recordsFrame, sagaLimits } from "../../src/saga/index.js";
import type { Message } from "../../src/transport/index.js";

/** The messages of the protocol: text by type (a turn by its body's), payload by what is in it. */
export type MessageName =
  | "hello"
  | "open"
  | "frames"
  | "challenge"
  | "connect"
  | "ready"
  | "ranges"
  | "alike"
  | "init"
  | "ack"
  | "offer"
  | "wants"
  | "delta"
  | "staged"
  | "commit"
  | "receipt"
  | "records"
  | "entries"
  | "credit"
  | "error";

export function nameOf(message: Message): MessageName {
  if (typeof message !== "string") return message[0] === 1 ? "records" : "entries";
  const outer = JSON.parse(message);
  return outer.type === "turn" ? JSON.parse(outer.body).type : outer.type;
}

/** Ways to make one message invalid on its way. */
export const faultNames = [
  "wrong type",
  "unknown field",
  "missing field",
  "wrong signature",
  "altered body",
  "replayed",
  "out of turn",
  "oversized",
  "truncated",
  "text for binary",
  "another session's",
  "not JSON",
  "duplicate key",
  "__proto__ key",
] as const;
export type FaultName = (typeof faultNames)[number];

/** What goes on in place of `message`; `foreign` is the same message of a parallel honest session. */
export function misdo(fault: FaultName, message: Message, foreign: Message | undefined): readonly Message[] {
  if (fault === "replayed") return [message, message];
  if (fault === "out of turn") return [message]; // comes again, later
  if (fault === "another session's") return foreign === undefined ? [] : [foreign];
  return [typeof message === "string" ? alterText(fault, message) : alterPayload(fault, message)];
}

type Alteration = Exclude<FaultName, "replayed" | "out of turn" | "another session's">;

function alterText(fault: Alteration, text: string): Message {
  switch (fault) {
    case "wrong type":
      return edited(text, (message) => ({ ...message, type: "nonsense" }));
    case "unknown field":
      return edited(text, (message) => ({ ...message, extra: 1 }));
    case "missing field":
      return edited(text, (message) => Object.fromEntries(Object.entries(message).slice(0, -1)));
    case "wrong signature":
      return edited(text, resigned);
    case "altered body":
      return edited(text, alterBody);
    case "oversized":
      return text + " ".repeat(sagaLimits.messageBytesMax);
    case "truncated":
      return text.slice(0, -1);
    case "text for binary":
      return utf8(text);
    case "not JSON":
      return `${text.slice(0, -1)},}`;
    case "duplicate key":
      return `{"type":"nonsense",${text.slice(1)}`;
    case "__proto__ key":
      return `${text.slice(0, -1)},"__proto__":{}}`;
  }
}

type Wire = { readonly [member: string]: unknown };

function edited(text: string, edit: (message: Wire) => Wire): string {
  return JSON.stringify(edit(JSON.parse(text)));
}

/** The session frame, or the last of the frames, with one bit of its signature flipped, and a gib that is right for it. */
function resigned(message: Wire): Wire {
  if (message["type"] === "frames") {
    const frames = message["frames"] as readonly RecordText[];
    return { ...message, frames: [...frames.slice(0, -1), ...frames.slice(-1).map(withWrongSignature)] };
  }
  const proof = message["proof"] as { readonly frame: RecordText } | Opened;
  if (!("frame" in proof)) {
    const digit = (Number.parseInt(proof.signature.charAt(0), 16) ^ 1).toString(16);
    return { ...message, proof: { ...proof, signature: digit + proof.signature.slice(1) } };
  }
  return { ...message, proof: { ...proof, frame: withWrongSignature(proof.frame) } };
}

export function withWrongSignature(frame: RecordText): RecordText {
  const { ib, data, rel8ns } = decodeText(frame);
  const text = JSON.stringify(data).replace(/"signature":"(.)/, (_, digit: string) => {
    return `"signature":"${(Number.parseInt(digit, 16) ^ 1).toString(16)}`;
  });
  return toText(sealRecord({ ib, data: JSON.parse(text), ...(rel8ns && { rel8ns }) }));
}

/** Another word in the right form: in what is signed, or in the message where nothing is. */
function alterBody(message: Wire): Wire {
  switch (message["type"]) {
    case "turn":
      return { ...message, body: reworded(String(message["body"])) };
    case "challenge":
      return { ...message, body: edited(String(message["body"]), (body) => ({ ...body, expires: 1 })) };
    case "hello":
      return { ...message, payloadBytesMax: 1 };
    case "open":
      return { ...message, nonce: "00".repeat(sagaLimits.nonceBytes) };
    case "frames":
      return { ...message, frames: [...(message["frames"] as readonly RecordText[])].reverse() };
    case "connect":
      return { ...message, proof: withoutScope(message["proof"]) };
    case "ready":
      return { ...message, session: `note^${"0".repeat(64)}` };
    case "credit":
      return { ...message, frames: 1_000 };
    default:
      return { ...message, code: "no_such_code" };
  }
}

/** A turn that says something else of the same form. */
function reworded(body: string): string {
  return edited(body, (turn) => {
    if (turn["type"] === "wants") return { ...turn, wants: "00" };
    if (turn["type"] === "receipt") return { ...turn, time: 1 };
    if (turn["type"] === "init") return { ...turn, direction: "push" };
    if (turn["type"] === "delta" || turn["type"] === "staged") return { ...turn, saga: "00".repeat(16) };
    return { ...turn, entries: [] };
  });
}

/** The lane frame vouches for any receiver instead of the one it names. */
function withoutScope(proof: unknown): unknown {
  const { lane, ...rest } = proof as { readonly lane: RecordText };
  const { ib, data, rel8ns } = decodeText(lane);
  const text = JSON.stringify(data).replace(/"scope":"[^"]*",/, "");
  return { lane: toText(sealRecord({ ib, data: JSON.parse(text), ...(rel8ns && { rel8ns }) })), ...rest };
}

function alterPayload(fault: Alteration, frame: Uint8Array): Message {
  const { records, entries } = readPayload(frame);
  const isRecords = records.length > 0;
  switch (fault) {
    case "wrong type":
      return Uint8Array.of(9, ...frame.subarray(1));
    case "unknown field":
      return isRecords ? Uint8Array.of(...frame, 0) : entriesFrame(entries.map((entry) => [entry, 1]));
    case "missing field":
      return isRecords ? recordsFrame(records.slice(0, -1)) : entriesFrame(entries.slice(0, -1));
    case "altered body":
      return isRecords ? withLastByteFlipped(frame) : entriesFrame([...entries].reverse());
    case "oversized":
      return Uint8Array.from({ length: sagaLimits.payloadBytesMax + 1 }, (_, at) => frame[at] ?? 0);
    case "truncated":
      return frame.subarray(0, -1);
    case "text for binary":
      return fromUtf8(frame.subarray(1)) ?? "records";
    case "not JSON":
      return Uint8Array.of(2, ...utf8("[1,"));
    case "duplicate key":
      return Uint8Array.of(2, ...utf8('[{"address":1,"address":2}]'));
    case "__proto__ key":
      return Uint8Array.of(2, ...utf8('[{"__proto__":1}]'));
    case "wrong signature":
      throw new Error("payload is not signed");
  }
}

function withLastByteFlipped(frame: Uint8Array): Uint8Array {
  const altered = frame.slice();
  altered[altered.length - 1]! ^= 1;
  return altered;
}
