import { type Facts, KeysagaError } from "../../base/index.js";
import {
  type Address,
  type GraphReader,
  graphLimits,
  hashOf,
  type IbGib,
  isTjp,
  linksOf,
  shortAddress,
  tjpHashOf,
  tjpOf,
  walk,
  withinOf,
} from "../../ibgib/index.js";
import type { FrameReader } from "../../merge/index.js";
import { haveOneOwner, outermostOf } from "../branches/within.js";

/** What is here has its own limits. */
const walkLimits = {
  ...graphLimits,
  addressesMet: Number.MAX_SAFE_INTEGER,
  depth: Number.MAX_SAFE_INTEGER,
};

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
      if (within !== undefined) {
        const inner = this.#within.get(holderOf(within));
        if (inner) inner.push(record);
        else this.#within.set(holderOf(within), [record]);
      }
    }
  }

  /**
   * Checks that all that came, and all that was `told` to belong to it, was asked for, or is within such a thing and has
   * its owner, or is linked by such a thing; and so on from there. Where what came does not show it, what is `here` may
   * have that link since long: its target could not be read then. All that the roots lead to is read for that.
   *
   * @param reader What is here, with what came.
   * @throws KeysagaError `not_asked_for`
   */
  async check(
    asked: readonly Address[],
    told: readonly Address[],
    reader: FrameReader,
    here: GraphReader,
  ): Promise<void> {
    if ((await this.#strayOf(asked, told, reader)) === undefined) return;
    for await (const met of walk(asked, here, walkLimits)) if (met.kind === "present") this.add([met.record]);
    const stray = await this.#strayOf(asked, told, reader);
    if (stray) throw new KeysagaError("not_asked_for", stray);
  }

  /** Something that does not belong there. */
  async #strayOf(
    asked: readonly Address[],
    told: readonly Address[],
    reader: FrameReader,
  ): Promise<Facts | undefined> {
    const belongs = new Set(asked.map(holderOf));
    for (const holder of belongs) {
      for (const linked of this.#links.get(holder) ?? []) belongs.add(linked);
      for (const inner of this.#within.get(holder) ?? [])
        if (await isOfOneOwner(inner, reader)) belongs.add(holderOf(inner.address));
    }
    const stray = told.find((address) => !belongs.has(holderOf(address)));
    if (stray !== undefined) return { first: shortAddress(stray) };
    const isAllAskedFor = [...this.#links.keys()].every((holder) => belongs.has(holder));
    return isAllAskedFor ? undefined : { records: "of something else" };
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
