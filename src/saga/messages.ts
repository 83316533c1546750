import * as z from "zod";
import { type Address, isAddress, type RecordText } from "../ibgib/index.js";
import { suite } from "../keystone/index.js";
import { sagaLimits } from "./limits.js";

/** The WebSocket subprotocol; the pinned hash of these schemas stands beside it in tests/saga/schemas.test.ts. */
export const protocolName = "keysaga.v1";
export const protocolVersion = 1;
/** Names the signature and hash algorithms of a session, as offered and chosen in hello and open. */
export const suites = [suite] as const;

export const address = z.custom<Address>(isAddress, "an address");
export const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));
export const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
export const uuid = hex(16);
export const signature = hex(64);
/** A frame's number; -1 stands for a first frame by other software that has none. */
export const frameNumber = z.number().int().min(-1).max(Number.MAX_SAFE_INTEGER);

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
