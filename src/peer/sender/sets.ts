import type { Address } from "../../ibgib/index.js";
import { isListAddress } from "../../lists/index.js";
import { type FinalTip, type NamedSet, RangeSet, type Root, sagaLimits } from "../../saga/index.js";
import { membersOf, outermostOf } from "../branches/within.js";
import type { Merging } from "../branches/merging.js";
import type { Identity } from "../home/identity.js";

/** One in so many of what this identity owns may be missing among roots, so that comparing all of it is worth while. */
const missingMax = 8;

/**
 * The sets among roots that are worth comparing with the receiver, of `comparedMin` timelines or more: what is within each
 * that was named, and is within none that was; then what this identity owns, where nearly all of that is among the rest.
 */
export async function setsToCompare(
  { space, address: self }: Identity,
  roots: readonly Root[],
  named: ReadonlySet<Address>,
  comparedMin: number,
  { pause }: Merging["options"],
): Promise<readonly NamedSet[]> {
  const open = new Map(roots.flatMap((root) => comparable(root).map((tip) => [tip.address, tip])));
  const sets: NamedSet[] = [];
  const add = async (of: Address, atLeast: (members: number) => number) => {
    const members = await membersOf(space, of, pause);
    const tips = members.flatMap((member) => open.get(member) ?? []);
    if (tips.length < Math.max(comparedMin, atLeast(members.length))) return;
    sets.push({ of, set: await RangeSet.of(tips, pause) });
    for (const { address } of tips) open.delete(address);
  };
  const isMore = () => open.size >= comparedMin && sets.length < sagaLimits.setsMax;
  if (!isMore()) return [];
  const here = [...named].filter((root) => open.has(root));
  const around = await space.look((look) => here.filter((root) => look.within(root).length > 0));
  for (const of of await outermostOf(around, new Set(around), space)) if (isMore()) await add(of, () => 0);
  if (isMore()) await add(self, (members) => members - members / missingMax);
  return sets;
}

/** Only what this side has, and shows the receiver as it is. Lists have a way of their own. */
function comparable({ address, tip, n, down, by }: Root): readonly FinalTip[] {
  const isOne = tip !== undefined && n !== undefined && !down && by === undefined && !isListAddress(address);
  return isOne ? [{ address, tip, n }] : [];
}
