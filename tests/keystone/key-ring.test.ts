import { expect, test } from "vitest";
import { ed25519Key, toHex } from "../../src/base/index.js";
import { poolKey } from "../../src/keystone/index.js";
import { oneTimeKey } from "../../src/keystone/key-ring.js";
import { bytesOf } from "./keystones.js";

const place = (index: number) => ({ strategy: "ed25519-once", pool: "sync", index }) as const;

test("a key is the one its place derives, whoever asked before, and how often", () => {
  const secret = bytesOf(1);
  for (const index of [0, 1, 0, ...Array.from({ length: 40 }, (_, at) => at), 0]) {
    for (const nonce of [bytesOf(2), bytesOf(3)]) {
      const derived = ed25519Key(poolKey(secret, nonce, place(index)));
      expect(toHex(oneTimeKey(secret, nonce, place(index)).publicKey)).toBe(toHex(derived.publicKey));
    }
  }
});

test("a key that was asked for lately is not made again; another secret's is never given", () => {
  const secret = bytesOf(1);
  const key = oneTimeKey(secret, bytesOf(2), place(0));
  expect(oneTimeKey(secret, bytesOf(2), place(0))).toBe(key);
  expect(toHex(oneTimeKey(bytesOf(9), bytesOf(2), place(0)).publicKey)).not.toBe(toHex(key.publicKey));
});
