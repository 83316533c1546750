import { type Address, tjpOf } from "../../ibgib/index.js";
import type { Root } from "../../saga/index.js";
import type { Space } from "../../space/index.js";

/** The roots of an `init`, and those among them that were asked for by name. */
export interface PlannedRoots {
  readonly roots: readonly Root[];
  readonly named: ReadonlySet<Address>;
}

/**
 * The roots of an `init`: what was asked for, and every timeline of its closure, as this space holds them. What it
 * holds nothing of is asked for by address alone. A frame that is named stands for its timeline.
 */
export async function planRoots(space: Space, wanted: readonly Address[]): Promise<PlannedRoots> {
  const records = await space.getMany(wanted);
  const held = new Map(
    wanted.map((address, at) => [(records[at] && tjpOf(records[at])) ?? address, records[at]]),
  );
  const tips = new Map((await space.reachableTips([...held.keys()])).map((tip) => [tip.tjp, tip]));
  const addresses = new Set([...held.keys(), ...tips.keys()]);
  const roots = [...addresses].map((address) => {
    const tip = tips.get(address);
    if (tip) return { address, tip: tip.address, n: tip.n };
    const isStone = held.get(address) !== undefined;
    return isStone ? { address, tip: address, n: 0 } : { address };
  });
  return { roots, named: new Set(held.keys()) };
}
