import * as z from "zod";
import { KeysagaError } from "../base/index.js";
import { type Address, decodeText, type IbGib } from "../ibgib/index.js";
import {
  checkFrame,
  checkIdentityFrame,
  type IdentityState,
  startIdentity,
  startReceiverSession,
} from "../keystone/index.js";
import { isHostSignature } from "./handshake.js";
import { sagaLimits } from "./limits.js";
import { FinalTip, hostSignature, ReceiptBody, recordText } from "./messages.js";
import { listRoot, parseJson, pathOf, type Totals, turnDigest } from "./turn.js";

const framesMax = 20_000;
const total = z.strictObject({ records: z.number(), bytes: z.number(), contexts: z.number() });

/**
 * What a receiver has signed about one saga, with all that it takes to check it: plain JSON, for anyone to keep or to
 * pass on. It names no record's content.
 */
export const ReceiptBundle = z.strictObject({
  version: z.literal(1),
  /** The receipt turn's text, as it was signed. */
  body: z.string().max(sagaLimits.messageBytesMax),
  /** Its list, where that was too long for the turn. */
  entries: z.array(FinalTip).max(sagaLimits.entriesMax).optional(),
  context: recordText,
  /** R from its genesis to the frame that claims the context. */
  session: z.array(recordText).min(2).max(framesMax),
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
  /** Of the whole session up to the receipt. */
  readonly totals: { readonly up: Totals; readonly down: Totals };
}

const ReceiptContext = z.looseObject({
  saga: z.string(),
  stage: z.literal("receipt"),
  role: z.literal("receiver"),
  digest: z.string(),
  entries: z.strictObject({ count: z.number(), root: z.string() }),
  totals: z.strictObject({ up: total, down: total }),
});

/**
 * Checks a receipt without either side's store: replays the receiver's identity and R, and holds the signed context
 * against the text. Costs a hash and a signature check for each frame shown.
 *
 * @param receiver Whose word is asked for; a right receipt of somebody else is refused.
 * @throws KeysagaError `receipt_refused` with the rule, or what keystone and admission throw.
 */
export function checkReceipt(bundle: unknown, receiver: Address): SignedReceipt {
  const parsed = ReceiptBundle.safeParse(bundle);
  if (!parsed.success) throw refused(`shape at ${pathOf(parsed.error)}`);
  const { body, host } = parsed.data;
  const identity = replayIdentity(parsed.data.receiver.map(decodeText), receiver);
  const frames = parsed.data.session.map(decodeText);
  const { details, claimed, before } = replaySession(frames, identity, host);
  const context = decodeText(parsed.data.context);
  if (claimed !== context.address) throw refused("frame claims another context");
  if (context.rel8ns?.["session"]?.[0] !== before) throw refused("context of another frame");
  const said = ReceiptContext.safeParse(context.data);
  if (!said.success || said.data.digest !== turnDigest("receiver", body)) throw refused("text");
  const { message, tips } = readBody(body, parsed.data.entries);
  const { count, root } = said.data.entries;
  if (count !== tips.length || root !== listRoot(tips)) throw refused("list");
  if (message.saga !== said.data.saga) throw refused("saga");
  const { saga, time } = message;
  return {
    receiver,
    sender: details.sender,
    session: details.session,
    saga,
    time,
    tips,
    totals: said.data.totals,
  };
}

function replayIdentity([first, ...later]: readonly IbGib[], receiver: Address): IdentityState {
  if (!first || first.address !== receiver) throw refused("another receiver");
  return later.reduce(checkIdentityFrame, startIdentity(first));
}

function replaySession(
  [first, ...later]: readonly IbGib[],
  identity: IdentityState,
  host: ReceiptBundle["host"],
) {
  if (!first) throw refused("session");
  if (identity.hostKeys.get(host.key) !== host.certifiedBy) throw refused("host key");
  if (!isHostSignature(host, first.address)) throw refused("host signature");
  const { keystone, details } = startReceiverSession(first);
  if (details.receiver !== identity.keystone.tjp) throw refused("session of another receiver");
  let state = keystone;
  let claimed = "";
  let before: Address = keystone.tip;
  for (const frame of later) {
    before = state.tip;
    const checked = checkFrame(state, frame);
    state = checked.state;
    claimed = checked.claim.verb === "sync" ? checked.claim.target : "";
  }
  return { details, claimed, before };
}

function readBody(body: string, travelled: readonly FinalTip[] | undefined) {
  const message = ReceiptBody.safeParse(parseJson(body));
  if (!message.success) throw refused("text");
  const tips = message.data.entries ?? travelled ?? [];
  return { message: message.data, tips };
}

function refused(rule: string): KeysagaError {
  return new KeysagaError("receipt_refused", { rule });
}
