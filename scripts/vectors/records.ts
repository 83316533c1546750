/** Vectors of texts, addresses, records, Merkle trees and signatures: what needs no keystone. */
import { readFileSync } from "node:fs";
import {
  canonicalJson,
  concatBytes,
  ed25519PublicKey,
  ed25519Sign,
  ed25519Verify,
  fromHex,
  KeysagaError,
  parseCanonicalJson,
  sha256,
  toHex,
  utf8,
} from "../../src/base/index.js";
import { joinParts } from "../../src/ibgib/byte-form.js";
import { recordHash } from "../../src/ibgib/hash.js";
import { decodeRecord, type IbGib, isAddress, parseAddress, sealRecord } from "../../src/ibgib/index.js";
import { merklePaths, merkleRoot } from "../../src/keystone/index.js";
import { setFingerprint } from "../../src/saga/index.js";
import { entryLeaf } from "../../src/saga/turn.js";

/** The code and the rule that `read` is refused with. */
export function ruleOf(read: () => unknown): string {
  try {
    read();
  } catch (thrown) {
    if (!(thrown instanceof KeysagaError)) throw thrown;
    const rule = thrown.facts["rule"] ?? thrown.facts["limit"];
    return rule === undefined ? thrown.code : `${thrown.code}: ${rule}`;
  }
  throw new Error("a vector that has to be refused is accepted");
}

const hashed = (letter: string) => `note^${letter.repeat(64)}`;
const first = parseAddress(hashed("A"));
const later = parseAddress(`note^${"B".repeat(64)}.${"A".repeat(64)}`);

export function normalJson() {
  const values = [
    { b: 1, a: [true, false, null, ""] },
    { b: "index keys come first", 10: 0, 9: 0, "01": 0, "4294967294": 0, "4294967295": 0, a: 0 },
    { "\u{1f600}": "in UTF-16 order this is before", "\uffff": "that" },
    [0, 1, -1, 0.5, 1e21, 1e-7, 1.5e300, 5e-324, 9007199254740992, 123456789012345680000],
    'quote " backslash \\ slash / \b\f\n\r\t \u0000\u001f \u007f\u0080\u2028 é 📝',
    {},
    [],
  ];
  const bad = [
    ['{"a":1, "b":2}', "a space"],
    ['{"b":1,"a":2}', "members out of order"],
    ['{"10":0,"9":0}', "index keys are in order by number"],
    ['{"a":1,"a":1}', "a member twice"],
    ["1.0", "another spelling of 1"],
    ["1e3", "another spelling of 1000"],
    ["-0", "minus zero"],
    ["1e400", "no number of 64 bits"],
    ["12345678901234567891", "no number of 64 bits is written so"],
    ['"\\u0041"', "an escape that is not needed"],
    ['"\\/"', "an escape that is not needed"],
    ['"\\u001F"', "hex digits of an escape are lower case"],
    ['"\\ud800"', "half a surrogate pair"],
    ['{"__proto__":1}', "a name that one language does not keep"],
    ['"\n"', "a control character that is not escaped"],
    ["{", "no JSON"],
    ["1 ", "something behind it"],
    [`${"[".repeat(65)}${"]".repeat(65)}`, "65 levels"],
  ] as const;
  return {
    good: values.map((value) => canonicalJson(value)),
    bad: bad.map(([text, why]) => ({ text, why, rule: ruleOf(() => parseCanonicalJson(text)) })),
  };
}

export function addresses() {
  const good = ["x^gib", first, later, `a b é 📝^${"0".repeat(64)}`];
  const bad = [
    ["x", "no gib"],
    ["^gib", "no ib"],
    [`a^b^${"0".repeat(64)}`, "two carets"],
    [`x^${"a".repeat(64)}`, "hex digits in lower case"],
    [`x^${"A".repeat(63)}`, "63 digits"],
    [`x^${"A".repeat(64)}.`, "half of a second hash"],
    [`x^${"A".repeat(64)}\n`, "something behind it"],
  ] as const;
  for (const address of good) if (!isAddress(address)) throw new Error(`${address} is one`);
  for (const [address] of bad) if (isAddress(address)) throw new Error(`${address} is none`);
  return { good, bad: bad.map(([address, why]) => ({ address, why })) };
}

interface Wish {
  readonly ib?: string;
  /** Instead of the right one. */
  readonly gib?: string;
  readonly rel8ns?: string;
  readonly data?: string | Uint8Array;
}

/** A byte form with whatever is wished for in it, and the gib that goes with it. */
function bytesOf({ ib = "note", gib, rel8ns, data }: Wish): Uint8Array {
  const links = rel8ns === undefined ? undefined : utf8(rel8ns);
  const said = typeof data === "string" ? utf8(data) : data;
  const right = recordHash(ib, links, said);
  const isRaw = data instanceof Uint8Array;
  return joinParts({ ib: utf8(ib), gib: utf8(gib ?? right), rel8ns: links, data: said, isRaw });
}

export function records() {
  const good: [what: string, record: IbGib][] = [
    ["an ib alone", sealRecord({ ib: "note" })],
    ["a stone", sealRecord({ ib: "note", data: { text: "hi", n: 3 } })],
    ["a first frame", sealRecord({ ib: "note 📝", data: { n: 0, isTjp: true, uuid: "1" } })],
    ["a later frame", sealRecord({ ib: "note", data: { n: 1 }, rel8ns: { past: [first], tjp: [first] } })],
    ["links alone", sealRecord({ ib: "note", rel8ns: { tag: [parseAddress("x^gib"), later] } })],
    ["raw bytes", sealRecord({ ib: "bin png", data: Uint8Array.of(0, 255, 1) })],
    ["a primitive", decodeRecord(bytesOf({ ib: "x", gib: "gib" }))],
  ];
  const ofNote = bytesOf({ data: '{"n":3}' });
  const bad: [why: string, bytes: Uint8Array][] = [
    ["another version", withByte(ofNote, 0, 2)],
    ["a flag that is none", withByte(ofNote, 1, 10)],
    ["raw bytes without data", withByte(bytesOf({}), 1, 4)],
    ["something behind it", concatBytes(ofNote, Uint8Array.of(0))],
    ["a length beyond the end", withByte(ofNote, 5, 0xff)],
    ["an ib that is not UTF-8", withByte(ofNote, 6, 0xff)],
    ["an ib with a caret", bytesOf({ ib: "a^b" })],
    ["a gib in lower case", bytesOf({ gib: "a".repeat(64) })],
    ["the gib of another record", bytesOf({ gib: "A".repeat(64) })],
    ["a primitive with data", bytesOf({ gib: "gib", data: '{"n":3}' })],
    ["data that is not in normal form", bytesOf({ data: '{"n":3.0}' })],
    ["data that is no object", bytesOf({ data: "[1]" })],
    ["data without a member", bytesOf({ data: "{}" })],
    ["data that could be links", bytesOf({ data: `{"past":["${first}"]}` })],
    ["raw bytes under another ib than bin", bytesOf({ data: Uint8Array.of(1) })],
    ["a bin with an object", bytesOf({ ib: "bin", data: '{"n":3}' })],
    ["a bin with links", bytesOf({ ib: "bin", rel8ns: `{"past":["${first}"]}` })],
    ["no links at all", bytesOf({ rel8ns: "{}" })],
    ["an empty list of links", bytesOf({ rel8ns: '{"past":[]}' })],
    ["a link that is no address", bytesOf({ rel8ns: '{"past":["x"]}' })],
    ["two first frames", bytesOf({ rel8ns: `{"tjp":["${first}","${first}"]}` })],
    ["a later frame as the first", bytesOf({ rel8ns: `{"tjp":["${later}"]}` })],
    ["the gib of a later frame without the first one's hash", bytesOf({ rel8ns: `{"tjp":["${first}"]}` })],
    ["isTjp that is not true", bytesOf({ data: '{"isTjp":false}' })],
    [
      "a first frame with one before it",
      bytesOf({ data: '{"isTjp":true}', rel8ns: `{"past":["${first}"]}` }),
    ],
  ];
  return {
    good: good.map(([what, { bytes, address }]) => ({ what, bytes: toHex(bytes), address })),
    bad: bad.map(([why, bytes]) => ({ why, rule: ruleOf(() => decodeRecord(bytes)), bytes: toHex(bytes) })),
  };
}

function withByte(bytes: Uint8Array, at: number, byte: number): Uint8Array {
  const changed = bytes.slice();
  changed[at] = byte;
  return changed;
}

/** Lists of 0 to 7 entries, their roots, and the path of each entry. */
export function merkle() {
  return Array.from({ length: 8 }, (_, count) => {
    const entries = Array.from({ length: count }, (_unused, at) => ({ entry: at }));
    const leaves = entries.map(entryLeaf);
    const paths = merklePaths(leaves, [...leaves.keys()]).map((path) => path.map(toHex));
    return { entries, leaves: leaves.map(toHex), root: toHex(merkleRoot(leaves)), paths };
  });
}

/** The order of the base point. */
const order = 2n ** 252n + 27742317777372353535851937790883648493n;

/** One signature, and others that differ from it in what the strict rule is strict about. */
export function signatures() {
  const seed = sha256(utf8("a vector of docs/format.md"));
  const [key, message] = [ed25519PublicKey(seed), utf8("one message")];
  const right = ed25519Sign(seed, message);
  const s = right.slice(32).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const plusOrder = concatBytes(right.slice(0, 32), littleEndian(s + order));
  // With a key of small order and S = 0, R = A = the neutral point solves the equation for every message.
  const neutral = littleEndian(1n);
  const crafted = concatBytes(neutral, littleEndian(0n));
  const cases: [what: string, key: Uint8Array, signature: Uint8Array][] = [
    ["a right signature", key, right],
    ["S + L in place of S", key, plusOrder],
    ["the sign of R flipped", key, withByte(right, 31, right[31]! ^ 0x80)],
    ["the neutral point as the key", neutral, crafted],
    ["the neutral point with its sign set", withByte(neutral, 31, 0x80), crafted],
    ["the neutral point as p + 1", littleEndian(2n ** 255n - 18n), crafted],
    ["63 bytes", key, right.slice(0, 63)],
  ];
  const own = cases.map(([what, publicKey, signature]) => ({ what, publicKey, message, signature }));
  return [...own, ...published()].map(({ what, ...of }) => ({
    what,
    publicKey: toHex(of.publicKey),
    message: toHex(of.message),
    signature: toHex(of.signature),
    isRight: ed25519Verify(of.publicKey, of.message, of.signature),
  }));
}

/** The twelve edge cases of "Taming the many EdDSAs": tests/vectors/NOTICES.md. */
function published() {
  const file = new URL("../../tests/vectors/ed25519/speccheck-edge-cases.json", import.meta.url);
  const cases: readonly Record<"pub_key" | "message" | "signature", string>[] = JSON.parse(
    readFileSync(file, "utf8"),
  );
  const bytes = (hex: string) => fromHex(hex) ?? new Uint8Array(0);
  return cases.map(({ pub_key, message, signature }, at) => ({
    what: `speccheck ${at}`,
    publicKey: bytes(pub_key),
    message: bytes(message),
    signature: bytes(signature),
  }));
}

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn));
}

/** Sets of timelines with their tips, and the fingerprint of each. */
export function sets() {
  const tipOf = (at: number) => {
    const { address } = sealRecord({ ib: "note", data: { isTjp: true, n: 0, uuid: `${at}` } });
    return { address, tip: address, n: 0 };
  };
  const sizes = [0, 1, 2, 3, 40];
  return Promise.all(
    sizes.map(async (size) => {
      const tips = Array.from({ length: size }, (_, at) => tipOf(at));
      return { tips, root: await setFingerprint(tips) };
    }),
  );
}
