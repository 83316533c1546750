import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import type { CryptoSeam } from "../../src/base/crypto.js";
import * as node from "../../src/base/crypto-node.js";
import * as portable from "../../src/base/crypto-portable.js";
import {
  botanCases,
  signCases,
  speccheckCases,
  type VerifyCase,
  wycheproofCases,
  zip215Cases,
} from "./ed25519-vectors.js";

const sides: readonly (readonly [name: string, side: CryptoSeam])[] = [
  ["node", node],
  ["portable", portable],
];
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (value: Uint8Array) => Buffer.from(value).toString("hex");
const text = (value: string) => new TextEncoder().encode(value);
const L = 2n ** 252n + 27742317777372353535851937790883648493n;

describe.each(sides)("%s: published vectors", (_, side) => {
  test.each([
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ],
  ])("SHA-256 of %j (FIPS 180-2)", (message, digest) => {
    expect(hex(side.sha256(text(message)))).toBe(digest);
    expect(side.sha256Hex(message)).toBe(digest);
  });

  test.each([
    [
      "0b".repeat(20),
      hex(text("Hi There")),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ],
    [
      hex(text("Jefe")),
      hex(text("what do ya want for nothing?")),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ],
    ["aa".repeat(20), "dd".repeat(50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"],
    [
      "aa".repeat(131),
      hex(text("Test Using Larger Than Block-Size Key - Hash Key First")),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ],
  ])("HMAC-SHA-256 (RFC 4231), key %s", (key, message, mac) => {
    expect(hex(side.hmacSha256(bytes(key), bytes(message)))).toBe(mac);
  });

  test.each(hkdfCases())("HKDF-SHA-256: RFC 5869, $name", ({ ikm, salt, info, length, okm }) => {
    expect(hex(side.hkdfSha256(bytes(ikm), bytes(salt), bytes(info), length))).toBe(okm);
  });

  it("derives the public key, signs and verifies every RFC 8032 and sign.input case", () => {
    for (const { name, seed, publicKey, message, signature } of signCases()) {
      expect(hex(side.ed25519PublicKey(seed)), name).toBe(hex(publicKey));
      expect(hex(side.ed25519Sign(seed, message)), name).toBe(hex(signature));
      const key = side.ed25519Key(seed);
      expect([key.publicKey, key.sign(message)].map(hex), name).toEqual([publicKey, signature].map(hex));
      expect(side.ed25519Verify(publicKey, message, signature), name).toBe(true);
    }
  });

  it("answers every Wycheproof and Botan case as its source does", () => {
    const cases = [...wycheproofCases(), ...botanCases()];
    expect(cases.length).toBe(151 + 62);
    for (const c of cases) expect(verify(side, c), c.name).toBe(c.expected);
  });

  it("answers the twelve speccheck cases by the strict rule", () => {
    // 0-1: small-order A. 2: small-order R alone is fine for a cofactorless equation that holds. 3: mixed order, and
    // the equation holds. 4-5: it holds only when multiplied by the cofactor. 6-7: S >= L. 8-9: R not canonical.
    // 10-11: A not canonical. (Numbers and meaning: "Taming the many EdDSAs", table 5.)
    const accepted = speccheckCases().map((c) => verify(side, c));
    expect(accepted.flatMap((yes, at) => (yes ? [at] : []))).toEqual([2, 3]);
  });

  it("accepts no ZIP 215 case: every one has a key of small order (threat 16)", () => {
    const cases = zip215Cases();
    expect(cases.length).toBe(196);
    for (const c of cases) expect(verify(side, c), c.name).toBe(false);
  });
});

describe.each(sides)("%s: the strict Ed25519 rule", (_, side) => {
  const seed = bytes("11".repeat(32));
  const message = text("one message");
  const publicKey = node.ed25519PublicKey(seed);
  const signature = node.ed25519Sign(seed, message);

  it("refuses a signature in which any single bit was flipped", () => {
    for (let bit = 0; bit < 8 * signature.length; bit++) {
      expect(side.ed25519Verify(publicKey, message, flipped(signature, bit)), `bit ${bit}`).toBe(false);
    }
  });

  it("refuses S + L, the second spelling of the same S", () => {
    const s = numberOf(signature.subarray(32));
    const respelled = Uint8Array.from([...signature.subarray(0, 32), ...littleEndian(s + L)]);
    expect(side.ed25519Verify(publicKey, message, respelled)).toBe(false);
  });

  it("never throws, whatever the lengths", () => {
    for (const length of [0, 1, 31, 33, 63, 64, 65]) {
      expect(side.ed25519Verify(new Uint8Array(length), message, signature)).toBe(false);
      if (length !== 64) expect(side.ed25519Verify(publicKey, message, new Uint8Array(length))).toBe(false);
    }
  });

  // With A of small order, R = identity and S = 0 the equation holds for one message in eight or for all of them:
  // such a "signature" proves nothing. All fourteen encodings of the eight points, by y and sign bit.
  const p = 2n ** 255n - 19n;
  const y8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;
  const small = [0n, 1n, p - 1n, y8, p - y8, p, p + 1n].flatMap((y) => [y, y + 2n ** 255n]);
  test.each(small.map((y) => [hex(littleEndian(y))]))("refuses the small-order key %s", (key) => {
    const r = new Uint8Array(64);
    r[0] = 1;
    for (let at = 0; at < 16; at++) {
      expect(side.ed25519Verify(bytes(key), Uint8Array.of(at), r)).toBe(false);
    }
  });
});

describe("both sides of the seam", () => {
  const anyBytes = fc.uint8Array({ maxLength: 200 });
  const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });

  it("hash the same, in whatever parts and of whatever size", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 5 }), (parts) => {
        const joined = Uint8Array.from(parts.flatMap((part) => [...part]));
        expect(node.sha256(...parts)).toEqual(node.sha256(joined));
        expect(portable.sha256(...parts)).toEqual(node.sha256(joined));
        expect(portable.sha256Hex(joined)).toBe(node.sha256Hex(joined));
        expect(node.sha256Hex(joined)).toBe(hex(node.sha256(joined)));
      }),
      { numRuns: 50 },
    );
  });

  it("hash text alike, lone surrogates too", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        fc.constantFrom("", "\ud800", "\udfff"),
        (string, surrogate) => {
          expect(portable.sha256Hex(string + surrogate)).toBe(node.sha256Hex(string + surrogate));
        },
      ),
      { numRuns: 50 },
    );
  });

  it("derive the same", () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, anyBytes, fc.integer({ min: 1, max: 100 }), (a, b, c, length) => {
        expect(portable.hkdfSha256(a, b, c, length)).toEqual(node.hkdfSha256(a, b, c, length));
        expect(portable.hmacSha256(a, b)).toEqual(node.hmacSha256(a, b));
      }),
    );
  });

  it("sign the same, and verify what the other signed", () => {
    fc.assert(
      fc.property(seeds, anyBytes, (seed, message) => {
        const signature = node.ed25519Sign(seed, message);
        expect(portable.ed25519Sign(seed, message)).toEqual(signature);
        expect(portable.ed25519PublicKey(seed)).toEqual(node.ed25519PublicKey(seed));
        expect(portable.ed25519Verify(node.ed25519PublicKey(seed), message, signature)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it("give one answer to every crossing of the published edge-case keys and signatures (threat 16)", () => {
    const edges = [...speccheckCases(), ...zip215Cases().slice(0, 14)];
    for (const { publicKey } of edges) {
      for (const { message, signature } of edges) {
        const crossed = { name: "", publicKey, message, signature, expected: undefined };
        expect(verify(portable, crossed)).toBe(verify(node, crossed));
      }
    }
  });

  it("return plain Uint8Arrays, never Buffers", () => {
    const seed = new Uint8Array(32);
    for (const [, side] of sides) {
      const all = [
        side.sha256(seed),
        side.sha256(seed, seed),
        side.sha256(new Uint8Array(5000), seed),
        side.hmacSha256(seed, seed),
        side.hkdfSha256(seed, seed, seed, 32),
        side.ed25519PublicKey(seed),
        side.ed25519Sign(seed, seed),
      ];
      for (const value of all) expect(Object.getPrototypeOf(value)).toBe(Uint8Array.prototype);
    }
  });
});

function verify(side: CryptoSeam, c: VerifyCase): boolean {
  return side.ed25519Verify(c.publicKey, c.message, c.signature);
}

function flipped(value: Uint8Array, bit: number): Uint8Array {
  const copy = value.slice();
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}

function numberOf(value: Uint8Array): bigint {
  return value.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn));
}

/** RFC 5869, appendix A.1 to A.3. */
function hkdfCases() {
  const run = (from: number, to: number) =>
    hex(Uint8Array.from({ length: to - from + 1 }, (_, at) => from + at));
  return [
    {
      name: "A.1",
      ikm: "0b".repeat(22),
      salt: run(0x00, 0x0c),
      info: run(0xf0, 0xf9),
      length: 42,
      okm: "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    },
    {
      name: "A.2, long inputs",
      ikm: run(0x00, 0x4f),
      salt: run(0x60, 0xaf),
      info: run(0xb0, 0xff),
      length: 82,
      okm:
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09" +
        "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    },
    {
      name: "A.3, no salt and no info",
      ikm: "0b".repeat(22),
      salt: "",
      info: "",
      length: 42,
      okm: "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    },
  ];
}
