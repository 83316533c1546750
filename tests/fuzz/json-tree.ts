import { sealRecord, toText } from "../../src/ibgib/index.js";

/** JSON whose texts that are JSON themselves (bodies of turns, data of records) are opened, so that one can reach in. */
// biome-ignore lint/suspicious/noExplicitAny: what is mutated is of no type any more
export type Tree = any;

/** A string that holds JSON. */
export class Inner {
  constructor(public value: Tree) {}
}

/** A place in a tree: what is there, where, and the record in text form that it is part of, if it is. */
export interface Site {
  readonly holder: Tree;
  readonly key: string | number;
  readonly record: Tree[] | undefined;
}

export function treeOf(text: string): Tree {
  return opened(JSON.parse(text));
}

function opened(value: Tree): Tree {
  if (typeof value === "string") return innerOf(value) ?? value;
  if (Array.isArray(value)) return value.map(opened);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, opened(member)]));
}

function innerOf(text: string): Inner | undefined {
  if (!/^[[{]/.test(text)) return undefined;
  try {
    const value = JSON.parse(text);
    return JSON.stringify(value) === text ? new Inner(opened(value)) : undefined;
  } catch {
    return undefined;
  }
}

export function textOf(tree: Tree): string {
  return JSON.stringify(closed(tree));
}

/** The plain value: texts are texts again. */
export function closed(tree: Tree): Tree {
  if (tree instanceof Inner) return textOf(tree.value);
  if (Array.isArray(tree)) return tree.map(closed);
  if (typeof tree !== "object" || tree === null) return tree;
  const plain = {};
  for (const name of Object.keys(tree)) setMember(plain, name, closed(tree[name]));
  return plain;
}

/** An own member of any name, `__proto__` too. */
export function setMember(holder: Tree, name: string | number, value: Tree): void {
  if (name !== "__proto__") holder[name] = value;
  else Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });
}

/** Every place in a tree but its root. */
export function sitesOf(tree: Tree): readonly Site[] {
  const sites: Site[] = [];
  const walk = (holder: Tree, record: Tree[] | undefined) => {
    if (holder instanceof Inner) return walk(holder.value, record);
    if (typeof holder !== "object" || holder === null) return;
    const within = isRecord(holder) ? holder : record;
    for (const key of Array.isArray(holder) ? holder.keys() : Object.keys(holder)) {
      sites.push({ holder, key, record: within });
      walk(holder[key], within);
    }
  };
  walk(tree, undefined);
  return sites;
}

/** Is it a record in text form: ib, gib, rel8ns, data? */
function isRecord(value: Tree): value is Tree[] {
  if (!Array.isArray(value) || value.length !== 4) return false;
  const [ib, gib, rel8ns, data] = value;
  const isPart = (part: Tree) => part === "" || part instanceof Inner;
  return typeof ib === "string" && typeof gib === "string" && isPart(rel8ns) && isPart(data);
}

/** Gives a record that was changed the gib that is right for it, where any is. */
export function rehash(record: Tree[]): void {
  const [ib, , rel8ns, data] = record.map(closed);
  try {
    const sealed = sealRecord({
      ib,
      ...(rel8ns !== "" && { rel8ns: JSON.parse(rel8ns) }),
      ...(data !== "" && { data: JSON.parse(data) }),
    });
    for (const [at, part] of toText(sealed).entries()) record[at] = opened(part);
  } catch {
    // What has no right gib keeps the one it had.
  }
}
