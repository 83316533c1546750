import * as z from "zod";
import { type Address, hashOf, isAddress, type RecordText, tjpHashOf } from "../ibgib/index.js";
import { suite } from "../keystone/index.js";
import { sagaLimits } from "./limits.js";

/** The WebSocket subprotocol; the pinned hash of these schemas stands beside it in tests/saga/schemas.test.ts. */
export const protocolName = "keysaga.v1";
export const protocolVersion = 1;
/** Names the signature and hash algorithms of a session, as offered and chosen in hello and open. */
export const suites = [suite] as const;

const address = z.custom<Address>(isAddress, "an address");
const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const uuid = hex(16);
const signature = hex(64);
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
  /** A lane that is used no more, where `lane` is new: by it the receiver knows whom it may tell what it holds of I. */
  former: address.optional(),
  /** The newest frame of the receiver's identity that this side has verified and stored. */
  receiverTip: standing.optional(),
  session: recordText,
});
export type Open = z.infer<typeof Open>;

/** The host key, the frame of the receiver's identity that certifies it, and its signature over R's genesis. */
export const hostSignature = z.strictObject({ key: hex(32), certifiedBy: address, signature });

/**
 * What the receiver holds behind the standings of `open`, as where the sender's home was put back from a backup: the next
 * frames of I, oldest first; the newest one of L; and L0 of each lane to this receiver that those frames delegate.
 */
export const NewerShown = z.strictObject({
  identityFrames: z.array(recordText).max(sagaLimits.newerFramesMax),
  laneFrame: recordText.optional(),
  lanes: z.array(recordText).max(sagaLimits.newerFramesMax),
});
export type NewerShown = z.infer<typeof NewerShown>;

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
  newer: NewerShown.optional(),
});
export type ChallengeBody = z.infer<typeof ChallengeBody>;

export const Challenge = z.strictObject({
  type: z.literal("challenge"),
  body,
  proof: z.strictObject({ frame: recordText }),
});
export type Challenge = z.infer<typeof Challenge>;

/**
 * One signed turn of a saga, in either direction. Neither its context nor its session frame is sent: both sides derive
 * them from what they have seen (saga/turn.ts). `proof` is what of the frame the other side cannot compute.
 */
export const Turn = z.strictObject({
  type: z.literal("turn"),
  body,
  proof: z.strictObject({ key: hex(32), signature, next: hex(32) }),
});
export type Turn = z.infer<typeof Turn>;

/**
 * An invite, shown by who redeems it: its id, and a MAC under its key over that id, I's address and what S1 claims. So it
 * counts for nobody else, and in no other handshake.
 */
export const InviteShown = z.strictObject({ id: hex(16), mac: hex(32) });
export type InviteShown = z.infer<typeof InviteShown>;

/**
 * Sender to receiver: what the receiver lacks of I (behind what went ahead) and L, the vouching lane frame with the
 * signature of L0's attest key that vouches for S elsewhere, S1. The first turn may follow at once: the receiver keeps one
 * turn until it is ready.
 */
export const Connect = z.strictObject({
  type: z.literal("connect"),
  identityFrames: frames,
  laneFrames: frames,
  proof: z.strictObject({ lane: recordText, voucher: signature, frame: recordText }),
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
/** By the speaker's attest key, over the frames of the list that its home has made; there exactly where there are some. */
const heads = signature.optional();

/** Frames of a timeline that the sender holds, for the receiver to find what both have. */
const locator = z.array(address).min(1).max(sagaLimits.locatorMax);

/**
 * A root of a saga: a timeline by its first address, or a stone (which is its own tip, with n=0). `tip` and `n` are
 * the sender's; without them it has nothing of this root and asks for it. A list has a `locator` where it is not known
 * whether the receiver has its tip: what the sender lacks of it comes with the answer. A root that is `down` comes down and
 * never goes up. The target of a reference is asked for with the record that links it: `by`.
 */
export const Root = z.strictObject({
  address,
  tip: address.optional(),
  n: frameNumber.optional(),
  locator: locator.optional(),
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
 * what the sender lacks up to the tip that is named comes as payload of this turn. `waiting`: it has what the sender lacks,
 * and nothing of that comes in this saga. `diverged`: neither holds the other's.
 */
export const RootStatus = z.discriminatedUnion("status", [
  z.strictObject({ status: z.literal("same") }),
  z.strictObject({ status: z.literal("unknown"), kept }),
  z.strictObject({ status: z.literal("behind"), tip: address, n: frameNumber, kept }),
  z.strictObject({ status: z.literal("ahead"), tip: address, n: frameNumber }),
  z.strictObject({ status: z.literal("waiting") }),
  z.strictObject({ status: z.literal("diverged"), tip: address, n: frameNumber, kept }),
]);
export type RootStatus = z.infer<typeof RootStatus>;

/** A root and the tip that the receiver has for it when the saga is done. */
export const FinalTip = z.strictObject({ address, tip: address, n: frameNumber });
export type FinalTip = z.infer<typeof FinalTip>;

/** A frame that the signer of a list says it has made, the last of a run. An address shows which timeline it is of. */
export const MadeFrame = z
  .strictObject({ tjp: address, frame: address })
  .refine(({ tjp, frame }) => frame === tjp || tjpHashOf(frame) === hashOf(tjp), "of its timeline");
export type MadeFrame = z.infer<typeof MadeFrame>;

/** A head that its maker may write by an entry whose uses a receiver counts: that one says that it has let it in. */
export const CountedFrame = z
  .strictObject({ tjp: address, frame: address, entry: z.string().min(1).max(80) })
  .refine(({ tjp, frame }) => frame === tjp || tjpHashOf(frame) === hashOf(tjp), "of its timeline");
export type CountedFrame = z.infer<typeof CountedFrame>;

/** A turn's list, whether it came in the message or ahead of it as payload. */
const listOf = <Entry extends z.ZodType>(entry: Entry) =>
  z.array(entry).max(sagaLimits.entriesMax).optional();

/** Which way records may go: to the receiver, from it, or both. */
export const Direction = z.enum(["push", "pull", "both"]);
export type Direction = z.infer<typeof Direction>;

/** A fingerprint of a range of a set (range-set.ts), in base64url; empty where nothing is in it. */
const fingerprint = z.string().regex(/^([A-Za-z0-9_-]{43})?$/);
const bitmap = (bits: number) =>
  z
    .string()
    .regex(/^([0-9a-f]{2})*$/)
    .max(bits / 4 + 2);

/** A range that is divided by the next hex digit, with the fingerprints of its parts. */
export const Range = z.strictObject({
  at: z.string().regex(/^[0-9a-f]{0,63}$/),
  nodes: z.array(fingerprint).length(16),
});
export type Range = z.infer<typeof Range>;

/**
 * Ahead of `init`: is what the sender has of a set what the receiver has of it, as far as the sender may read that? With `of`
 * and `root` it begins with a set: a timeline and all that is within it, or, `of` its own identity, all that the sender owns.
 * With ranges it goes on with that set: each is one digit longer than those of the turn before. What is agreed by that is
 * named in no turn of the saga; it counts as named, and as the same on both sides.
 */
export const RangesBody = z.strictObject({
  type: z.literal("ranges"),
  ...turnHead,
  of: address.optional(),
  root: fingerprint.optional(),
  entries: z.array(Range).max(sagaLimits.rangesMax).optional(),
});
export type RangesBody = z.infer<typeof RangesBody>;

/**
 * The answer to `ranges`: bit i says whether fingerprint i is the receiver's as well. Where a set was begun with, also how
 * many timelines of it the receiver has.
 */
export const AlikeBody = z.strictObject({
  type: z.literal("alike"),
  ...turnHead,
  alike: bitmap(16 * sagaLimits.rangesMax),
  count: count.optional(),
  entries: z.undefined().optional(),
});
export type AlikeBody = z.infer<typeof AlikeBody>;

/** A set of which both sides have so many timelines alike, and the fingerprint of exactly these. */
export const AlikeSet = z.strictObject({ of: address, count: count.min(1), root: fingerprint.min(1) });
export type AlikeSet = z.infer<typeof AlikeSet>;

export const InitBody = z.strictObject({
  type: z.literal("init"),
  ...turnHead,
  direction: Direction,
  /**
   * How many timelines may come down that links alone lead to, with what is within each: neither roots, the targets of
   * references excepted, nor within one. Absent: any number.
   */
  linkedMax: count.optional(),
  entries: listOf(Root),
});
export type InitBody = z.infer<typeof InitBody>;

/** A link of a root that the receiver has only as a reference: who has the target in scope sends it. */
export const OpenReference = z.strictObject({ holder: address, target: address });
export type OpenReference = z.infer<typeof OpenReference>;

/**
 * A status for each root, in the order of `init`; behind them, the timelines beyond the roots that belong to the
 * closure of what the receiver sends along, which come whole; then the frames among it that its own home has made; then
 * references that are open.
 */
export const AckEntry = z.union([RootStatus, FinalTip, MadeFrame, OpenReference]);
export type AckEntry = z.infer<typeof AckEntry>;

export const AckBody = z.strictObject({
  type: z.literal("ack"),
  ...turnHead,
  attested: heads,
  /** How many records were kept from this sender's lost connection and count as staged; absent: none. */
  kept: count.min(1).optional(),
  /** What the sender lacks comes with the answer to its `ask`: it links what is asked for. Absent: it came ahead. */
  later: z.literal(true).optional(),
  /** The receiver has no room left for this sender: nothing need be sent to it but lists. Absent: it has. */
  full: z.literal(true).optional(),
  /** What the sender lacks is more than one saga carries: this is a part of it, and another saga goes on from there. */
  more: z.literal(true).optional(),
  entries: listOf(AckEntry),
});
export type AckBody = z.infer<typeof AckBody>;

/**
 * A root whose tip at the receiver the sender does not hold, and frames of its own history, newest first, closely
 * spaced at first and then ever more widely: the receiver sends what its tip has beyond those that it knows.
 */
export const Ask = z.strictObject({ address, locator });
export type Ask = z.infer<typeof Ask>;

/** Without entries where nothing is asked for but what comes `later`. */
export const AskBody = z.strictObject({ type: z.literal("ask"), ...turnHead, entries: listOf(Ask) });
export type AskBody = z.infer<typeof AskBody>;

/** Timelines with their tips; behind them, the frames among what was sent that the receiver's own home has made. */
export const ToldEntry = z.union([FinalTip, MadeFrame]);
export type ToldEntry = z.infer<typeof ToldEntry>;

/** The answer to `ask`, behind the payload: timelines beyond the roots that belong to what was sent. */
export const BranchBody = z.strictObject({
  type: z.literal("branch"),
  ...turnHead,
  attested: heads,
  entries: listOf(ToldEntry),
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
  attested: heads,
  entries: listOf(ToldEntry),
});
export type MovedBody = z.infer<typeof MovedBody>;

/** Addresses of which the sender does not know whether the receiver has them. */
export const OfferBody = z.strictObject({ type: z.literal("offer"), ...turnHead, entries: listOf(address) });
export type OfferBody = z.infer<typeof OfferBody>;

/** The answer to an offer: bit i (lowest first in each byte) says whether the receiver wants entry i. */
export const WantsBody = z.strictObject({
  type: z.literal("wants"),
  ...turnHead,
  wants: bitmap(sagaLimits.entriesMax),
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

/** The final tips, in the order of the roots and what was found; behind them, the frames that the sender has made. */
export const CommitEntry = z.union([FinalTip, MadeFrame]);
export type CommitEntry = z.infer<typeof CommitEntry>;

export const CommitBody = z.strictObject({
  type: z.literal("commit"),
  ...turnHead,
  attested: heads,
  /** The sets that were compared ahead of the saga: what of them is alike. Absent: none. */
  alike: z.array(AlikeSet).min(1).max(sagaLimits.setsMax).optional(),
  entries: listOf(CommitEntry),
});
export type CommitBody = z.infer<typeof CommitBody>;

/**
 * A root that the receiver has left as it was for a limit of its own: it is over a quota, or takes a longer walk through
 * its history than one root may.
 */
export const LeftRoot = z.strictObject({ address, left: z.enum(["over_quota", "too_long"]) });
export type LeftRoot = z.infer<typeof LeftRoot>;

/**
 * The tips of the commit, but for roots that were left; behind them these, the sets of the commit, and then the heads that a
 * counted entry has let in, each with the entry.
 */
export const ReceiptEntry = z.union([FinalTip, LeftRoot, AlikeSet, CountedFrame]);
export type ReceiptEntry = z.infer<typeof ReceiptEntry>;

export const ReceiptBody = z.strictObject({
  type: z.literal("receipt"),
  ...turnHead,
  /** The receiver's clock; a claim. */
  time: count,
  /** By R0's attest key, over time, totals and the list. */
  attested: signature,
  entries: listOf(ReceiptEntry),
});
export type ReceiptBody = z.infer<typeof ReceiptBody>;

/**
 * A frame's place in a signed list: `path` leads from there to the root that was signed. With an entry, that is what a
 * receipt signs.
 */
export const ShownFrame = z.strictObject({
  entry: z.union([MadeFrame, CountedFrame]),
  index: count,
  path: z.array(hex(32)).max(sagaLimits.entryPathMax),
});
export type ShownFrame = z.infer<typeof ShownFrame>;

/** Frames of one list that a session's attest key has signed. The root that was signed follows from each path. */
export const AttestedFrames = z.strictObject({
  session: address,
  saga: uuid,
  count: count.min(1).max(sagaLimits.entriesMax),
  signature,
  frames: z.array(ShownFrame).min(1).max(sagaLimits.framesProvedMax),
});
export type AttestedFrames = z.infer<typeof AttestedFrames>;

/** L0's signature for a session, by the lane frame with number `n`. Lane and receiver are those that S0 names. */
export const Voucher = z.strictObject({ session: address, n: count.min(1).max(0xffff_ffff), signature });
export type Voucher = z.infer<typeof Voucher>;

/** The host key's signature for a receiver's session, which founds it as L0's voucher founds a sender's. */
export const HostVoucher = z.strictObject({ session: address, host: hostSignature });
export type HostVoucher = z.infer<typeof HostVoucher>;

/**
 * Frames of lists as text, which go ahead of all else; and what proves who said what elsewhere: frames of keystones as text
 * (identities', and the genesis of lanes and sessions), vouchers, and the frames that rest on them.
 */
export const Evidence = z.union([recordText, Voucher, HostVoucher, AttestedFrames]);
export type Evidence = z.infer<typeof Evidence>;

export const TurnFromSender = z.discriminatedUnion("type", [
  RangesBody,
  InitBody,
  AskBody,
  OfferBody,
  DeltaBody,
  CommitBody,
]);
export type TurnFromSender = z.infer<typeof TurnFromSender>;
export const TurnFromReceiver = z.discriminatedUnion("type", [
  AlikeBody,
  AckBody,
  BranchBody,
  WantsBody,
  StagedBody,
  MovedBody,
  ReceiptBody,
]);
export type TurnFromReceiver = z.infer<typeof TurnFromReceiver>;
