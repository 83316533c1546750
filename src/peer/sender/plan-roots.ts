import { type Address, nOf, tjpOf } from "../../ibgib/index.js";
import type { MergeOptions } from "../../merge/index.js";
import type { Direction, Root } from "../../saga/index.js";
import type { Reference, Space, Tip } from "../../space/index.js";
import type { Identity } from "../home/identity.js";
import { arrivalOf } from "./arrivals.js";
import { type Scope, scopeOf } from "./scope.js";

/** The roots of an `init`, and what they come from. */
export interface PlannedRoots {
  readonly roots: readonly Root[];
  /** What was asked for by name. */
  readonly named: ReadonlySet<Address>;
  readonly scope: Scope;
  /** References whose targets are asked for. */
  readonly asks: readonly Reference[];
}

/** What roots are planned for. */
export interface RootRequest {
  readonly wanted: readonly Address[];
  readonly direction: Direction;
  readonly receiver: Address;
}

/** References that one saga asks for at most. */
const asksMax = 10_000;

/**
 * The roots of an `init`: what was asked for and what goes up with it, as this space holds it. What it holds nothing of is
 * asked for by address alone. A frame that is named stands for its timeline.
 *
 * Where records may come down, it has also what is linked from there and does not go up, as far as it was exchanged with
 * this receiver, and the targets of references that are open.
 */
export async function planRoots(
  identity: Pick<Identity, "space" | "address">,
  { wanted, direction, receiver }: RootRequest,
  options: MergeOptions,
): Promise<PlannedRoots> {
  const { space } = identity;
  const records = await space.getMany(wanted);
  const held = new Map(
    wanted.map((address, at) => [(records[at] && tjpOf(records[at])) ?? address, records[at]]),
  );
  const named = [...held.keys()];
  const scope = await scopeOf(identity, named, options);
  const roots = new Map<Address, Root>();
  for (const address of [...named, ...scope.timelines.keys()]) {
    const tip = scope.timelines.get(address);
    const isStone = tip === undefined && held.get(address) !== undefined;
    roots.set(address, tip ? rootAt(tip) : isStone ? { address, tip: address, n: 0 } : { address });
  }
  if (direction === "push") return { roots: [...roots.values()], named: new Set(named), scope, asks: [] };
  for (const { tjp } of scope.others) roots.set(tjp, await rootExchanged(space, receiver, tjp));
  const asks = await openReferences(space, [...roots.keys()]);
  for (const { target, by } of asks) if (!roots.has(target)) roots.set(target, { address: target, by });
  return { roots: [...roots.values()], named: new Set(named), scope, asks };
}

const rootAt = ({ tjp, address, n }: Tip): Root => ({ address: tjp, tip: address, n });

/** A timeline that only comes down: the receiver is told no more of it than what it has, or what came from it. */
async function rootExchanged(space: Space, receiver: Address, address: Address): Promise<Root> {
  const arrival = await arrivalOf(space, receiver, address);
  const [tip, ...others] = arrival?.receipt?.held ?? [];
  const record = tip === undefined || others.length > 0 ? undefined : await space.get(tip);
  if (record === undefined || tjpOf(record) !== address) return { address, down: true };
  return { address, tip: record.address, n: nOf(record) ?? -1, down: true };
}

async function openReferences(space: Space, holders: readonly Address[]): Promise<readonly Reference[]> {
  const filed = await space.references(holders);
  return filed.filter(({ isOpen }) => isOpen).slice(0, asksMax);
}
