import { Inner, rehash, type Site, setMember, sitesOf, type Tree, textOf, treeOf } from "./json-tree.js";
import type { Choices } from "./random.js";

/** What a mutation may take from elsewhere. */
export interface Surroundings {
  /** Ids, addresses, hashes and words of all that was recorded. */
  readonly words: readonly string[];
  /** Whole messages that were recorded. */
  readonly texts: readonly string[];
  /** Parts of them. */
  readonly parts: readonly Tree[];
}

type Change = (site: Site, tree: Tree, choices: Choices, around: Surroundings) => void;

const numbers = [-1, 0, 1, 63, 64, 65, 255, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 1e308, 0.5, -(2 ** 53)];
const names = ["__proto__", "constructor", "prototype", "extra", "type", "toString", "", "0", "entries"];
/** Stands for what nests so deeply that nobody here could walk it. */
const abyss = "@abyss";
const values: readonly Tree[] = [null, true, 0, "", [], {}, [[]], "null"];

/** Each way in which a field goes wrong. */
const changes: Readonly<Record<string, Change>> = {
  drop: ({ holder, key }) => {
    if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else delete holder[key];
  },
  double: ({ holder, key }, _tree, choices) => {
    if (Array.isArray(holder)) holder.splice(Number(key), 0, holder[Number(key)]);
    else setMember(holder, choices.pick(names)!, holder[key]);
  },
  retype: ({ holder, key }, _tree, choices) => {
    setMember(holder, key, structuredClone(choices.pick(values)));
  },
  number: ({ holder, key }, _tree, choices) => setMember(holder, key, choices.pick(numbers)!),
  nudge: ({ holder, key }, _tree, choices) => {
    const value = holder[key];
    if (typeof value === "number") setMember(holder, key, value + (choices.chance(0.5) ? 1 : -1));
    else setMember(holder, key, textChanged(String(value), choices));
  },
  text: ({ holder, key }, _tree, choices) => {
    const value = holder[key];
    setMember(holder, key, typeof value === "string" ? textChanged(value, choices) : "x");
  },
  huge: ({ holder, key }, _tree, choices) => {
    setMember(holder, key, "x".repeat(choices.chance(0.05) ? 300_000 : 5_000));
  },
  word: ({ holder, key }, _tree, choices, { words }) => {
    const value = holder[key];
    const alike = words.filter((word) => typeof value !== "string" || word.length === value.length);
    setMember(holder, key, choices.pick(choices.chance(0.7) && alike.length > 0 ? alike : words) ?? "");
  },
  swap: ({ holder, key }, tree, choices) => {
    const other = choices.pick(sitesOf(tree));
    if (!other) return;
    const [mine, theirs] = [holder[key], other.holder[other.key]];
    if (isWithin(mine, other.holder) || isWithin(theirs, holder)) return;
    setMember(holder, key, theirs);
    setMember(other.holder, other.key, mine);
  },
  member: ({ holder }, _tree, choices) => {
    if (Array.isArray(holder)) holder.push(structuredClone(choices.pick(values)));
    else setMember(holder, choices.pick(names)!, structuredClone(choices.pick(values)));
  },
  nest: ({ holder, key }, _tree, choices) => {
    if (choices.chance(0.05)) return setMember(holder, key, abyss);
    let value: Tree = "deep";
    const depth = choices.pick([3, 63, 64, 65, 200])!;
    for (let at = 0; at < depth; at++) value = choices.chance(0.5) ? [value] : { a: value };
    setMember(holder, key, value);
  },
  order: ({ holder }) => {
    if (Array.isArray(holder)) holder.reverse();
    else {
      const members = Object.entries(holder).reverse();
      for (const [name] of members) delete holder[name];
      for (const [name, value] of members) setMember(holder, name, value);
    }
  },
  graft: ({ holder, key }, _tree, choices, { parts }) => setMember(holder, key, choices.pick(parts)),
};

/** One to three fields of a JSON text go wrong; hashes of records are made right again most of the time. */
export function fieldsMutated(text: string, choices: Choices, around: Surroundings): string {
  const tree = treeOf(text);
  const times = choices.chance(0.8) ? 1 : 1 + choices.below(3);
  for (let at = 0; at < times; at++) {
    const site = choices.pick(sitesOf(tree));
    if (!site) break;
    changes[choices.pick(Object.keys(changes))!]?.(site, tree, choices, around);
    if (site.record && choices.chance(0.8)) rehash(site.record);
  }
  return textWritten(tree);
}

/** Written, an abyss is as deep as a message has room for. */
function textWritten(tree: Tree): string {
  const text = textOf(tree);
  const depth = 20_000;
  return text.includes(abyss) ? text.replace(/\\*"@abyss\\*"/, "[".repeat(depth) + "]".repeat(depth)) : text;
}

/** Is `part` within `whole`, so that swapping the two would tie a knot? */
function isWithin(whole: Tree, part: Tree): boolean {
  if (whole === part) return true;
  if (whole instanceof Inner) return isWithin(whole.value, part);
  if (typeof whole !== "object" || whole === null) return false;
  return Object.values(whole).some((member) => isWithin(member, part));
}

const characters = ["\0", '"', "\\", "^", ".", "0", "f", "F", "\ud800", "\u2028", "é", "漢", " ", "\n"];

/** A text that is one character, or more, away. */
export function textChanged(text: string, choices: Choices): string {
  const at = choices.below(text.length + 1);
  switch (choices.below(6)) {
    case 0:
      return text.slice(0, at) + choices.pick(characters)! + text.slice(at + 1);
    case 1:
      return text.slice(0, at) + choices.pick(characters)! + text.slice(at);
    case 2:
      return text.slice(0, at);
    case 3:
      return text.slice(at);
    case 4:
      return text.slice(0, at) + text.slice(at, at + 1 + choices.below(40)).repeat(2) + text.slice(at);
    default:
      return choices.chance(0.5) ? text.toUpperCase() : text.slice(0, at) + text.slice(at + 1);
  }
}
