import type * as z from "zod";
import {
  ed25519Verify,
  fromHex,
  isSoundKey,
  lengthPrefixed,
  type SigningKey,
  toHex,
  u32,
} from "../base/index.js";
import type { Address } from "../ibgib/index.js";
import { attestKey } from "./key-ring.js";
import type { SecretFor } from "./pool.js";
import type { KeystoneState } from "./replay.js";
import { hexOf } from "./strategy.js";

/*
 * Attest keys. The genesis of a lane and of either side's session names an ordinary Ed25519 public key. It signs
 * statements that are checked from the genesis alone, so that a proof does not grow with turns, sagas or connections:
 *
 *   voucher         L0's key: this session, by lane frame n, with this receiver
 *   sender's heads  S0's key: the frames that a commit's sender has made, by the root over their entries
 *   receiver's heads R0's key: the frames that a receiver's own home has made, likewise
 *   receipt         R0's key: what a receiver has after a saga, likewise
 *
 * Each is signed under a label of its own, with the suite, and names the keystone whose key it is.
 */

/** Names the signature and hash algorithms of this version, as offered and chosen in hello and open. */
export const suite = "ed25519-sha256";

/** The one form of an attest key in a genesis: hex of a canonical key that is not of small order. */
export const AttestKey = hexOf(32).refine(
  (hex) => isSoundKey(fromHex(hex) ?? new Uint8Array(0)),
  "attest key",
);

/** Is it the attest key that a genesis' details were refused for? */
export function isKeyAtFault({ issues }: z.ZodError): boolean {
  return issues.every(({ path }) => path[0] === "attestKey");
}

const listLabels = {
  senderHeads: "keysaga/sender-heads/1",
  receiverHeads: "keysaga/receiver-heads/1",
  receipt: "keysaga/receipt/1",
} as const;
/** What a signed list says. */
export type ListKind = keyof typeof listLabels;

/** A list of entries, by the Merkle root over them, as a session's attest key signs it. */
export interface SignedList {
  /** S0 or R0. */
  readonly session: Address;
  /** 16 bytes, in hex. */
  readonly saga: string;
  readonly count: number;
  /** 32 bytes, in hex. */
  readonly root: string;
}

/** A lane's word for one session: by the frame with this number, towards this receiver. */
export interface Vouching {
  readonly lane: Address;
  readonly n: number;
  readonly session: Address;
  readonly receiver: Address;
}

/** The attest key of a lane or session whose secret this is. Costs a key derivation the first time. */
export function attestKeyOf({ kind, nonce }: KeystoneState, secretFor: SecretFor): SigningKey {
  return attestKey(kind === "lane" ? "lane" : "session", secretFor("attest"), nonce);
}

/** @returns Hex of the signature. Deterministic. */
export function signList(kind: ListKind, list: SignedList, key: SigningKey): string {
  return toHex(key.sign(listStatement(kind, list)));
}

/** @param key Of the genesis of `list.session`, which the caller has checked. */
export function isListSigned(kind: ListKind, list: SignedList, key: string, signature: string): boolean {
  return isSigned(listStatement(kind, list), key, signature);
}

/** @returns Hex of the signature. Deterministic; the lane frame it goes with is durable before. */
export function signVoucher(vouching: Vouching, key: SigningKey): string {
  return toHex(key.sign(voucherStatement(vouching)));
}

/** @param key Of the genesis of `vouching.lane`, which the caller has checked. */
export function isVouched(vouching: Vouching, key: string, signature: string): boolean {
  return isSigned(voucherStatement(vouching), key, signature);
}

function listStatement(kind: ListKind, { session, saga, count, root }: SignedList): Uint8Array {
  return lengthPrefixed(listLabels[kind], suite, session, saga, u32(count), root);
}

function voucherStatement({ lane, n, session, receiver }: Vouching): Uint8Array {
  return lengthPrefixed("keysaga/voucher/1", suite, lane, u32(n), session, receiver);
}

function isSigned(statement: Uint8Array, key: string, signature: string): boolean {
  const [publicKey, bytes] = [fromHex(key), fromHex(signature)];
  return publicKey !== undefined && bytes !== undefined && ed25519Verify(publicKey, statement, bytes);
}
