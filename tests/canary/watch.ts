/** The secrets of this test file's process, and where they were seen. Everything that looks for them comes here. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Canaries, type Found } from "./canaries.js";

export interface Hit extends Found {
  readonly place: string;
}

let canaries = new Canaries();
/** Secrets by the very bytes in memory: most are used again and again. */
let known = new WeakSet<Uint8Array>();
let hits: Hit[] = [];

/**
 * Begins anew, with each test: worlds of one seed draw the same bytes, and what is a secret in one may be a nonce in
 * another. A secret from before the test is registered again when it is used.
 */
export function forgetCanaries(): void {
  canaries = new Canaries();
  known = new WeakSet();
}

/** Says, once for the same bytes in memory, that they have to be registered. */
export function isNew(secret: Uint8Array): boolean {
  if (known.has(secret)) return false;
  known.add(secret);
  return true;
}

/** A secret that must not be seen anywhere from now on: bytes, or what a person types. */
export function registerCanary(kind: string, secret: Uint8Array | string): void {
  canaries.add(kind, secret);
}

/** The same of a secret of which there are thousands: in the usual encodings alone. */
export function registerOneOfMany(kind: string, secret: Uint8Array): void {
  canaries.add(kind, secret, true);
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

/** Every text and every run of bytes in it, however deep: also what JSON would leave out. */
export function searchValue(place: string, value: unknown): void {
  const texts: string[] = [];
  collect(value, texts, (bytes) => searchFor(place, bytes));
  searchFor(place, Buffer.from(texts.join(" ")));
}

function collect(value: unknown, texts: string[], onBytes: (bytes: Uint8Array) => void): void {
  if (typeof value === "string") texts.push(value);
  else if (value instanceof Uint8Array) onBytes(value);
  else if (Array.isArray(value)) for (const each of value) collect(each, texts, onBytes);
  else if (typeof value === "object" && value !== null)
    for (const name of Object.keys(value)) collect(Reflect.get(value, name), texts, onBytes);
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
