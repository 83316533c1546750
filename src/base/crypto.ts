/**
 * The crypto seam: the same functions from `node:crypto` on Node and from @noble in browsers, chosen by the `#crypto`
 * import. Both sides give the same answer on every input; tests/base/crypto.test.ts holds them together.
 */
import * as platform from "#crypto";

/** A private key that is ready for use. */
export interface SigningKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** A deterministic signature: 64 bytes. */
  sign(message: Uint8Array): Uint8Array;
}

/** What each side of the seam provides. All are synchronous and deterministic. */
export interface CryptoSeam {
  /** SHA-256 of the parts joined: 32 bytes. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array;
  /** SHA-256 of bytes, or of text in UTF-8, as 64 lower-case hex digits: on Node in a third of the time of bytes. */
  sha256Hex(message: string | Uint8Array): string;
  /** HMAC-SHA-256: 32 bytes. */
  hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array;
  /** HKDF-SHA-256 (RFC 5869). */
  hkdfSha256(secret: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array;
  /** The Ed25519 key of a 32-byte seed, to be signed with more than once or asked for its public key. */
  ed25519Key(seed: Uint8Array): SigningKey;
  /** The Ed25519 public key (32 bytes) of a 32-byte seed. */
  ed25519PublicKey(seed: Uint8Array): Uint8Array;
  /** A deterministic Ed25519 signature (64 bytes, RFC 8032). */
  ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array;
  /**
   * True by one strict rule: `publicKey` is 32 bytes, canonical and not of small order, `signature` is 64 bytes with
   * S < L, and the encoding of [S]B - [k]A equals R byte for byte (the cofactorless equation). Never throws.
   */
  ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

export const {
  sha256,
  sha256Hex,
  hmacSha256,
  hkdfSha256,
  ed25519Key,
  ed25519PublicKey,
  ed25519Sign,
  ed25519Verify,
}: CryptoSeam = platform;
