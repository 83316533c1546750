/** The V1 record hash over parts as they lie. Hex is handled as ASCII bytes: it is what the outer hash is taken of. */
import { sha256, utf8 } from "../base/index.js";

const hexLength = 64;
const hexDigits = utf8("0123456789ABCDEF");
const none = new Uint8Array(0);

/** Frames of one timeline come one after the other with one ib: hashes of the last few are kept. */
const ibHashes = new Map<string, Uint8Array>();
const ibHashesMax = 32;

/**
 * SHA-256 of hex(SHA-256(ib)) + hex(SHA-256(rel8ns)) + hex(SHA-256(data)), an absent part giving nothing, as 64
 * upper-case hex digits. `ib` in UTF-8; rel8ns and data as text in UTF-8, or data as raw bytes.
 *
 * Nothing in it says which field a hash came from: see admission.ts. Costs at most four hashes.
 */
export function recordHash(ib: string, rel8ns: Uint8Array | undefined, data: Uint8Array | undefined): string {
  const hashes = [ibHash(ib)];
  if (rel8ns !== undefined) hashes.push(hexHash(rel8ns));
  if (data !== undefined) hashes.push(hexHash(data));
  return String.fromCharCode(...hexHash(...hashes));
}

function ibHash(ib: string): Uint8Array {
  const known = ibHashes.get(ib);
  if (known !== undefined) return known;
  // The V1 hash of an empty text is the empty text. No such ib is admitted; foreign data may have it.
  const hash = ib === "" ? none : hexHash(utf8(ib));
  if (ibHashes.size >= ibHashesMax) ibHashes.clear();
  ibHashes.set(ib, hash);
  return hash;
}

/** SHA-256 as upper-case hex in ASCII. */
function hexHash(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = sha256(...parts);
  const hex = new Uint8Array(hexLength);
  for (let at = 0; at < hash.length; at++) {
    hex[2 * at] = hexDigits[hash[at]! >>> 4]!;
    hex[2 * at + 1] = hexDigits[hash[at]! & 15]!;
  }
  return hex;
}
