/** What the turns of a saga say: the bodies of `Turn` messages with the entries of their lists, and what is shown as evidence. */
import * as z from "zod";
import { type Address, hashOf, tjpHashOf } from "../ibgib/index.js";
import { sagaLimits } from "./limits.js";
import { address, count, frameNumber, hex, hostSignature, recordText, signature, uuid } from "./messages.js";

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

/** An address shows which timeline its frame is of. */
const isOfTimeline = ({ tjp, frame }: { readonly tjp: Address; readonly frame: Address }) =>
  frame === tjp || tjpHashOf(frame) === hashOf(tjp);

/** A frame that the signer of a list says it has made, the last of a run. */
export const MadeFrame = z
  .strictObject({ tjp: address, frame: address })
  .refine(isOfTimeline, "of its timeline");
export type MadeFrame = z.infer<typeof MadeFrame>;

/** A head that its maker may write by an entry whose uses a receiver counts: that one says that it has let it in. */
export const CountedFrame = z
  .strictObject({ tjp: address, frame: address, entry: z.string().min(1).max(80) })
  .refine(isOfTimeline, "of its timeline");
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
 * With ranges it goes on with that set: with such of the turn before as differ. What is alike by that is named in no turn of
 * the saga; it counts as named, and as the same on both sides.
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
export const LeftRoot = z.strictObject({ address, left: z.enum(["over_quota", "too_long", "not_taken"]) });
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
