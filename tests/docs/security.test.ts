/** docs/security.md and the tests that hold its threats: one to one. */
import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { linksOf, page, root } from "./markdown.js";

const threats = Array.from({ length: 28 }, (_, at) => at + 1);
const { path, text } = page("docs/security.md");
const list = text.slice(text.indexOf("\n## Threats\n"), text.indexOf("\n## What is not promised\n"));
const sections = list.split(/^### /m).slice(1);

/** A title at its end: `… (threat 5)`, `… (threats 4, 14)`. */
const tag = / \(threats? ([\d, ]+)\)$/;
const titles = /(["`'])((?:(?!\1)[^\\\n]|\\.)* \(threats? \d+(?:, \d+)*\))\1/g;

/** Tests by threat, each as `file: title`, the tag left out. */
const tagged = new Map<number, Set<string>>();
for (const file of testFiles()) {
  for (const [, , title = ""] of readFileSync(root + file, "utf8").matchAll(titles)) {
    for (const number of numbersOf(title)) {
      const tests = tagged.get(number) ?? new Set();
      tagged.set(number, tests.add(`${file}: ${nameOf(title)}`));
    }
  }
}

test("the list has every threat, once and in order, and says of each what is done, what holds it and what is not promised", () => {
  const numbered = sections.filter((section) => /^\d/.test(section));
  expect(numbered.map((section) => Number.parseInt(section, 10))).toEqual(threats);
  for (const section of numbered)
    expect(section).toMatch(/^\d+\. [^\n]+\n\n[^\n][\s\S]+\n\nHeld by:\n(- .*\n)+\nNot promised: \S/);
});

describe("one to one with the tests that hold it", () => {
  test.each(threats)("threat %i", (number) => {
    const section = sections.find((each) => each.startsWith(`${number}. `)) ?? "";
    const named = linksOf({ path, text: section })
      .filter(({ target }) => target.startsWith("../tests/"))
      .map(({ text: title, target }) => `${posix.join("docs", target)}: ${title}`);
    expect(named.length).toBeGreaterThan(0);
    expect(new Set(named).size).toBe(named.length);
    expect(named.sort()).toEqual([...(tagged.get(number) ?? [])].sort());
  });

  test("and no test holds a threat that is not on the list", () => {
    expect([...tagged.keys()].filter((number) => !threats.includes(number))).toEqual([]);
  });
});

/** What the page calls it: without the tag, and without a number that is only known when it runs. */
function nameOf(title: string): string {
  return title.replace(tag, "").replace(/^\$\{[\w.]+\} /, "");
}

function numbersOf(title: string): readonly number[] {
  return (tag.exec(title)?.[1] ?? "").split(",").map(Number);
}

function testFiles(): readonly string[] {
  const files = readdirSync(`${root}tests`, { recursive: true, encoding: "utf8" });
  return files
    .map((file) => `tests/${file.replaceAll("\\", "/")}`)
    .filter((file) => file.endsWith(".ts") && !file.startsWith("tests/docs/"));
}
