import {
  ed25519Sign,
  ed25519Verify,
  fromHex,
  hmacSha256,
  lengthPrefixed,
  sha256,
  toHex,
} from "../base/index.js";
import type { Address, IbGib } from "../ibgib/index.js";
import { type KeystoneState, type SecretFor, suite } from "../keystone/index.js";
import type { Voucher } from "./turn-bodies.js";
import type { Dialogue } from "./turn.js";

/** A message as it was heard or said: its exact text is what transcripts hash. */
export interface Exact<Message> {
  readonly text: string;
  readonly message: Message;
}

/** Where a keystone stands: its first frame, its newest one, and that one's number. */
export interface Standing {
  readonly keystone: Address;
  readonly tip: Address;
  readonly n: number;
}

export const standingOf = ({ tjp, tip, n }: KeystoneState): Standing => ({ keystone: tjp, tip, n });

/** What R1 claims: everything said before it, in the receiver's voice. Hex of a SHA-256. */
export function challengeTarget(hello: string, open: string, body: string): string {
  return toHex(sha256(lengthPrefixed("keysaga/challenge/1", "receiver", hello, open, body)));
}

/** What S1 claims: everything said before it, in the sender's voice, and the TLS exporter value where both have one. */
export function connectTarget(hello: string, open: string, challenge: string, exporter: Exporter): string {
  const parts = ["keysaga/connect/1", "sender", hello, open, challenge];
  return toHex(sha256(lengthPrefixed(...parts, ...(exporter ? [exporter] : []))));
}

/** Lets in, once, whoever shows it. `key` is 32 bytes that the receiver and who was invited know. */
export interface InviteKey {
  /** 16 bytes, in hex. */
  readonly id: string;
  readonly key: Uint8Array;
}

/** What shows an invite: for this identity, in the handshake whose `connectTarget` it is. 32 bytes. */
export function inviteMac({ id, key }: InviteKey, identity: Address, target: string): Uint8Array {
  return hmacSha256(key, lengthPrefixed("keysaga/invite/1", id, identity, target));
}

/** The host key's word for a session of its receiver: over the certifying frame and R's genesis. */
function hostStatement(certifiedBy: Address, session: Address): Uint8Array {
  return lengthPrefixed("keysaga/host/1", suite, certifiedBy, session);
}

export function signAsHost(seed: Uint8Array, certifiedBy: Address, session: Address): string {
  return toHex(ed25519Sign(seed, hostStatement(certifiedBy, session)));
}

export function isHostSignature(
  host: { key: string; certifiedBy: Address; signature: string },
  session: Address,
): boolean {
  const key = fromHex(host.key);
  const signature = fromHex(host.signature);
  if (!key || !signature) return false;
  return ed25519Verify(key, hostStatement(host.certifiedBy, session), signature);
}

/** The value that binds a handshake to its TLS channel; undefined where this side does not ask for it. */
export type Exporter = Uint8Array | undefined;

/** S's genesis, L's, and L's voucher. */
export interface Vouched {
  readonly session: IbGib;
  readonly lane: IbGib;
  readonly voucher: Voucher;
}

/** A session both sides have proved themselves in: S and R stand at n=1. */
export interface Established {
  readonly identity: Address;
  readonly lane: Address;
  readonly receiver: Address;
  readonly session: Address;
  readonly receiverSession: Address;
  readonly dialogue: Dialogue;
  /** The key material of this side's own session keystone. */
  readonly secretFor: SecretFor;
  /** What proves to others that S speaks for the identity. */
  readonly vouched: Vouched;
  /** Its transcript so far, filed by the keystone each frame belongs to. */
  readonly proofs: readonly { readonly group: Address; readonly record: IbGib }[];
  /** The host key's signature over R's genesis. */
  readonly host: { readonly key: string; readonly certifiedBy: Address; readonly signature: string };
}
