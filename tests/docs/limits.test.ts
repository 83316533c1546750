import { expect, test } from "vitest";
import { withLimits } from "../../scripts/write-limit-docs.js";
import { page } from "./markdown.js";

test("the README's table of limits is what the code says: npm run docs:limits writes it", () => {
  const { text } = page("README.md");
  expect(withLimits(text)).toBe(text);
});
