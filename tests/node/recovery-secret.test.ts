import fc from "fast-check";
import { expect, test } from "vitest";
import { formatRecoverySecret, parseRecoverySecret } from "../../src/node/index.js";

const secrets = fc.uint8Array({ minLength: 32, maxLength: 32 });
const mistyped = expect.objectContaining({ code: "recovery_secret_mistyped" });

function failureOf(text: string): unknown {
  try {
    return parseRecoverySecret(text);
  } catch (thrown) {
    return thrown;
  }
}

test("a recovery secret is 14 groups of four letters, and reads back however it was typed", () => {
  fc.assert(
    fc.property(secrets, (secret) => {
      const text = formatRecoverySecret(secret);
      expect(text).toMatch(/^(?:[0-9A-HJKMNP-TV-Z]{4}-){13}[0-9A-HJKMNP-TV-Z]{4}$/);
      const sloppy = ` ${text.toLowerCase().replaceAll("-", "  ").replaceAll("0", "o").replaceAll("1", "l")}\n`;
      expect(parseRecoverySecret(sloppy)).toEqual(secret);
    }),
  );
});

test("a wrong, missing, doubled or swapped letter is noticed", () => {
  const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const text = formatRecoverySecret(Uint8Array.from({ length: 32 }, (_, at) => at * 7)).replaceAll("-", "");
  for (const [at, letter] of [...text].entries()) {
    const [before, after] = [text.slice(0, at), text.slice(at + 1)];
    const others = [...letters].filter((other) => other !== letter);
    for (const other of others) expect(failureOf(before + other + after)).toEqual(mistyped);
    expect(failureOf(before + after)).toEqual(mistyped);
    expect(failureOf(before + letter + letter + after)).toEqual(mistyped);
    const next = after[0];
    if (next !== undefined && next !== letter) {
      expect(failureOf(before + next + letter + after.slice(1))).toEqual(mistyped);
    }
  }
});

test.each(["", "hello", "Ü".repeat(56), "0".repeat(10_000)])("%j is no recovery secret", (text) => {
  expect(failureOf(text)).toEqual(mistyped);
});
