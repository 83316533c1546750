import { assert, hkdfSha256, lengthPrefixed, u32 } from "../base/index.js";

/** Where in a keystone a one-time key belongs. */
export interface KeyPlace {
  readonly strategy: string;
  readonly pool: string;
  readonly index: number;
}

export const secretLength = 32;
export const nonceLength = 32;

/**
 * The 32-byte seed of a one-time key: HKDF-SHA-256 with the genesis nonce as salt and the place as info. A pure
 * function, so no key is ever stored; nonces are fresh for each keystone, so no two keystones share a key.
 *
 * @param secret 32 bytes of full entropy (a passphrase goes through a slow derivation first)
 * @param nonce the 32 bytes that the keystone's genesis holds
 */
export function poolKey(secret: Uint8Array, nonce: Uint8Array, place: KeyPlace): Uint8Array {
  assert(secret.length === secretLength, "a keystone secret has 32 bytes");
  assert(nonce.length === nonceLength, "a keystone nonce has 32 bytes");
  const { strategy, pool, index } = place;
  return hkdfSha256(secret, nonce, lengthPrefixed("keysaga/one-time-key/1", strategy, pool, u32(index)), 32);
}

/**
 * The 32-byte seed of the attest key of a lane or session: HKDF-SHA-256 with the genesis nonce as salt, under a label
 * that no one-time key is derived under.
 */
export function attestSeed(kind: "lane" | "session", secret: Uint8Array, nonce: Uint8Array): Uint8Array {
  assert(secret.length === secretLength, "a keystone secret has 32 bytes");
  assert(nonce.length === nonceLength, "a keystone nonce has 32 bytes");
  return hkdfSha256(secret, nonce, lengthPrefixed("keysaga/attest-key/1", kind), 32);
}
