/**
 * What an embedder meets can be imported: every type that a signature of an entry point names is itself exported by one.
 * Reads the built declarations, as an app's compiler does; `npm test` builds the package first.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EntityName, Expression, Node } from "typescript/unstable/ast";
import {
  isConstructorDeclaration,
  isExportDeclaration,
  isExportSpecifier,
  isExpressionWithTypeArguments,
  isImportTypeNode,
  isTypeQueryNode,
  isTypeReferenceNode,
} from "typescript/unstable/ast/is";
import { API, type Symbol as Declared, type Project, SymbolFlags } from "typescript/unstable/sync";
import { expect, test } from "vitest";
import { root } from "./markdown.js";

const entries = ["index", "node/index", "testing/index"];
const dist = `${root}dist/`;

test("every type that the entry points name is exported by one of them", () => {
  expect(withProject(hiddenTypes)).toEqual([]);
});

interface Reached {
  readonly symbol: Declared;
  /** Exported as a type: nobody can construct it. */
  readonly isTypeOnly: boolean;
  readonly by: string;
}

/** Each as `name (file), by what names it`. */
function hiddenTypes(project: Project): readonly string[] {
  const exported = entries.flatMap((entry) => exportsOf(project, entry));
  const met = new Set(exported.map(({ symbol }) => symbol.id));
  const hidden: string[] = [];
  const queue = [...exported];
  for (const { symbol, isTypeOnly, by } of queue) {
    for (const { named, isQueried } of namesIn(project, symbol, isTypeOnly)) {
      if (met.has(named.id)) continue;
      met.add(named.id);
      // A value that is asked for its type needs no name itself; the types in it do.
      if (!isQueried) hidden.push(`${named.name} (${fileOf(project, named)}), by ${by}`);
      queue.push({ symbol: named, isTypeOnly: true, by: `${by} > ${named.name}` });
    }
  }
  return hidden;
}

function exportsOf({ checker, program }: Project, entry: string): Reached[] {
  const file = program.getSourceFile(`${dist}${entry}.d.ts`);
  const module = file && checker.getSymbolAtLocation(file);
  if (!module) throw new Error(`dist/${entry}.d.ts is not there: npm run build`);
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
  const children: Node[] = [];
  node.forEachChild((child) => void children.push(child));
  for (const child of children) {
    if (isTypeOnly && isConstructorDeclaration(child)) continue;
    if (isImportTypeNode(child)) throw new Error(`${child.getText()}: import the type by its name`);
    if (isTypeReferenceNode(child)) yield { name: child.typeName, isQueried: false };
    else if (isExpressionWithTypeArguments(child)) yield { name: child.expression, isQueried: false };
    else if (isTypeQueryNode(child)) yield { name: child.exprName, isQueried: true };
    yield* namesUnder(child, isTypeOnly);
  }
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

function withProject<Result>(look: (project: Project) => Result): Result {
  const dir = mkdtempSync(join(tmpdir(), "keysaga-exports-"));
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
    files: entries.map((entry) => `${dist}${entry}.d.ts`),
  };
}
