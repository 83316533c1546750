import { KeysagaError, limitExceeded } from "../base/index.js";
import {
  type Address,
  hashOf,
  type IbGib,
  isMerge,
  nOf,
  previousOf,
  shortAddress,
  tjpHashOf,
  tjpOf,
} from "../ibgib/index.js";
import { type MergeLimits, mergeLimits, stepsOf } from "./limits.js";

/** Where frames are read: a `Space` is one, and so is one with a stage laid over it. Answers in the order asked. */
export interface FrameReader {
  getMany(addresses: readonly Address[]): Promise<readonly (IbGib | undefined)[]>;
}

/** Lets the host serve others. */
export type Pause = () => Promise<void>;

export interface MergeOptions {
  readonly limits?: MergeLimits;
  /** Awaited every so many frames of a walk and after each fold; between two there is no longer synchronous step. */
  readonly pause?: Pause;
  /** Told what was done, in steps (`stepsOf`), again and again; what it throws ends the call. */
  readonly spend?: (steps: number) => void;
}

/** Steps of a walk between two pauses: some milliseconds. */
const stepsBetweenPauses = 1024;

/** What ancestry is decided on. */
export interface Frame {
  readonly address: Address;
  /** -1 for a first frame by other software that has no number. */
  readonly n: number;
  readonly isMerge: boolean;
  /** The frame before, and the frames it took in. */
  readonly parents: readonly Address[];
  readonly record: IbGib;
}

/**
 * The frames of one timeline, as far as they were asked for.
 *
 * `b` is an ancestor of `a` when `past` and `graftorphan` lead from `a` to `b`, each link to a frame of the same
 * timeline with a lower n. Frames that we make have no other such links; what another link says, by whatever
 * software, is a link and no ancestry, so that nobody can make a cycle or stop a merge with one.
 */
export class History {
  readonly #reader: FrameReader;
  readonly #limits: MergeLimits;
  readonly #frames = new Map<Address, Frame>();
  #tjp: Address | undefined;
  #steps = 0;
  readonly pause: Pause;
  readonly spend: (steps: number) => void;

  constructor(
    reader: FrameReader,
    { limits = mergeLimits, pause = () => Promise.resolve(), spend = () => undefined }: MergeOptions = {},
  ) {
    this.#reader = reader;
    this.#limits = limits;
    this.pause = pause;
    this.spend = spend;
  }

  /**
   * Frames by address, in the order asked, read in one call where they are not known yet.
   *
   * @throws KeysagaError `record_missing`, `limit_exceeded`, `merge_refused` (`not_a_frame`, `timeline`).
   */
  async frames(addresses: readonly Address[]): Promise<readonly Frame[]> {
    const unknown = [...new Set(addresses)].filter((address) => !this.#frames.has(address));
    if (unknown.length > 0) {
      const max = this.#limits.framesMax;
      if (this.#frames.size + unknown.length > max) throw limitExceeded("framesMax", max);
      this.spend(unknown.length * stepsOf.frameRead);
      const records = await this.#reader.getMany(unknown);
      for (const [at, address] of unknown.entries())
        this.#frames.set(address, this.#frameOf(address, records[at]));
    }
    return addresses.map((address) => this.#frames.get(address)!);
  }

  async frame(address: Address): Promise<Frame> {
    return (await this.frames([address]))[0]!;
  }

  /** The frames that come right before `frame`, each with a lower n. */
  async parents(frame: Frame): Promise<readonly Frame[]> {
    this.#steps++;
    if (this.#steps % stepsBetweenPauses === 0) {
      this.spend(stepsBetweenPauses * stepsOf.frameWalked);
      await this.pause();
    }
    return (await this.frames(frame.parents)).filter(({ n }) => n < frame.n);
  }

  /** The first frame of the timeline. Some frame has been read. */
  async first(): Promise<IbGib> {
    return (await this.frame(this.#tjp!)).record;
  }

  /** @throws KeysagaError `limit_exceeded` where a merge would bring together more. */
  checkHeads(count: number): void {
    const max = this.#limits.headsMax;
    if (count > max) throw limitExceeded("headsMax", max);
  }

  #frameOf(address: Address, record: IbGib | undefined): Frame {
    if (record === undefined) throw new KeysagaError("record_missing", { address: shortAddress(address) });
    const tjp = tjpOf(record);
    if (tjp === undefined) throw new KeysagaError("merge_refused", { rule: "not_a_frame" });
    this.#tjp ??= tjp;
    if (tjp !== this.#tjp) throw new KeysagaError("merge_refused", { rule: "timeline" });
    const previous = previousOf(record);
    const grafted = (record.rel8ns?.["graftorphan"] ?? []).filter((target) => isOfTimeline(target, tjp));
    const parents = [...new Set(previous === undefined ? grafted : [previous, ...grafted])];
    return { address, n: nOf(record) ?? -1, isMerge: isMerge(record), parents, record };
  }
}

/** Does the address alone say that this is a frame of the timeline? */
function isOfTimeline(address: Address, tjp: Address): boolean {
  return address === tjp || tjpHashOf(address) === hashOf(tjp);
}

/** Fold order: highest n first, then highest address. Compares UTF-16 units, so it is the same everywhere. */
export function newestFirst(a: Frame, b: Frame): number {
  return b.n - a.n || (a.address < b.address ? 1 : a.address > b.address ? -1 : 0);
}
