/** The V1 record hash over parts as they lie. */
import { sha256Hex } from "../base/index.js";

/** Frames of one timeline come one after the other with one ib: hashes of the last few are kept. */
const ibHashes = new Map<string, string>();
const ibHashesMax = 32;

/**
 * SHA-256 of hex(SHA-256(ib)) + hex(SHA-256(rel8ns)) + hex(SHA-256(data)), an absent part giving nothing, as 64
 * upper-case hex digits. rel8ns and data are text in UTF-8, or data is raw bytes.
 *
 * Nothing in it says which field a hash came from: see admission.ts. Costs at most four hashes.
 */
export function recordHash(ib: string, rel8ns: Uint8Array | undefined, data: Uint8Array | undefined): string {
  return upperHash(ibHash(ib) + (rel8ns ? upperHash(rel8ns) : "") + (data ? upperHash(data) : ""));
}

function ibHash(ib: string): string {
  const known = ibHashes.get(ib);
  if (known !== undefined) return known;
  // The V1 hash of an empty text is the empty text. No such ib is admitted; foreign data may have it.
  const hash = ib === "" ? "" : upperHash(ib);
  if (ibHashes.size >= ibHashesMax) ibHashes.clear();
  ibHashes.set(ib, hash);
  return hash;
}

function upperHash(message: string | Uint8Array): string {
  return sha256Hex(message).toUpperCase();
}
