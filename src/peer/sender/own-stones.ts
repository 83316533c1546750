import { type Address, type IbGib, isBinAddress, previousOf, tjpOf } from "../../ibgib/index.js";
import type { Sight, Space } from "../../space/index.js";
import { stonesBehind, targetsOf, WalkBudget } from "../session/stones.js";

/** Frames that are read at once, and in all: what rests on an older one is taken for what nobody has. */
const frames = { atOnce: 128, max: 65_536 } as const;

/**
 * Stones of this side's own that what a receiver sends may rest on. It does not send what this side's frames lead to, nor asks
 * whether they do; and in the eyes of a saga only what the receiver has brought is here. So what is missing is looked for
 * behind the frames that are exchanged, and nowhere else: the tips first, then what these go on from.
 */
export class OwnStones {
  /** Those that were found: only ever more. */
  readonly found = new Set<Address>();

  /** @param tips Of the timelines that are exchanged. */
  constructor(
    private readonly space: Space,
    private readonly tips: () => readonly Address[],
  ) {}

  /** Looks for stones that these records link to and that are not there. @returns Whether there is another one now. */
  async find(saga: string, sight: Sight, records: readonly IbGib[]): Promise<boolean> {
    const brought = new Set(records.map(({ address }) => address));
    const targets = new Set(records.flatMap((record) => [...targetsOf(record)]));
    const due = [...targets].filter((target) => !brought.has(target));
    const there = await this.space.view(saga, sight).hasMany(due);
    const wanted = new Set(await this.#stonesAmong(due.filter((_, at) => !there[at])));
    const before = this.found.size;
    if (wanted.size === 0) return false;
    for await (const page of this.#frames()) {
      const source = { space: this.space, reader: this.space };
      for (const stone of await stonesBehind(source, page, wanted, WalkBudget.unlimited())) {
        this.found.add(stone);
        wanted.delete(stone);
      }
      if (wanted.size === 0) break;
    }
    return this.found.size > before;
  }

  /** Those that are here at all, in whosever name. */
  async #stonesAmong(addresses: readonly Address[]): Promise<Address[]> {
    const known = await this.space.hasMany(addresses, "anyone");
    const here = addresses.filter((_, at) => known[at]);
    const links = here.filter((address) => !isBinAddress(address));
    const records = await this.space.getMany(links);
    const stones = links.filter((_, at) => records[at] && tjpOf(records[at]) === undefined);
    return [...here.filter(isBinAddress), ...stones];
  }

  async *#frames(): AsyncGenerator<readonly Address[]> {
    const met = new Set(this.tips());
    for (let level = [...met]; level.length > 0; ) {
      const before: Address[] = [];
      for (let at = 0; at < level.length; at += frames.atOnce) {
        const page = level.slice(at, at + frames.atOnce);
        yield page;
        for (const frame of await this.space.getMany(page)) if (frame) before.push(...beforeIt(frame));
      }
      level = [...new Set(before)].filter((address) => !met.has(address)).slice(0, frames.max - met.size);
      for (const address of level) met.add(address);
    }
  }
}

function beforeIt(frame: IbGib): readonly Address[] {
  return [previousOf(frame) ?? [], frame.rel8ns?.["graftorphan"] ?? []].flat();
}
