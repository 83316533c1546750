import { expect, test } from "vitest";
import { linksOf, page } from "./markdown.js";

const glossary = page("docs/glossary.md");
const rows = glossary.text
  .split("\n")
  .filter((line) => /^\| (?!word |---)/.test(line))
  .map((line) => line.split("|").map((cell) => cell.trim()));

test("every word says where it lives in the code", () => {
  expect(rows.length).toBeGreaterThan(40);
  for (const [, word, , , code] of rows) expect(code, word).toMatch(/^\[`\w+`\]\(\.\.\/src\/[\w/-]+\.ts\)$/);
  expect(linksOf(glossary)).toHaveLength(rows.length);
});

test("no word is explained twice", () => {
  const words = rows.map(([, word]) => word);
  expect(new Set(words).size).toBe(words.length);
});
