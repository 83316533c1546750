import { type Address, type IbGib, isTjp, linksOf, nOf, previousOf, tjpOf } from "../../src/ibgib/index.js";
import type { Commit, Holder, SagaId } from "../../src/space/index.js";

export type StageOutcome = "staged" | "record_missing";
export type CommitOutcome = "committed" | "moved" | "notClosed" | "chain_refused";

interface ModelStage {
  readonly holder: Holder;
  readonly records: Map<Address, IbGib>;
}

/** What a space has to do, in the most literal way: it reads everything again each time it is asked. */
export class SpaceModel {
  readonly committed = new Map<Address, { record: IbGib; holders: Set<Holder> }>();
  readonly tips = new Map<Address, IbGib>();
  readonly stages = new Map<SagaId, ModelStage>();

  has(address: Address, holders: readonly Holder[]): boolean {
    const found = this.committed.get(address);
    return found !== undefined && holders.some((holder) => found.holders.has(holder));
  }

  stage(saga: SagaId, holder: Holder, holders: readonly Holder[], records: readonly IbGib[]): StageOutcome {
    const stage = this.stages.get(saga) ?? { holder, records: new Map() };
    const staged = new Map(stage.records);
    if (!this.#addInOrder(staged, holder, holders, records)) return "record_missing";
    this.stages.set(saga, { holder, records: staged });
    return "staged";
  }

  commit({ saga, holder, holders, puts = [], tips = [], roots = [] }: Commit): CommitOutcome {
    if (holders === "anyone") throw new Error("the model counts holders");
    const all = [holder, ...holders];
    if (tips.some(({ tjp, from }) => this.tips.get(tjp)?.address !== from)) return "moved";
    const stage = saga === undefined ? undefined : this.stages.get(saga);
    const offered = new Map(stage?.records);
    if (!this.#addInOrder(offered, holder, all, puts)) return "notClosed";
    const taken = reachedIn(offered, [...tips.map(({ to }) => to), ...roots]);
    const find = (address: Address): IbGib | undefined =>
      taken.get(address) ?? (this.has(address, all) ? this.committed.get(address)?.record : undefined);
    const links = [...taken.values()].flatMap((record) => [...linksOf(record)]);
    if (links.some(({ target }) => find(target) === undefined)) return "notClosed";
    const found = tips.flatMap(({ tjp, to }) => ({ tjp, frame: find(to) }));
    for (const { tjp, frame } of found) {
      if (frame !== undefined && !this.#mayMove(tjp, frame, find)) return "chain_refused";
    }
    if (found.some(({ frame }) => frame === undefined)) return "notClosed";
    if (roots.some((root) => find(root) === undefined)) return "notClosed";
    const tipped = new Set([...this.tips.keys(), ...tips.map(({ tjp }) => tjp)]);
    const timelines = links.filter(({ target, isExact }) => !isExact && isFirst(find(target)));
    if (timelines.some(({ target }) => !tipped.has(target))) return "notClosed";
    for (const record of taken.values()) this.#hold(record, holder);
    for (const { tjp, frame } of found) if (frame !== undefined) this.tips.set(tjp, frame);
    if (saga !== undefined) this.stages.delete(saga);
    return "committed";
  }

  /** Everything that the closure of `roots` needs and `holders` have not. */
  missing(roots: readonly Address[], holders: readonly Holder[]): Set<Address> {
    const missing = new Set<Address>();
    this.#walk(roots, holders, (address, record) => {
      if (record === undefined) missing.add(address);
    });
    return missing;
  }

  /** The timelines in the closure of `roots`, as whoever counts everyone sees it. */
  reachable(roots: readonly Address[]): Set<Address> {
    const everyone = [...this.committed.values()].flatMap(({ holders }) => [...holders]);
    const timelines = new Set<Address>();
    this.#walk(roots, everyone, (address, record, isExact) => {
      if (!isExact && record !== undefined && isTjp(record) && this.tips.has(address)) timelines.add(address);
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

  #addInOrder(
    into: Map<Address, IbGib>,
    holder: Holder,
    holders: readonly Holder[],
    records: readonly IbGib[],
  ): boolean {
    let isClosed = true;
    for (const record of records) {
      if (into.has(record.address) || this.has(record.address, [holder])) continue;
      for (const { target } of linksOf(record)) {
        if (!into.has(target) && !this.has(target, [holder, ...holders])) isClosed = false;
      }
      into.set(record.address, record);
    }
    return isClosed;
  }

  #mayMove(tjp: Address, to: IbGib, find: (address: Address) => IbGib | undefined): boolean {
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
    holders: readonly Holder[],
    visit: (address: Address, record: IbGib | undefined, isExact: boolean) => void,
  ): void {
    const passed = new Set<string>();
    const go = (address: Address, isExact: boolean): void => {
      if (passed.has(`${address} ${isExact}`)) return;
      passed.add(`${address} ${isExact}`);
      const record = this.has(address, holders) ? this.committed.get(address)?.record : undefined;
      visit(address, record, isExact);
      if (record === undefined) return;
      for (const link of linksOf(record)) go(link.target, link.isExact);
      const tip = isExact || !isTjp(record) ? undefined : this.tips.get(address);
      if (tip !== undefined && this.has(tip.address, holders)) go(tip.address, true);
    };
    for (const root of roots) go(root, false);
  }
}

function isFirst(record: IbGib | undefined): boolean {
  return record !== undefined && isTjp(record);
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
