/**
 * Reads the public API from the built declarations, as an app's compiler does: what the entry points export, and what that
 * names. `npm run build` comes first.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { EntityName, Expression, Node } from "typescript/unstable/ast";
import {
  isConstructorDeclaration,
  isExportDeclaration,
  isExportSpecifier,
  isExpressionWithTypeArguments,
  isImportTypeNode,
  isTypeQueryNode,
  isTypeReferenceNode,
  isVariableDeclaration,
} from "typescript/unstable/ast/is";
import { API, type Symbol as Declared, type Project, SymbolFlags } from "typescript/unstable/sync";
import { codeOf } from "./code-of.js";

export interface PublicApi {
  /** What each entry point exports, by name. */
  readonly exported: Readonly<Record<EntryName, readonly Declaration[]>>;
  /** Values that no entry point exports, but whose type an exported one is made of: `typeof value`. */
  readonly queried: readonly Declaration[];
  /** Types that exported ones name and no entry point exports, as `name (file), by what names it`. */
  readonly hidden: readonly string[];
}

export interface Declaration {
  readonly name: string;
  /** Exported as a type: nobody can call or construct it. */
  readonly isTypeOnly: boolean;
  /** As it was declared, perhaps by another name: no comments, nothing private. */
  readonly text: string;
}

const root = fileURLToPath(new URL("../", import.meta.url));
const dist = `${root}dist/`;
const fileOfEntry = {
  keysaga: "index.d.ts",
  node: "node/index.d.ts",
  testing: "testing/index.d.ts",
} as const;
export type EntryName = keyof typeof fileOfEntry;
const entryNames = Object.keys(fileOfEntry) as readonly EntryName[];

/** Takes some seconds. */
export function readPublicApi(): PublicApi {
  return withProject((project) => {
    const reached = entryNames.map((entry) => [entry, exportsOf(project, entry)] as const);
    const { hidden, queried } = notExported(
      project,
      reached.flatMap(([, exports]) => exports),
    );
    const exported = reached.map(([entry, exports]) => [entry, declarationsOf(project, exports)] as const);
    return {
      exported: Object.fromEntries(exported) as PublicApi["exported"],
      queried: declarationsOf(project, queried),
      hidden,
    };
  });
}

interface Reached {
  readonly symbol: Declared;
  readonly isTypeOnly: boolean;
  /** The name it is exported by; for others the way to it. */
  readonly by: string;
}

function exportsOf({ checker, program }: Project, entry: EntryName): readonly Reached[] {
  const file = program.getSourceFile(dist + fileOfEntry[entry]);
  const module = file && checker.getSymbolAtLocation(file);
  if (!module) throw new Error(`dist/${fileOfEntry[entry]} is not there: npm run build`);
  return checker.getExportsOfModule(module).map((each) => ({
    symbol: checker.getAliasedSymbol(each),
    isTypeOnly: each.declarations.some((handle) => isTypeSpecifier(handle.resolve())),
    by: each.name,
  }));
}

function isTypeSpecifier(node: Node | undefined): boolean {
  if (!node || !isExportSpecifier(node)) return false;
  const list = node.parent.parent;
  return node.isTypeOnly || (isExportDeclaration(list) && list.isTypeOnly);
}

function notExported(project: Project, exported: readonly Reached[]) {
  const met = new Set(exported.map(({ symbol }) => symbol.id));
  const hidden: string[] = [];
  const queried: Reached[] = [];
  const queue = [...exported];
  for (const { symbol, isTypeOnly, by } of queue) {
    for (const { named, isQueried } of namesIn(project, symbol, isTypeOnly)) {
      if (met.has(named.id)) continue;
      met.add(named.id);
      if (isQueried) queried.push({ symbol: named, isTypeOnly: true, by: named.name });
      else hidden.push(`${named.name} (${fileOf(project, named)}), by ${by}`);
      queue.push({ symbol: named, isTypeOnly: true, by: `${by} > ${named.name}` });
    }
  }
  return { hidden, queried };
}

/** What the declarations of a symbol name that this package declares. */
function* namesIn(project: Project, symbol: Declared, isTypeOnly: boolean) {
  for (const handle of symbol.declarations) {
    const declaration = handle.resolve(project);
    for (const { name, isQueried } of declaration ? namesUnder(declaration, isTypeOnly) : []) {
      const named = resolved(project, name);
      if (named && !isLocal(named) && fileOf(project, named) !== undefined) yield { named, isQueried };
    }
  }
}

function* namesUnder(
  node: Node,
  isTypeOnly: boolean,
): Iterable<{ readonly name: EntityName | Expression; readonly isQueried: boolean }> {
  for (const child of childrenOf(node)) {
    if (isTypeOnly && isConstructorDeclaration(child)) continue;
    if (isImportTypeNode(child)) throw new Error(`${child.getText()}: import the type by its name`);
    if (isTypeReferenceNode(child)) yield { name: child.typeName, isQueried: false };
    else if (isExpressionWithTypeArguments(child)) yield { name: child.expression, isQueried: false };
    else if (isTypeQueryNode(child)) yield { name: child.exprName, isQueried: true };
    yield* namesUnder(child, isTypeOnly);
  }
}

function childrenOf(node: Node): readonly Node[] {
  const children: Node[] = [];
  node.forEachChild((child) => void children.push(child));
  return children;
}

function resolved({ checker }: Project, name: Node): Declared | undefined {
  const symbol = checker.getSymbolAtLocation(name);
  return symbol && symbol.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

function isLocal({ flags }: Declared): boolean {
  return (flags & (SymbolFlags.TypeParameter | SymbolFlags.Property | SymbolFlags.Method)) !== 0;
}

/** Undefined for what other packages, and the language, declare. */
function fileOf(project: Project, { declarations: [first] }: Declared): string | undefined {
  const file = first?.resolve(project)?.getSourceFile().fileName;
  return file?.startsWith(dist) ? file.slice(dist.length) : undefined;
}

function declarationsOf(project: Project, reached: readonly Reached[]): readonly Declaration[] {
  return reached
    .map(({ symbol, isTypeOnly, by }) => {
      const nodes = symbol.declarations.map((handle) => handle.resolve(project));
      const texts = nodes.map((node) => (node ? textOf(node, isTypeOnly) : ""));
      return { name: by, isTypeOnly, text: texts.join("\n") };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function textOf(declaration: Node, isTypeOnly: boolean): string {
  const node = isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  const constructors = isTypeOnly ? childrenOf(declaration).filter(isConstructorDeclaration) : [];
  const text = constructors.reduce((left, each) => left.replace(each.getText(), ""), node.getText());
  return codeOf(text, { keepStrings: true })
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "" && !/^ +(#private|private (?!constructor).*);$/.test(line))
    .join("\n");
}

function withProject<Result>(look: (project: Project) => Result): Result {
  const dir = mkdtempSync(join(tmpdir(), "keysaga-api-"));
  const tsconfig = join(dir, "tsconfig.json");
  writeFileSync(tsconfig, JSON.stringify(config()));
  const api = new API({ cwd: dir });
  try {
    const [project] = api.updateSnapshot({ openProjects: [tsconfig] }).getProjects();
    if (!project) throw new Error("no project");
    return look(project);
  } finally {
    api.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

function config() {
  return {
    extends: `${root}tsconfig.json`,
    compilerOptions: { customConditions: [], paths: {}, typeRoots: [`${root}node_modules/@types`] },
    files: entryNames.map((entry) => dist + fileOfEntry[entry]),
  };
}
