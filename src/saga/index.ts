/** The session protocol: wire messages, the handshake and the saga of both sides as pure steps. No I/O in this folder. */
export { sagaLimits, type SessionLimits, sessionLimits } from "./limits.js";
export {
  type Challenge,
  type Connect,
  Credit,
  Failure,
  FromReceiver,
  FromSender,
  type Hello,
  hostSignature,
  type InviteShown,
  type Open,
  protocolName,
  protocolVersion,
  type Ready,
  recordText,
  type Turn,
  type NewerShown,
} from "./messages.js";
export {
  type AckBody,
  AckEntry,
  type AlikeSet,
  type Ask,
  AttestedFrames,
  type CommitBody,
  CommitEntry,
  type Direction,
  Evidence,
  FinalTip,
  type LeftRoot,
  type HostVoucher,
  type InitBody,
  MadeFrame,
  type OfferBody,
  type CountedFrame,
  type ReceiptBody,
  type ReceiptEntry,
  type Root,
  ShownFrame,
  type RootStatus,
  TurnFromReceiver,
  TurnFromSender,
  Voucher,
  type WantsBody,
  type OpenReference,
} from "./turn-bodies.js";
export { type Alike, alikeSets, countAlike, type NamedSet } from "./ranges.js";
export { RangeSet, setFingerprint } from "./range-set.js";
export {
  type Caps,
  type Dialogue,
  type Entry,
  otherRole,
  parseJson,
  noContent,
  pathOf,
  type PayloadContent,
  type Role,
  signTurn,
  tallyPayload,
  type Totals,
  type TotalsOfBoth,
  type TurnDraft,
  type TurnMessage,
  type TurnProofs,
  type Verified,
  checkTurn,
} from "./turn.js";
export {
  checkReceipt,
  countedPlaces,
  readReceiptEntries,
  Receipt,
  ReceiptBundle,
  type SignedReceipt,
} from "./receipt.js";
export { afterMovement, type Pace, startPace } from "./pace.js";
export { entriesFrame, evidenceFrame, readPayload, recordsFrame, referencesFrame } from "./payload.js";
export { DeclaredReferences } from "./references.js";
export {
  type AttestedFrame,
  type LetIn,
  type Attester,
  type CheckedProofs,
  type KnownParts,
  listName,
  type ListSignature,
  placesOf,
  type ProvedParts,
  type ProvedSession,
  provedReceiver,
  provedSession,
  readEvidence,
  readingSteps,
  type SessionPart,
  type ShownProofs,
  signMade,
} from "./attestation.js";
export { checkAttested, checkProofs, proofSteps } from "./proof-check.js";
export { identityFramesIn, type KnownIdentity } from "./shown-identity.js";
export {
  type Established,
  type Exact,
  type Exporter,
  type InviteKey,
  inviteMac,
  type Standing,
  standingOf,
  type Vouched,
} from "./handshake.js";
export {
  type SenderHandshakeEffect,
  type SenderHandshakeEvent,
  type SenderHandshakeState,
  type SenderIntent,
  type SenderStanding,
  startSenderHandshake,
  stepSenderHandshake,
} from "./sender-handshake.js";
export { sliceLimits } from "./chain-walk.js";
export type {
  Accepted,
  Candidate,
  FollowedLane,
  ReceiverSelf,
  SenderKnown,
  UnusedFrame,
} from "./check-connect.js";
export {
  type ChallengeDraw,
  helloOf,
  type ReceiverHandshakeEffect,
  type ReceiverHandshakeEvent,
  type ReceiverHandshakeState,
  startReceiverHandshake,
  stepReceiverHandshake,
} from "./receiver-handshake.js";
export {
  directionOf,
  isEmpty,
  nothingToSend,
  sameOnBoth,
  type RootMove,
  type SendPlan,
  statusesByRoot,
} from "./roots.js";
export type { SenderSagaEffect, SenderSagaEvent, SenderSagaState } from "./sender-saga-states.js";
export { startSenderSaga, stepSenderSaga } from "./sender-saga.js";
export type {
  Found,
  ReceiverSagaEffect,
  ReceiverSagaEvent,
  ReceiverSagaState,
  Told,
} from "./receiver-saga-states.js";
export { awaitSaga, stepReceiverSaga } from "./receiver-saga.js";
