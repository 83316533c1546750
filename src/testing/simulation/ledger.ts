import type { JsonObject } from "../../base/index.js";
import {
  type Address,
  gibOf,
  type IbGib,
  isMerge,
  isTjp,
  makerOf,
  tjpOf,
  withinOf,
} from "../../ibgib/index.js";

/** A timeline of a world. */
export interface Timeline {
  readonly address: Address;
  /** The home whose identity owns it. */
  readonly owner: string;
  /** The one whose lists say who may read and write it: itself, unless it is within another of its owner's. */
  readonly ruler?: Timeline;
  /** Homes that were ever let in. */
  readonly readers: Set<string>;
  readonly writers: Set<string>;
  /** Was anything taken back of it? Then not everybody need agree any more. */
  isWithdrawn: boolean;
  /** Heads that its owner has set aside, once or more often. */
  readonly aside: Set<Address>;
}

/** Everything that was made in a world, and by whom. What is not in it was made by nobody. */
export class Ledger {
  readonly timelines: Timeline[] = [];
  /** What was changed, by the frames that say so. */
  readonly edits = new Map<Address, JsonObject>();
  readonly #byAddress = new Map<Address, Timeline>();
  /** Two may make the same record. */
  readonly #makers = new Map<string, Set<string>>();
  readonly #frames = new Map<Address, IbGib>();

  made(records: readonly IbGib[], by: string): void {
    for (const record of records) {
      this.#makers.set(record.gib, (this.#makers.get(record.gib) ?? new Set()).add(by));
      this.#frames.set(record.address, record);
      if (isTjp(record)) this.#found(record, by);
    }
  }

  /** A frame of a list, which no person has written by hand. */
  listed(record: IbGib, by: string): void {
    this.#makers.set(record.gib, (this.#makers.get(record.gib) ?? new Set()).add(by));
    this.#frames.set(record.address, record);
  }

  /** Something was taken back of a timeline, and of all within it. */
  withdrawn(ruler: Timeline): void {
    for (const timeline of this.timelines)
      if ((timeline.ruler ?? timeline) === ruler) timeline.isWithdrawn = true;
  }

  timeline(address: Address): Timeline | undefined {
    return this.#byAddress.get(address);
  }

  /** The homes that made a record; none for merges, and for what nobody made. */
  makersOf(address: Address): readonly string[] {
    return [...(this.#makers.get(gibOf(address)) ?? [])];
  }

  /** The identity that a frame says has made it. */
  makerNamedBy(address: Address): Address | undefined {
    const frame = this.#frames.get(address);
    const first = frame && this.#frames.get(tjpOf(frame) ?? address);
    return frame && first && makerOf(frame, first);
  }

  frame(address: Address): IbGib | undefined {
    return this.#frames.get(address);
  }

  /** Was it made here? A merge is anybody's, of frames that were. */
  accounts(record: IbGib): boolean {
    if (this.#makers.has(record.gib)) return true;
    if (!isMerge(record) || !parentsOf(record).every((parent) => this.#frames.has(parent))) return false;
    this.#frames.set(record.address, record);
    return true;
  }

  /** The frames that are new on the way from a tip to the next, merges left out, newest first. */
  beyond(tip: Address, before: Address | undefined): readonly IbGib[] {
    const known = before === undefined ? new Set<Address>() : this.historyOf(before);
    return [...this.historyOf(tip)].flatMap((address) => {
      const frame = known.has(address) ? undefined : this.#frames.get(address);
      return frame && !isMerge(frame) ? [frame] : [];
    });
  }

  /** A frame and all that `past` and `graftorphan` lead to from it. */
  historyOf(tip: Address): ReadonlySet<Address> {
    const history = new Set([tip]);
    for (const at of history) {
      const frame = this.#frames.get(at);
      for (const parent of frame ? parentsOf(frame) : []) history.add(parent);
    }
    return history;
  }

  /** May a tip be taken back to before a head? Its maker is not the owner, and was withdrawn, or it was set aside. */
  mayBeLeft(tjp: Address, head: Address): boolean {
    const timeline = this.timeline(tjp);
    if (!timeline || this.makersOf(head).every((maker) => maker === timeline.owner)) return false;
    return timeline.isWithdrawn || [...timeline.aside].some((aside) => this.historyOf(aside).has(head));
  }

  /** The newest frames under a tip that are not merges. */
  headsOf(tip: Address): readonly Address[] {
    const met = new Set([tip]);
    const heads: Address[] = [];
    for (const at of met) {
      const frame = this.#frames.get(at);
      if (frame && isMerge(frame)) for (const parent of parentsOf(frame)) met.add(parent);
      else heads.push(at);
    }
    return heads;
  }

  #found(first: IbGib, owner: string): void {
    const within = withinOf(first);
    const outer = within && this.timeline(within);
    const ruler = outer?.owner === owner ? (outer.ruler ?? outer) : undefined;
    const timeline = {
      address: first.address,
      owner,
      ...(ruler && { ruler }),
      readers: ruler?.readers ?? new Set([owner]),
      writers: ruler?.writers ?? new Set([owner]),
      isWithdrawn: ruler?.isWithdrawn ?? false,
      aside: new Set<Address>(),
    };
    this.timelines.push(timeline);
    this.#byAddress.set(first.address, timeline);
  }
}

/** What `past` and `graftorphan` lead to. */
export function parentsOf(frame: IbGib): readonly Address[] {
  const { past = [], graftorphan = [] } = frame.rel8ns ?? {};
  return tjpOf(frame) === undefined ? [] : [...past, ...graftorphan];
}
