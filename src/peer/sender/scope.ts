import { type Address, isTjp, tjpOf } from "../../ibgib/index.js";
import { framesBeyond, type MergeOptions } from "../../merge/index.js";
import type { Space, Tip } from "../../space/index.js";
import { directlyWithin } from "../branches/within.js";
import type { Identity } from "../home/identity.js";
import { arrivalOf } from "./arrivals.js";
import { linksPut, type LinkTargets, targetsOf } from "./links-put.js";

/** What goes up of what a sender holds, beside the stones that go with the records that link them. */
export interface Scope {
  /** Timelines by their first frames, with what this space holds of them. */
  readonly timelines: ReadonlyMap<Address, Tip>;
  /** Frames of other timelines that links of this identity mean. */
  readonly frames: ReadonlySet<Address>;
  /** Timelines that are linked from there, are here and stay here. */
  readonly others: readonly Tip[];
  /** Targets that this identity has linked from a timeline itself, where that was looked at. */
  readonly put: ReadonlyMap<Address, LinkTargets>;
}

/**
 * What goes up where `named` are the roots (timelines by their first frames, stones): these; everything within them that
 * has their owner; what a frame of these links, where this identity has put the link; and so on from there. Whoever may
 * write a timeline can link anything: what others have linked stays here.
 *
 * Costs by the timelines. Where there are links to others, reads the whole histories of the timelines that have them.
 *
 * @param tipsOf What of these timelines is here and may go up.
 */
export async function scopeOf(
  identity: Pick<Identity, "space" | "address">,
  named: readonly Address[],
  tipsOf: (timelines: readonly Address[]) => Promise<readonly Tip[]>,
  options: MergeOptions,
): Promise<Scope> {
  const walk = new ScopeWalk(identity, tipsOf, options);
  await walk.add(named);
  let others = await walk.others(named);
  while (others.length > 0 && (await walk.followLinks(others))) others = await walk.others(named);
  return { timelines: walk.timelines, frames: walk.frames, others, put: walk.put };
}

/** Those of `others` that were exchanged with this receiver and have been changed here since: that stays here as well. */
export async function changedSince(
  space: Space,
  receiver: Address,
  others: readonly Tip[],
  options: MergeOptions,
): Promise<readonly Address[]> {
  const now = await space.tips(others.map(({ tjp }) => tjp));
  const changed = now.map(async (tip) => {
    const told = tip && (await arrivalOf(space, receiver, tip.tjp))?.receipt?.held;
    const held = (await space.getMany(told ?? [])).flatMap((record) => record?.address ?? []);
    if (!tip || held.length === 0) return [];
    return (await framesBeyond(tip.address, held, space, options)).length > 0 ? [tip.tjp] : [];
  });
  return (await Promise.all(changed)).flat();
}

class ScopeWalk {
  readonly timelines = new Map<Address, Tip>();
  readonly frames = new Set<Address>();
  readonly put = new Map<Address, LinkTargets>();
  readonly #space: Space;

  constructor(
    private readonly identity: Pick<Identity, "space" | "address">,
    private readonly tipsOf: (timelines: readonly Address[]) => Promise<readonly Tip[]>,
    private readonly options: MergeOptions,
  ) {
    this.#space = identity.space;
  }

  /** Takes timelines in, as far as they are here, with everything within them that has their owner. */
  async add(timelines: readonly Address[]): Promise<void> {
    for (let more = timelines; more.length > 0; ) {
      const unknown = more.filter((timeline) => !this.timelines.has(timeline));
      const tips = await this.tipsOf(unknown);
      for (const tip of tips) this.timelines.set(tip.tjp, tip);
      more = await directlyWithin(
        this.#space,
        tips.map(({ tjp }) => tjp),
      );
    }
  }

  /** What is reached by any link and is not taken in. */
  async others(named: readonly Address[]): Promise<readonly Tip[]> {
    const reached = await this.#space.reachableTips([...named, ...this.timelines.keys()]);
    return reached.filter(({ tjp }) => !this.timelines.has(tjp));
  }

  /** Takes in what this identity has linked itself. Is there more now than there was? */
  async followLinks(others: readonly Tip[]): Promise<boolean> {
    const before = this.timelines.size;
    const open = new Set(others.map(({ tjp }) => tjp));
    for (const tip of [...this.timelines.values()]) {
      if (this.put.has(tip.tjp) || !(await this.#leadsTo(tip.tjp, open))) continue;
      const put = await linksPut(this.identity, tip, this.options);
      this.put.set(tip.tjp, put);
      await this.add(await this.#linkedBy(put));
    }
    return this.timelines.size > before;
  }

  async #leadsTo(timeline: Address, open: ReadonlySet<Address>): Promise<boolean> {
    return (await this.#space.reachableTips([timeline])).some(({ tjp }) => open.has(tjp));
  }

  /** The timelines that links mean, through stones as well; frames of others are kept for themselves. */
  async #linkedBy(put: LinkTargets): Promise<readonly Address[]> {
    const timelines: Address[] = [];
    const met = new Map(put);
    const open = [...put.keys()];
    for (let page = open.splice(0, pageRecords); page.length > 0; page = open.splice(0, pageRecords)) {
      for (const record of await this.#space.getMany(page)) {
        if (record === undefined) continue;
        if (isTjp(record) && met.get(record.address) === false) timelines.push(record.address);
        else if (tjpOf(record) !== undefined) this.frames.add(record.address);
        else
          for (const [target, isExact] of targetsOf(record)) {
            if (!met.has(target)) open.push(target);
            met.set(target, isExact && met.get(target) !== false);
          }
      }
    }
    return timelines;
  }
}

const pageRecords = 128;
