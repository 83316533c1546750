import { contentRules } from "./limits.js";
import { append, type Contest, mergeSequences, type Sequence } from "./sequence.js";
import { wordsOf } from "./words.js";

/** How a contested stretch was settled: by its words, or line by line. */
export type TextChoice = "words" | "lines";

/** A stretch both sides changed: what each has there. Texts without the line end behind their last line. */
export interface TextContest {
  readonly chosen: TextChoice;
  readonly ours: string;
  readonly theirs: string;
}

export interface MergedText {
  readonly text: string;
  readonly contests: readonly TextContest[];
}

/** Told how many steps were taken. */
export type Spend = (steps: number) => void;

/**
 * Three-way merge of a text by lines, as git and diff3 do it; contested lines by words; and where words are contested
 * too, line by line: what both put in stays, ours first; an edit outweighs a deletion; of two edits of one line ours
 * is shown. Whatever was contested is told, with both values.
 *
 * A line ends at "\n". The last line needs no line end: one more or less is a change of its own. Where all lines
 * of one side end in "\r\n" and those of the base do not, or the other way round, that is one change too, and not a
 * change of each line.
 *
 * Time: `contentRules.lineStepsMax` and `wordStepsMax`, and linear besides.
 */
export function mergeText(base: string, ours: string, theirs: string, spend?: Spend): MergedText {
  if (ours === theirs || base === theirs) return { text: ours, contests: [] };
  if (base === ours) return { text: theirs, contests: [] };
  const ends = mergedLineEnds(base, ours, theirs);
  const [b, o, t] = ends === undefined ? [base, ours, theirs] : [base, ours, theirs].map(withoutReturns);
  const { text, contests } = mergeLines(b!, o!, t!, spend);
  return ends === "\r\n" ? { text: text.replaceAll("\n", "\r\n"), contests } : { text, contests };
}

function mergeLines(base: string, ours: string, theirs: string, spend?: Spend): MergedText {
  const ofOurs = { left: contentRules.lineStepsMax };
  const ofTheirs = { left: contentRules.lineStepsMax };
  const wordSteps = { left: contentRules.wordStepsMax };
  const lines: string[] = [];
  const contests: TextContest[] = [];
  // An empty base has no line that two first drafts would both replace.
  const sides = [base === "" ? sequenceOf([]) : linesOf(base), linesOf(ours), linesOf(theirs)];
  for (const stretch of mergeSequences(sides[0]!, sides[1]!, sides[2]!, { ours: ofOurs, theirs: ofTheirs })) {
    if (stretch.kind === "agreed") {
      append(lines, stretch.items);
      continue;
    }
    const [o, t] = [stretch.ours.join("\n"), stretch.theirs.join("\n")];
    const byWords = mergeWords(stretch, wordSteps);
    append(lines, byWords === undefined ? stretch.combined : linesOf(byWords).items);
    contests.push({ chosen: byWords === undefined ? "lines" : "words", ours: o, theirs: t });
  }
  const left = ofOurs.left + ofTheirs.left + wordSteps.left;
  spend?.(2 * contentRules.lineStepsMax + contentRules.wordStepsMax - left);
  return { text: lines.join("\n"), contests };
}

/** The stretch merged by words; undefined where words are contested, or one side has none there. */
function mergeWords(contest: Contest<string>, steps: { left: number }): string | undefined {
  const sides = [contest.base, contest.ours, contest.theirs];
  if (steps.left <= 0 || sides.some((lines) => lines.length === 0)) return undefined;
  const [base, ours, theirs] = sides.map((lines) => sequenceOf(wordsOf(lines.join("\n"))));
  const words: string[] = [];
  for (const stretch of mergeSequences(base!, ours!, theirs!, { ours: steps, theirs: steps })) {
    if (stretch.kind === "contested") return undefined;
    append(words, stretch.items);
  }
  return words.join("");
}

/** Lines without their ends. Behind a last "\n" there is one more, empty, which is no blank line: its key is its own. */
function linesOf(text: string): Sequence<string> {
  const items = text.split("\n");
  return { items, keys: items.at(-1) === "" ? [...items.slice(0, -1), "\n"] : items };
}

function sequenceOf(items: readonly string[]): Sequence<string> {
  return { items, keys: items };
}

type LineEnds = "\n" | "\r\n";

/** The line ends of the result, where each of the three has one kind only; a text of one line has that of the base. */
function mergedLineEnds(base: string, ours: string, theirs: string): LineEnds | undefined {
  const of = lineEndsOf(base);
  const [ofOurs, ofTheirs] = [lineEndsOf(ours) ?? of, lineEndsOf(theirs) ?? of];
  if (of === undefined || ofOurs === "mixed" || ofTheirs === "mixed" || of === "mixed") return undefined;
  return ofOurs === of ? ofTheirs : ofOurs;
}

function lineEndsOf(text: string): LineEnds | "mixed" | undefined {
  const ends = text.split("\n").length - 1;
  if (ends === 0) return text.includes("\r") ? "mixed" : undefined;
  const long = text.split("\r\n").length - 1;
  return long === ends ? "\r\n" : long === 0 ? "\n" : "mixed";
}

function withoutReturns(text: string): string {
  return text.replaceAll("\r\n", "\n");
}
