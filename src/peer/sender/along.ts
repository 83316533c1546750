import { type Address, type IbGib, isFrame, linksOf, tjpOf } from "../../ibgib/index.js";
import { framesBeyond, type MergeOptions } from "../../merge/index.js";
import type { OpenReference } from "../../saga/index.js";
import type { ReferenceTo, Space } from "../../space/index.js";
import type { Identity } from "../home/identity.js";
import type { GoingAlong } from "../session/outgoing.js";
import { type LinkTargets, linksPut } from "./links-put.js";
import type { Scope } from "./scope.js";

/** What goes up of what is linked from a scope: what is in it, with what single frames rest on, and stones. */
export class Along implements GoingAlong {
  readonly #put: Map<Address, Promise<LinkTargets>>;
  /** Timelines of the scope that go in a part to come. */
  later: ReadonlySet<Address> = new Set();
  /** Of timelines of which single frames go: these, and all that they go on from. */
  #histories: Promise<ReadonlySet<Address>> | undefined;

  constructor(
    private readonly identity: Pick<Identity, "space" | "address">,
    readonly scope: Scope,
    private readonly options: MergeOptions,
  ) {
    this.#put = new Map([...scope.put].map(([timeline, links]) => [timeline, Promise.resolve(links)]));
  }

  get space(): Space {
    return this.identity.space;
  }

  async frame(frame: IbGib): Promise<boolean> {
    const tjp = tjpOf(frame) ?? frame.address;
    if (this.later.has(tjp)) return false;
    if (this.scope.timelines.has(tjp)) return true;
    this.#histories ??= this.#readHistories();
    return (await this.#histories).has(frame.address);
  }

  async #readHistories(): Promise<ReadonlySet<Address>> {
    const all = new Set<Address>();
    for (const frame of this.scope.frames)
      if (!all.has(frame))
        for (const each of await framesBeyond(frame, [], this.space, this.options)) all.add(each);
    return all;
  }

  /** A stone whose link is a reference here goes where this identity has put that link itself. */
  async referred({ holder, target }: ReferenceTo): Promise<boolean> {
    const tip = this.scope.timelines.get(holder);
    if (tip === undefined) return false;
    const links = this.#put.get(holder) ?? linksPut(this.identity, tip, this.options);
    this.#put.set(holder, links);
    return (await links).has(target);
  }
}

/**
 * The stones that a receiver lacks for links of what goes up, as far as they are here and go along: the newest frame links
 * them, and not as a reference; or this identity has put the link. What the receiver says of links is not believed.
 */
export async function stonesInPlace(
  along: Along,
  open: readonly OpenReference[],
): Promise<readonly Address[]> {
  const { space, scope } = along;
  const stones = new Set<Address>();
  const records = await space.getMany(open.map(({ target }) => target));
  for (const [at, { holder, target }] of open.entries()) {
    const [record, tip] = [records[at], scope.timelines.get(holder)];
    if (record === undefined || isFrame(record) || tip === undefined) continue;
    const [newest] = await space.getMany([tip.address]);
    const isLinked = newest !== undefined && linksOf(newest).some((link) => link.target === target);
    const filed = isLinked ? await space.references([holder]) : [];
    const isReference = filed.some((reference) => reference.isOpen && reference.target === target);
    if ((isLinked && !isReference) || (await along.referred({ holder, target }))) stones.add(target);
  }
  return [...stones];
}
