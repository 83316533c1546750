/**
 * Cuts text into what a merge inside a line may move as a whole: words, runs of white space, single other characters.
 *
 * What a person sees as one character is never cut: combining marks, variation selectors, joiners, skin tones, tags and
 * the pairs of flags stay with what they follow. Decided by fixed ranges, not by the engine's Unicode tables or
 * Intl.Segmenter: those differ between releases, and every peer has to cut alike. In scripts without spaces whose
 * ranges are not told apart here, a run of letters is one word: coarser, and never wrong.
 */
export function wordsOf(text: string): readonly string[] {
  const words: string[] = [];
  let before: Kind = "single";
  for (const character of text) {
    const kind = kindOf(character.codePointAt(0)!);
    const last = words.length - 1;
    const isPart = last >= 0 && sticks(before, kind);
    if (isPart) words[last] += character;
    else words.push(character);
    // A mark is of the word it follows, so that letters behind it still belong to that word.
    if (kind !== "mark" || !isPart) before = kind;
  }
  return words;
}

type Kind = "space" | "return" | "newline" | "letter" | "flag" | "mark" | "joiner" | "single";

function sticks(before: Kind, kind: Kind): boolean {
  if (before === "newline") return false;
  if (before === "return") return kind === "newline";
  if (kind === "mark" || kind === "joiner" || before === "joiner") return true;
  return kind === before && (kind === "space" || kind === "letter" || kind === "flag");
}

type Range = readonly [first: number, last: number];

const marks: readonly Range[] = [
  [0x0300, 0x036f],
  [0x0483, 0x0489],
  [0x1ab0, 0x1aff],
  [0x1dc0, 0x1dff],
  [0x20d0, 0x20ff],
  [0x3099, 0x309a], // voicing marks of kana
  [0xfe00, 0xfe0f], // variation selectors
  [0xfe20, 0xfe2f],
  [0x1f3fb, 0x1f3ff], // skin tones
  [0xe0020, 0xe007f], // tags
  [0xe0100, 0xe01ef], // more variation selectors
];

/** Punctuation and symbols, and scripts that are written without spaces and whose characters stand alone. */
const singles: readonly Range[] = [
  [0x0080, 0x00a9],
  [0x00ab, 0x00b4],
  [0x00b6, 0x00b9],
  [0x00bb, 0x00bf],
  [0x00d7, 0x00d7],
  [0x00f7, 0x00f7],
  [0x2010, 0x2bff],
  [0x2e00, 0x2e7f],
  [0x2e80, 0x3098], // radicals, CJK punctuation, hiragana
  [0x309b, 0xa4cf], // katakana, Han, Yi
  [0xe000, 0xf8ff],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe1f],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff0f],
  [0x1f000, 0x1f1e5],
  [0x1f200, 0x1faff],
  [0x20000, 0x3ffff],
];

function kindOf(code: number): Kind {
  if (code < 0x80) return asciiKind(code);
  if (code === 0x200d) return "joiner";
  if (code === 0x00a0 || code === 0x3000 || (code >= 0x2000 && code <= 0x200b)) return "space";
  if (code === 0x200c) return "mark";
  if (code >= 0x1f1e6 && code <= 0x1f1ff) return "flag";
  if (isIn(marks, code)) return "mark";
  return isIn(singles, code) ? "single" : "letter";
}

function asciiKind(code: number): Kind {
  if (code === 0x0a) return "newline";
  if (code === 0x0d) return "return";
  if (code === 0x20 || (code >= 0x09 && code <= 0x0c)) return "space";
  const isLetter = (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
  return isLetter || (code >= 0x30 && code <= 0x39) || code === 0x5f ? "letter" : "single";
}

function isIn(ranges: readonly Range[], code: number): boolean {
  return ranges.some(([first, last]) => code >= first && code <= last);
}
