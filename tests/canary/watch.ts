/** The secrets of this test file's process, and where they were seen. Everything that looks for them comes here. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { inspect } from "node:util";
import { Canaries, type Found } from "./canaries.js";

export interface Hit extends Found {
  readonly place: string;
}

const canaries = new Canaries();
let hits: Hit[] = [];

/** A secret that must not be seen anywhere from now on: bytes, or what a person types. */
export function registerCanary(kind: string, secret: Uint8Array | string): void {
  canaries.add(kind, secret);
}

/** What a secret is known as. */
export function kindOfCanary(secret: Uint8Array): string | undefined {
  return canaries.kindOf(secret);
}

/** Looks for every secret in what leaves by `place`; what it finds fails the test. */
export function searchFor(place: string, what: Uint8Array | string, allowed: readonly string[] = []): void {
  if (canaries.size === 0) return;
  const found = typeof what === "string" ? canaries.findIn(what, allowed) : canaries.find(what, allowed);
  if (found) hits.push({ place, ...found });
}

/** As it would be printed by whoever gets hold of it: also what JSON leaves out. */
export function searchValue(place: string, value: unknown): void {
  searchFor(place, textOf(value));
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return inspect(value, {
    depth: 6,
    maxArrayLength: null,
    maxStringLength: null,
    breakLength: Number.POSITIVE_INFINITY,
  });
}

/** The device's secret lies in the file that is for it, and nowhere else. */
const homeFile = { name: "identity.json", allowed: ["device secret"] };

/** Every file below a directory. */
export function searchFiles(dir: string): void {
  for (const entry of filesBelow(dir)) {
    const isHomes = basename(entry) === homeFile.name;
    searchFor(`file ${basename(entry)}`, contentOf(entry), isHomes ? homeFile.allowed : []);
  }
}

/** What was seen since the last call. */
export function takeHits(): readonly Hit[] {
  const taken = hits;
  hits = [];
  return taken;
}

/** @throws Error naming place and kind of what was seen, never the secret. */
export function failOnHits(): void {
  const taken = takeHits();
  if (taken.length === 0) return;
  const lines = taken.map(({ place, kind, encoding }) => `${kind} in ${place}, as ${encoding}`);
  throw new Error(`a secret was let out: ${[...new Set(lines)].join("; ")}`);
}

function filesBelow(dir: string): readonly string[] {
  try {
    const entries = readdirSync(dir, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  } catch {
    return []; // gone, or never made
  }
}

function contentOf(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch {
    return new Uint8Array(0);
  }
}
