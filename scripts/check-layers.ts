/**
 * Holds the arrows of docs/architecture.md and keeps clock, randomness and timers in their few files.
 * Prints each violation as `file:line what` and fails if there is any. Reads text, not types: takes a moment.
 */
import { readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { codeOf } from "./code-of.js";

/** Sources by path from the package's root (`src/base/bytes.ts`). */
export type Sources = ReadonlyMap<string, string>;
/** What a `#name` stands for in a browser, as a path from the package's root. */
export type BrowserImports = ReadonlyMap<string, string>;

/** Whom each folder may import, beside itself. `index` is src/index.ts. */
const pure = ["base", "ibgib", "lists", "keystone"];
const portable = [...pure, "merge", "saga", "space", "transport", "peer"];
const arrows: Readonly<Record<string, readonly string[]>> = {
  base: [],
  ibgib: ["base"],
  lists: ["base", "ibgib"],
  merge: ["base", "ibgib", "lists"],
  keystone: ["base", "ibgib"],
  saga: pure,
  space: ["base", "ibgib", "merge"],
  transport: ["base"],
  peer: portable,
  index: portable,
  server: portable,
  testing: [...portable, "server"],
  node: [...portable, "server"],
  cli: ["index", "node"], // the command is built on the public API alone
};

/** The same within src/peer; its index.ts may import all of them. */
const peer = ["peer/home", "peer/session", "peer/rights", "peer/branches"];
const parts: Readonly<Record<string, readonly string[]>> = {
  "peer/home": [],
  "peer/session": ["peer/home"],
  "peer/rights": ["peer/home"],
  "peer/branches": ["peer/home", "peer/session", "peer/rights"],
  "peer/receiver": peer,
  "peer/sender": peer,
  "peer/verify": ["peer/home", "peer/rights"],
};

/** Which files may import a package; what is not named here nobody may. `node:` stands for Node's own modules. */
const packages: Readonly<Record<string, RegExp>> = {
  "node:": /^src\/(node|server|cli)\/|-node\.ts$/,
  lmdb: /^src\/space\/lmdb-store\.ts$/,
  ws: /^src\/(transport\/.*-node\.ts$|server\/|testing\/)/,
  ignore: /^src\/cli\/folder\/ignored\.ts$/,
  zod: /^src\/(?!base\/|ibgib\/|transport\/)/,
  "@noble": /^src\/base\/crypto-portable\.ts$/,
};

const ambient =
  /(?<![.\w#])(?:globalThis\s*\.\s*)?(Date(?=\s*[.(;])|Math\s*\.\s*random|set(?:Timeout|Interval|Immediate)(?=\s*\()|crypto(?=\s*\.)|performance(?=\s*\.))/g;
const mayUseAmbient = /^src\/(node|cli|server|testing)\/|^src\/peer\/home\/platform\.ts$/;

export function checkLayers(sources: Sources, browserImports: BrowserImports): string[] {
  const violations: string[] = [];
  for (const [file, text] of sources) {
    for (const { specifier, line } of importsOf(text)) {
      const what = wrongImport(file, specifier, browserImports);
      if (what !== undefined) violations.push(`${file}:${line} ${what}`);
    }
    const code = codeOf(text);
    for (const { index, 1: name } of mayUseAmbient.test(file) ? [] : code.matchAll(ambient)) {
      violations.push(`${file}:${lineAt(code, index)} uses ${name}: take it as a port`);
    }
  }
  return [...violations, ...nodeInBrowser(sources, browserImports)];
}

function wrongImport(file: string, specifier: string, browserImports: BrowserImports): string | undefined {
  const target = resolve(file, specifier, browserImports);
  if (target === undefined) {
    const name = packageOf(specifier);
    return packages[name]?.test(file) ? undefined : `imports ${specifier}: not in this file`;
  }
  const [from, to] = [layerOf(file), layerOf(target)];
  if (from !== to) return arrows[from]?.includes(to) ? undefined : `${from} imports ${to} (${specifier})`;
  const [part, other] = [partOf(file), partOf(target)];
  const isOpen = part === undefined || part === other || parts[part]?.includes(other ?? "");
  return isOpen ? undefined : `${part} imports ${other ?? to} (${specifier})`;
}

/** Follows what a browser would load from src/index.ts; types are not loaded. */
function nodeInBrowser(sources: Sources, browserImports: BrowserImports): string[] {
  const violations: string[] = [];
  const reached = new Set(["src/index.ts"]);
  for (const file of reached) {
    const text = sources.get(file);
    if (text === undefined) violations.push(`${file}:1 is imported and not there`);
    for (const { specifier, line, isType } of importsOf(text ?? "")) {
      const target = resolve(file, specifier, browserImports);
      if (isType) continue;
      if (target !== undefined) reached.add(target);
      else if (["node:", "ws", "lmdb", "ignore"].includes(packageOf(specifier))) {
        violations.push(`${file}:${line} takes ${specifier} into browsers`);
      }
    }
  }
  return violations;
}

function importsOf(text: string) {
  const code = codeOf(text, { keepStrings: true });
  const pattern =
    /(?<![.\w])(?:(?:import|export)\s(type\s)?[^"'`;()=]*?from\s*|import\s*\(?\s*)["']([^"']+)["']/g;
  return Array.from(code.matchAll(pattern), ({ index, 0: whole, 1: type, 2: specifier = "" }) => ({
    specifier,
    line: lineAt(code, index + whole.length),
    isType: type !== undefined,
  }));
}

function resolve(file: string, specifier: string, browserImports: BrowserImports): string | undefined {
  if (!specifier.startsWith(".")) return browserImports.get(specifier);
  return posix.join(posix.dirname(file), specifier).replace(/\.js$/, ".ts");
}

const packageOf = (specifier: string) => (isBuiltin(specifier) ? "node:" : (specifier.split("/")[0] ?? ""));
const layerOf = (file: string) => file.replace(/^src\//, "").split(/[/.]/)[0] ?? "";
/** `peer/home` of `src/peer/home/cells.ts`, where the folder of the layer has parts. */
const partOf = (file: string) => Object.keys(parts).find((part) => file.startsWith(`src/${part}/`));
const lineAt = (text: string, index: number) => text.slice(0, index).split("\n").length;

/** Reads the tree this script stands in. */
function readTree(): [Sources, BrowserImports] {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const { imports } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
  const files = readdirSync(`${root}src`, { recursive: true, encoding: "utf8" })
    .map((path) => `src/${path.replaceAll("\\", "/")}`)
    .filter((path) => path.endsWith(".ts"))
    .sort();
  return [
    new Map(files.map((file) => [file, readFileSync(root + file, "utf8")])),
    new Map(Object.keys(imports).map((name) => [name, posix.normalize(imports[name].source.default)])),
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const violations = checkLayers(...readTree());
  for (const violation of violations) console.error(violation);
  if (violations.length > 0) process.exitCode = 1;
}
