/** What is slow or fails only where there are very many files. */
import { expect, test } from "vitest";
import { contentOf } from "../../src/cli/folder/content.js";
import type { FileState } from "../../src/cli/folder/model.js";
import { findMoves } from "../../src/cli/folder/moves.js";
import { planWrites } from "../../src/cli/folder/plan.js";
import { parseAddress } from "../../src/index.js";

const placed = (path: string, text: string) => ({ path, content: contentOf(text), isExecutable: false });

test.each([
  ["that say something", (at: number) => `text ${at} ${"word ".repeat(20)}`],
  ["that are empty", () => ""],
])("files %s are not held against each other for ever", async (_, textOf) => {
  const many = Array.from({ length: 6_000 }, (_, at) => at);
  let looks = 0;
  const counted = (path: string, text: string) => ({
    ...placed(path, text),
    get path() {
      looks++;
      return path;
    },
  });
  const gone = many.map((at) => counted(`old/${at}.md`, textOf(at)));
  const fresh = many.map((at) => counted(`new/n${at}.md`, textOf(at) && `other ${at}`));
  const { moved } = await findMoves({ gone, changed: [], fresh });
  expect(moved).toEqual([]);
  expect(looks).toBeLessThan((many.length * many.length) / 3); // each with each is twice as many looks as pairs
});

test("numbered files that all moved on by one are one group", () => {
  const stateAt = (at: number, path: string): FileState => {
    const address = parseAddress(`file^${at.toString(16).padStart(64, "0").toUpperCase()}`);
    const named = { named: path, isContested: false, isExecutable: false };
    return { file: address, tip: address, path, ...named, content: contentOf(String(at)) };
  };
  const many = Array.from({ length: 20_000 }, (_, at) => 20_000 - at);
  const base = many.map((at) => stateAt(at, `${at}.md`));
  const writes = planWrites(
    base,
    many.map((at) => stateAt(at, `${at + 1}.md`)),
  );
  expect(new Set(writes.map(({ group }) => group)).size).toBe(1);
});
