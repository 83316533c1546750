/** Where secrets come into a process: every one of them is derived from, or signed with. */
import { isNew, kindOfCanary, registerCanary, registerOneOfMany } from "./watch.js";

type Crypto = typeof import("../../src/base/crypto.js");
type RecoverySecret = typeof import("../../src/node/recovery-secret.js");
type DeviceSecret = typeof import("../../src/node/device-secret.js");

/** What is derived, by the label in the derivation's input. */
const derived: readonly (readonly [label: string, kind: string])[] = [
  ["keysaga/session-secret/", "session secret"],
  ["keysaga/host-key/", "host seed"],
];
/** Thousands of keys are derived with this one. */
const oneTimeLabel = Buffer.from("keysaga/one-time-key/");

export function withSecretsRegistered(original: Crypto): Crypto {
  return {
    ...original,
    hkdfSha256(secret, salt, info, length) {
      const made = original.hkdfSha256(secret, salt, info, length);
      const label = Buffer.from(info.buffer, info.byteOffset, info.length);
      if (isNew(secret)) registerCanary(kindOf(secret, label), secret);
      if (label.includes(oneTimeLabel)) registerOneOfMany("one-time key", made);
      else registerCanary(derived.find(([name]) => label.includes(name))?.[1] ?? "derived secret", made);
      isNew(made); // it is registered by now
      return made;
    },
    hmacSha256(key, message) {
      registerCanary("MAC key", key);
      return original.hmacSha256(key, message);
    },
    ed25519Key: (seed) => original.ed25519Key(registered(seed)),
    ed25519PublicKey: (seed) => original.ed25519PublicKey(registered(seed)),
    ed25519Sign: (seed, message) => original.ed25519Sign(registered(seed), message),
  };
}

/** The pool whose name is in the label has a secret of its own. */
function kindOf(secret: Uint8Array, label: Buffer): string {
  return kindOfCanary(secret) ?? (label.includes("recover") ? "recovery secret" : "device secret");
}

function registered(seed: Uint8Array): Uint8Array {
  if (isNew(seed)) registerOneOfMany("signing key", seed);
  return seed;
}

export function withPassphrasesRegistered(original: DeviceSecret): DeviceSecret {
  return {
    ...original,
    storeSecret(secret, identity, passphrase) {
      registerCanary("device secret", secret);
      if (passphrase !== undefined) registerCanary("passphrase", passphrase);
      return original.storeSecret(secret, identity, passphrase);
    },
    readSecret(stored, identity, passphrase) {
      const asked =
        passphrase &&
        (async () => {
          const typed = await passphrase();
          registerCanary("passphrase", typed);
          return typed;
        });
      return original.readSecret(stored, identity, asked);
    },
  };
}

/** As a person keeps it, with dashes or without. */
export function withRecoverySecretsRegistered(original: RecoverySecret): RecoverySecret {
  return {
    ...original,
    formatRecoverySecret(secret) {
      const text = original.formatRecoverySecret(secret);
      for (const each of [secret, text, text.replaceAll("-", "")]) registerCanary("recovery secret", each);
      return text;
    },
  };
}
