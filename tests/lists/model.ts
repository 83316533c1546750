/**
 * A small model of what lists say and what counts, written from the rules alone: everything is looked for in the whole set
 * of changes or frames, each time anew.
 */
import { type Address, type IbGib, isMerge, makerOf, previousOf } from "../../src/ibgib/index.js";
import type { Change } from "../../src/lists/index.js";

type Kind<Do> = Extract<Change, { do: Do }>;

export class Said {
  constructor(private readonly changes: readonly Change[]) {}

  #all<Do extends Change["do"]>(what: Do): readonly Kind<Do>[] {
    return this.changes.filter((change): change is Kind<Do> => change.do === what);
  }

  /** A withdrawal ends every entry with its number or a lower one (AL13). */
  inForce(identity: Address): readonly Kind<"share">[] {
    const ends = this.#all("withdraw").filter((each) => each.identity === identity);
    return this.#all("share").filter(
      (entry) => entry.identity === identity && ends.every(({ no }) => no < entry.no),
    );
  }

  /** Adopted, or named by a withdrawal (AL16, AL20). */
  names(): readonly Address[] {
    const adopted = this.#all("adopt").map(({ frame }) => frame);
    return [...adopted, ...this.#all("withdraw").flatMap(({ names }) => names)];
  }

  /** A set-aside loses against an adoption with a higher number alone (AL22, AL24). */
  isAside(frame: Address): boolean {
    const adopted = this.#all("adopt").filter((each) => each.frame === frame);
    const asides = this.#all("setAside").filter((each) => each.frame === frame);
    return asides.some((aside) => adopted.every(({ no }) => no <= aside.no));
  }
}

/** All frames of one timeline that are here. */
export class Frames {
  readonly #byAddress: ReadonlyMap<Address, IbGib>;

  constructor(readonly all: readonly IbGib[]) {
    this.#byAddress = new Map(all.map((frame) => [frame.address, frame]));
  }

  getMany = async (addresses: readonly Address[]): Promise<(IbGib | undefined)[]> =>
    addresses.map((address) => this.#byAddress.get(address));

  /** The frames that a frame goes on from, itself not included. */
  below(frame: IbGib): ReadonlySet<IbGib> {
    const met = new Set<IbGib>();
    const open = [frame];
    for (let at = open.pop(); at; at = open.pop()) {
      const parents = [previousOf(at), ...(at.rel8ns?.["graftorphan"] ?? [])];
      for (const parent of parents) {
        const found = parent && this.#byAddress.get(parent);
        if (!found || met.has(found)) continue;
        met.add(found);
        open.push(found);
      }
    }
    return met;
  }

  /** Those of `frames` that none of the others goes on from. */
  newest(frames: readonly IbGib[]): readonly IbGib[] {
    const below = new Set(frames.flatMap((frame) => [...this.below(frame)]));
    return frames.filter((frame) => !below.has(frame));
  }

  /** C5: the owner's; what the lists let its maker write; and what they name, or a frame goes on from that they name. */
  counting(first: IbGib, owner: Address, said: Said): readonly IbGib[] {
    const named = this.all.filter(({ address }) => said.names().includes(address));
    const kept = new Set(named.flatMap((frame) => (isMerge(frame) ? [] : [frame, ...this.below(frame)])));
    return this.all.filter((frame) => {
      if (isMerge(frame)) return false;
      const maker = makerOf(frame, first)!;
      if (maker === owner) return true;
      return !said.isAside(frame.address) && (said.inForce(maker).length > 0 || kept.has(frame));
    });
  }
}
