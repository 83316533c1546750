import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { errorDocs } from "../../scripts/write-error-docs.js";
import { errorTable } from "../../src/base/index.js";
import { page, root } from "./markdown.js";

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

test("every code is one that something in src ends in", () => {
  const sources = readdirSync(`${root}src`, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && file !== join("base", "errors.ts"))
    .map((file) => readFileSync(`${root}src/${file}`, "utf8"))
    .join("\n");
  expect(Object.keys(errorTable).filter((code) => !sources.includes(`"${code}"`))).toEqual([]);
});
