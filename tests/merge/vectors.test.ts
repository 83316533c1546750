import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type MergedText, mergeText } from "../../src/merge/index.js";

interface Case {
  readonly id: string;
  readonly base: string;
  readonly ours: string;
  readonly theirs: string;
}

interface GitCase extends Case {
  readonly git: { readonly conflicts: number; readonly text: string };
  readonly diff3: { readonly sameAsGit?: boolean };
  readonly recorded?: string;
}

interface TypingCase extends Case {
  readonly merged: string;
  readonly gitMergeOver: { readonly character: string };
}

function casesOf<Of extends Case>(file: string): Of[] {
  const bytes = readFileSync(new URL(`../vectors/merge/${file}`, import.meta.url));
  return JSON.parse((file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8")).cases;
}

function merge({ base, ours, theirs }: Case): MergedText {
  return mergeText(base, ours, theirs);
}

/** Lines of one side that neither the base nor the result nor a value of a conflict has. */
function lostLines(example: Case, { text, contests }: MergedText): string[] {
  const linesOf = (whole: string) => whole.split(/\r?\n/);
  const told = contests.flatMap(({ ours, theirs }) => [...linesOf(ours), ...linesOf(theirs)]);
  const known = new Set([...linesOf(example.base), ...linesOf(text), ...told]);
  return [...linesOf(example.ours), ...linesOf(example.theirs)].filter((line) => !known.has(line));
}

describe.each([
  ["line-merge-small.json", 108],
  ["real-merges.json.gz", 102],
  ["commuting-revisions.json.gz", 49],
] as const)("%s", (file, agreedCount) => {
  const cases = casesOf<GitCase>(file);
  const agreed = cases.filter(({ git, diff3 }) => git.conflicts === 0 && diff3.sameAsGit === true);
  // We take line ends that all changed as one change, git as a change of every line.
  const contested = cases.filter(({ git, ours }) => git.conflicts > 0 && !ours.includes("\r\n"));

  it(`is equal to git in all ${agreedCount} cases where git and diff3 agree`, () => {
    expect(agreed).toHaveLength(agreedCount);
    for (const example of agreed)
      expect(merge(example), example.id).toEqual({ text: example.git.text, contests: [] });
  });

  it("is equal to git where only git is clean", () => {
    for (const example of cases.filter(({ git }) => git.conflicts === 0))
      expect(merge(example).text, example.id).toBe(example.git.text);
  });

  it("tells of a conflict in every case in which git has one", () => {
    for (const example of contested) expect(merge(example).contests, example.id).not.toEqual([]);
  });

  it("loses no line of either side", () => {
    for (const example of cases) expect(lostLines(example, merge(example)), example.id).toEqual([]);
  });
});

describe("concurrent-typing.json.gz", () => {
  const cases = casesOf<TypingCase>("concurrent-typing.json.gz");
  // Two cases no unit settles, not even characters: both typed at one place.
  const settled = cases.filter(({ gitMergeOver }) => gitMergeOver.character === "equal");

  it("comes to what both people saw in all 55 cases that any unit settles", () => {
    expect([cases.length, settled.length]).toEqual([57, 55]);
    for (const example of settled) expect(merge(example).text, example.id).toBe(example.merged);
  });

  it("says so wherever it may be wrong", () => {
    const wrong = cases.filter((example) => merge(example).text !== example.merged);
    expect(wrong).toHaveLength(2);
    for (const example of wrong)
      expect(merge(example).contests.map(({ chosen }) => chosen)).toEqual(["lines"]);
  });
});
