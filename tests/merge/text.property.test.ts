import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isWellFormed } from "../../src/base/index.js";
import { mergeText } from "../../src/merge/index.js";
import { hunksBetween } from "../../src/merge/lcs.js";
import { wordsOf } from "../../src/merge/words.js";
import { runs } from "./runs.js";

const plenty = () => ({ left: 1_000_000 });
const fewLetters = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 30 });
const anyText = fc.string({ unit: "binary", maxLength: 60 });
const oftenEnded = fc
  .array(fc.tuple(fc.constantFrom("", "a", "b", "a b", "c d e"), fc.constantFrom("\n", "\r\n", "")), {
    maxLength: 8,
  })
  .map((lines) => lines.flat().join(""));

/** What one side does at one line of the base. */
type Edit = "keep" | "remove" | "replace" | "insert";
const edit = fc.constantFrom<Edit>("keep", "keep", "keep", "remove", "replace", "insert");

/** The base's lines edited; every line put in is one of its kind, by its prefix. */
function edited(edits: readonly Edit[], prefix: string): { text: string; put: Map<string, Edit> } {
  const put = new Map<string, Edit>();
  const lines = edits.flatMap((what, at) => {
    const line = `${prefix}${at}`;
    if (what === "replace" || what === "insert") put.set(line, what);
    return { keep: [`base${at}`], remove: [], replace: [line], insert: [line, `base${at}`] }[what];
  });
  return { text: lines.map((line) => `${line}\n`).join(""), put };
}

describe("hunksBetween", () => {
  it("turns one sequence into the other, and keeps as much as any way can", () => {
    fc.assert(
      fc.property(fewLetters, fewLetters, (base, side) => {
        const hunks = hunksBetween(base, side, plenty());
        const applied = [...base];
        for (const { from, to, sideFrom, sideTo } of hunks.toReversed())
          applied.splice(from, to - from, ...side.slice(sideFrom, sideTo));
        expect(applied).toEqual(side);
        const removed = hunks.reduce((sum, { from, to }) => sum + to - from, 0);
        expect(base.length - removed).toBe(longestCommon(base, side));
      }),
      runs(300),
    );
  });

  it("still does when its steps run out", () => {
    fc.assert(
      fc.property(fewLetters, fewLetters, fc.nat(20), (base, side, left) => {
        const hunks = hunksBetween(base, side, { left });
        const kept = base.filter((_, at) => !hunks.some(({ from, to }) => from <= at && at < to));
        const keptThere = side.filter((_, at) => !hunks.some((h) => h.sideFrom <= at && at < h.sideTo));
        expect(kept).toEqual(keptThere);
      }),
      runs(300),
    );
  });
});

describe("mergeText", () => {
  it.each([
    ["any text", anyText],
    ["lines with all kinds of ends", oftenEnded],
  ])("takes what only one side changed, and what both did the same: %s", (_what, texts) => {
    fc.assert(
      fc.property(texts, texts, (base, side) => {
        for (const merged of [
          mergeText(base, base, side),
          mergeText(base, side, base),
          mergeText(base, side, side),
        ])
          expect(merged).toEqual({ text: side, contests: [] });
      }),
      runs(200),
    );
  });

  it("is the same from both sides where nothing is contested, and contested from both or neither", () => {
    fc.assert(
      fc.property(oftenEnded, oftenEnded, oftenEnded, (base, one, other) => {
        const [merged, mirrored] = [mergeText(base, one, other), mergeText(base, other, one)];
        expect(mirrored.contests.length).toBe(merged.contests.length);
        if (merged.contests.every(({ chosen }) => chosen === "words"))
          expect(mirrored.text).toBe(merged.text);
        expect(isWellFormed(merged.text)).toBe(true);
      }),
      runs(300),
    );
  });

  it("loses no line that was put in, unless the other side changed that very line, and then it is told", () => {
    const example = fc.array(fc.tuple(edit, edit), { maxLength: 12 });
    fc.assert(
      fc.property(example, (edits) => {
        const base = edits.map((_, at) => `base${at}\n`).join("");
        const ours = edited(
          edits.map(([left]) => left),
          "ours",
        );
        const theirs = edited(
          edits.map(([, right]) => right),
          "theirs",
        );
        const { text, contests } = mergeText(base, ours.text, theirs.text);
        const shown = new Set(text.split("\n"));
        const told = new Set(contests.flatMap((contest) => `${contest.ours}\n${contest.theirs}`.split("\n")));
        for (const line of [...ours.put.keys(), ...theirs.put.keys()]) {
          if (shown.has(line)) continue;
          expect(told).toContain(line);
          expect(isReplacedByBoth(edits, line)).toBe(true);
        }
        for (const [at, [left, right]] of edits.entries())
          if (left !== "remove" && right !== "remove" && left !== "replace" && right !== "replace")
            expect(shown).toContain(`base${at}`);
      }),
      runs(500),
    );
  });
});

/** Did the change that put this line in take away a line that a change of the other side replaced? */
function isReplacedByBoth(edits: readonly (readonly [Edit, Edit])[], line: string): boolean {
  const at = Number(/[0-9]+/.exec(line)![0]);
  const isChanged = (place: number) => edits[place]?.some((what) => what !== "keep") ?? false;
  let [from, to] = [at, at];
  while (isChanged(from - 1)) from--;
  while (isChanged(to + 1)) to++;
  const run = edits.slice(from, to + 1);
  return [0, 1].every((side) => run.some((pair) => pair[side] === "replace" || pair[side] === "insert"));
}

describe("wordsOf", () => {
  it("cuts any text into pieces that join to it, no surrogate pair in two", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const words = wordsOf(text);
        expect(words.join("")).toBe(text);
        for (const word of words) expect(isWellFormed(word)).toBe(true);
      }),
      runs(300),
    );
  });

  it("keeps together what the platform's own segmenter takes for one character", () => {
    const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
    const unit = fc.constantFrom(
      "e",
      "\u0301",
      "👍",
      "🏽",
      "👨",
      "\u200d",
      "👧",
      "🇩",
      "🇪",
      "❤",
      "\ufe0f",
      " ",
      "\r",
      "\n",
      "か",
      "\u3099",
    );
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 12 }), (text) => {
        const graphemes = [...segmenter.segment(text)].map(({ index }) => index);
        let at = 0;
        for (const word of wordsOf(text)) {
          expect(graphemes).toContain(at);
          at += word.length;
        }
      }),
      runs(300),
    );
  });
});

/** By the table, as a textbook has it. */
function longestCommon(a: readonly string[], b: readonly string[]): number {
  let row = new Array<number>(b.length + 1).fill(0);
  for (const item of a) {
    const next = [0];
    for (const [at, other] of b.entries())
      next.push(item === other ? row[at]! + 1 : Math.max(row[at + 1]!, next[at]!));
    row = next;
  }
  return row[b.length]!;
}
