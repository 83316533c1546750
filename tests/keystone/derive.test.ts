import { expect, test } from "vitest";
import { toHex } from "../../src/base/index.js";
import { poolKey } from "../../src/keystone/index.js";
import { bytesOf } from "./keystones.js";

const place = { strategy: "ed25519-once", pool: "sync", index: 0 };

test("a key is fixed by its secret, nonce and place, for ever", () => {
  // Pinned: another value here means that no keystone made before can be gone on with.
  expect(toHex(poolKey(bytesOf(1), bytesOf(2), place))).toBe(
    "482ddaa1787b1c472119d9e300ab66d7b15226adb6708c19c96d71e0e63bbabb",
  );
});

test("every input separates keys (threat 8)", () => {
  const keys = [
    poolKey(bytesOf(1), bytesOf(2), place),
    poolKey(bytesOf(3), bytesOf(2), place),
    poolKey(bytesOf(1), bytesOf(3), place),
    poolKey(bytesOf(1), bytesOf(2), { ...place, strategy: "lm-ots" }),
    poolKey(bytesOf(1), bytesOf(2), { ...place, pool: "syn" }),
    poolKey(bytesOf(1), bytesOf(2), { ...place, index: 1 }),
    poolKey(bytesOf(1), bytesOf(2), { strategy: "ed25519-onces", pool: "ync", index: 0 }),
  ];
  expect(new Set(keys.map(toHex)).size).toBe(keys.length);
});

test("a short secret or nonce is a bug, and the message does not show it (threat 27)", () => {
  const short = new Uint8Array(31).fill(0xab);
  expect(() => poolKey(short, bytesOf(2), place)).toThrow(/^keysaga bug: a keystone secret has 32 bytes$/);
  expect(() => poolKey(bytesOf(1), short, place)).toThrow(/^keysaga bug: a keystone nonce has 32 bytes$/);
});
