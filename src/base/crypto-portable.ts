/**
 * The crypto seam in browsers and other runtimes: @noble. Its own `ed25519.verify` multiplies by the cofactor, so
 * verification is written out here on its points, by the same cofactorless equation as OpenSSL's.
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 as hasherSha256, sha512 } from "@noble/hashes/sha2.js";
import { concatBytes, sameBytes, toHex, utf8 } from "./bytes.js";
import { mayVerify } from "./ed25519-rule.js";

const { Point } = ed25519;

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hasher = hasherSha256.create();
  for (const part of parts) hasher.update(part);
  return hasher.digest();
}

export function sha256Hex(message: string | Uint8Array): string {
  return toHex(hasherSha256(typeof message === "string" ? utf8(message) : message));
}

export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  return hmac(hasherSha256, key, message);
}

export function hkdfSha256(
  secret: Uint8Array,
  salt: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array {
  return hkdf(hasherSha256, secret, salt, info, length);
}

export function ed25519Key(seed: Uint8Array) {
  return {
    publicKey: ed25519PublicKey(seed),
    sign: (message: Uint8Array): Uint8Array => ed25519Sign(seed, message),
  };
}

export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(seed);
}

export function ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return ed25519.sign(message, seed);
}

export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!mayVerify(publicKey, signature)) return false;
  const key = pointOf(publicKey);
  if (key === undefined) return false;
  const r = signature.subarray(0, 32);
  const s = bytesToNumberLE(signature.subarray(32));
  const k = bytesToNumberLE(sha512(concatBytes(r, publicKey, message))) % Point.Fn.ORDER;
  return sameBytes(Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(k)).toBytes(), r);
}

/** The point A, or undefined where no point of the curve has this y. */
function pointOf(publicKey: Uint8Array) {
  try {
    return Point.fromBytes(publicKey);
  } catch {
    return undefined;
  }
}
