import { existsSync, readFileSync, statSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { anchorsOf, linksOf, type MarkdownLink, page, pages, root } from "./markdown.js";

const from = (path: string, { target }: MarkdownLink) => posix.join(posix.dirname(path), target);

describe.each(pages().map((each) => [each.path, each] as const))("%s", (path, each) => {
  const links = linksOf(each);
  const files = links.filter(({ target }) => target !== "");

  test("links to what is there", () => {
    expect(files.map((link) => from(path, link)).filter((target) => !existsSync(root + target))).toEqual([]);
  });

  test("links to headings that are there", () => {
    for (const { target, anchor } of links) {
      if (anchor === undefined) continue;
      const to = target === "" ? path : posix.join(posix.dirname(path), target);
      expect(anchorsOf(page(to)), `${to}#${anchor}`).toContain(anchor);
    }
  });

  test("a link into a test names one of its tests; a link into a source names what is in it", () => {
    for (const link of files) {
      const target = from(path, link);
      if (!/^(src|tests)\/.*\.ts$/.test(target) || !existsSync(root + target)) continue;
      const text = link.text.replaceAll("`", "");
      if (target.endsWith(text)) continue;
      const source = readFileSync(root + target, "utf8");
      // `Space.commit` is in the file where both words are.
      for (const part of target.startsWith("src/") ? text.split(".") : [text])
        expect(source, target).toSatisfy((code: string) => code.includes(part), `"${part}" is there`);
    }
  });

  test("links to directories, and to nothing else, with a slash at the end", () => {
    for (const link of files) {
      const target = from(path, link);
      if (existsSync(root + target)) expect(statSync(root + target).isDirectory()).toBe(target.endsWith("/"));
    }
  });
});
