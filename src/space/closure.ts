import { type Address, type IbGib, isPrimitive, linksOf } from "../ibgib/index.js";
import type { Presence } from "./presence.js";
import { timelinesOf } from "./relations.js";
import type { Tip } from "./space.js";
import type { Reader } from "./store.js";
import { tipOf, tipRow } from "./timelines.js";

/**
 * What the closure of `roots` needs and `presence` lacks. A timeline that is linked to, or a root, is followed at its
 * committed tip where that is present, and is its first record alone where it is not. Reads every record there is.
 */
export function missingOf(reader: Reader, presence: Presence, roots: readonly Address[]): Address[] {
  const missing = new Set<Address>();
  const met = new Set<Address>();
  const followed = new Set<Address>();
  const open = roots.map((target) => ({ target, isExact: false }));
  for (let link = open.pop(); link !== undefined; link = open.pop()) {
    const { target, isExact } = link;
    if (isPrimitive(target) || (met.has(target) && (isExact || followed.has(target)))) continue;
    const found = presence.find(target);
    if (found === undefined) missing.add(target);
    if (found !== undefined && !met.has(target)) open.push(...linksOf(found.record));
    met.add(target);
    if (isExact) continue;
    followed.add(target);
    const tip = found?.isTjp === true ? tipOf(reader, target) : undefined;
    if (tip !== undefined && presence.has(tip.address)) open.push({ target: tip.address, isExact: true });
  }
  return [...missing];
}

/** The tips of all timelines in the closure of `roots`. Reads one row a timeline and one a relation, and no record. */
export function reachableTips(reader: Reader, presence: Presence, roots: readonly Address[]): Tip[] {
  const tips = new Map<Address, Tip>();
  const passed = new Set<string>();
  const open = [...roots];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (tips.has(at)) continue;
    const row = tipRow(reader, at);
    if (row !== undefined) tips.set(at, row.tip);
    const relation = row === undefined ? presence.find(at)?.relation : row.relation;
    open.push(...timelinesOf(reader, relation, passed));
  }
  return [...tips.values()];
}

/** Those of `records` that links lead to from `tops`. */
export function reachedFrom(
  tops: Iterable<Address>,
  records: ReadonlyMap<Address, IbGib>,
): ReadonlySet<IbGib> {
  const reached = new Set<IbGib>();
  const open = [...tops];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const record = records.get(at);
    if (record === undefined || reached.has(record)) continue;
    reached.add(record);
    for (const { target } of linksOf(record)) open.push(target);
  }
  return reached;
}
