import * as z from "zod";
import { KeysagaError } from "../base/index.js";
import { type Address, decodeText, type IbGib } from "../ibgib/index.js";
import {
  checkIdentityFrames,
  type IdentityState,
  isListSigned,
  startIdentity,
  startReceiverSession,
} from "../keystone/index.js";
import { isHostSignature } from "./handshake.js";
import { sagaLimits } from "./limits.js";
import { hostSignature, recordText } from "./messages.js";
import {
  AlikeSet,
  CountedFrame,
  FinalTip,
  LeftRoot,
  ReceiptBody,
  type ReceiptEntry,
  type ShownFrame,
} from "./turn-bodies.js";
import { placesAmong } from "./places.js";
import { listRoot, pathOf, receiptEntries, type TotalsOfBoth } from "./turn.js";

const framesMax = 20_000;
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const total = z.strictObject({ records: count, bytes: count, contexts: count });

/** What a receiver has signed about one saga. */
export const Receipt = z.strictObject({
  saga: ReceiptBody.shape.saga,
  /** By the receiver's clock; a claim. */
  time: count,
  /** Of the whole session up to the receipt. */
  totals: z.strictObject({ up: total, down: total }),
  tips: z.array(FinalTip).max(sagaLimits.entriesMax),
  /** Roots that it has left as they were, for a limit of its own. */
  left: z.array(LeftRoot).min(1).max(sagaLimits.entriesMax).exactOptional(),
  /** Sets of timelines that it has exactly as the sender. */
  alike: z.array(AlikeSet).min(1).max(sagaLimits.setsMax).exactOptional(),
  /** Heads that it has let in by entries whose uses it counts. */
  counted: z.array(CountedFrame).min(1).max(sagaLimits.entriesMax).exactOptional(),
  /** By R0's attest key, over all of the above. */
  signature: ReceiptBody.shape.attested,
});
export type Receipt = z.infer<typeof Receipt>;

/** What the list of a receipt says, by kind. */
export function readReceiptEntries(
  entries: readonly ReceiptEntry[] = [],
): Pick<Receipt, "tips" | "left" | "alike" | "counted"> {
  const left = entries.filter((entry) => "left" in entry);
  const alike = entries.filter((entry) => "root" in entry);
  const counted = entries.filter((entry) => "frame" in entry);
  return {
    tips: entries.filter((entry) => "tip" in entry),
    ...(left.length > 0 && { left }),
    ...(alike.length > 0 && { alike }),
    ...(counted.length > 0 && { counted }),
  };
}

/** The entries that a receipt signs, in their order. */
function signedBy(receipt: Omit<Receipt, "saga" | "signature">) {
  const { time, totals, tips, left = [], alike = [], counted = [] } = receipt;
  return receiptEntries(time, totals, [...tips, ...left, ...alike, ...counted]);
}

/** The places of counted frames in what a receipt signs, and how long that is. */
export function countedPlaces(receipt: Omit<Receipt, "saga" | "signature">): {
  readonly count: number;
  readonly places: readonly ShownFrame[];
} {
  const { counted = [] } = receipt;
  const signed = signedBy(receipt);
  const before = signed.length - counted.length;
  return {
    count: signed.length,
    places: placesAmong(
      signed,
      counted.map((entry, at) => ({ entry, index: before + at })),
    ),
  };
}

/**
 * A receipt with all that it takes to check it: plain JSON, for anyone to keep or to pass on. It names no record's
 * content, and its size does not depend on the session that it was made in.
 */
export const ReceiptBundle = z.strictObject({
  version: z.literal(1),
  ...Receipt.shape,
  /** R0, the receiver's session, which names S and the sender. */
  session: recordText,
  host: hostSignature,
  /** The receiver's identity from its genesis to the frame that certified the host key, or further. */
  receiver: z.array(recordText).min(1).max(framesMax),
});
export type ReceiptBundle = z.infer<typeof ReceiptBundle>;

/** What a checked receipt says: `receiver` had these tips, durable, after `saga` of `sender`. */
export interface SignedReceipt {
  readonly receiver: Address;
  readonly sender: Address;
  /** S, the sender's session keystone. */
  readonly session: Address;
  readonly saga: string;
  /** By the receiver's clock; a claim. */
  readonly time: number;
  readonly tips: readonly FinalTip[];
  /** Roots that it left as they were. */
  readonly left: readonly LeftRoot[];
  /** Sets of timelines that it had exactly as the sender: how many, and their fingerprint (`setFingerprint`). */
  readonly alike: readonly AlikeSet[];
  /** Heads that entries with counted uses have let in there. */
  readonly counted: readonly CountedFrame[];
  /** Of the whole session up to the receipt. */
  readonly totals: TotalsOfBoth;
}

/**
 * Checks a receipt without either side's store: replays the receiver's identity, and checks the host key's signature over
 * R0 and that of R0's attest key over the receipt. Costs a hash and a signature check for each frame of the identity, and
 * two.
 *
 * @param receiver Whose word is asked for; a right receipt of somebody else is refused.
 * @throws KeysagaError `receipt_refused` with the rule, or what keystone and admission throw.
 */
export function checkReceipt(bundle: unknown, receiver: Address): SignedReceipt {
  const parsed = ReceiptBundle.safeParse(bundle);
  if (!parsed.success) throw refused(`shape at ${pathOf(parsed.error)}`);
  const { saga, time, totals, tips, left = [], alike = [], counted = [], signature, host } = parsed.data;
  const identity = replayIdentity(parsed.data.receiver.map(decodeText), receiver);
  if (identity.certificates.get(host.certifiedBy) !== host.key) throw refused("host key");
  const first = decodeText(parsed.data.session);
  if (!isHostSignature(host, first.address)) throw refused("host signature");
  const { details } = startReceiverSession(first);
  if (details.receiver !== receiver) throw refused("session of another receiver");
  const signed = signedBy(parsed.data);
  const list = { session: first.address, saga, count: signed.length, root: listRoot(signed) };
  if (!isListSigned("receipt", list, details.attestKey, signature)) throw refused("signature");
  const { sender, session } = details;
  return { receiver, sender, session, saga, time, tips, left, alike, counted, totals };
}

function replayIdentity([first, ...later]: readonly IbGib[], receiver: Address): IdentityState {
  if (!first || first.address !== receiver) throw refused("another receiver");
  return checkIdentityFrames(startIdentity(first), later);
}

function refused(rule: string): KeysagaError {
  return new KeysagaError("receipt_refused", { rule });
}
