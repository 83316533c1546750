/** The peers: what does I/O around the pure machines. */
export {
  createIdentity,
  type Identity,
  type IdentityOptions,
  openIdentity,
  type OpenIdentityOptions,
} from "./identity.js";
export { confirmTip } from "./confirm-tip.js";
export { type Share, type Shared, share, unshare, whoMay } from "./grants.js";
export type { GrantState } from "./granted.js";
export type { Authorize } from "./rights.js";
export { exportReceipt } from "./receipts.js";
export { type Attestation, attestationOf, evidenceFor } from "./attestations.js";
export { saveRecords } from "./save-records.js";
export {
  createSender,
  type ReachByDial,
  type ReachByInvite,
  type ReachByUrl,
  type Sender,
  type SenderOptions,
  type SenderSettings,
  type SyncOptions,
} from "./sender.js";
export { type ReconnectOptions, reconnectDefaults } from "./reconnect.js";
export type { SyncReport } from "./sender-commit.js";
export {
  type Admission,
  type AdmissionKept,
  admissionsOf,
  admitIdentity,
  expelIdentity,
} from "./admission.js";
export { createInvite, type InviteOptions, inviteLimits, type NewInvite } from "./invite.js";
export { type Invite, isInviteText, readInvite } from "./invite-text.js";
export {
  createReceiver,
  type Receiver,
  type ReceiverOptions,
  type Session,
} from "./receiver.js";
export { type ReceiverLimits, receiverLimits } from "./quotas.js";
export type { OnEvent, PeerEvent, WaitReason } from "./events.js";
export { type Explanation, type ExplanationReason, explanations, type RecordStatus } from "./explain.js";
export { type Locks, type Platform, systemPlatform } from "./platform.js";
export { type Verification, type VerifyCounts, type VerifyOptions, verifySpace } from "./verify-space.js";
export type { Problem, ProblemRule } from "./verify-problem.js";
