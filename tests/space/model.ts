import {
  type Address,
  type IbGib,
  isFrame,
  isTjp,
  linksOf,
  nOf,
  previousOf,
  tjpOf,
} from "../../src/ibgib/index.js";
import type { Commit, Holder, Look, SagaId, Sight } from "../../src/space/index.js";

export type StageOutcome = "staged" | "record_missing";
export type CommitOutcome = "committed" | "moved" | "notClosed" | "chain_refused";

interface ModelStage {
  readonly holder: Holder;
  readonly records: Map<Address, IbGib>;
}

type Find = (address: Address) => IbGib | undefined;

/** What a space has to do, in the most literal way: it reads everything again each time it is asked. */
export class SpaceModel {
  readonly committed = new Map<Address, { record: IbGib; holders: Set<Holder> }>();
  readonly tips = new Map<Address, IbGib>();
  readonly stages = new Map<SagaId, ModelStage>();

  has(address: Address, sight: Sight): boolean {
    const found = this.committed.get(address);
    if (found === undefined) return false;
    return sight.holders.some((holder) => found.holders.has(holder)) || this.#reads(found.record, sight);
  }

  stage(saga: SagaId, holder: Holder, sight: Sight, records: readonly IbGib[]): StageOutcome {
    const stage = this.stages.get(saga) ?? { holder, records: new Map() };
    const staged = new Map(stage.records);
    if (!this.#addInOrder(staged, holder, sight, records)) return "record_missing";
    this.stages.set(saga, { holder, records: staged });
    return "staged";
  }

  commit({ saga, holder, sight, puts = [], tips = [], roots = [] }: Commit): CommitOutcome {
    if (sight === "anyone") throw new Error("the model counts holders");
    const all = { ...sight, holders: [holder, ...sight.holders] };
    if (tips.some(({ tjp, from }) => this.tips.get(tjp)?.address !== from)) return "moved";
    const stage = saga === undefined ? undefined : this.stages.get(saga);
    const offered = new Map(stage?.records);
    if (!this.#addInOrder(offered, holder, all, puts)) return "notClosed";
    // What is held already is not taken again, and may lead to what is.
    const given = new Map([...offered, ...puts.map((record) => [record.address, record] as const)]);
    const moved = tips.flatMap(({ tjp, to }) => (to === undefined ? [] : [{ tjp, to }]));
    const reached = reachedIn(given, [...moved.map(({ to }) => to), ...roots]);
    const taken = new Map([...reached].filter(([address]) => offered.has(address)));
    const find = this.#finder(taken, all);
    if (![...taken.values()].every((record) => this.#isClosed(record, all, find))) return "notClosed";
    const found = moved.map(({ tjp, to }) => ({ tjp, frame: find(to) }));
    for (const { tjp, frame } of found) {
      if (frame !== undefined && !this.#mayMove(tjp, frame, find)) return "chain_refused";
    }
    if (found.some(({ frame }) => frame === undefined)) return "notClosed";
    if (roots.some((root) => find(root) === undefined)) return "notClosed";
    const tipped = new Set([...this.tips.keys(), ...tips.map(({ tjp }) => tjp), ...roots]);
    const wanted = [...taken.values()].flatMap((record) => [...this.#tipsWanted(record, taken, all, find)]);
    if (wanted.some((timeline) => !tipped.has(timeline))) return "notClosed";
    for (const record of taken.values()) this.#hold(record, holder);
    for (const { tjp, frame } of found) if (frame !== undefined) this.tips.set(tjp, frame);
    if (saga !== undefined) this.stages.delete(saga);
    return "committed";
  }

  /** Everything that the closure of `roots` needs and that is not there for `sight`. */
  missing(roots: readonly Address[], sight: Sight): Set<Address> {
    const missing = new Set<Address>();
    this.#walk(roots, sight, (address, record) => {
      if (record === undefined) missing.add(address);
      return true;
    });
    return missing;
  }

  /** Where the timelines in the closure of `roots` stand: whatever of it is committed, but as `sight` follows them. */
  reachable(roots: readonly Address[], sight: Sight | "anyone"): Map<Address, Address> {
    const everyone = { holders: [...this.committed.values()].flatMap(({ holders }) => [...holders]) };
    const reads = sight === "anyone" ? {} : { reads: sight.reads ?? (() => true) };
    const seen = sight === "anyone" ? roots : roots.filter((root) => this.has(root, sight));
    const timelines = new Map<Address, Address>();
    this.#walk(seen, { ...everyone, ...reads }, (address, record, isExact) => {
      if (isExact || record === undefined || !isTjp(record)) return true;
      if (sight !== "anyone" && denies(record, sight)) return false;
      const tip = this.tips.get(address);
      if (tip === undefined) return false;
      timelines.set(address, tip.address);
      return true;
    });
    return timelines;
  }

  /** The chain of a timeline's tip, by number. */
  chain(tjp: Address): Map<number, Address> {
    const frames = new Map<number, Address>();
    let frame = this.tips.get(tjp);
    while (frame !== undefined) {
      frames.set(nOf(frame) ?? -1, frame.address);
      const previous = previousOf(frame);
      frame = previous && this.committed.get(previous)?.record;
    }
    return frames;
  }

  /** What a view of `saga` shows. */
  view(saga: SagaId, address: Address): Address | undefined {
    const staged = this.stages.get(saga)?.records.get(address);
    return (staged ?? this.committed.get(address)?.record)?.address;
  }

  #addInOrder(into: Map<Address, IbGib>, holder: Holder, sight: Sight, records: readonly IbGib[]): boolean {
    const all = { ...sight, holders: [holder, ...sight.holders] };
    let isClosed = true;
    for (const record of records) {
      if (into.has(record.address) || this.has(record.address, { holders: [holder] })) continue;
      if (!this.#isClosed(record, all, this.#finder(into, all))) isClosed = false;
      into.set(record.address, record);
    }
    return isClosed;
  }

  #finder(staged: ReadonlyMap<Address, IbGib>, sight: Sight): Find {
    return (address) =>
      staged.get(address) ?? (this.has(address, sight) ? this.committed.get(address)?.record : undefined);
  }

  #isClosed(record: IbGib, sight: Sight, find: Find): boolean {
    return linksOf(record).every(
      ({ target }) => find(target) !== undefined || this.#inherits(record, target, sight, find),
    );
  }

  /** Is it a link that comes with a frame that `sight` reads? */
  #inherits(record: IbGib, target: Address, sight: Sight, find: Find): boolean {
    if (sight.reads === undefined || !this.committed.has(target)) return false;
    if (this.committed.has(record.address) && this.#reads(record, sight)) return true;
    return before(record, find).some((frame) => linksOf(frame).some((link) => link.target === target));
  }

  /** The timelines that `record` means and that have to have a tip. */
  *#tipsWanted(
    record: IbGib,
    taken: ReadonlyMap<Address, IbGib>,
    sight: Sight,
    find: Find,
  ): Generator<Address> {
    const carried = before(record, find).flatMap((frame) => linksOf(frame).filter(({ isExact }) => !isExact));
    for (const { target, isExact } of linksOf(record)) {
      const first = taken.get(target) ?? this.committed.get(target)?.record;
      if (isExact || first === undefined || !isTjp(first) || denies(first, sight)) continue;
      if (!carried.some((link) => link.target === target)) yield target;
    }
  }

  #reads(record: IbGib, { reads }: Sight): boolean {
    const tjp = tjpOf(record);
    const first = tjp && this.committed.get(tjp)?.record;
    return first !== undefined && reads?.(first, nothing) === true;
  }

  #mayMove(tjp: Address, to: IbGib, find: Find): boolean {
    if (tjpOf(to) !== tjp) return false;
    const now = this.tips.get(tjp);
    let frame: IbGib | undefined = to;
    while (frame !== undefined && frame.address !== now?.address) {
      const previous: Address | undefined = previousOf(frame);
      if (previous === undefined) return now === undefined;
      frame = previous === now?.address ? now : find(previous);
    }
    return frame !== undefined;
  }

  #hold(record: IbGib, holder: Holder): void {
    const holders = this.committed.get(record.address)?.holders ?? new Set();
    this.committed.set(record.address, { record, holders: holders.add(holder) });
  }

  #walk(
    roots: readonly Address[],
    sight: Sight,
    /** Says whether to go on behind it. */
    visit: (address: Address, record: IbGib | undefined, isExact: boolean) => boolean,
  ): void {
    const passed = new Set<string>();
    const find = this.#finder(new Map(), sight);
    const go = (address: Address, isExact: boolean): void => {
      if (passed.has(`${address} ${isExact}`)) return;
      passed.add(`${address} ${isExact}`);
      const record = find(address);
      if (!visit(address, record, isExact) || record === undefined) return;
      for (const { target, isExact } of linksOf(record)) {
        const isThere = find(target) !== undefined || !this.#inherits(record, target, sight, find);
        if (isThere) go(target, isExact);
      }
      const tip = isExact || !isTjp(record) || denies(record, sight) ? undefined : this.tips.get(address);
      if (tip !== undefined && this.has(tip.address, sight)) go(tip.address, true);
    };
    for (const root of roots) go(root, false);
  }
}

/** The rules of these sights look at nothing but the first frame. */
const nothing: Look = { cell: () => undefined, cells: () => [], record: () => undefined, within: () => [] };

/** May `sight` not read the timeline that this record starts? */
function denies(first: IbGib, { reads }: Sight): boolean {
  return isTjp(first) && reads !== undefined && !reads(first, nothing);
}

/** The frames before a frame that are there. */
function before(frame: IbGib, find: Find): IbGib[] {
  const previous = previousOf(frame);
  const grafted = isFrame(frame) ? (frame.rel8ns?.["graftorphan"] ?? []) : [];
  return [...(previous === undefined ? [] : [previous]), ...grafted].flatMap(
    (address) => find(address) ?? [],
  );
}

function reachedIn(records: ReadonlyMap<Address, IbGib>, tops: readonly Address[]): Map<Address, IbGib> {
  const reached = new Map<Address, IbGib>();
  const go = (address: Address): void => {
    const record = records.get(address);
    if (record === undefined || reached.has(address)) return;
    reached.set(address, record);
    for (const { target } of linksOf(record)) go(target);
  };
  for (const top of tops) go(top);
  return reached;
}
