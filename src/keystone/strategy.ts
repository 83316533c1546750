import * as z from "zod";
import { ed25519Key, ed25519Verify, fromHex, type SigningKey, sha256, toHex } from "../base/index.js";

/** Lower-case hex of exactly `bytes` bytes: the one accepted spelling. */
export const hexOf = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));

/**
 * A way to commit to one-time keys and to open them. An _opening_ is what a solution reveals of its key; its secret
 * part (a signature, a preimage) has one length and one spelling, and is emptied in the bytes that the frame digest
 * covers, so that only the key's holder can make another address for the same frame.
 *
 * To add one: implement this, name it in `strategies`, and let `Opening` be the union of all openings.
 */
export interface Strategy<Key, Opening, Emptied> {
  /** May a frame stand on proofs of this strategy alone? False for what anyone who sees it could reuse. */
  readonly authorizesAlone: boolean;
  /** The key of a 32-byte seed, ready for use. */
  keyOf(seed: Uint8Array): Key;
  /** Hex of what is published in advance for this key. */
  commit(key: Key): string;
  /** The opening of the key with its secret part still empty. */
  open(key: Key): Emptied;
  /** The opening with its secret part made for `digest`. Deterministic. */
  solve(opening: Emptied, key: Key, digest: Uint8Array): Opening;
  /** The opening with its secret part emptied. */
  empty(opening: Opening): Emptied;
  /** The commitment that this opening would open: a hash or so, cheap beside `verify`. */
  commitmentOf(opening: Opening | Emptied): string;
  /** Was the secret part made for `digest` by the holder of the key? */
  verify(opening: Opening, digest: Uint8Array): boolean;
}

/** Members of a solution that `ed25519-once` adds. An unsigned frame holds "" for each signature. */
export const ed25519Opening = { publicKey: hexOf(32), signature: hexOf(64) };
export interface Ed25519Opening {
  readonly publicKey: string;
  readonly signature: string;
}

export interface EmptiedEd25519 {
  readonly publicKey: string;
  readonly signature: "";
}

/** The key and its signature over the frame digest; committed to by SHA-256 of the public key. */
export const ed25519Once: Strategy<SigningKey, Ed25519Opening, EmptiedEd25519> = {
  authorizesAlone: true,
  keyOf: ed25519Key,
  commit: ({ publicKey }) => toHex(sha256(publicKey)),
  open: ({ publicKey }) => ({ publicKey: toHex(publicKey), signature: "" }),
  solve: ({ publicKey }, key, digest) => ({ publicKey, signature: toHex(key.sign(digest)) }),
  empty: ({ publicKey }) => ({ publicKey, signature: "" }),
  commitmentOf: ({ publicKey }) => toHex(sha256(bytesOf(publicKey))),
  verify: ({ publicKey, signature }, digest) => ed25519Verify(bytesOf(publicKey), digest, bytesOf(signature)),
};

export const strategies = { "ed25519-once": ed25519Once } as const;
export type StrategyName = keyof typeof strategies;
export const StrategyName = z.enum(["ed25519-once"]) satisfies z.ZodType<StrategyName>;

/** What is not hex is no bytes: no commitment and no signature is right for it. */
function bytesOf(hex: string): Uint8Array {
  return fromHex(hex) ?? new Uint8Array(0);
}
