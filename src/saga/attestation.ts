import { KeysagaError, limitExceeded, sha256, toHex, utf8 } from "../base/index.js";
import { type Address, decodeText, type IbGib, isReservedIb } from "../ibgib/index.js";
import {
  attestKeyOf,
  isVouched,
  type KeystoneState,
  type LaneState,
  type SecretFor,
  signList,
  startReceiverSession,
  startSenderSession,
} from "../keystone/index.js";
import { isListIb } from "../lists/index.js";
import { sliceLimits } from "./chain-walk.js";
import { isHostSignature } from "./handshake.js";
import { sagaLimits } from "./limits.js";
import type {
  AttestedFrames,
  CountedFrame,
  Evidence,
  HostVoucher,
  MadeFrame,
  ShownFrame,
  Voucher,
} from "./turn-bodies.js";
import { placesAmong } from "./places.js";
import type { Delegations, KnownIdentity } from "./shown-identity.js";
import { listRoot } from "./turn.js";

/*
 * The proof that somebody has made a frame:
 *
 *   entry, path            lead to a root
 *   AttestedFrames         S0's attest key has signed that root, for one saga
 *   S0                     names the lane, the receiver and the attest key
 *   Voucher                L0's attest key has signed: S0, by lane frame n, towards that receiver
 *   L0                     names the identity, the receiver and its attest key
 *   the identity's frames  one of them has delegated L0
 *
 * Where a receiver's own home has made the frame, R0's attest key has signed; the host key's signature stands in place of
 * voucher and lane, and the identity is the receiver's, which has certified that key.
 *
 * Nothing in it grows with turns, sagas or connections. What the checker knows already need not be shown again.
 */

/**
 * Who signed a frame as its maker: the identity, the session that signed, and the lane it spoke through; a receiver has
 * none, since its host key speaks for the session.
 */
export interface Attester {
  readonly identity: Address;
  readonly lane?: Address;
  readonly session: Address;
}

/** A frame, and who signed it. */
export interface AttestedFrame extends Attester, MadeFrame {}

/** A head that an entry with counted uses has let in, and the receiver that says so. */
export interface LetIn extends CountedFrame {
  readonly receiver: Address;
  readonly session: Address;
}

/** What was signed of a commit, as its session keeps it. */
export type ListSignature = Pick<AttestedFrames, "session" | "saga" | "signature">;

/** Signs the frames that the owner of `session` says it has made: what the commit turn of that saga carries. */
export function signMade(
  session: KeystoneState,
  saga: string,
  made: readonly MadeFrame[],
  secretFor: SecretFor,
): ListSignature {
  const list = { session: session.tjp, saga, count: made.length, root: listRoot(made) };
  const signature = signList("senderHeads", list, attestKeyOf(session, secretFor));
  return { session: session.tjp, saga, signature };
}

/** The places of some frames in a signed list, whose whole is at hand. One tree is made for all of them. */
export function placesOf(
  made: readonly ShownFrame["entry"][],
  isShown: (entry: ShownFrame["entry"]) => boolean = () => true,
): readonly ShownFrame[] {
  return placesAmong(
    made,
    made.flatMap((entry, index) => (isShown(entry) ? [{ entry, index }] : [])),
  );
}

/** Evidence, sorted. */
export interface ShownProofs {
  readonly records: readonly IbGib[];
  readonly vouchers: readonly (Voucher | HostVoucher)[];
  readonly lists: readonly AttestedFrames[];
}

/** Frames of access lists among evidence: they go ahead of what they let in. */
export interface ShownListFrames {
  readonly listFrames: readonly IbGib[];
}

/**
 * Sorts what came as evidence, and admits its records.
 *
 * @throws KeysagaError `limit_exceeded` beyond `evidenceMax`, `attestation_refused` for a record that is neither a
 *   keystone's nor a list's, or what `decodeText` throws.
 */
export function readEvidence(items: readonly Evidence[]): ShownProofs & ShownListFrames {
  return drained(readingSteps(items));
}

/**
 * The same in steps, between which others may have their turn: of so many items each. What is added meanwhile is not read.
 */
export function* readingSteps(
  items: readonly Evidence[],
): Generator<undefined, ShownProofs & ShownListFrames> {
  const max = sagaLimits.evidenceMax;
  if (items.length > max) throw limitExceeded("evidenceMax", max);
  const records: IbGib[] = [];
  const vouchers: (Voucher | HostVoucher)[] = [];
  const lists: AttestedFrames[] = [];
  const listFrames: IbGib[] = [];
  for (const [at, item] of [...items].entries()) {
    if ("frames" in item) lists.push(item);
    else if ("session" in item) vouchers.push(item);
    else if (isReservedIb(item[0]) && item[0] !== "context") records.push(decodeText(item));
    else if (isListIb(item[0])) listFrames.push(decodeText(item));
    else throw refused("kind of record");
    if ((at + 1) % sliceLimits.framesMax === 0) yield;
  }
  return { records, vouchers, lists, listFrames };
}

/** What all steps come to, without a pause. */
export function drained<Value>(steps: Generator<undefined, Value>): Value {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** What of a session is known once it is proved. */
export interface ProvedSession extends Attester {
  /** Hex of its attest key, and what that signs of frames. */
  readonly attestKey: string;
  readonly signs: "senderHeads" | "receiverHeads";
}

/** What a checker has checked before, and keeps. */
export interface KnownParts {
  readonly sessions: ReadonlyMap<Address, ProvedSession>;
  /** L0s that their identity had delegated. */
  readonly lanes: ReadonlyMap<Address, IbGib>;
  readonly identities: ReadonlyMap<Address, KnownIdentity>;
}

export const nothingKnown: KnownParts = { sessions: new Map(), lanes: new Map(), identities: new Map() };

/** A session that was shown and is not known yet, with what vouches for it. */
export interface SessionPart extends ProvedSession {
  readonly first: IbGib;
  readonly voucher: Voucher | HostVoucher;
}

/** What a checker has to keep so that it need not be shown again: what it did not know. */
export interface ProvedParts {
  readonly sessions: readonly SessionPart[];
  readonly lanes: readonly IbGib[];
  /** The frames of each identity that are new, each behind the one that it goes on from. */
  readonly identities: ReadonlyMap<Address, readonly IbGib[]>;
}

export interface CheckedProofs {
  readonly attested: readonly AttestedFrame[];
  readonly counted: readonly LetIn[];
  readonly parts: ProvedParts;
}

/**
 * Who speaks in the session that `first` founds: its lane vouches for it, and the lane's identity has delegated the lane.
 *
 * @param delegations What the identity that the lane names has said.
 * @throws KeysagaError `attestation_refused`
 */
export function provedSession(
  first: IbGib,
  { n, signature }: Voucher,
  lane: LaneState,
  { delegated }: Delegations,
): ProvedSession {
  const { details } = proving("session", () => startSenderSession(first));
  const { tjp } = lane.keystone;
  const vouching = { lane: tjp, n, session: first.address, receiver: lane.receiver };
  if (details.lane !== tjp) throw refused("session of another lane");
  if (details.receiver !== lane.receiver) throw refused("lane to another receiver");
  if (!isVouched(vouching, lane.attestKey, signature)) throw refused("signature of the lane");
  if (!delegated.has(tjp)) throw refused("lane not delegated");
  const { attestKey } = details;
  return { session: first.address, lane: tjp, identity: lane.delegator, attestKey, signs: "senderHeads" };
}

/**
 * Who speaks in the receiver's session that `first` founds: a host key has signed it that the identity has certified.
 *
 * @param delegations What the identity that the session names has said.
 * @throws KeysagaError `attestation_refused`
 */
export function provedReceiver(
  first: IbGib,
  { host }: HostVoucher,
  { certificates }: Delegations,
): ProvedSession {
  const { details } = proving("session", () => startReceiverSession(first));
  const { receiver, attestKey } = details;
  if (!isHostSignature(host, first.address)) throw refused("signature of the host key");
  if (certificates.get(host.certifiedBy) !== host.key) throw refused("host key not certified");
  return { session: first.address, identity: receiver, attestKey, signs: "receiverHeads" };
}

/** What a keystone gets wrong is no proof, whatever it is. */
export function proving<Value>(kind: string, replay: () => Value): Value {
  try {
    return replay();
  } catch (thrown) {
    if (!(thrown instanceof KeysagaError)) throw thrown;
    const { code, facts } = thrown;
    if (code === "proofs_missing") throw thrown;
    throw new KeysagaError(
      "attestation_refused",
      { rule: `${kind}: ${String(facts["rule"] ?? code)}` },
      { cause: thrown },
    );
  }
}

export function refused(rule: string): KeysagaError {
  return new KeysagaError("attestation_refused", { rule });
}

/** Names a signed list: what differs in session, saga, count, root or signature is another one. */
export function listName({ session, saga, count, signature }: Omit<AttestedFrames, "frames">): string {
  return toHex(sha256(utf8([session, saga, count, signature].join(" ")))).slice(0, 48);
}
