import { type Address, type IbGib, isFrame, type Link, linksOf } from "../ibgib/index.js";
import type { Found, Presence } from "./presence.js";
import { framesBefore } from "./timelines.js";

/**
 * What the links of a record may rest on besides the presence of their targets. A frame carries the links of those
 * before it on: what a frame links to that the sight reads is readable, whoever holds it, and a link that asked for no
 * tip there asks for none here.
 *
 * Made for each record and free until asked; then one look-up for each frame before.
 */
export class Inheritance {
  readonly #record: IbGib;
  readonly #presence: Presence;
  readonly #find: (address: Address) => Found | undefined;
  #links: readonly Link[] | undefined;
  #targets: ReadonlySet<Address> | undefined;
  #followed: ReadonlySet<Address> | undefined;

  /** @param find What is present, with what a check that is under way has passed. */
  constructor(record: IbGib, presence: Presence, find: (address: Address) => Found | undefined) {
    this.#record = record;
    this.#presence = presence;
    this.#find = find;
  }

  /** Need what this link leads to only be known, not present? Never to a sight that reads no timelines. */
  carries(target: Address): boolean {
    if (!this.#presence.readsTimelines) return false;
    this.#targets ??= new Set(this.#inherited().map((link) => link.target));
    return this.#targets.has(target);
  }

  /** Has a frame before that is here this link as well? */
  isCarried(target: Address): boolean {
    return this.#linksBefore().some((link) => link.target === target);
  }

  /** Is there a frame before that means this timeline too? Then its tip was asked for with that frame. */
  hasFollowed(timeline: Address): boolean {
    this.#followed ??= new Set(
      this.#linksBefore()
        .filter(({ isExact }) => !isExact)
        .map(({ target }) => target),
    );
    return this.#followed.has(timeline);
  }

  #inherited(): readonly Link[] {
    return this.#presence.reads(this.#record) ? linksOf(this.#record) : this.#linksBefore();
  }

  #linksBefore(): readonly Link[] {
    const before = isFrame(this.#record) ? framesBefore(this.#record) : [];
    this.#links ??= before.flatMap((address) => {
      const found = this.#find(address);
      return found === undefined ? [] : linksOf(found.record);
    });
    return this.#links;
  }
}
