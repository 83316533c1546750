import { KeysagaError } from "../../base/index.js";
import {
  type Address,
  hashOf,
  type IbGib,
  isTjp,
  linksOf,
  shortAddress,
  tjpHashOf,
  tjpOf,
  withinOf,
} from "../../ibgib/index.js";
import type { FrameReader } from "../../merge/index.js";
import { haveOneOwner, outermostOf } from "../branches/within.js";

/** A timeline or a stone, by the hash that the address of each of its records shows. */
type Holder = string;

/**
 * What has come for a saga of a sender, as far as it says what belongs together: which timeline or stone links which,
 * and what is within what. Grows with the timelines, stones and distinct links that come, not with the frames.
 */
export class Arriving {
  readonly #links = new Map<Holder, Set<Holder>>();
  /** First frames that say that they are within something, by what that is. */
  readonly #within = new Map<Holder, IbGib[]>();
  /** Of which frames came, by their first frames. */
  readonly #timelines = new Set<Address>();

  add(records: readonly IbGib[]): void {
    for (const record of records) {
      const holder = holderOf(record.address);
      const timeline = tjpOf(record);
      if (timeline !== undefined) this.#timelines.add(timeline);
      const links = this.#links.get(holder) ?? new Set();
      for (const { target } of linksOf(record)) links.add(holderOf(target));
      this.#links.set(holder, links);
      const within = isTjp(record) ? withinOf(record) : undefined;
      if (within !== undefined)
        this.#within.set(holderOf(within), [...(this.#within.get(holderOf(within)) ?? []), record]);
    }
  }

  /**
   * Checks that all that came, and all that was `told` to belong to it, was asked for, or is within such a thing and has
   * its owner, or is linked by such a thing; and so on from there.
   *
   * @param reader What is here, with what came.
   * @throws KeysagaError `not_asked_for`
   */
  async check(asked: readonly Address[], told: readonly Address[], reader: FrameReader): Promise<void> {
    const belongs = new Set(asked.map(holderOf));
    for (const holder of belongs) {
      for (const linked of this.#links.get(holder) ?? []) belongs.add(linked);
      for (const inner of this.#within.get(holder) ?? [])
        if (await isOfOneOwner(inner, reader)) belongs.add(holderOf(inner.address));
    }
    const stray = told.find((address) => !belongs.has(holderOf(address)));
    if (stray !== undefined) throw new KeysagaError("not_asked_for", { first: shortAddress(stray) });
    for (const holder of this.#links.keys())
      if (!belongs.has(holder)) throw new KeysagaError("not_asked_for", { records: "of something else" });
  }

  /**
   * Checks that no more timelines came than may that links alone lead to: those that were not named are counted, without
   * what is within others.
   *
   * @throws KeysagaError `not_asked_for`
   */
  async checkLinked(
    named: ReadonlySet<Address>,
    linkedMax: number | undefined,
    reader: FrameReader,
  ): Promise<void> {
    if (linkedMax === undefined) return;
    const came = [...this.#timelines].filter((timeline) => !named.has(timeline));
    const linked = await outermostOf(came, new Set([...named, ...came]), reader);
    if (linked.length > linkedMax)
      throw new KeysagaError("not_asked_for", { linked: linked.length, linkedMax });
  }
}

function holderOf(address: Address): Holder {
  return tjpHashOf(address) ?? hashOf(address);
}

/** Has a first frame the owner of the timeline that it says it is within? */
async function isOfOneOwner(inner: IbGib, reader: FrameReader): Promise<boolean> {
  const within = withinOf(inner);
  const [outer] = within === undefined ? [] : await reader.getMany([within]);
  return haveOneOwner(inner, outer);
}
