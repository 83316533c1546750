import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { toHex } from "../../src/base/index.js";
import { addressOf } from "../../src/ibgib/index.js";
import { inviteMac } from "../../src/saga/index.js";

/** A part as docs/protocol.md has it: behind its length. */
const part = (text: string) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(text));
  return Buffer.concat([length, Buffer.from(text)]);
};

test("the MAC that shows an invite is over label, id, I's address and what S1 claims, and nothing else", () => {
  const key = Uint8Array.from({ length: 32 }, (_, at) => at);
  const id = "00112233445566778899aabbccddeeff";
  const identity = addressOf("keystone.identity", "A".repeat(64));
  const target = "b".repeat(64);
  const parts = ["keysaga/invite/1", id, identity, target].map(part);
  const expected = createHmac("sha256", key).update(Buffer.concat(parts)).digest("hex");
  expect(toHex(inviteMac({ id, key }, identity, target))).toBe(expected);
  expect(expected).toBe("d4c17c1369b1b461a96f68c27a2b3eec387b2cdd36d466a793cf38171851dd97");
});
