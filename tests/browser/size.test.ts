import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { bundle } from "./bundle.js";

/** What a sender may weigh in a page, in bytes: a tenth above what it does by docs/performance.md. */
const limits = { minified: 440_000, gzip: 146_000 };

test("a sender, bundled and minified for browsers, stays small", async () => {
  const { text } = await bundle("sender.ts", { minify: true });
  expect(text.length).toBeLessThan(limits.minified);
  expect(gzipSync(text).length).toBeLessThan(limits.gzip);
});

test("a sender holds no language but English, and nothing of a receiver or of what checks a store", async () => {
  const { bytesByFile } = await bundle("sender.ts", { minify: true });
  const weighs = [...bytesByFile].filter(([, bytes]) => bytes > 0).map(([file]) => file);
  const needless = /\/locales\/(?!en\.js)|^dist\/(peer\/(receiver|verify)|server|node|testing|cli)\//;
  expect(weighs.filter((file) => needless.test(file))).toEqual([]);
});
