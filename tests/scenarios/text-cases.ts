import type { ConflictChoice } from "../../src/merge/index.js";

/** A text that alice and carol edit at once. Alice's is the first head. */
export interface TextCase {
  readonly what: string;
  readonly before: string;
  readonly byAlice: string;
  readonly byCarol: string;
  /** What they come to, whoever merges. */
  readonly both: string;
  /** How what is contested was chosen; absent where nothing is. */
  readonly chosen?: ConflictChoice;
}

const family = "👨‍👩‍👧‍👦";
const decomposed = "cafe\u0301"; // é as e and a combining mark

export const textCases: readonly TextCase[] = [
  {
    what: "appends at both ends",
    before: "middle\n",
    byAlice: "start\nmiddle\n",
    byCarol: "middle\nend\n",
    both: "start\nmiddle\nend\n",
  },
  {
    what: "interleaved edits in different paragraphs",
    before: "one\n\ntwo\n\nthree\n",
    byAlice: "ONE\n\ntwo\n\nTHREE\n",
    byCarol: "one\n\nTWO\nand more\n\nthree\n",
    both: "ONE\n\nTWO\nand more\n\nTHREE\n",
  },
  {
    what: "different words of the same line",
    before: "the quick brown fox\n",
    byAlice: "the slow brown fox\n",
    byCarol: "the quick brown dog\n",
    both: "the slow brown dog\n",
    chosen: "words",
  },
  {
    what: "the same word of the same line",
    before: "one\ntwo\nthree\n",
    byAlice: "one\nzwei\nthree\n",
    byCarol: "one\ndeux\nthree\n",
    both: "one\nzwei\nthree\n",
    chosen: "lines",
  },
  {
    what: "a line deleted against an edit of it",
    before: "one\ntwo\nthree\n",
    byAlice: "one\nthree\n",
    byCarol: "one\nTWO\nthree\n",
    both: "one\nTWO\nthree\n",
    chosen: "lines",
  },
  {
    what: "an edit of a line against its deletion",
    before: "one\ntwo\nthree\n",
    byAlice: "one\nTWO\nthree\n",
    byCarol: "one\nthree\n",
    both: "one\nTWO\nthree\n",
    chosen: "lines",
  },
  {
    what: "a text emptied, and only another field edited",
    before: "one\ntwo\n",
    byAlice: "",
    byCarol: "one\ntwo\n",
    both: "",
  },
  {
    what: "a text emptied against an edit of one line",
    before: "one\ntwo\nthree\n",
    byAlice: "",
    byCarol: "one\nTWO\nthree\n",
    both: "TWO\n",
    chosen: "lines",
  },
  { what: "a text emptied by both", before: "one\ntwo\n", byAlice: "", byCarol: "", both: "" },
  {
    what: "CRLF stays CRLF",
    before: "one\r\ntwo\r\nthree\r\n",
    byAlice: "ONE\r\ntwo\r\nthree\r\n",
    byCarol: "one\r\ntwo\r\nTHREE\r\n",
    both: "ONE\r\ntwo\r\nTHREE\r\n",
  },
  {
    what: "LF turned to CRLF, and an edit",
    before: "one\ntwo\nthree\n",
    byAlice: "one\r\ntwo\r\nthree\r\n",
    byCarol: "one\nTWO\nthree\n",
    both: "one\r\nTWO\r\nthree\r\n",
  },
  {
    what: "on both sides of a combining mark",
    before: `a ${decomposed} b`,
    byAlice: `A ${decomposed} b`,
    byCarol: `a ${decomposed} B`,
    both: `A ${decomposed} B`,
    chosen: "words",
  },
  {
    what: "a combining mark is never moved to another letter",
    before: "cafe\n",
    byAlice: `${decomposed}\n`,
    byCarol: "cafX\n",
    both: `${decomposed}\n`,
    chosen: "lines",
  },
  {
    what: "a surrogate pair is never cut",
    before: "😀\n",
    byAlice: "😁\n",
    byCarol: "🥀\n",
    both: "😁\n",
    chosen: "lines",
  },
  {
    what: "an emoji of many parts is never cut",
    before: `${family}\n`,
    byAlice: "👨‍👩‍👧\n",
    byCarol: "👩‍👧‍👦\n",
    both: "👨‍👩‍👧\n",
    chosen: "lines",
  },
];
