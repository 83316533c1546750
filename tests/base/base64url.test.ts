import { expect, test } from "vitest";
import { fromBase64Url, sha256, toBase64Url, u32 } from "../../src/base/index.js";

test("base64url is that of Node, for every length and every byte", () => {
  for (let length = 0; length <= 100; length++) {
    const bytes = Uint8Array.from({ length }, (_, at) => sha256(u32(length))[at % 32]! ^ (at * 31));
    const text = toBase64Url(bytes);
    expect(text).toBe(Buffer.from(bytes).toString("base64url"));
    expect(fromBase64Url(text)).toEqual(bytes);
  }
  const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  expect(fromBase64Url(toBase64Url(every))).toEqual(every);
});

test("base64url has one spelling", () => {
  // Padding, the other alphabet, spaces, a letter too many, bits left over.
  for (const text of ["AA==", "A+", "A/", "AA ", "A", "AAAAA", "AB", "AAB", "ÄA"])
    expect(fromBase64Url(text), text).toBeUndefined();
  for (const text of ["AA", "AAA", "AQ", "_w", "-_-_"])
    expect(toBase64Url(fromBase64Url(text)!), text).toBe(text);
});
