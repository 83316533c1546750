import {
  type Address,
  gibOf,
  holderOf,
  type IbGib,
  isPrimitive,
  linksOf,
  mayStayAway,
} from "../ibgib/index.js";
import { Inheritance } from "./inheritance.js";
import { type Presence, recordRow } from "./presence.js";
import { referenceOf, referencesOf } from "./references.js";
import { relatedTo } from "./relations.js";
import type { Reference, Tip } from "./space.js";
import type { Reader } from "./store.js";
import { tipOf, tipRow } from "./timelines.js";

/** A link that a walk has to follow; of roots, nothing links to them. */
interface Open {
  readonly target: Address;
  readonly isExact: boolean;
  /** The timeline or stone that has the link, where its target may stay away. */
  readonly holder?: Address | undefined;
  readonly inheritance?: Inheritance;
}

/**
 * What the closure of `roots` needs and `presence` lacks. A timeline that is linked to, or a root, is followed at its
 * committed tip where that is present and the sight does not deny it, else it is its first record alone. Reads every
 * record that is present.
 */
export function missingOf(reader: Reader, presence: Presence, roots: readonly Address[]): Address[] {
  const missing = new Set<Address>();
  const met = new Set<Address>();
  const followed = new Set<Address>();
  const open: Open[] = roots.map((target) => ({ target, isExact: false }));
  for (let link = open.pop(); link !== undefined; link = open.pop()) {
    const { target, isExact, holder, inheritance } = link;
    if (isPrimitive(target)) continue;
    if (met.has(target) && (isExact || followed.has(target))) continue;
    const found = presence.find(target);
    if (found === undefined) {
      const isCarried = inheritance?.carries(target) === true && presence.known(target) !== undefined;
      const isFiled = holder !== undefined && referenceOf(reader, holder, target) !== undefined;
      if (!isCarried && !isFiled) missing.add(target);
      continue;
    }
    if (!met.has(target)) open.push(...openLinks(found.record, presence));
    met.add(target);
    if (isExact) continue;
    followed.add(target);
    const tip = found.isTjp && !presence.denies(found) ? tipOf(reader, target) : undefined;
    if (tip !== undefined && presence.has(tip.address)) open.push({ target: tip.address, isExact: true });
  }
  return [...missing];
}

function openLinks(record: IbGib, presence: Presence): Open[] {
  const inheritance = new Inheritance(record, presence, (address) => presence.find(address));
  return linksOf(record).map((link) => ({
    target: link.target,
    isExact: link.isExact,
    holder: mayStayAway(record, link) ? holderOf(record) : undefined,
    inheritance,
  }));
}

/**
 * The tips of all timelines in the closure of those `roots` that are present, without what only those lead to that the
 * sight denies or that have no tip. Reads one row a timeline, its references and one row a relation; records only for a
 * sight: its roots, and where it reads timelines the first of each.
 */
export function reachableTips(reader: Reader, presence: Presence, roots: readonly Address[]): Tip[] {
  const tips = new Map<Address, Tip>();
  const passed = new Set<string>();
  const open = presence.isOpen ? [...roots] : roots.filter((root) => presence.has(root));
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (tips.has(at)) continue;
    if (presence.denied(at) !== undefined) continue;
    const row = tipRow(reader, at);
    const known = row === undefined ? presence.known(at) : undefined;
    if (known?.isTjp === true) continue; // nothing of it counts, and nothing of it travels
    if (row !== undefined) tips.set(at, row.tip);
    const { relation } = row ?? known ?? {};
    open.push(...relatedTo(reader, relation, passed), ...timelinesReferred(reader, at, passed));
  }
  return [...tips.values()];
}

/** The references that are filed for these timelines and stones, and for the stones that links lead to from there. */
export function referencesFrom(reader: Reader, roots: readonly Address[]): Reference[] {
  const holders = new Set(roots);
  const passed = new Set<string>();
  for (const root of roots) {
    const row = tipRow(reader, root) ?? recordRow(reader, gibOf(root));
    for (const related of relatedTo(reader, row?.relation, passed))
      if (recordRow(reader, gibOf(related))?.isTjp === false) holders.add(related);
  }
  return [...holders].flatMap((holder) => referencesOf(reader, holder));
}

/** The timelines that references of a holder lead to and that are here, or that what has come for them leads to. */
function timelinesReferred(reader: Reader, holder: Address, passed: Set<string>): Address[] {
  return referencesOf(reader, holder).flatMap(({ target, isOpen }) => {
    if (tipRow(reader, target) !== undefined) return [target];
    const row = isOpen ? undefined : recordRow(reader, gibOf(target));
    return [...relatedTo(reader, row?.relation, passed)];
  });
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
