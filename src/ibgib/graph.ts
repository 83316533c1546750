import { limitExceeded } from "../base/index.js";
import { type Address, hashOf, isPrimitive, isReservedIb, tjpHashOf } from "./address.js";
import type { IbGib } from "./record.js";
import { isFrame, isTjp, tjpOf } from "./frame.js";

/** What one walk over a graph may cost. Beyond it, the walk throws `limit_exceeded`. */
export const graphLimits = {
  /** Addresses met, present or not. */
  addressesMet: 1_000_000,
  /** Links from a root to a record on the way it was first met; `past` does not count: a long history is not deep. */
  depth: 1000,
  /** Records asked for at once. */
  batch: 256,
} as const;

export type GraphLimits = { readonly [limit in keyof typeof graphLimits]: number };

export interface Link {
  readonly name: string;
  readonly target: Address;
  /** Does it mean this very record? Else, where the target is the first frame of a timeline: that timeline. */
  readonly isExact: boolean;
}

/** Where a walk reads; a `Space` is one. Both answer in the order asked. */
export interface GraphReader {
  getMany(addresses: readonly Address[]): Promise<readonly (IbGib | undefined)[]>;
  /** The tips of timelines, by their first frames; undefined where no tip is known. */
  tips(tjps: readonly Address[]): Promise<readonly ({ readonly address: Address } | undefined)[]>;
}

export type Visited =
  | { readonly kind: "present"; readonly record: IbGib }
  | { readonly kind: "missing"; readonly address: Address };

export interface Closure {
  /** Dependencies first. */
  readonly present: readonly IbGib[];
  readonly missing: readonly Address[];
}

const exactLinkNames: ReadonlySet<string> = new Set([
  "past",
  "tjp",
  "ancestor",
  "dna",
  "identity",
  "graftbase",
  "graftorphan",
]);

/** Does a link of this name, in a domain record, mean that very record? */
export function isExactLink(name: string): boolean {
  return exactLinkNames.has(name);
}

const chainLinkNames: ReadonlySet<string> = new Set(["past", "tjp", "graftbase", "graftorphan"]);

/**
 * Is a link of this name, in this record, one of its chain? It leads to a frame of its own timeline, and to nothing else.
 */
export function isChainLink(record: IbGib, name: string): boolean {
  return isFrame(record) && chainLinkNames.has(name);
}

/** What a link of this record is filed under: its timeline, or the stone itself. */
export function holderOf(record: IbGib): Address {
  return tjpOf(record) ?? record.address;
}

/** May the target of this link stay away? Not where the link is one of the record's chain, or leads into its timeline. */
export function mayStayAway(record: IbGib, { name, target }: Link): boolean {
  if (isChainLink(record, name)) return false;
  const tjp = tjpOf(record);
  return tjp === undefined || (target !== tjp && tjpHashOf(target) !== hashOf(tjp));
}

/** Every link of a record, in the order of names and lists. Primitives are left out: they need no storage. */
export function linksOf(record: IbGib): readonly Link[] {
  const links: Link[] = [];
  const isReserved = isReservedIb(record.ib);
  for (const [name, targets] of Object.entries(record.rel8ns ?? {})) {
    const isExact = isReserved || isExactLink(name);
    for (const target of targets) if (!isPrimitive(target)) links.push({ name, target, isExact });
  }
  return links;
}

/**
 * Walks the closure of `roots`: each record it holds once, and each address that is not there. A root that is the
 * first frame of a timeline means the timeline, like a link that is not exact: the walk goes on at its tip, where one
 * is known. Memory is that of the addresses met. The reader has to answer from one snapshot.
 *
 * @throws KeysagaError `limit_exceeded`, and what the reader throws.
 */
export async function* walk(
  roots: readonly Address[],
  reader: GraphReader,
  limits: GraphLimits = graphLimits,
): AsyncGenerator<Visited> {
  const frontier = new Frontier(limits);
  for (const root of roots) if (!isPrimitive(root)) frontier.meet(root, 0, false);
  for (let batch = frontier.takeUnread(); batch.length > 0; batch = frontier.takeUnread()) {
    const records = await reader.getMany(batch);
    for (const [at, address] of batch.entries()) {
      const record = records[at];
      if (record !== undefined) frontier.enter(record);
      yield record === undefined ? { kind: "missing", address } : { kind: "present", record };
    }
    const tjps = frontier.takeTimelines();
    const tips = tjps.length === 0 ? [] : await reader.tips(tjps);
    for (const [at, tjp] of tjps.entries()) frontier.meetTip(tjp, tips[at]?.address);
  }
}

/** The whole closure at once, in memory; see `walk`. */
export async function closure(
  roots: readonly Address[],
  reader: GraphReader,
  limits: GraphLimits = graphLimits,
): Promise<Closure> {
  const present: IbGib[] = [];
  const missing: Address[] = [];
  for await (const visited of walk(roots, reader, limits)) {
    if (visited.kind === "present") present.push(visited.record);
    else missing.push(visited.address);
  }
  return { present: dependenciesFirst(present), missing };
}

/**
 * The records in an order in which each comes after all it links to, as far as those are among them. There always is
 * one: an address holds a hash of all it links to. Each record once; linear in records and links.
 */
export function dependenciesFirst(records: Iterable<IbGib>): IbGib[] {
  const byAddress = new Map<Address, IbGib>();
  for (const record of records) byAddress.set(record.address, record);
  const open = new Map<IbGib, number>();
  const dependants = new Map<Address, IbGib[]>();
  for (const record of byAddress.values()) {
    const targets = new Set(
      [...linksOf(record)].map((link) => link.target).filter((to) => byAddress.has(to)),
    );
    open.set(record, targets.size);
    for (const target of targets) listAt(dependants, target).push(record);
  }
  const ordered = [...byAddress.values()].filter((record) => open.get(record) === 0);
  for (const done of ordered) {
    for (const dependant of dependants.get(done.address) ?? []) {
      const left = (open.get(dependant) ?? 0) - 1;
      open.set(dependant, left);
      if (left === 0) ordered.push(dependant);
    }
  }
  return ordered;
}

function listAt(lists: Map<Address, IbGib[]>, address: Address): IbGib[] {
  const list = lists.get(address) ?? [];
  lists.set(address, list);
  return list;
}

/** Are these the same records? Addresses say so: each holds a hash of all its record says. */
export function sameGraph(a: Iterable<IbGib>, b: Iterable<IbGib>): boolean {
  const inA = new Set([...a].map((record) => record.address));
  const inB = new Set([...b].map((record) => record.address));
  return inA.size === inB.size && [...inA].every((address) => inB.has(address));
}

/** What a walk has met and not yet read. */
class Frontier {
  readonly #limits: GraphLimits;
  readonly #depthOf = new Map<Address, number>();
  /** Addresses that were met by a link that is not exact, and first frames that were read. */
  readonly #loose = new Set<Address>();
  readonly #firsts = new Set<Address>();
  #timelines: Address[] = [];
  readonly #queue: Address[] = [];
  #read = 0;

  constructor(limits: GraphLimits) {
    this.#limits = limits;
  }

  meet(address: Address, depth: number, isExact: boolean): void {
    if (!isExact && !this.#loose.has(address)) {
      this.#loose.add(address);
      if (this.#firsts.has(address)) this.#timelines.push(address);
    }
    if (this.#depthOf.has(address)) return;
    this.#check("depth", depth);
    this.#check("addressesMet", this.#depthOf.size + 1);
    this.#depthOf.set(address, depth);
    this.#queue.push(address);
  }

  meetTip(tjp: Address, tip: Address | undefined): void {
    if (tip !== undefined) this.meet(tip, this.#depthOf.get(tjp) ?? 0, true);
  }

  enter(record: IbGib): void {
    if (isTjp(record)) {
      this.#firsts.add(record.address);
      if (this.#loose.has(record.address)) this.#timelines.push(record.address);
    }
    const depth = this.#depthOf.get(record.address) ?? 0;
    for (const { name, target, isExact } of linksOf(record)) {
      this.meet(target, name === "past" ? depth : depth + 1, isExact);
    }
  }

  takeUnread(): Address[] {
    const batch = this.#queue.slice(this.#read, this.#read + this.#limits.batch);
    this.#read += batch.length;
    return batch;
  }

  takeTimelines(): Address[] {
    const taken = this.#timelines;
    this.#timelines = [];
    return taken;
  }

  #check(limit: "depth" | "addressesMet", count: number): void {
    const max = this.#limits[limit];
    if (count > max) throw limitExceeded(limit, max);
  }
}
