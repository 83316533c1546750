/** Writes under each rule of docs/rules.md the tests that hold it, from their titles: `npm run docs:rules`. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const page = `${root}docs/rules.md`;

/** A title that names rules at its end: `… (A12)`, `… (AL13, AL14) (threat 22)`. */
const titles =
  /(["`'])((?:(?!\1)[^\\\n]|\\.)*) \(((?:SC|RF|P|O|X|M|C|T|A|AL|W|K)\d+(?:, [A-Z]+\d+)*)\)(?: \(threats? [\d, ]+\))?\1/g;
const ruleLine = /^- \*\*([A-Z]+\d+)\.\*\* /;
const testLine = /^ {2}- \[/;

/** Links to the tests that hold each rule, by its number. */
export function testsByRule(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  const files = readdirSync(`${root}tests`, { recursive: true, encoding: "utf8" })
    .map((file) => `tests/${file.replaceAll("\\", "/")}`)
    .filter((file) => file.endsWith(".ts") && !file.startsWith("tests/docs/"));
  for (const file of files.sort())
    for (const [, , title = "", rules = ""] of readFileSync(root + file, "utf8").matchAll(titles))
      for (const rule of rules.split(", "))
        found.set(rule, [...(found.get(rule) ?? []), `  - [${title}](../${file})`]);
  return found;
}

/** The numbers of the rules on a page, in its order. */
export function rulesOf(text: string): readonly string[] {
  return text.split("\n").flatMap((line) => ruleLine.exec(line)?.[1] ?? []);
}

/** The page with the tests as they should be. */
export function withTests(text: string, tests: ReadonlyMap<string, readonly string[]>): string {
  const lines: string[] = [];
  let held: readonly string[] = [];
  for (const line of text.split("\n").filter((each) => !testLine.test(each))) {
    if (!line.startsWith("  ")) {
      lines.push(...held);
      held = [];
    }
    lines.push(line);
    const rule = ruleLine.exec(line)?.[1];
    if (rule !== undefined) held = tests.get(rule) ?? [];
  }
  return [...lines, ...held].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(page, withTests(readFileSync(page, "utf8"), testsByRule()));
