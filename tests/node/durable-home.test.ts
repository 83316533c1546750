import { realpathSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test, vi } from "vitest";
import { createHome, openLmdbSpace } from "../../src/node/index.js";
import { newDirectory } from "../space/homes.js";

/** What was flushed so far, by path, in order. */
const flushed = vi.hoisted((): string[] => []);

vi.mock("node:fs/promises", async (importOriginal) => {
  const real = await importOriginal<typeof import("node:fs/promises")>();
  return {
    ...real,
    open: async (path: string, ...rest: [number | string, number?]) => {
      const file = await real.open(path, ...rest);
      const sync = file.sync.bind(file);
      file.sync = async () => {
        await sync();
        flushed.push(path);
      };
      return file;
    },
  };
});

vi.mock("node:fs", async (importOriginal) => {
  const real = await importOriginal<typeof import("node:fs")>();
  const paths = new Map<number, string>();
  return {
    ...real,
    openSync: (path: string, flags: string) => {
      const file = real.openSync(path, flags);
      paths.set(file, path);
      return file;
    },
    fsyncSync: (file: number) => {
      real.fsyncSync(file);
      flushed.push(paths.get(file) ?? "");
    },
  };
});

test("a home is durable when createHome resolves: each name in it, and each on the way to it, is flushed", async () => {
  const root = realpathSync(newDirectory());
  const dir = join(root, "one", "two", "home");
  await createHome({ dir });
  const paths = flushed.map((path) => relative(root, path).replace(/making-\d+/, "making"));
  // From the inside out: nothing is moved into place before it is whole.
  expect(paths).toEqual([
    "one/two",
    "one",
    "",
    "one/two/home/making/store",
    "one/two/home/making",
    "one/two/home/making/identity.json",
    "one/two/home",
    "one/two/home/making",
    "one/two/home",
    "one/two/home/making",
  ]);
  flushed.length = 0;
  await createHome({ dir: join(dirname(dir), "other") });
  expect(relative(root, flushed[0] ?? "")).toBe("one/two");
});

test("so are the names of a new store; those of an old one are already", async () => {
  const path = join(realpathSync(newDirectory()), "store");
  const opened = async () => {
    flushed.length = 0;
    await (await openLmdbSpace({ path })).close();
    return [...flushed];
  };
  expect(await opened()).toEqual([path, dirname(path)]);
  expect(await opened()).toEqual([]);
});
