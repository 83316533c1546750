/** docs/rules.md and the tests that hold its rules: one to one. */
import { describe, expect, test } from "vitest";
import { rulesOf, testsByRule, withTests } from "../../scripts/write-rule-docs.js";
import { page } from "./markdown.js";

const { text } = page("docs/rules.md");
const rules = rulesOf(text);
const tests = testsByRule();

test("under each rule stand the tests that name it: npm run docs:rules writes them", () => {
  expect(withTests(text, tests)).toBe(text);
});

describe("a rule that is on the page is held:", () => {
  test.each(rules)("%s", (rule) => {
    expect(tests.get(rule)?.length ?? 0).toBeGreaterThan(0);
  });
});

test("each rule stands there once, and no test names one that does not", () => {
  expect(new Set(rules).size).toBe(rules.length);
  expect([...tests.keys()].filter((rule) => !rules.includes(rule))).toEqual([]);
});
