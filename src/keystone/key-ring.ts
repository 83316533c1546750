import { ed25519Key, type SigningKey, toHex } from "../base/index.js";
import { attestSeed, type KeyPlace, poolKey } from "./derive.js";
import { type StrategyName, strategies } from "./strategy.js";

/**
 * The last few keys of each secret, for as long as that is in memory itself: a one-time key is asked for when it is
 * committed to, when its frame is drafted and when that is signed, and making it costs as much as signing with it.
 */
const keysBySecret = new WeakMap<Uint8Array, Map<string, SigningKey>>();
const keptMax = 16;

/** The one-time key at a place of a keystone: a pure function of secret, nonce and place (derive.ts). */
export function oneTimeKey(
  secret: Uint8Array,
  nonce: Uint8Array,
  place: KeyPlace & { readonly strategy: StrategyName },
): SigningKey {
  return remembered(secret, `${toHex(nonce)} ${place.strategy} ${place.pool} ${place.index}`, () =>
    strategies[place.strategy].keyOf(poolKey(secret, nonce, place)),
  );
}

/** The attest key of a lane or session: a pure function of secret and nonce, under a label of its kind. */
export function attestKey(kind: "lane" | "session", secret: Uint8Array, nonce: Uint8Array): SigningKey {
  return remembered(secret, `${toHex(nonce)} attest ${kind}`, () =>
    ed25519Key(attestSeed(kind, secret, nonce)),
  );
}

function remembered(secret: Uint8Array, name: string, make: () => SigningKey): SigningKey {
  const kept = keysBySecret.get(secret) ?? new Map<string, SigningKey>();
  keysBySecret.set(secret, kept);
  const known = kept.get(name);
  if (known !== undefined) return known;
  const key = make();
  kept.set(name, key);
  dropOldest(kept);
  return key;
}

function dropOldest(kept: Map<string, SigningKey>): void {
  const [oldest] = kept.keys();
  if (kept.size > keptMax && oldest !== undefined) kept.delete(oldest);
}
