import { expect, test } from "vitest";
import { errorDocs } from "../../scripts/write-error-docs.js";
import { errorTable } from "../../src/base/index.js";
import { page } from "./markdown.js";

test("docs/errors.md is what `npm run docs:errors` writes", () => {
  expect(page("docs/errors.md").text).toBe(errorDocs(errorTable));
});

test("every code has a row, and every sentence ends", () => {
  const rows = [
    ...page("docs/errors.md").text.matchAll(/^\| `(\w+)` \| (.*?) \| (?:yes)? ?\| (?:yes)? ?\|$/gm),
  ];
  expect(rows.map(([, code]) => code)).toEqual(Object.keys(errorTable));
  for (const [, code, sentence] of rows) expect(sentence, code).toMatch(/^[A-Z][^|]*[.)]$/);
});
