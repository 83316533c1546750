import { type Address, tjpOf } from "../../ibgib/index.js";
import type { Root } from "../../saga/index.js";
import type { Space } from "../../space/index.js";
import { locatorOf } from "../branches/locator.js";
import type { ListToShow } from "../branches/show-lists.js";
import type { Identity } from "../home/identity.js";
import { type ListHere, listsHere } from "../rights/lists-here.js";
import { arrivalOf } from "./arrivals.js";

/** What an `init` names, and the lists that go ahead of it. */
export interface Planned {
  readonly roots: readonly Root[];
  /** Lists of others, whose frames are proved: the receiver keeps them before it answers. */
  readonly ahead: readonly ListToShow[];
}

/**
 * The roots of an `init`: what was asked for, and every timeline of its closure, as this space holds them, with the lists
 * that rule them. What it holds nothing of is asked for by address alone. A frame that is named stands for its timeline.
 */
export async function planRoots(
  { space, address: self }: Identity,
  receiver: Address,
  wanted: readonly Address[],
): Promise<Planned> {
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
  const lists = await listsHere(space, [...addresses]);
  const planned = await Promise.all(
    lists.filter(({ kind, owner }) => kind === "writers" || owner === self).map((list) => planList(space, self, receiver, list)),
  );
  const named = planned.filter(({ root }) => !addresses.has(root.address));
  return {
    roots: [...roots, ...named.map(({ root }) => root)],
    ahead: planned.flatMap(({ ahead }) => ahead ?? []),
  };
}

/**
 * Of one's own list, the receiver says what it has beyond; what it lacks of it comes with the commit, which signs it. That
 * of somebody else is proved already, and goes ahead as far as no receipt says that the receiver has it.
 */
async function planList(
  space: Space,
  self: Address,
  receiver: Address,
  { owner, tip: { tjp, address: tip, n } }: ListHere,
): Promise<{ readonly root: Root; readonly ahead?: ListToShow }> {
  const root = { address: tjp, tip, n };
  const known = (await arrivalOf(space, receiver, tjp))?.receipt?.held ?? [];
  if (known.includes(tip)) return { root };
  if (owner !== self) return { root, ahead: { list: tjp, known } };
  return { root: { ...root, locator: [...(await locatorOf(space, { tjp, tip, n }))] } };
}
