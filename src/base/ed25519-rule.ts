/**
 * The part of the strict Ed25519 rule that needs no curve arithmetic, shared by both sides of the crypto seam.
 *
 * Libraries agree on honest signatures and differ on crafted ones: keys of small order, encodings of y or S that are
 * not reduced. What passes here leaves one question, which both sides answer alike: does the encoding of
 * [S]B - [k]A equal R byte for byte? That comparison also refuses every encoding of R that is not canonical.
 */

export const publicKeyLength = 32;
export const signatureLength = 64;

/** A canonical y is smaller than p. */
const p = 2n ** 255n - 19n;
const fieldPrime = littleEndian(p);

/** L, the order of the base point: a canonical S is smaller (RFC 8032, section 5.1.7). */
const groupOrder = littleEndian(2n ** 252n + 27742317777372353535851937790883648493n);

/** The y of two of the four points of order 8; that of the other two is p minus this. */
const yOfOrder8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;

/**
 * The y coordinates of the eight points of small order: 1 (order 1), p - 1 (order 2), 0 (order 4) and those of order
 * 8. Non-canonical spellings of them fall to y < p, and both sign bits are refused, so that the two encodings with
 * x = 0 and the sign bit set fall here as well.
 */
const smallOrderYs = [1n, p - 1n, 0n, yOfOrder8, p - yOfOrder8].map(littleEndian);

/**
 * May this key and signature be given to the equation at all? True when the lengths are right, A is canonical and
 * not of small order, and S < L. Everything here is public, so comparisons need not take constant time.
 */
export function mayVerify(publicKey: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== signatureLength || !isBelow(signature.subarray(32), groupOrder)) return false;
  return isSoundKey(publicKey);
}

/** Is this a public key that a signature may be checked with: canonical, and not of small order? */
export function isSoundKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== publicKeyLength) return false;
  const y = withoutSignBit(publicKey);
  return isBelow(y, fieldPrime) && !smallOrderYs.some((small) => small.every((byte, at) => byte === y[at]));
}

function withoutSignBit(publicKey: Uint8Array): Uint8Array {
  const y = publicKey.slice();
  y[31]! &= 0x7f;
  return y;
}

/** Is the 32-byte little-endian number `a` smaller than `b`? */
function isBelow(a: Uint8Array, b: Uint8Array): boolean {
  for (let at = 31; at >= 0; at--) {
    if (a[at] !== b[at]) return a[at]! < b[at]!;
  }
  return false;
}

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn));
}
