/**
 * Which timelines does the closure of a record reach, and which stones that have references? Records do not change, so the
 * answer does not either, up to the tips of those timelines; it is kept as a graph of its own that holds only what changes
 * it.
 *
 * A record that links to no timeline and to nothing that does has no relation. One that reaches exactly what one of
 * its links reaches shares that link's relation: so a thousand frames of one folder that holds the same notes are one
 * row. Any other has a row, under its own gib, of what it adds and the relations it builds on.
 */
import type { Address } from "../ibgib/index.js";
import { GrowingSet } from "./growing-set.js";
import { damaged, decodeRelation, type Relation } from "./rows.js";
import type { Reader } from "./store.js";

/** All that a relation comes to. */
interface Reach {
  readonly timelines: GrowingSet<Address>;
  readonly relations: GrowingSet<string>;
}

/** What a record's relation is, and the row to store where it is its own. */
export interface Related {
  readonly relation: string | undefined;
  readonly adds: Relation | undefined;
}

const noReach = (): Reach => ({ timelines: GrowingSet.of(), relations: GrowingSet.of() });

const unrelated: Related = { relation: undefined, adds: undefined };

/** Works out the relations of records one after another, each after those it links to. */
export class Relations {
  readonly #find: (key: string) => Relation | undefined;
  readonly #reach = new Map<string, Reach>();

  constructor(find: (key: string) => Relation | undefined) {
    this.#find = find;
  }

  /**
   * @param key The record's gib.
   * @param timelines Those it links to itself, and the record itself where it is a stone that has references.
   * @param inherited The relations of the records it links to, the frame before first: what it most likely shares.
   */
  add(key: string, timelines: ReadonlySet<Address>, inherited: ReadonlySet<string>): Related {
    if (timelines.size === 0 && inherited.size === 0) return unrelated;
    const [first] = inherited;
    const base = first === undefined ? noReach() : this.#reachOf(first);
    const newTimelines = [...timelines].filter((timeline) => !base.timelines.has(timeline));
    const newRelations = [...inherited].filter((relation) => !base.relations.has(relation));
    if (newTimelines.length === 0 && newRelations.length === 0) return { relation: first, adds: undefined };
    const adds = {
      timelines: newTimelines,
      inherited: first === undefined ? newRelations : [first, ...newRelations],
    };
    this.#reach.set(key, this.#joined(key, base, adds));
    return { relation: key, adds };
  }

  #reachOf(key: string): Reach {
    const known = this.#reach.get(key);
    if (known !== undefined) return known;
    const found = { timelines: new Set<Address>(), relations: new Set<string>() };
    collect([key], this.#find, found);
    const reach = { timelines: GrowingSet.of(found.timelines), relations: GrowingSet.of(found.relations) };
    this.#reach.set(key, reach);
    return reach;
  }

  #joined(key: string, base: Reach, { timelines, inherited }: Relation): Reach {
    let reach: Reach = { timelines: base.timelines.with(timelines), relations: base.relations.with([key]) };
    for (const relation of inherited) {
      if (reach.relations.has(relation)) continue;
      const more = this.#reachOf(relation);
      reach = {
        timelines: reach.timelines.with(more.timelines),
        relations: reach.relations.with(more.relations),
      };
    }
    return reach;
  }
}

/** The timelines and stones that a stored relation reaches, without going on at tips. Costs one look-up a row. */
export function relatedTo(reader: Reader, relation: string | undefined, met: Set<string>): Set<Address> {
  const reach = { timelines: new Set<Address>(), relations: met };
  if (relation !== undefined) collect([relation], (key) => storedRelation(reader, key), reach);
  return reach.timelines;
}

export function storedRelation(reader: Reader, key: string): Relation | undefined {
  const row = reader.get("relations", key);
  return row && decodeRelation(row);
}

/** Adds all that `open` come to, except behind relations that `reach` has already. */
function collect(
  open: string[],
  find: (key: string) => Relation | undefined,
  reach: { readonly timelines: Set<Address>; readonly relations: Set<string> },
): void {
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    if (reach.relations.has(key)) continue;
    reach.relations.add(key);
    const { timelines, inherited } = find(key) ?? damaged("relations");
    for (const timeline of timelines) reach.timelines.add(timeline);
    open.push(...inherited);
  }
}
