import type { Address } from "../ibgib/index.js";
import { type Content, member } from "./content.js";

type Links = Content["rel8ns"];

/**
 * Links of one name are a set: what either side added is there, what either side took away is not. A link that one
 * side took away and put back stands as it did, so the other side's removal holds. Where one side left a list as it
 * was, order and repetitions are the other's; else ours come in our order, and behind them what only theirs added.
 */
export function mergeLinks(base: Links, ours: Links, theirs: Links): Links {
  const names = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].sort();
  const merged = names.map((name) => {
    const [before, left, right] = [base, ours, theirs].map((links) => member(links, name) ?? []);
    return [name, mergeList(before!, left!, right!)] as const;
  });
  return Object.fromEntries(merged.filter(([, list]) => list.length > 0));
}

function mergeList(base: readonly Address[], ours: readonly Address[], theirs: readonly Address[]) {
  if (isSameList(base, theirs)) return ours;
  if (isSameList(base, ours)) return theirs;
  const [inBase, inOurs, inTheirs] = [new Set(base), new Set(ours), new Set(theirs)];
  const isKept = (link: Address) => !inBase.has(link) || (inOurs.has(link) && inTheirs.has(link));
  return [...new Set([...ours, ...theirs])].filter(isKept);
}

function isSameList(a: readonly Address[], b: readonly Address[]): boolean {
  return a.length === b.length && a.every((link, at) => link === b[at]);
}
