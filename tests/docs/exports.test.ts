/** What embedders compile against, read from the built declarations; `npm test` builds the package first. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readPublicApi } from "../../scripts/public-api.js";
import { apiReports } from "../../scripts/write-api-reports.js";
import { root } from "./markdown.js";

const api = readPublicApi();

test("every type that the entry points name is exported by one of them", () => {
  expect(api.hidden).toEqual([]);
});

test("api/ holds the reports of what is exported: npm run api writes them", () => {
  const reports = apiReports(api);
  expect(readdirSync(`${root}api`).sort()).toEqual([...reports.keys()].sort());
  for (const [file, text] of reports) expect(readFileSync(`${root}api/${file}`, "utf8"), file).toBe(text);
});
