/** docs/format.md names what is in the code and in the vectors: one to one. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { page, root } from "./markdown.js";

const { text } = page("docs/format.md");

test("every label of the code is in docs/format.md, once, and there is no other", () => {
  const sources = readdirSync(`${root}src`, { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".ts") && !file.startsWith("testing/"),
  );
  const used = sources.flatMap((file) => labelsIn(readFileSync(`${root}src/${file}`, "utf8")));
  const section = text.slice(text.indexOf("\n## Labels\n"), text.indexOf("\n## Turns\n"));
  const told = labelsIn(section);
  expect(new Set(told)).toEqual(new Set(used));
  expect(told).toHaveLength(new Set(told).size);
});

test("the worked example is a vector", () => {
  const vectors = readFileSync(`${root}tests/vectors/format/merkle.json`, "utf8");
  const { leaves, root: top, paths } = JSON.parse(vectors)[3];
  const shown = Array.from(text.matchAll(/\| `([0-9a-f]{64})` \|/g), ([, hash]) => hash);
  expect(shown).toEqual([...leaves, ...paths[2], top]);
});

test("every file of vectors is told of", () => {
  const section = text.slice(text.indexOf("\n## Test vectors\n"));
  const told = Array.from(section.matchAll(/^\| (.*\.json) \|/gm), ([, names = ""]) =>
    names.split(", "),
  ).flat();
  expect(told.sort()).toEqual(readdirSync(`${root}tests/vectors/format`).sort());
});

function labelsIn(code: string): string[] {
  return Array.from(code.matchAll(/keysaga\/[a-z-]+\/\d+/g), ([label]) => label);
}
