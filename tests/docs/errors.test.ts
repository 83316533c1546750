import { readdirSync, readFileSync } from "node:fs";
import { sep } from "node:path";
import { expect, test } from "vitest";
import { errorDocs } from "../../scripts/write-error-docs.js";
import { errorTable } from "../../src/base/index.js";
import { page, root } from "./markdown.js";

test("docs/errors.md is what `npm run docs:errors` writes", () => {
  expect(page("docs/errors.md").text).toBe(errorDocs(errorTable));
});

test("every code has a row that says what happened and what to do, in whole sentences", () => {
  const rows = [
    ...page("docs/errors.md").text.matchAll(
      /^\| `(\w+)` \| ([^|]*) \| ([^|]*) \| (?:yes)? ?\| (?:yes)? ?\|$/gm,
    ),
  ];
  expect(rows.map(([, code]) => code)).toEqual(Object.keys(errorTable));
  for (const [, code, ...texts] of rows)
    for (const text of texts) expect(text, code).toMatch(/^[A-Za-z][^|]*\.$/);
});

test("every code is one that something in src ends in", () => {
  const sources = readdirSync(`${root}src`, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.startsWith(`testing${sep}`))
    .map((file) => readFileSync(`${root}src/${file}`, "utf8"))
    .join("\n");
  expect(Object.keys(errorTable).filter((code) => !sources.includes(`"${code}"`))).toEqual([]);
});
