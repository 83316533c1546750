import { hunksBetween } from "./lcs.js";
import { contentRules } from "./limits.js";

/** Lines of a text that stand otherwise in another one. A line has its end, `\n`, which the last one may lack. */
export interface TextHunk {
  /** How many lines stand before it, in either text. */
  readonly from: number;
  readonly sideFrom: number;
  /** One of the two may be empty, never both. */
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

/**
 * What turns `base` into `side`, line by line and in order, by the comparison that merges go by. Between two hunks there is
 * at least one line that both have.
 *
 * Time: `contentRules.lineStepsMax`, and linear besides; where the steps run out, what is left is one hunk.
 */
export function compareTexts(base: string, side: string): readonly TextHunk[] {
  const [before, after] = [linesOf(base), linesOf(side)];
  return hunksBetween(before, after, { left: contentRules.lineStepsMax }).map((hunk) => ({
    from: hunk.from,
    sideFrom: hunk.sideFrom,
    removed: before.slice(hunk.from, hunk.to),
    added: after.slice(hunk.sideFrom, hunk.sideTo),
  }));
}

/** An empty text has no line. */
function linesOf(text: string): readonly string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}
