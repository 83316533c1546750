import { describe, expect, it } from "vitest";
import { mergeText } from "../../src/merge/index.js";
import { wordsOf } from "../../src/merge/words.js";

const family = "👨‍👩‍👧‍👦";
const decomposed = "cafe\u0301"; // é as e and a combining mark

/** Base, the text of the first head, that of the second, and what they come to. */
type Case = readonly [what: string, base: string, ours: string, theirs: string, text: string];

const clean: readonly Case[] = [
  ["appends at both ends", "b\n", "a\nb\n", "b\nc\n", "a\nb\nc\n"],
  ["edits in different paragraphs", "a\n\nb\n\nc\n", "A\n\nb\n\nC\n", "a\n\nB\n\nc\n", "A\n\nB\n\nC\n"],
  ["insertions between different lines", "1\n2\n3\n", "1\nx\n2\n3\n", "1\n2\ny\n3\n", "1\nx\n2\ny\n3\n"],
  ["the same edit", "a\nb\n", "a\nB\n", "a\nB\n", "a\nB\n"],
  ["the same edit and one more", "a\nb\nc\nd\n", "A\nb\nc\nd\n", "A\nb\nc\nD\n", "A\nb\nc\nD\n"],
  ["one side emptied it", "a\nb\n", "", "a\nb\n", ""],
  ["both emptied it", "a\nb\n", "", "", ""],
  ["a first draft", "", "a\n", "", "a\n"],
  ["LF turned to CRLF, and an edit", "a\nb\nc\n", "a\r\nb\r\nc\r\n", "a\nB\nc\n", "a\r\nB\r\nc\r\n"],
  ["CRLF turned to LF, and an edit", "a\r\nb\r\n", "A\r\nb\r\n", "a\nb\n", "A\nb\n"],
  ["CRLF stays CRLF", "a\r\nb\r\nc\r\n", "A\r\nb\r\nc\r\n", "a\r\nb\r\nC\r\n", "A\r\nb\r\nC\r\n"],
  ["mixed line ends stay as they are", "a\r\nb\nc\n", "A\r\nb\nc\n", "a\r\nb\nC\n", "A\r\nb\nC\n"],
  ["a lone CR ends no line", "a\rb\nc\nd\n", "x\rb\nc\nd\n", "a\rb\nc\nD\n", "x\rb\nc\nD\n"],
  ["no final line end", "a\nb\nc", "A\nb\nc", "a\nb\nC", "A\nb\nC"],
  ["a final line end is added, and an edit above", "a\nb\nc", "a\nb\nc\n", "A\nb\nc", "A\nb\nc\n"],
  ["a line is appended where no line end was", "a\nb", "a\nb\nc", "A\nb", "A\nb\nc"],
  [
    "a mark and its letter, edited elsewhere",
    `${decomposed}\nb\nc\n`,
    `${decomposed}\nb\nC\n`,
    "café\nb\nc\n",
    "café\nb\nC\n",
  ],
];

const byWords: readonly Case[] = [
  [
    "two words of one line",
    "the quick brown fox\n",
    "the slow brown fox\n",
    "the quick brown dog\n",
    "the slow brown dog\n",
  ],
  ["both ends of one line", "middle\n", "start middle\n", "middle end\n", "start middle end\n"],
  ["neighbouring lines", "one\ntwo\n", "ONE\ntwo\n", "one\nTWO\n", "ONE\nTWO\n"],
  ["a line without an end", "a b c", "A b c", "a b C", "A b C"],
  [
    "beside an emoji of many parts",
    `a ${family} b\n`,
    `A ${family} b\n`,
    `a ${family} B\n`,
    `A ${family} B\n`,
  ],
  [
    "beside a combining mark",
    `a ${decomposed} b`,
    `A ${decomposed} b`,
    `a ${decomposed} B`,
    `A ${decomposed} B`,
  ],
  [
    "characters that are words",
    "今日はとても晴れ",
    "今日もとても晴れ",
    "今日はとても雨れ",
    "今日もとても雨れ",
  ],
];

const byLines: readonly Case[] = [
  ["both append: ours first", "a\n", "a\nours\n", "a\ntheirs\n", "a\nours\ntheirs\n"],
  ["both append without line ends", "a", "a\nours", "a\ntheirs", "a\nours\ntheirs"],
  ["both append, in part the same", "a\n", "a\nsame\nours\n", "a\nsame\ntheirs\n", "a\nsame\nours\ntheirs\n"],
  ["two first drafts", "", "ours\n", "theirs\n", "ours\ntheirs\n"],
  ["two first drafts without line ends", "", "ours", "theirs", "ours\ntheirs"],
  ["the same word: ours is shown", "a\nword\nc\n", "a\nours\nc\n", "a\ntheirs\nc\n", "a\nours\nc\n"],
  ["a line is deleted and edited: the edit stays", "a\nb\nc\n", "a\nc\n", "a\nB\nc\n", "a\nB\nc\n"],
  ["a line is edited and deleted: the edit stays", "a\nb\nc\n", "a\nB\nc\n", "a\nc\n", "a\nB\nc\n"],
  [
    "of two longer edits that share a line ours is shown",
    "0\n1\n2\nz\n",
    "A\n1\nC\nz\n",
    "0\nD\nE\nz\n",
    "A\n1\nC\nz\n",
  ],
  ["the text is emptied, and one line edited: that line stays", "a\nb\nc\n", "", "a\nB\nc\n", "B\n"],
  ["the text is emptied, and one appended", "a\nb\n", "", "a\nb\nc\n", "c\n"],
  ["an emoji of many parts is never cut", `${family}\n`, "👨‍👩‍👧\n", "👩‍👧‍👦\n", "👨‍👩‍👧\n"],
  ["a surrogate pair is never cut", "😀\n", "😁\n", "🥀\n", "😁\n"],
  [
    "a combining mark is never moved to another letter",
    "cafe\n",
    `${decomposed}\n`,
    "cafX\n",
    `${decomposed}\n`,
  ],
];

describe("mergeText is clean", () => {
  it.each(clean)("%s", (_what, base, ours, theirs, text) => {
    expect(mergeText(base, ours, theirs)).toEqual({ text, contests: [] });
    expect(mergeText(base, theirs, ours)).toEqual({ text, contests: [] });
  });
});

describe("mergeText goes by words inside contested lines, and says so", () => {
  it.each(byWords)("%s", (_what, base, ours, theirs, text) => {
    for (const merged of [mergeText(base, ours, theirs), mergeText(base, theirs, ours)]) {
      expect(merged.text).toBe(text);
      expect(merged.contests.map(({ chosen }) => chosen)).toEqual(["words"]);
    }
  });
});

describe("mergeText goes line by line where words are contested, and says so", () => {
  it.each(byLines)("%s", (_what, base, ours, theirs, text) => {
    const merged = mergeText(base, ours, theirs);
    expect(merged.text).toBe(text);
    expect(merged.contests.map(({ chosen }) => chosen)).toEqual(["lines"]);
    expect(ours).toContain(merged.contests[0]?.ours);
    expect(theirs).toContain(merged.contests[0]?.theirs);
  });
});

describe("mergeText", () => {
  it("tells both values of a contested stretch", () => {
    expect(mergeText("a\nb\nc\n", "a\nours\nc\n", "a\ntheirs\nc\n").contests).toEqual([
      { chosen: "lines", ours: "ours", theirs: "theirs" },
    ]);
  });

  it("makes one hunk of what cannot be compared in its steps, and still loses no side's value (T3)", () => {
    const shuffled = (seed: number) =>
      Array.from({ length: 6000 }, (_, i) => `${(i * seed) % 4001}\n`).join("");
    const [base, ours, theirs] = [shuffled(1), shuffled(1009), shuffled(2003)];
    const { text, contests } = mergeText(base, ours, theirs);
    expect(contests.map(({ chosen }) => chosen)).toContain("lines");
    expect(text).toBe(ours);
    expect(contests.some((contest) => theirs.includes(contest.theirs))).toBe(true);
  });
});

describe("texts made to be slow (threat 25)", () => {
  const size = 64 * 1024;
  /** Always the same noise: the upper bits of a linear congruence. */
  const noise = (letters: readonly string[], seed: number) => {
    let state = seed;
    return Array.from({ length: size }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return letters[(state % 65_537) % letters.length];
    }).join("");
  };
  it.each([
    ["one line of two characters", [".", ","]],
    ["lines of one character", ["\n", "a\n"]],
    ["words of one letter", ["a ", "b "]],
    ["words that come in lines and in spaces", ["a ", "b\n"]],
  ])("end soon, whatever they come to: %s", (_what, letters) => {
    const started = process.cpuUsage();
    const merged = mergeText(noise(letters, 1), noise(letters, 2), noise(letters, 3));
    const { user, system } = process.cpuUsage(started);
    expect(merged.contests.length).toBeGreaterThan(0);
    // Of the processor, which is the same on a busy machine: minutes without a budget, tenths of a second with it.
    expect((user + system) / 1e6).toBeLessThan(60);
  });
});

describe("wordsOf", () => {
  it.each([
    ["the cat's 2nd_hat", ["the", " ", "cat", "'", "s", " ", "2nd_hat"]],
    ["a  b\r\n\tc\n\n", ["a", "  ", "b", "\r\n", "\t", "c", "\n", "\n"]],
    [`${decomposed}s!`, [`${decomposed}s`, "!"]],
    [`${family}🇩🇪👍🏽❤️x`, [family, "🇩🇪", "👍🏽", "❤️", "x"]],
    ["Ünïcode Straße", ["Ünïcode", " ", "Straße"]],
    ["日本語です", ["日", "本", "語", "で", "す"]],
    ["привет, мир", ["привет", ",", " ", "мир"]],
    ["\u0301a", ["\u0301", "a"]],
    ["", []],
  ])("%j", (text, words) => {
    expect(wordsOf(text)).toEqual(words);
  });
});
