/** What a crash of the machine may take: nothing that the home says is written. Shown by the calls to the file system. */
import { rename as move } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { beforeEach, expect, test, vi } from "vitest";
import { cloneFolder } from "../../src/cli/folder/clone.js";
import { syncFolder } from "../../src/cli/folder/sync.js";
import { type CommitResult, InnerSpace } from "../../src/index.js";
import { temporaryDirectory, writeTree } from "./directories.js";
import { agree, inStep, makeIdentity } from "./folders.js";

type Call = readonly [
  kind: "written" | "flushed" | "put" | "removed" | "directory flushed" | "base kept",
  path: string,
];

const calls = vi.hoisted(() => ({ made: [] as Call[] }));

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const writeFile: typeof real.writeFile = async (...given) => {
    await real.writeFile(...given);
    const isFlushed = typeof given[2] === "object" && given[2] !== null && given[2].flush === true;
    calls.made.push([isFlushed ? "flushed" : "written", String(given[0])]);
  };
  const rename: typeof real.rename = async (...given) => {
    await real.rename(...given);
    calls.made.push(["put", String(given[0])], ["put", String(given[1])]);
  };
  const unlink: typeof real.unlink = async (...given) => {
    await real.unlink(...given);
    calls.made.push(["removed", String(given[0])]);
  };
  const open: typeof real.open = async (...given) => {
    const handle = await real.open(...given);
    const sync = handle.sync.bind(handle);
    handle.sync = async () => {
      await sync();
      calls.made.push(["directory flushed", String(given[0])]);
    };
    return handle;
  };
  return { ...real, writeFile, rename, unlink, open };
});

class TracedSpace extends InnerSpace {
  override async commit(...args: Parameters<InnerSpace["commit"]>): Promise<CommitResult> {
    const result = await super.commit(...args);
    if (args[0].cells?.some(({ key }) => key.startsWith("folder/"))) calls.made.push(["base kept", ""]);
    return result;
  }
}

beforeEach(() => {
  calls.made = [];
});

test("each file is flushed before it takes its place, and each name before the base says that it is there", async () => {
  const dir = await temporaryDirectory();
  const [here, there] = [join(dir, "here"), join(dir, "there")];
  const identity = await makeIdentity(new TracedSpace());
  await writeTree(here, { "a.md": "1", "gone/b.md": "a text of its own\n", "c.md": "3\n3\n3\n3\n3\n" });
  const { folder } = await syncFolder(identity, here, inStep);
  await cloneFolder(identity, folder, there, inStep);
  await promisify(move)(join(here, "gone/b.md"), join(here, "moved.md"));
  await writeTree(here, { "a.md": "2", "new/deep/d.md": "4", "e.bin": Uint8Array.of(0xff) });
  await promisify(move)(join(here, "c.md"), join(dir, "c.md"));
  await syncFolder(identity, here, inStep, agree);
  calls.made = [];
  const { down } = await syncFolder(identity, there, inStep, agree);
  expect(down.map(({ path, change }) => `${change} ${path}`)).toEqual([
    ...[
      "edited a.md",
      "removed c.md",
      "added e.bin",
      "added gone/",
      "renamed moved.md",
      "added new/deep/d.md",
    ],
  ]);

  const { made } = calls;
  const at = (kind: Call[0], path: string) => made.findIndex(([k, p]) => k === kind && p === path);
  const lastIn = (place: string) =>
    made.findLastIndex(([kind, path]) => (kind === "put" || kind === "removed") && dirname(path) === place);
  const written = made.flatMap(([kind, path]) => (kind === "flushed" || kind === "written" ? [path] : []));
  expect(written.length).toBe(4);
  for (const path of written) {
    expect(at("flushed", path), path).toBeGreaterThanOrEqual(0);
    expect(at("put", path), path).toBeGreaterThan(at("flushed", path));
  }
  const kept = made.findLastIndex(([kind]) => kind === "base kept");
  for (const place of [there, join(there, "new"), join(there, "new/deep")]) {
    const flushed = made.findLastIndex(([kind, path]) => kind === "directory flushed" && path === place);
    expect(flushed, place).toBeGreaterThan(lastIn(place));
    expect(kept).toBeGreaterThan(flushed);
  }
});
