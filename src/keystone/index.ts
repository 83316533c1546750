/**
 * Keystones: chains of frames, each of which commits to the one-time keys that may authorize the next. No I/O, no
 * clock, no randomness in this folder.
 */

// The chain: found it, check it, go on with it.
export { type Claim, genesis, type GenesisOptions, type KeystoneKind } from "./frame.js";
export { advance, type Advanced, checkFrame, type KeystoneState, resume, startReplay } from "./replay.js";
export {
  frameOpened,
  isSignedBy,
  nextFrame,
  type NextFrameOptions,
  type Opened,
  openedBy,
  signFrame,
} from "./next-frame.js";

// What a signer makes durable before it signs.
export { claimOf, decodeUnsigned, encodeUnsigned, frameDigest, type UnsignedFrame } from "./frame.js";

// Who speaks: a person or service, its standing with one receiver, one connection.
export {
  checkIdentityFrames,
  delegationIn,
  type FollowedIdentity,
  followIdentity,
  foundIdentity,
  hostKeyDetails,
  type IdentitySecrets,
  type IdentityState,
  readIdentity,
  readIdentityFrames,
  resumeIdentity,
  startFollowing,
  startIdentity,
} from "./identity.js";
export { foundLane, type LaneState, startLane } from "./lane.js";
export {
  connectDemand,
  connectSize,
  foundReceiverSession,
  foundSenderSession,
  type ReceiverSession,
  type SenderSession,
  startReceiverSession,
  startSenderSession,
} from "./session.js";

// What lanes and sessions sign beside their frames.
export {
  attestKeyOf,
  isListSigned,
  isVouched,
  type ListKind,
  type SignedList,
  signList,
  signVoucher,
  suite,
  type Vouching,
} from "./attest.js";

// What a frame is made of.
export type { Challenge, Pool, PoolConfig, PoolSpec, SecretFor } from "./pool.js";
export { strategies, type Strategy } from "./strategy.js";
export { poolKey } from "./derive.js";
export { merklePath, merklePaths, merkleRoot, rootOfPath } from "./merkle.js";
export { keystoneLimits } from "./limits.js";
