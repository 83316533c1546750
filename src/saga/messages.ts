import * as z from "zod";
import { type Address, hashOf, isAddress, type RecordText, tjpHashOf } from "../ibgib/index.js";
import { sagaLimits } from "./limits.js";

/** The WebSocket subprotocol; the pinned hash of these schemas stands beside it in tests/saga/schemas.test.ts. */
export const protocolName = "keysaga.v1";
export const protocolVersion = 1;
/** Names the signature and hash algorithms of a session, as offered and chosen in hello and open. */
export const suites = ["ed25519-sha256"] as const;

const address = z.custom<Address>(isAddress, "an address");
const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const uuid = hex(16);
/** A frame's number; -1 stands for a first frame by other software that has none. */
const frameNumber = z.number().int().min(-1).max(Number.MAX_SAFE_INTEGER);

/** A record inside a JSON message: its four parts as text, admitted where it is used (ibgib `decodeText`). */
export const recordText = z.tuple([
  z.string().max(sagaLimits.messageBytesMax),
  z.string().max(129),
  z.string().max(sagaLimits.messageBytesMax),
  z.string().max(sagaLimits.messageBytesMax),
]) satisfies z.ZodType<RecordText>;
const frames = z.array(recordText).max(sagaLimits.framesShownMax);
const body = z.string().max(sagaLimits.messageBytesMax);

const names = z.array(z.string().min(1).max(64)).min(1).max(16);
const versions = z.array(count).min(1).max(16);

/** Receiver to sender, at once: who answers here, and what it speaks. Nothing in it is believed before `challenge`. */
export const Hello = z.strictObject({
  type: z.literal("hello"),
  versions,
  suites: names,
  receiver: address,
  payloadBytesMax: count,
});
export type Hello = z.infer<typeof Hello>;

/**
 * Either side, before it proves itself: frames of its identity, oldest first, that do not fit the challenge or the
 * connect behind them. They count as if they were shown there.
 */
export const Frames = z.strictObject({ type: z.literal("frames"), frames: frames.min(1) });
export type Frames = z.infer<typeof Frames>;

const standing = z.strictObject({ keystone: address, tip: address, n: frameNumber });

/** Sender to receiver, nothing signed: who it claims to be, and the genesis of this connection's session keystone. */
export const Open = z.strictObject({
  type: z.literal("open"),
  nonce: hex(sagaLimits.nonceBytes),
  audience: z.string().min(1).max(sagaLimits.audienceLengthMax),
  versions,
  suites: names,
  version: count,
  suite: z.string().min(1).max(64),
  identity: standing,
  lane: standing,
  /** The newest frame of the receiver's identity that this side has verified and stored. */
  receiverTip: standing.optional(),
  session: recordText,
});
export type Open = z.infer<typeof Open>;

/** The host key, the frame of the receiver's identity that certifies it, and its signature over R's genesis. */
export const hostSignature = z.strictObject({ key: hex(32), certifiedBy: address, signature: hex(64) });

/** What the receiver shows of itself; signed by R's first frame, whose claim covers hello, open and this text. */
export const ChallengeBody = z.strictObject({
  type: z.literal("challenge"),
  nonce: hex(sagaLimits.nonceBytes),
  challengeUuid: uuid,
  demanded: z.array(count).max(64),
  /** A claim about the receiver's clock, for people; no check rests on it. */
  expires: count,
  /** Frames of the receiver's identity that `open` did not name, oldest first; behind those that went ahead. */
  receiverFrames: frames,
  host: hostSignature,
  session: recordText,
  identityTip: standing.optional(),
  laneTip: standing.optional(),
});
export type ChallengeBody = z.infer<typeof ChallengeBody>;

export const Challenge = z.strictObject({
  type: z.literal("challenge"),
  body,
  proof: z.strictObject({ frame: recordText }),
});
export type Challenge = z.infer<typeof Challenge>;

/**
 * One signed turn of a saga, in either direction. Its context is not sent: both sides derive it from what they have
 * seen (saga/turn.ts), and the session frame claims the address that has to come out.
 */
export const Turn = z.strictObject({
  type: z.literal("turn"),
  body,
  proof: z.strictObject({ frame: recordText }),
});
export type Turn = z.infer<typeof Turn>;

/**
 * An invite, shown by who redeems it: its id, and a MAC under its key over that id, I's address and what S1 claims. So it
 * counts for nobody else, and in no other handshake.
 */
export const InviteShown = z.strictObject({ id: hex(16), mac: hex(32) });
export type InviteShown = z.infer<typeof InviteShown>;

/**
 * Sender to receiver: what the receiver lacks of I (behind what went ahead) and L, the vouching lane frame, S1. The
 * first turn may follow at once: the receiver keeps one turn until it is ready.
 */
export const Connect = z.strictObject({
  type: z.literal("connect"),
  identityFrames: frames,
  laneFrames: frames,
  proof: z.strictObject({ lane: recordText, frame: recordText }),
  invite: InviteShown.optional(),
});
export type Connect = z.infer<typeof Connect>;

/** Receiver to sender: everything was checked, admitted, stored and flushed; handlers are attached. */
export const Ready = z.strictObject({ type: z.literal("ready"), session: address });
export type Ready = z.infer<typeof Ready>;

/** Allows the other side so many more payload frames. */
export const Credit = z.strictObject({ type: z.literal("credit"), frames: count.min(1).max(1024) });
export type Credit = z.infer<typeof Credit>;

/** The last word of a side that fails. The code is all that crosses. */
export const Failure = z.strictObject({ type: z.literal("error"), code: z.string().min(1).max(64) });
export type Failure = z.infer<typeof Failure>;

/** The half of the protocol a receiver may speak. A sender parses with this and nothing wider. */
export const FromReceiver = z.discriminatedUnion("type", [
  Hello,
  Frames,
  Challenge,
  Ready,
  Turn,
  Credit,
  Failure,
]);
export type FromReceiver = z.infer<typeof FromReceiver>;

/** The half a sender may speak. */
export const FromSender = z.discriminatedUnion("type", [Open, Frames, Connect, Turn, Credit, Failure]);
export type FromSender = z.infer<typeof FromSender>;

const turnHead = { saga: uuid, turn: count.min(1) };

/**
 * A root of a saga: a timeline by its first address, or a stone (which is its own tip, with n=0). `tip` and `n` are
 * the sender's; without them it has nothing of this root and asks for it. A root that is `down` comes down and never goes
 * up. The target of a reference is asked for with the record that links it: `by`.
 */
export const Root = z.strictObject({
  address,
  tip: address.optional(),
  n: frameNumber.optional(),
  down: z.literal(true).optional(),
  by: address.optional(),
});
export type Root = z.infer<typeof Root>;

/**
 * A frame of a root, or a stone itself, that a saga of this sender had staged when its connection was lost, and that
 * counts as staged again: with all that it needs. Of frames the newest that is no merge.
 */
const kept = address.optional();

/**
 * How a root compares with what the receiver holds. `behind`: its tip has a lower number, and it does not hold the
 * sender's; whether its own is in the sender's history only the sender can tell. `ahead`: it holds the sender's tip, and
 * what the sender lacks comes as payload of this turn. `diverged`: neither holds the other's.
 */
export const RootStatus = z.discriminatedUnion("status", [
  z.strictObject({ status: z.literal("same") }),
  z.strictObject({ status: z.literal("unknown"), kept }),
  z.strictObject({ status: z.literal("behind"), tip: address, n: frameNumber, kept }),
  z.strictObject({ status: z.literal("ahead"), tip: address, n: frameNumber }),
  z.strictObject({ status: z.literal("diverged"), tip: address, n: frameNumber, kept }),
]);
export type RootStatus = z.infer<typeof RootStatus>;

/** A root and the tip that the receiver has for it when the saga is done. */
export const FinalTip = z.strictObject({ address, tip: address, n: frameNumber });
export type FinalTip = z.infer<typeof FinalTip>;

/**
 * A frame that the signer of a commit has made, the last of a run: the tip that was replaced (none: the timeline was not
 * there yet), and the tip that was left, which has the frame in its history.
 */
export const HeadEntry = z
  .strictObject({ tjp: address, head: address, from: address.optional(), to: address })
  .refine(({ tjp, head, from = tjp, to }) => [head, from, to].every(isFrameOf(tjp)), "of one timeline");
export type HeadEntry = z.infer<typeof HeadEntry>;

/** An address shows which timeline its frame belongs to. */
function isFrameOf(tjp: Address): (frame: Address) => boolean {
  return (frame) => frame === tjp || tjpHashOf(frame) === hashOf(tjp);
}

/** A turn's list, whether it came in the message or ahead of it as payload. */
const listOf = <Entry extends z.ZodType>(entry: Entry) =>
  z.array(entry).max(sagaLimits.entriesMax).optional();

/** Which way records may go: to the receiver, from it, or both. */
export const Direction = z.enum(["push", "pull", "both"]);
export type Direction = z.infer<typeof Direction>;

export const InitBody = z.strictObject({
  type: z.literal("init"),
  ...turnHead,
  direction: Direction,
  entries: listOf(Root),
});
export type InitBody = z.infer<typeof InitBody>;

/** A link of a root that the receiver has only as a reference: who has the target in scope sends it. */
export const OpenReference = z.strictObject({ holder: address, target: address });
export type OpenReference = z.infer<typeof OpenReference>;

/**
 * A status for each root, in the order of `init`; behind them, the timelines beyond the roots that belong to the
 * closure of what the receiver sends along, which come whole; behind those, references that are open.
 */
export const AckEntry = z.union([RootStatus, FinalTip, OpenReference]);
export type AckEntry = z.infer<typeof AckEntry>;

export const AckBody = z.strictObject({
  type: z.literal("ack"),
  ...turnHead,
  /** How many records were kept from this sender's lost connection and count as staged; absent: none. */
  kept: count.min(1).optional(),
  entries: listOf(AckEntry),
});
export type AckBody = z.infer<typeof AckBody>;

/**
 * A root whose tip at the receiver the sender does not hold, and frames of its own history, newest first, closely
 * spaced at first and then ever more widely: the receiver sends what its tip has beyond those that it knows.
 */
export const Ask = z.strictObject({
  address,
  locator: z.array(address).min(1).max(sagaLimits.locatorMax),
});
export type Ask = z.infer<typeof Ask>;

export const AskBody = z.strictObject({ type: z.literal("ask"), ...turnHead, entries: listOf(Ask) });
export type AskBody = z.infer<typeof AskBody>;

/** The answer to `ask`, behind the payload: timelines beyond the roots that belong to what was sent. */
export const BranchBody = z.strictObject({
  type: z.literal("branch"),
  ...turnHead,
  entries: listOf(FinalTip),
});
export type BranchBody = z.infer<typeof BranchBody>;

/**
 * The answer to a commit that came second: the roots whose tips others have moved meanwhile, with their tips now, and the
 * timelines beyond the roots that belong to them. What the sender lacks of them comes as payload of this turn. Nothing
 * was changed; the sender commits again.
 */
export const MovedBody = z.strictObject({
  type: z.literal("moved"),
  ...turnHead,
  entries: listOf(FinalTip),
});
export type MovedBody = z.infer<typeof MovedBody>;

/** Addresses of which the sender does not know whether the receiver has them. */
export const OfferBody = z.strictObject({ type: z.literal("offer"), ...turnHead, entries: listOf(address) });
export type OfferBody = z.infer<typeof OfferBody>;

/** The answer to an offer: bit i (lowest first in each byte) says whether the receiver wants entry i. */
export const WantsBody = z.strictObject({
  type: z.literal("wants"),
  ...turnHead,
  wants: z
    .string()
    .regex(/^([0-9a-f]{2})*$/)
    .max(sagaLimits.entriesMax / 4 + 2),
  entries: z.undefined().optional(),
});
export type WantsBody = z.infer<typeof WantsBody>;

/** More records follow; this turn covers those so far. */
export const DeltaBody = z.strictObject({
  type: z.literal("delta"),
  ...turnHead,
  entries: z.undefined().optional(),
});
export type DeltaBody = z.infer<typeof DeltaBody>;

/** The answer to `delta`: all that it covers is checked and staged. */
export const StagedBody = z.strictObject({
  type: z.literal("staged"),
  ...turnHead,
  entries: z.undefined().optional(),
});
export type StagedBody = z.infer<typeof StagedBody>;

/** The final tips, in the order of the roots and what was found; behind them, the heads that the sender adds. */
export const CommitEntry = z.union([FinalTip, HeadEntry]);
export type CommitEntry = z.infer<typeof CommitEntry>;

export const CommitBody = z.strictObject({
  type: z.literal("commit"),
  ...turnHead,
  entries: listOf(CommitEntry),
});
export type CommitBody = z.infer<typeof CommitBody>;

export const ReceiptBody = z.strictObject({
  type: z.literal("receipt"),
  ...turnHead,
  /** The receiver's clock; a claim. */
  time: count,
  entries: listOf(FinalTip),
});
export type ReceiptBody = z.infer<typeof ReceiptBody>;

/**
 * A head as the commit that added it says it: its entry, and where that stands in the commit's list. `path` leads from
 * there to the root that the commit's context holds.
 */
export const AttestedHead = z.strictObject({
  entry: HeadEntry,
  context: address,
  index: count,
  count,
  path: z.array(hex(32)).max(sagaLimits.entryPathMax),
});
export type AttestedHead = z.infer<typeof AttestedHead>;

/** What proves who said what elsewhere: keystone frames and contexts as text, and the heads that rest on them. */
export const Evidence = z.union([recordText, AttestedHead]);
export type Evidence = z.infer<typeof Evidence>;

export const TurnFromSender = z.discriminatedUnion("type", [
  InitBody,
  AskBody,
  OfferBody,
  DeltaBody,
  CommitBody,
]);
export type TurnFromSender = z.infer<typeof TurnFromSender>;
export const TurnFromReceiver = z.discriminatedUnion("type", [
  AckBody,
  BranchBody,
  WantsBody,
  StagedBody,
  MovedBody,
  ReceiptBody,
]);
export type TurnFromReceiver = z.infer<typeof TurnFromReceiver>;
