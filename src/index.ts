/**
 * keysaga: sync peers over content-addressed records, with keystone identity. Runs in Node and browsers; what needs
 * Node is in `keysaga/node`.
 */

// Every failure is a KeysagaError with a code from one table.
export {
  type ErrorCode,
  type ErrorRow,
  errorTable,
  type Facts,
  isErrorCode,
  KeysagaError,
} from "./base/index.js";
// Records and timelines.
export {
  type Address,
  addressOf,
  createTimeline,
  type Draft,
  decodeRecord,
  fork,
  gibOf,
  type IbGib,
  ibOf,
  isAddress,
  isFrame,
  isTjp,
  linksOf,
  mutate,
  nOf,
  parseAddress,
  previousOf,
  recordLimits,
  relate,
  sealRecord,
  shortAddress,
  tjpOf,
  toText,
} from "./ibgib/index.js";
// What two edits of one timeline come to, how to choose that for a kind of record, and what is left to a person.
export {
  type Conflict,
  type ConflictChoice,
  type ConflictValue,
  type Content,
  conflictsOf,
  type HeadContent,
  isMerge,
  type MergeFunction,
  type MergeFunctions,
  type MergeHeads,
  mergeFunctions,
  mergeText,
  type RecordKind,
  type Registration,
  resolveConflicts,
} from "./merge/index.js";
// Who speaks: an identity, kept in a space.
// The two sides of a saga, and what they tell whoever watches.
// Is everything in a space what it should be?
export {
  type Admission,
  createIdentity,
  createReceiver,
  createSender,
  exportReceipt,
  type Identity,
  type IdentityOptions,
  type OnEvent,
  openIdentity,
  type PeerEvent,
  type Platform,
  type Problem,
  type ProblemRule,
  type ReachByDial,
  type ReachByUrl,
  type Receiver,
  type ReceiverLimits,
  type ReceiverOptions,
  receiverLimits,
  saveRecords,
  type Sender,
  type SenderOptions,
  type SenderSettings,
  type Session,
  type SyncOptions,
  type SyncReport,
  systemPlatform,
  type Verification,
  type VerifyCounts,
  type VerifyOptions,
  verifySpace,
} from "./peer/index.js";
// Where records lie. `openLmdbSpace`, on disk, is in keysaga/node.
export {
  type Commit,
  type CommitResult,
  type Holder,
  InnerSpace,
  type InnerSpaceOptions,
  type Scanned,
  type Space,
  type SpaceLimits,
  spaceLimits,
  type Tip,
  type TipMove,
} from "./space/index.js";

// What a receiver signs can be checked by anyone, without a store.
export { checkReceipt, type ReceiptBundle, type SignedReceipt } from "./saga/index.js";

// How they reach each other: in memory, or over WebSocket.
export {
  type Connection,
  createInnerspace,
  type Dial,
  dialWebSocket,
  type Innerspace,
  type InnerspacePair,
  innerspacePair,
  type TlsOptions,
  type TransportLimits,
  transportLimits,
  type WebSocketDialOptions,
} from "./transport/index.js";
