/** Texts that are JSON, nearly JSON, or not at all: written by a writer with whims of its own, then gone wrong. */
import { canonicalJson, KeysagaError } from "../../src/base/index.js";
import { setMember, type Tree } from "./json-tree.js";
import type { Choices } from "./random.js";

const keys = [
  ...[
    "",
    "a",
    "b",
    "ab",
    "n",
    "isTjp",
    "owner",
    "past",
    "toJSON",
    "constructor",
    "__proto__",
    "__proto_",
    "A",
  ],
  ...["0", "1", "9", "10", "01", "-1", "1.5", "4294967294", "4294967295", "99999999999", "0a", "/", ":"],
  ...[
    "é",
    "e\u0301",
    "\u{1f600}",
    "\ufb33",
    "\ue000",
    "\uffff",
    "\u{10ffff}",
    "a\nb",
    "\0",
    '"',
    "\\",
    "\u007f",
  ],
];
const pieces = [
  ...[
    "a",
    "note",
    " ",
    "\n",
    "\t",
    "\b",
    "\f",
    "\r",
    "\0",
    "\u001f",
    "\u007f",
    "/",
    "\\",
    '"',
    "\\u0041",
    "\ud800",
  ],
  ...[
    "\u2028",
    "é",
    "中",
    "\u{1f600}",
    "\udc00",
    "\ufeff",
    "\uffff",
    "\ud7ff",
    "\ue000",
    "{",
    "}",
    "[1,2]",
    "keysaga ",
  ],
];
const numbers = [
  ...[0, 1, -1, 9, 10, 1.5, -0.1, 1e21, 1e-7, 123456789012345680000, 0.000001, 2 ** 53, -(2 ** 31), 1e100],
  ...[5e-324, 1.7976931348623157e308, 4294967296, 0.1, 1 / 3, -0],
];
/** Spellings of numbers, right and wrong, from outside a writer. */
const numberTexts = [
  ...[
    "1.0",
    "1e3",
    "-0",
    "1E400",
    "-1e400",
    "01",
    "1.",
    ".5",
    "+1",
    "1e+21",
    "1e21",
    "1E+21",
    "1e-7",
    "0.0000001",
  ],
  ...[
    "0e0",
    "-",
    "--1",
    "1e",
    "NaN",
    "Infinity",
    "-Infinity",
    "0x10",
    "9007199254740993",
    "1e-400",
    "-1e-400",
    "00",
  ],
  ...["123456789012345678", "123456789012345680", "1.50", "1_0", "1e5", "100000", "2e-1"],
];
const marks = [
  ...[..." \t\n\r{}[],:\"\\/0123456789-+.eEtfnu'_"].map(String),
  ...[
    "\0",
    "\u001f",
    "\u007f",
    "\u00a0",
    "\ufeff",
    "\u2028",
    "\ud83d",
    "\udc00",
    "é",
    "\u{1f600}",
    "true",
    "null",
  ],
  ...[
    "\\u0041",
    "\\u000a",
    "\\u001f",
    "\\u001F",
    "\\ud800",
    "\\udc00",
    "\\ud83d\\ude00",
    "\\/",
    "\\x",
    "\\u12",
    "//",
  ],
];

/** A text, and how it came about. */
export function madeText(choices: Choices, published: readonly string[]): string {
  let text = choices.chance(0.1) ? choices.pick(published)! : writtenAnyhow(someValue(choices, 4), choices);
  for (let left = choices.below(4); left > 0; left--) text = choices.pick(changes)(text, choices);
  return text;
}

/** The bytes of a text, gone wrong as bytes do. */
export function madeBytes(text: string, choices: Choices): Uint8Array {
  const bytes = [...new TextEncoder().encode(text)];
  for (let left = choices.below(3); left > 0; left--) {
    const at = choices.below(bytes.length + 1);
    if (choices.chance(0.4)) bytes[at] = (bytes[at] ?? 0) ^ (1 << choices.below(8));
    else if (choices.chance(0.3)) bytes.splice(at, 1 + choices.below(2));
    else bytes.splice(at, choices.below(2), ...choices.pick(brokenUtf8)!);
  }
  return Uint8Array.from(bytes);
}

const brokenUtf8 = [
  ...[[0x80], [0xbf], [0xc0, 0x80], [0xc0, 0xa2], [0xc1, 0xbf], [0xe0, 0x80, 0xa2], [0xe0, 0x9f, 0xbf]],
  ...[
    [0xed, 0xa0, 0x80],
    [0xed, 0xbf, 0xbf],
    [0xf0, 0x80, 0x80, 0xa2],
    [0xf4, 0x90, 0x80, 0x80],
    [0xf8],
    [0xff],
  ],
  ...[
    [0xef, 0xbb, 0xbf],
    [0xfe, 0xff],
    [0x00],
    [0xe4, 0xb8],
    [0xf0, 0x9f, 0x98],
    [0xc3, 0xa9],
    [0xed, 0x9f, 0xbf],
  ],
];

function someValue(choices: Choices, depth: number): Tree {
  switch (choices.weighed({ object: depth, list: depth / 2, text: 3, number: 2, word: 1 })) {
    case "object": {
      const members = {};
      for (let left = choices.below(5); left > 0; left--)
        setMember(members, someKey(choices), someValue(choices, depth - 1));
      return members;
    }
    case "list":
      return Array.from({ length: choices.below(4) }, () => someValue(choices, depth - 1));
    case "text":
      return Array.from({ length: choices.below(4) }, () => choices.pick(pieces)!)
        .join("")
        .repeat(choices.chance(0.01) ? 10_000 : 1);
    case "number":
      return choices.chance(0.3) ? anyNumber(choices) : choices.pick(numbers);
    case "word":
      return choices.pick([true, false, null]);
  }
}

const someKey = (choices: Choices) =>
  choices.chance(0.1) ? choices.pick(keys)! + choices.pick(keys)! : choices.pick(keys)!;

/** A number of any bits, but for those that are none. */
function anyNumber(choices: Choices): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(0, choices.below(2 ** 32));
  view.setUint32(4, choices.below(2 ** 32));
  const number = view.getFloat64(0);
  return Number.isFinite(number) ? number : choices.below(1000);
}

/** Mostly in normal form, where the value has one; else as JSON.stringify writes it, keys in any order. */
function writtenAnyhow(value: Tree, choices: Choices): string {
  if (choices.chance(0.8)) {
    try {
      return canonicalJson(value);
    } catch (thrown) {
      if (!(thrown instanceof KeysagaError)) throw thrown;
    }
  }
  return JSON.stringify(value, null, choices.chance(0.1) ? 1 : 0);
}

type Change = (text: string, choices: Choices) => string;

const member = /"(?:[^"\\]|\\.)*":(?:"(?:[^"\\]|\\.)*"|[^[\]{},"]+)/g;
const key = /"(?:[^"\\]|\\.)*"(?=:)/g;
const number = /-?[0-9][-+.0-9eE]*/g;
const plainLetter = /[^"\\{}[\],:]/g;

const changes: readonly [Change, ...Change[]] = [
  (text, choices) => spliced(text, choices.below(text.length + 1), 0, choices.pick(marks)!),
  (text, choices) => spliced(text, choices.below(text.length + 1), 1, choices.pick(marks)!),
  (text, choices) => spliced(text, choices.below(text.length + 1), 1 + choices.below(3), ""),
  (text, choices) => text.slice(0, choices.below(text.length + 1)),
  (text, choices) => replaced(text, number, choices, () => choices.pick(numberTexts)!),
  (text, choices) => replaced(text, member, choices, (found) => `${found},${found}`),
  (text, choices) => replaced(text, key, choices, () => JSON.stringify(someKey(choices))),
  (text, choices) => replaced(text, key, choices, () => choices.pick(['"__proto__"', '"\\u005f_proto__"'])),
  (text, choices) => replaced(text, plainLetter, choices, (found) => escaped(found, choices)),
  swappedMembers,
  (text, choices) => {
    const [from, to] = [choices.below(text.length + 1), choices.below(text.length + 1)];
    return spliced(text, choices.below(text.length + 1), 0, text.slice(from, to));
  },
  (text, choices) => {
    const levels = choices.chance(0.5) ? 60 + choices.below(8) : choices.below(4);
    return choices.chance(0.5)
      ? `${"[".repeat(levels)}${text}${"]".repeat(levels)}`
      : `${'{"a":'.repeat(levels)}${text}${"}".repeat(levels)}`;
  },
];

function spliced(text: string, at: number, left: number, more: string): string {
  return text.slice(0, at) + more + text.slice(at + left);
}

/** One of the places that match, changed. */
function replaced(text: string, pattern: RegExp, choices: Choices, by: (found: string) => string): string {
  const found = choices.pick([...text.slice(0, 2000).matchAll(pattern)]);
  return found === undefined ? text : spliced(text, found.index, found[0].length, by(found[0]));
}

function escaped(letter: string, choices: Choices): string {
  const digits = letter.charCodeAt(0).toString(16).padStart(4, "0");
  return letter === "/" && choices.chance(0.5)
    ? "\\/"
    : `\\u${choices.chance(0.5) ? digits : digits.toUpperCase()}`;
}

function swappedMembers(text: string, choices: Choices): string {
  const found = [...text.slice(0, 2000).matchAll(member)];
  const at = choices.below(found.length - 1);
  const [a, b] = [found[at], found[at + 1]];
  if (a === undefined || b === undefined) return text;
  const between = text.slice(a.index + a[0].length, b.index);
  return spliced(text, a.index, b.index + b[0].length - a.index, b[0] + between + a[0]);
}
