/**
 * The crypto seam on Node: `node:crypto` (OpenSSL), several times faster than portable code.
 * OpenSSL verifies by the cofactorless equation but takes small-order and non-canonical keys: `mayVerify` does not.
 */
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  hash,
  hkdfSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { concatBytes } from "./bytes.js";
import { mayVerify } from "./ed25519-rule.js";

/** Up to this many bytes in all, joining parts and hashing in one call beats a streaming hash. */
const joinBytesMax = 4096;

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const only = parts[0];
  if (parts.length === 1 && only !== undefined) return plain(hash("sha256", only, "buffer"));
  let length = 0;
  for (const part of parts) length += part.length;
  if (length <= joinBytesMax) return plain(hash("sha256", concatBytes(...parts), "buffer"));
  const hasher = createHash("sha256");
  for (const part of parts) hasher.update(part);
  return plain(hasher.digest());
}

export function sha256Hex(message: string | Uint8Array): string {
  return hash("sha256", message, "hex");
}

export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  return plain(createHmac("sha256", key).update(message).digest());
}

export function hkdfSha256(
  secret: Uint8Array,
  salt: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, salt, info, length));
}

export function ed25519Key(seed: Uint8Array) {
  const key = privateKey(seed);
  return {
    publicKey: publicKeyOf(key),
    sign: (message: Uint8Array): Uint8Array => plain(sign(null, message, key)),
  };
}

export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  return publicKeyOf(privateKey(seed));
}

function publicKeyOf(key: KeyObject): Uint8Array {
  const { x } = key.export({ format: "jwk" });
  return Uint8Array.from(Buffer.from(x ?? "", "base64url"));
}

export function ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return plain(sign(null, message, privateKey(seed)));
}

export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!mayVerify(publicKey, signature)) return false;
  const key = createPublicKey({
    format: "jwk",
    key: { kty: "OKP", crv: "Ed25519", x: base64Url(publicKey) },
  });
  return verify(null, message, key, signature);
}

/**
 * Node wants an `x` beside the private `d` and computes the public key itself, so `x` is left empty (a test holds
 * that). JWK import takes a tenth of the time of DER.
 */
function privateKey(seed: Uint8Array) {
  return createPrivateKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", d: base64Url(seed), x: "" } });
}

function base64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64url");
}

/** A Buffer's memory as a plain Uint8Array: Buffer changes the meaning of `slice` and `toString`. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
