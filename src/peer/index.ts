/** The peers: what does I/O around the pure machines. */
export {
  createIdentity,
  type Identity,
  type IdentityOptions,
  openIdentity,
  type OpenIdentityOptions,
} from "./home/identity.js";
export { confirmTip } from "./sender/confirm-tip.js";
export { hasMetReceivers, timesBehind } from "./home/old-copy.js";
export {
  type EntryState,
  type Share,
  type Shared,
  type Sharing,
  share,
  type Unshare,
  type Unshared,
  unshare,
  whoMay,
  type Writing,
} from "./rights/sharing.js";
export { adopt, type FrameOf, type LeftOut, leftOut, setAside } from "./rights/deciding.js";
export type { WritingLists } from "./rights/write-list.js";
export type { Left } from "./branches/taking.js";
export type { Authorize } from "./rights/rights.js";
export type { AccessPolicy } from "./rights/standing.js";
export { exportReceipt, receiptTimes } from "./verify/receipts.js";
export { exportSession, type KeptSession, keptSessions, type SessionBundle } from "./verify/transcripts.js";
export { type Attestation, attestationOf, evidenceFor } from "./rights/attestations.js";
export { type SaveOptions, saveRecords } from "./home/save-records.js";
export {
  createSender,
  type ReachByDial,
  type ReachByInvite,
  type ReachByUrl,
  type Sender,
  type SenderOptions,
  type SenderSettings,
  type SyncOptions,
} from "./sender/sender.js";
export { type ReconnectOptions, reconnectDefaults } from "./sender/reconnect.js";
export type { OpenLink, SyncReport } from "./sender/sender-commit.js";
export {
  type Admission,
  type KeptAdmission,
  admissionsOf,
  admitIdentity,
  expelIdentity,
} from "./receiver/admission.js";
export { createInvite, type InviteOptions, inviteLimits, type NewInvite } from "./receiver/invite.js";
export { type Invite, isInviteText, readInvite } from "./home/invite-text.js";
export {
  createReceiver,
  type Receiver,
  type ReceiverOptions,
  type Session,
} from "./receiver/receiver.js";
export { type ReceiverLimits, receiverLimits } from "./receiver/quotas.js";
export type { FarParty, LeftReason, OnEvent, PeerEvent, WaitReason } from "./session/events.js";
export type { ReceiptMark } from "./sender/arrivals.js";
export {
  type Explanation,
  type ExplanationReason,
  explanations,
  type RecordStatus,
} from "./sender/explain.js";
export { type Locks, type Platform, systemPlatform } from "./home/platform.js";
export {
  type Verification,
  type VerifyCounts,
  type VerifyOptions,
  verifySpace,
} from "./verify/verify-space.js";
export type { Problem, ProblemRule } from "./verify/verify-problem.js";
