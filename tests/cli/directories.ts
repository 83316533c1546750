import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { markerName } from "../../src/cli/folder/marker.js";

/** A directory that is gone when the test has ended. */
export async function temporaryDirectory(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "keysaga-test-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** Writes files, and the directories on the way to them. */
export async function writeTree(
  dir: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), content);
  }
}

/**
 * Everything below `dir`, by path: files with their bytes as base64, other things by what they are. Without the marker,
 * which is another one in each directory.
 */
export async function readTree(dir: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const file = join(entry.parentPath, entry.name);
    if (entry.name === markerName) continue;
    if (entry.isFile()) found[file.slice(dir.length + 1)] = (await readFile(file)).toString("base64");
    else found[file.slice(dir.length + 1)] = entry.isDirectory() ? "directory" : "other";
  }
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}
