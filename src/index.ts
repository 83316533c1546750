/**
 * keysaga: sync peers over content-addressed records, with keystone identity. Runs in Node and browsers; what needs
 * Node is in `keysaga/node`, what tests need in `keysaga/testing`.
 */

// Who speaks: an identity, kept in a space.
export {
  confirmTip,
  createIdentity,
  type Identity,
  type IdentityOptions,
  openIdentity,
  type OpenIdentityOptions,
  hasMetReceivers,
  timesBehind,
} from "./peer/index.js";

// The two sides of a saga, and what they tell whoever watches.
export {
  createSender,
  type ReachByDial,
  type ReachByInvite,
  type ReachByUrl,
  type ReconnectOptions,
  reconnectDefaults,
  type Sender,
  type SenderOptions,
  type SenderSettings,
  type Left,
  type LeftReason,
  type SyncOptions,
  type OpenLink,
  type SyncReport,
} from "./peer/index.js";
export {
  type AccessPolicy,
  type Admission,
  createReceiver,
  type Receiver,
  type ReceiverLimits,
  type ReceiverOptions,
  receiverLimits,
  type Session,
} from "./peer/index.js";
// Whom receivers let in, beside their own rule: by an invite, or by name, also while they run.
export {
  type KeptAdmission,
  admissionsOf,
  admitIdentity,
  createInvite,
  expelIdentity,
  type Invite,
  type InviteOptions,
  inviteLimits,
  isInviteText,
  type NewInvite,
  readInvite,
} from "./peer/index.js";
export type { FarParty, OnEvent, PeerEvent, WaitReason } from "./peer/index.js";
export {
  type Direction,
  type FinalTip,
  type Role,
  type SessionLimits,
  sessionLimits,
  type Totals,
  type TotalsOfBoth,
} from "./saga/index.js";
// What peers take from outside.
export { type Locks, type Platform, systemPlatform } from "./peer/index.js";
export type { Clock, Instant, Moment, Random, Timers } from "./base/index.js";

// Where a record is, and why.
export {
  type Explanation,
  type ExplanationReason,
  explanations,
  type ReceiptMark,
  type RecordStatus,
} from "./peer/index.js";

// Who else may read and write what an identity owns.
export {
  type Authorize,
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
  type WritingLists,
} from "./peer/index.js";
// What of theirs counts, beside.
export { adopt, type FrameOf, type LeftOut, leftOut, setAside } from "./peer/index.js";
export type { Access, Action } from "./lists/index.js";

// Records and timelines.
export {
  type Address,
  addressOf,
  createTimeline,
  type Draft,
  type DraftData,
  decodeRecord,
  fork,
  gibOf,
  type IbGib,
  ibOf,
  isAddress,
  isFrame,
  isMerge,
  isStandIn,
  isTjp,
  type Link,
  linksOf,
  type Edit,
  type Made,
  type MergeMark,
  makerOf,
  mutate,
  type NewFork,
  type NewTimeline,
  nOf,
  ownerOf,
  type Patch,
  parseAddress,
  previousOf,
  type RecordText,
  type Rel8ns,
  type Relation,
  recordLimits,
  relate,
  sealRecord,
  shortAddress,
  tjpOf,
  toText,
  withinOf,
} from "./ibgib/index.js";
export { canonicalJson, type Json, type JsonObject } from "./base/index.js";

// Where records lie. `openLmdbSpace`, on disk, is in keysaga/node.
export { type SaveOptions, saveRecords } from "./peer/index.js";
export {
  InnerSpace,
  type InnerSpaceOptions,
  type Space,
  type SpaceLimits,
  spaceLimits,
  type Tip,
} from "./space/index.js";
// A store of one's own: a `Store` with a `StoreSpace` over it, or the whole of `Space`.
export {
  type Reader as StoreReader,
  type Store,
  StoreSpace,
  type StoreSpaceOptions,
  type Table as StoreTable,
  type Writer as StoreWriter,
} from "./space/index.js";
export type {
  CellChange,
  Charge,
  Commit,
  CommitResult,
  Holder,
  Inner,
  Look,
  ProofPut,
  Reference,
  ReferenceTo,
  SagaId,
  Scanned,
  Sight,
  SpaceView,
  StagedRecord,
  StageTotals,
  TakenOver,
  TipMove,
  TipNow,
} from "./space/index.js";

// Is everything in a space what it should be?
export {
  type Problem,
  type ProblemRule,
  type Verification,
  type VerifyCounts,
  type VerifyOptions,
  verifySpace,
} from "./peer/index.js";

// What a receiver signs can be checked by anyone, without a store.
export { exportReceipt, receiptTimes } from "./peer/index.js";
export {
  checkReceipt,
  setFingerprint,
  type AlikeSet,
  type CountedFrame,
  type LeftRoot,
  type Receipt,
  type ReceiptBundle,
  type SignedReceipt,
} from "./saga/index.js";

// So can a whole session, turn by turn, from docs/format.md.
export { exportSession, type KeptSession, keptSessions, type SessionBundle } from "./peer/index.js";

// So can what proves who made a frame.
export { type Attestation, attestationOf, evidenceFor } from "./peer/index.js";
export {
  type AttestedFrame,
  type AttestedFrames,
  type Attester,
  checkAttested,
  type Evidence,
  type HostVoucher,
  type MadeFrame,
  type Voucher,
} from "./saga/index.js";

// Bringing branches of one timeline together, the same way on every peer, and what is left to a person.
export {
  compareTexts,
  compareTips,
  type Conflict,
  type ConflictChoice,
  type ConflictValue,
  type Content,
  conflictsOf,
  type FrameReader,
  type HeadContent,
  headsOf,
  type Merged,
  type MergedText,
  type MergeFunction,
  type MergeFunctions,
  type MergeHeads,
  type MergeLimits,
  type MergeOptions,
  type Spend,
  fieldsFunction,
  mergeFunctions,
  mergeLimits,
  mergeText,
  mergeTips,
  type Pause,
  type RecordKind,
  type Registration,
  resolveConflicts,
  type TextChoice,
  type TextContest,
  type TextHunk,
  type TipRelation,
} from "./merge/index.js";

// How they reach each other: in memory, or over WebSocket.
export {
  type Connection,
  type ConnectionHandlers,
  createInnerspace,
  type Dial,
  dialWebSocket,
  type Innerspace,
  type InnerspacePair,
  innerspacePair,
  type Message,
  type TlsOptions,
  type TransportLimits,
  type TransportOptions,
  transportLimits,
  type WebSocketDialOptions,
} from "./transport/index.js";

// Every failure is a KeysagaError with a code from one table.
export {
  describeError,
  type ErrorCode,
  type ErrorRow,
  errorTable,
  type Facts,
  isErrorCode,
  KeysagaError,
  type LimitFacts,
  printable,
  systemError,
} from "./base/index.js";
