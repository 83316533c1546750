/** Comments and docs cite what a reader of the repository can open. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { expect, test } from "vitest";
import { pages, root } from "./markdown.js";

const folders = ["src", "tests", "scripts", "bench", "examples"];
const texts = [...folders.flatMap(commentsIn), ...pages().map(({ path, text }) => [path, text] as const)];

test("every document that is named is in the repository", () => {
  const missing = texts.flatMap(([path, text]) =>
    Array.from(text.matchAll(/[\w./-]*\w\.md\b/g), ([name]) => name)
      .filter((name) => !["", posix.dirname(path)].some((from) => existsSync(posix.join(root, from, name))))
      .map((name) => `${path}: ${name}`),
  );
  expect(texts.length).toBeGreaterThan(500);
  expect(missing).toEqual([]);
});

test("a section by its number is one of an RFC: ours have names", () => {
  const numbered = texts.flatMap(([path, text]) =>
    Array.from(text.matchAll(/(RFC \d+, )?\bsections? \d/g))
      .filter(([, rfc]) => rfc === undefined)
      .map(([found]) => `${path}: ${found}`),
  );
  expect(numbered).toEqual([]);
});

/** The comments of each source: blocks that begin a line, and what stands behind `//`. */
function commentsIn(folder: string): (readonly [path: string, comments: string])[] {
  return readdirSync(root + folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => {
      const comments = readFileSync(`${root}${folder}/${file}`, "utf8").match(
        /^\s*\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/ .*/gm,
      );
      return [`${folder}/${file}`, comments?.join("\n") ?? ""] as const;
    });
}
