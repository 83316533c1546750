import { type Address, type IbGib, isFrame, tjpOf } from "../../ibgib/index.js";
import type { ReceiverSagaEffect, Root, RootStatus } from "../../saga/index.js";
import type { Space, Tip } from "../../space/index.js";
import { isWithin, namedBy } from "../branches/within.js";
import type { Standing } from "../rights/standing.js";

type Compare = Extract<ReceiverSagaEffect, { kind: "compareRoots" }>;

/** What comes of what links lead to: timelines, and frames that are meant by themselves. */
interface Admitted {
  readonly tips: readonly Tip[];
  readonly frames: readonly Address[];
}

/**
 * What comes down though links alone lead to it, as far as the sender may read it and takes it. Each timeline counts once,
 * with all that is within it; what the sender names, and what is within that, does not count.
 */
export class Linked {
  /** The timelines that the sender names, and those that were counted. */
  readonly #outer: Set<Address>;
  readonly #frames: Set<Address>;
  #left: number;

  private constructor(
    outer: Iterable<Address>,
    frames: Iterable<Address>,
    left: number,
    private readonly space: Space,
    private readonly standing: Standing,
  ) {
    this.#outer = new Set(outer);
    this.#frames = new Set(frames);
    this.#left = left;
  }

  static of(
    { roots, linkedMax = Number.POSITIVE_INFINITY }: Pick<Compare, "roots" | "linkedMax">,
    space: Space,
    standing: Standing,
  ) {
    return new Linked(namedBy(roots), [], linkedMax, space, standing);
  }

  get isLimited(): boolean {
    return this.#left < Number.POSITIVE_INFINITY;
  }

  /** For a plan that may come to nothing. */
  copy(): Linked {
    return new Linked(this.#outer, this.#frames, this.#left, this.space, this.standing);
  }

  /** Does a later frame come, which a link means by itself? */
  hasFrame(frame: Address): boolean {
    return !this.isLimited || this.#frames.has(frame);
  }

  /** Of these timelines, by their first frames, and frames those that come. */
  async admit(targets: readonly Address[]): Promise<Admitted> {
    const tips: Tip[] = [];
    const frames: Address[] = [];
    for (const record of await this.space.getMany(targets)) {
      const tjp = record && tjpOf(record);
      if (record === undefined || tjp === undefined) continue;
      const [first, tip] = [await this.space.get(tjp), await this.space.tip(tjp)];
      const isWhole = tjp === record.address;
      if (first === undefined || (isWhole && tip === undefined) || !(await this.#admits(first))) continue;
      if (!isWhole) frames.push(record.address);
      else if (tip !== undefined) tips.push(tip);
    }
    for (const frame of frames) this.#frames.add(frame);
    return { tips, frames };
  }

  /** What is said of roots: the targets of references beyond the limit are as good as unknown. */
  async statuses(roots: readonly Root[], statuses: readonly RootStatus[]): Promise<readonly RootStatus[]> {
    if (!this.isLimited) return statuses;
    const limited: RootStatus[] = [];
    for (const [at, status] of statuses.entries()) {
      const { by, address } = roots[at]!;
      const isHere = by !== undefined && status.status === "ahead";
      limited.push(isHere && !(await this.#comes(address)) ? { status: "unknown" } : status);
    }
    return limited;
  }

  async #comes(target: Address): Promise<boolean> {
    const record = await this.space.get(target);
    if (record === undefined || !isFrame(record)) return true;
    const { tips, frames } = await this.admit([target]);
    return tips.length + frames.length > 0;
  }

  async #admits(first: IbGib): Promise<boolean> {
    const isFree = this.#outer.has(first.address) || (await isWithin(first, this.#outer, this.space));
    if ((!isFree && this.#left === 0) || !(await this.#mayRead(first))) return false;
    if (isFree) return true;
    this.#outer.add(first.address);
    this.#left -= 1;
    return true;
  }

  async #mayRead(first: IbGib): Promise<boolean> {
    if (!(await this.standing.reads(first))) return false;
    return !(await this.standing.claim([first], "read")) || this.#mayRead(first); // else it was looked at anew
  }
}
