import type * as z from "zod";
import {
  canonicalJson,
  isWithinDepth,
  jsonDepthMax,
  KeysagaError,
  lengthPrefixed,
  limitExceeded,
  sha256,
  toHex,
  utf8,
} from "../base/index.js";
import { type Address, type IbGib, sealRecord } from "../ibgib/index.js";
import {
  advance,
  attestKeyOf,
  checkFrame,
  frameOpened,
  isListSigned,
  type KeystoneState,
  type ListKind,
  merkleRoot,
  nextFrame,
  openedBy,
  type SecretFor,
  type SignedList,
  signFrame,
  signList,
} from "../keystone/index.js";
import { emptyList, type GrowingList, grown, itemsOf } from "./growing-list.js";
import { type SessionLimits, sagaLimits } from "./limits.js";
import type { Turn } from "./messages.js";
import type { Evidence } from "./turn-bodies.js";

/** The two sides of a session. The sender dials and opens sagas; the receiver answers. */
export type Role = "sender" | "receiver";

export const otherRole = (role: Role): Role => (role === "sender" ? "receiver" : "sender");

/** What one side has sent in a session so far: records, their canonical bytes, signed contexts. Only ever grows. */
export interface Totals {
  readonly records: number;
  readonly bytes: number;
  readonly contexts: number;
}

/** Payload frames since their sender's last turn; its next context has to cover exactly these. */
export interface PayloadTally {
  readonly frames: number;
  readonly records: number;
  readonly bytes: number;
  /** A chain over the frames in the order sent: SHA-256(digest before, SHA-256(frame)). Hex; empty for none. */
  readonly digest: string;
  /** The turn's list as far as it travels as payload. */
  readonly entries: GrowingList<unknown>;
  /** Of the same: hashed part by part, so that no turn is a step as long as its list. */
  readonly leaves: GrowingList<Uint8Array>;
  /** How many things were shown as evidence, and how many targets declared to stay away. */
  readonly evidence: number;
  readonly references: number;
}

/** One side's voice in a session: its keystone, and what it has said. */
export interface Voice {
  readonly keystone: KeystoneState;
  readonly lastContext: Address | undefined;
  readonly totals: Totals;
  readonly payload: PayloadTally;
}

/** Both voices of a session and whose turn it is. Pure data: each function below gives a new one. */
export interface Dialogue {
  readonly voices: Readonly<Record<Role, Voice>>;
  readonly speaker: Role;
  /** The saga under way, and the number of its last turn (0: none yet). */
  readonly saga: string | undefined;
  readonly turn: number;
  /** Caps of the session's genesis, for each direction. */
  readonly caps: Caps;
}

export interface Caps {
  readonly records: number;
  readonly bytes: number;
  readonly turns: number;
}

export function capsOf({ recordsMax, bytesMax, turnsMax }: SessionLimits): Caps {
  return { records: recordsMax, bytes: bytesMax, turns: turnsMax };
}

const nothing: PayloadTally = {
  frames: 0,
  records: 0,
  bytes: 0,
  digest: "",
  entries: emptyList,
  leaves: emptyList,
  evidence: 0,
  references: 0,
};
const silent = { lastContext: undefined, totals: { records: 0, bytes: 0, contexts: 0 }, payload: nothing };

/** A session whose keystones have both reached n=1; the sender speaks first. */
export function startDialogue(sender: KeystoneState, receiver: KeystoneState, caps: Caps): Dialogue {
  return {
    voices: { sender: { keystone: sender, ...silent }, receiver: { keystone: receiver, ...silent } },
    speaker: "sender",
    saga: undefined,
    turn: 0,
    caps,
  };
}

/** What a payload frame holds: records dependencies first, the next part of the turn's list, evidence, or references. */
export interface PayloadContent {
  readonly records: readonly IbGib[];
  readonly entries: readonly unknown[];
  readonly evidence: readonly Evidence[];
  /** Targets of links in records behind it that stay away. */
  readonly references: readonly Address[];
}

export const noContent: PayloadContent = { records: [], entries: [], evidence: [], references: [] };

/**
 * Counts a payload frame that `role` sends, before or as it leaves. Of evidence and references the whole frame counts as
 * bytes.
 *
 * @throws KeysagaError `limit_exceeded` when it would take `role` over the session's caps or a list over its limit.
 */
export function tallyPayload(
  dialogue: Dialogue,
  role: Role,
  frame: Uint8Array,
  content: PayloadContent,
): Dialogue {
  const voice = dialogue.voices[role];
  const recordBytes = content.records.reduce((sum, record) => sum + record.bytes.length, 0);
  const listBytes = content.evidence.length + content.references.length > 0 ? frame.length : 0;
  const payload: PayloadTally = {
    frames: voice.payload.frames + 1,
    records: voice.payload.records + content.records.length,
    bytes: voice.payload.bytes + recordBytes + listBytes,
    digest: toHex(sha256(utf8(voice.payload.digest), sha256(frame))),
    entries: grown(voice.payload.entries, content.entries),
    leaves: grown(voice.payload.leaves, content.entries.map(entryLeaf)),
    evidence: voice.payload.evidence + content.evidence.length,
    references: voice.payload.references + content.references.length,
  };
  const { records, bytes } = voice.totals;
  if (records + payload.records > dialogue.caps.records)
    throw limitExceeded("recordsMax", dialogue.caps.records);
  if (bytes + payload.bytes > dialogue.caps.bytes) throw limitExceeded("bytesMax", dialogue.caps.bytes);
  if (payload.entries.length > sagaLimits.entriesMax)
    throw limitExceeded("entriesMax", sagaLimits.entriesMax);
  if (payload.evidence > sagaLimits.evidenceMax) throw limitExceeded("evidenceMax", sagaLimits.evidenceMax);
  if (payload.references > sagaLimits.referencesMax)
    throw limitExceeded("referencesMax", sagaLimits.referencesMax);
  return withVoice(dialogue, role, { ...voice, payload });
}

/** One entry of a turn's list: an address, a root, a status, a tip, a locator or a range (turn-bodies.ts). */
export type Entry =
  | string
  | Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** The body of a turn as it is written into the message. */
export interface TurnMessage {
  readonly type: string;
  readonly saga: string;
  readonly turn: number;
  readonly entries?: readonly Entry[] | undefined;
  /** The receiver's clock, of a receipt. */
  readonly time?: number | undefined;
  /** What the speaker's attest key signs of it: see `attestedBy`. */
  readonly attested?: string | undefined;
}

/** The context and the session frame of a turn, to be kept. */
export interface TurnProofs {
  readonly context: IbGib;
  readonly frame: IbGib;
}

/** A turn as its machine wants it said; place and saga are filled in where it is signed. One that begins a saga names it. */
export interface TurnDraft {
  readonly type: string;
  readonly saga?: string | undefined;
  readonly entries?: readonly Entry[] | undefined;
  /** What goes ahead of it, as payload. */
  readonly evidence?: readonly Evidence[] | undefined;
  readonly [member: string]: unknown;
}

/**
 * Signs the next turn of `role`: a context over the message, the payload and the totals, and the session frame that
 * claims it. Synchronous: two key derivations and one signature; the keystone stands one frame further afterwards.
 */
export function signTurn(dialogue: Dialogue, role: Role, draft: TurnDraft, secretFor: SecretFor) {
  const saga = draft.saga ?? dialogue.saga ?? "";
  const turn = saga === dialogue.saga ? dialogue.turn + 1 : 1;
  const said: TurnMessage = { ...draft, saga, turn };
  const next = openTurn(dialogue, role, said);
  const { keystone, payload } = voiceOf(next, role);
  const entries = said.entries ?? itemsOf(payload.entries);
  const statement = attestedBy(next, role, said, entries);
  const attested = statement && signList(statement.kind, statement.list, attestKeyOf(keystone, secretFor));
  const message = { ...said, ...(attested !== undefined && { attested }) };
  const body = JSON.stringify(message);
  const context = sealContext(next, role, message, body, entries);
  const claim = { verb: "sync", target: context.address };
  const frame = signFrame(nextFrame(keystone, claim, secretFor), keystone, secretFor);
  const signed: Turn = { type: "turn", body, proof: openedBy(frame) };
  return {
    dialogue: closeTurn(next, role, context, advance(keystone, frame).state),
    signed,
    attested,
    proofs: { context, frame },
  };
}

declare const verified: unique symbol;

/** A turn that was parsed, is the other side's to send, and is signed for exactly this place in this session. */
export interface Verified<Message> {
  readonly message: Message;
  /** Its exact text, which is what was signed. */
  readonly body: string;
  /** Did its list come ahead of it, as payload? */
  readonly travelled: boolean;
  readonly proofs: TurnProofs;
  readonly [verified]: true;
}

/**
 * Checks a turn of `role` against everything seen of this session so far.
 *
 * The context is derived anew from the message and the dialogue, and the frame that claims it from that and the keystone;
 * with the key and signature that came it has to be a valid successor of `role`'s newest one (hashes first, then one
 * signature). So a turn of another session, saga, place or direction, or over another payload, has a signature that is
 * wrong. What the turn attests is checked last.
 *
 * @param parse The one schema of the turns that `role` may send, with the list's entries in place.
 * @throws KeysagaError `malformed_message`, `out_of_turn`, `limit_exceeded`, `attestation_refused`, or
 *   what `checkFrame` throws.
 */
export function checkTurn<Message extends TurnMessage>(
  dialogue: Dialogue,
  role: Role,
  turn: Turn,
  schema: z.ZodType<Message>,
): { dialogue: Dialogue; verified: Verified<Message> } {
  const travelled = itemsOf(voiceOf(dialogue, role).payload.entries);
  const message = parseTurn(turn.body, travelled, schema);
  const next = openTurn(dialogue, role, message);
  const context = sealContext(next, role, message, turn.body, message.entries ?? []);
  const { keystone } = voiceOf(next, role);
  const frame = frameOpened(keystone, { verb: "sync", target: context.address }, turn.proof);
  const { state } = checkFrame(keystone, frame);
  checkAttests(next, role, message);
  const proofs = { context, frame };
  return {
    dialogue: closeTurn(next, role, context, state),
    verified: { message, body: turn.body, travelled: travelled.length > 0, proofs } as Verified<Message>,
  };
}

function parseTurn<Message extends TurnMessage>(
  body: string,
  travelled: readonly unknown[],
  schema: z.ZodType<Message>,
): Message {
  const parsed = parseJson(body);
  if (typeof parsed !== "object" || parsed === null)
    throw new KeysagaError("malformed_message", { in: "turn" });
  const inline = Object.hasOwn(parsed, "entries");
  if (inline && travelled.length > 0) throw new KeysagaError("malformed_message", { in: "entries" });
  const result = schema.safeParse(travelled.length > 0 ? { ...parsed, entries: travelled } : parsed);
  if (!result.success) throw new KeysagaError("malformed_message", { in: "turn", at: pathOf(result.error) });
  return result.data;
}

/** JSON from a stranger, in the one form that `JSON.stringify` gives; whatever is wrong with it is one typed error. */
export function parseJson(text: string): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new KeysagaError("malformed_message", { in: "JSON" }, { cause });
  }
  // What a parser reads at any depth, others cannot write, or walk, without end of their stack.
  if (!isWithinDepth(parsed, jsonDepthMax))
    throw new KeysagaError("malformed_message", { in: "JSON", rule: "depth" });
  // Members that come twice, or anything else of which two parsers could make two things, does not come out again.
  if (JSON.stringify(parsed) !== text)
    throw new KeysagaError("malformed_message", { in: "JSON", rule: "form" });
  return parsed;
}

/** Where a schema failed, as a path of member names; never the value. */
export function pathOf(error: z.ZodError): string {
  return error.issues[0]?.path.join(".") ?? "";
}

/** A saga begins with `init`, or with what is compared ahead of it. */
const isOpening = (type: string): boolean => type === "init" || type === "ranges";

/** Takes the next place in the conversation for `role`: turns alternate, and a saga begins with a turn of its own. */
function openTurn(dialogue: Dialogue, role: Role, message: TurnMessage): Dialogue {
  if (dialogue.speaker !== role) throw new KeysagaError("out_of_turn", { got: message.type });
  const opens = message.saga !== dialogue.saga;
  if (opens && !isOpening(message.type))
    throw new KeysagaError("out_of_turn", { got: message.type, saga: "another" });
  const expected = opens ? 1 : dialogue.turn + 1;
  if (message.turn !== expected) throw new KeysagaError("out_of_turn", { turn: message.turn, expected });
  const { contexts } = voiceOf(dialogue, role).totals;
  if (contexts + 1 > dialogue.caps.turns) throw limitExceeded("turnsMax", dialogue.caps.turns);
  return { ...dialogue, saga: message.saga, turn: message.turn };
}

/** What a context says of a turn's text: SHA-256 over label, speaker and text, in hex. */
export function turnDigest(role: Role, body: string): string {
  return toHex(sha256(lengthPrefixed("keysaga/turn/1", role, body)));
}

/** What the attest key of a turn's speaker signs: which kind of statement, and over which list. */
interface Attests {
  readonly kind: ListKind;
  readonly list: SignedList;
}

/**
 * A receipt is signed with its time and the totals in front of its tips; of any other turn the frames are that its list
 * names as made. Undefined where there are none.
 */
function attestedBy(
  dialogue: Dialogue,
  role: Role,
  { type, time }: TurnMessage,
  entries: readonly unknown[],
): Attests | undefined {
  const isReceipt = type === "receipt";
  const signed = isReceipt
    ? receiptEntries(time ?? 0, totalsOf(dialogue, role), entries)
    : entries.filter(isMade);
  if (signed.length === 0) return undefined;
  const kind = isReceipt ? "receipt" : role === "sender" ? "senderHeads" : "receiverHeads";
  const session = voiceOf(dialogue, role).keystone.tjp;
  const list = { session, saga: dialogue.saga ?? "", count: signed.length, root: listRoot(signed) };
  return { kind, list };
}

function isMade(entry: unknown): boolean {
  return typeof entry === "object" && entry !== null && "frame" in entry;
}

/** The list that a receipt signs: when, and how much has travelled, as one entry; then what it says of the roots. */
export function receiptEntries(
  time: number,
  totals: TotalsOfBoth,
  entries: readonly unknown[],
): readonly unknown[] {
  return [{ time, totals }, ...entries];
}

/** A signature is there where there is something to sign, and nowhere else. */
function checkAttests(dialogue: Dialogue, role: Role, message: TurnMessage): void {
  const attests = attestedBy(dialogue, role, message, message.entries ?? []);
  const { attested } = message;
  if ((attests === undefined) !== (attested === undefined))
    throw new KeysagaError("attestation_refused", { rule: "signed where something is attested" });
  if (attests === undefined || attested === undefined) return;
  const key = String(voiceOf(dialogue, role).keystone.details["attestKey"]);
  if (!isListSigned(attests.kind, attests.list, key, attested))
    throw new KeysagaError("attestation_refused", { rule: "signature of the attest key" });
}

/** The context of a turn: the same on both sides, because both have seen the same. */
function sealContext(
  dialogue: Dialogue,
  role: Role,
  message: TurnMessage,
  body: string,
  entries: readonly unknown[],
): IbGib {
  const mine = voiceOf(dialogue, role);
  const theirs = voiceOf(dialogue, otherRole(role));
  const { frames, records, bytes, digest, leaves: travelled } = mine.payload;
  const leaves = travelled.length > 0 ? itemsOf(travelled) : entries.map(entryLeaf);
  const previous = theirs.lastContext;
  return sealRecord({
    ib: "context",
    data: {
      saga: message.saga,
      stage: message.type,
      turn: message.turn,
      role,
      digest: turnDigest(role, body),
      entries: { count: leaves.length, root: toHex(merkleRoot(leaves)) },
      payload: { frames, records, bytes, digest },
      totals: totalsOf(dialogue, role),
    },
    rel8ns: { session: [mine.keystone.tip], ...(previous && { previous: [previous] }) },
  });
}

/** What both sides have sent once `role` has said its turn: to the receiver, and from it. */
export interface TotalsOfBoth {
  readonly up: Totals;
  readonly down: Totals;
}

function totalsOf(dialogue: Dialogue, role: Role) {
  const said = addTotals(voiceOf(dialogue, role));
  const theirs = voiceOf(dialogue, otherRole(role)).totals;
  return role === "sender"
    ? { up: { ...said }, down: { ...theirs } }
    : { up: { ...theirs }, down: { ...said } };
}

/** The Merkle root over a turn's list, in hex: what its context says of it. */
export function listRoot(entries: readonly unknown[]): string {
  return toHex(merkleRoot(entries.map(entryLeaf)));
}

const entryLabel = utf8("keysaga/entry/1");

/** What an entry is in the tree over its list. */
export function entryLeaf(entry: unknown): Uint8Array {
  return sha256(lengthPrefixed(entryLabel, canonicalJson(entry)));
}

function closeTurn(dialogue: Dialogue, role: Role, context: IbGib, keystone: KeystoneState): Dialogue {
  const totals = addTotals(voiceOf(dialogue, role));
  const spoken = withVoice(dialogue, role, {
    keystone,
    lastContext: context.address,
    totals,
    payload: nothing,
  });
  return { ...spoken, speaker: otherRole(role) };
}

function addTotals({ totals, payload }: Voice): Totals {
  return {
    records: totals.records + payload.records,
    bytes: totals.bytes + payload.bytes,
    contexts: totals.contexts + 1,
  };
}

const voiceOf = (dialogue: Dialogue, role: Role): Voice => dialogue.voices[role];

function withVoice(dialogue: Dialogue, role: Role, voice: Voice): Dialogue {
  return { ...dialogue, voices: { ...dialogue.voices, [role]: voice } };
}
