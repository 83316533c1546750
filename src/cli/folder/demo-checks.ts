import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Address } from "../../index.js";
import { openHomeStore } from "../../node/index.js";
import { textOf } from "./content.js";
import { type Scan, scanDirectory } from "./disk.js";

/** Something in the demo did not come out as it must. */
export class DemoError extends Error {
  override readonly name = "DemoError";
}

export function expectThat(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new DemoError(otherwise);
}

/** What a sync says of files, against what it has to say. */
export interface Counts {
  readonly up: number;
  readonly down: number;
  readonly unchanged: number;
}

/** @throws DemoError */
export function expectCounts(who: string, got: Counts, expected: Counts): void {
  const told = ({ up, down, unchanged }: Counts) => `${up} up, ${down} down, ${unchanged} unchanged`;
  expectThat(told(got) === told(expected), `${who}: ${told(got)}, where ${told(expected)} were due`);
}

/**
 * Has the directory exactly these files? Text that was read strictly stands for its bytes.
 *
 * @throws DemoError which names the first path that differs.
 */
export async function expectFiles(dir: string, files: ReadonlyMap<string, string>): Promise<void> {
  const scan = await scanDirectory(dir);
  const texts = await textsOf(scan);
  const paths = new Set([...files.keys(), ...texts.keys(), ...scan.skipped.map(({ path }) => path)]);
  for (const path of paths)
    expectThat(files.get(path) === texts.get(path), `${join(dir, path)} is not as it must be`);
}

/** The texts of a directory's files, by path. */
export async function textsOf({ files }: Scan): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const [path, { content }] of files) {
    const text = await textOf(content);
    if (text !== undefined) texts.set(path, text);
  }
  return texts;
}

/**
 * Do all stores have the same timelines below `folder`, at the same tips? An address names all that its record links
 * to, so the stores then hold the same records.
 *
 * @returns The number of timelines.
 * @throws DemoError
 */
export async function compareStores(homes: readonly string[], folder: Address): Promise<number> {
  const [first = [], ...others] = await Promise.all(homes.map((home) => tipsOf(home, folder)));
  for (const [at, tips] of others.entries())
    expectThat(tips.join() === first.join(), `the stores of ${homes[0]} and ${homes[at + 1]} differ`);
  expectThat(first.length > 0, "the stores hold nothing of the folder");
  return first.length;
}

async function tipsOf(home: string, folder: Address): Promise<string[]> {
  const { space } = await openHomeStore(home);
  try {
    const inner = await space.look((look) => look.within(folder));
    const tips = await space.tips([folder, ...inner.map(({ timeline }) => timeline)]);
    return tips.flatMap((tip) => tip?.address ?? []).sort((a, b) => (a < b ? -1 : 1));
  } finally {
    await space.close();
  }
}

/** Writes a file and the directories on the way to it. */
export async function writeText(dir: string, path: string, text: string): Promise<void> {
  await mkdir(dirname(join(dir, path)), { recursive: true });
  await writeFile(join(dir, path), text);
}
