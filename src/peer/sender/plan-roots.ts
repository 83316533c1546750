import { type Address, type IbGib, makerOf, nOf, ownerOf, tjpOf } from "../../ibgib/index.js";
import { countingHeads, headsOf, type Merged, mergeOf, standInFor } from "../../merge/index.js";
import type { Direction, Root } from "../../saga/index.js";
import type { Reference, Space, Tip } from "../../space/index.js";
import { locatorOf } from "../branches/locator.js";
import type { Merging } from "../branches/merging.js";
import type { ListToShow } from "../branches/show-lists.js";
import { outermostOf } from "../branches/within.js";
import type { Left } from "../branches/taking.js";
import type { Identity } from "../home/identity.js";
import { stands } from "../rights/answered-merge.js";
import { type LettingIn, ListedHeads } from "../rights/head-judge.js";
import { type ListHere, listsHere } from "../rights/lists-here.js";
import type { AccessPolicy } from "../rights/standing.js";
import { arrivalOf } from "./arrivals.js";
import { type Scope, scopeOf } from "./scope.js";

/** What an `init` names, what that comes from, and the lists that go ahead of it. */
export interface Planned {
  readonly roots: readonly Root[];
  /** How many timelines may come that links alone lead to and that are not here yet. */
  readonly linkedMax: number | undefined;
  /** What was asked for by name. */
  readonly named: ReadonlySet<Address>;
  readonly scope: Scope;
  /** References whose targets are asked for. */
  readonly asks: readonly Reference[];
  /** Lists of others, whose frames are proved: the receiver keeps them before it answers. */
  readonly ahead: readonly ListToShow[];
  /** Frames that do not count as yet: they stay here. */
  readonly drafts: readonly Left[];
}

/** What roots are planned for. */
export interface RootRequest {
  readonly wanted: readonly Address[];
  readonly direction: Direction;
  readonly linkedMax: number | undefined;
  readonly receiver: Address;
}

/** What a sender plans by. */
export interface Planning {
  readonly merging: Merging;
  readonly access: AccessPolicy;
}

/** References that one saga asks for at most. */
const asksMax = 10_000;

/**
 * The roots of an `init`: what was asked for and what goes up with it, as this space holds it, with the lists that rule
 * it. What it holds nothing of is asked for by address alone. A frame that is named stands for its timeline. Of somebody
 * else's timeline the tip is what counts of it: what this home shows on top is its own.
 *
 * Where records may come down, it has also what is linked from there and does not go up, as far as it was exchanged with
 * this receiver, and the targets of references that are open.
 */
export async function planRoots(
  identity: Identity,
  { wanted, direction, linkedMax, receiver }: RootRequest,
  planning: Planning,
): Promise<Planned> {
  const { space } = identity;
  const records = await space.getMany(wanted);
  const held = new Map(
    wanted.map((address, at) => [(records[at] && tjpOf(records[at])) ?? address, records[at]]),
  );
  const named = [...held.keys()];
  const drafts: Left[] = [];
  const tipsOf = async (timelines: readonly Address[]): Promise<readonly Tip[]> => {
    const tips = (await space.tips(timelines)).flatMap((tip) => tip ?? []);
    const { counted, drafts: found } = await withoutDrafts(identity, receiver, tips, planning);
    drafts.push(...found);
    return [...counted.values()];
  };
  const scope = await scopeOf(identity, named, tipsOf, planning.merging.options);
  const roots = new Map<Address, Root>();
  for (const address of [...named, ...scope.timelines.keys()]) {
    const tip = scope.timelines.get(address);
    // Of a timeline of which nothing counts, what links to it mean is its first frame.
    const isHere = tip === undefined && held.get(address) !== undefined;
    roots.set(address, tip ? rootAt(tip) : isHere ? { address, tip: address, n: 0 } : { address });
  }
  const planned = { named: new Set(named), scope, drafts };
  const { lists, ahead } = await planLists(identity, receiver, [...roots.keys()]);
  // Ahead of what is only linked: a list that somebody links goes up all the same.
  for (const list of lists) if (!roots.has(list.address)) roots.set(list.address, list);
  if (direction === "push")
    return { ...planned, roots: [...roots.values()], linkedMax: undefined, asks: [], ahead };
  const others = scope.others.map(({ tjp }) => tjp).filter((timeline) => !roots.has(timeline));
  for (const timeline of others) roots.set(timeline, await rootExchanged(space, receiver, timeline));
  const here = new Set(roots.keys());
  const asks = await openReferences(space, [...here]);
  for (const { target, by } of asks) if (!roots.has(target)) roots.set(target, { address: target, by });
  const left = linkedMax && Math.max(0, linkedMax - (await outermostOf(others, here, space)).length);
  return { ...planned, roots: [...roots.values()], linkedMax: left, asks, ahead };
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
  return (await space.referencesFrom(holders)).filter(({ isOpen }) => isOpen).slice(0, asksMax);
}

/** The lists that rule these timelines, as far as the receiver may be told of them, and those that go ahead. */
async function planLists(
  { space, address: self }: Identity,
  receiver: Address,
  timelines: readonly Address[],
): Promise<{ readonly lists: readonly Root[]; readonly ahead: readonly ListToShow[] }> {
  const here = await listsHere(space, timelines);
  const told = here.filter(({ kind, owner }) => kind === "writers" || owner === self);
  const planned = await Promise.all(told.map((list) => planList(space, self, receiver, list)));
  return { lists: planned.map(({ root }) => root), ahead: planned.flatMap(({ ahead }) => ahead ?? []) };
}

/** The tips as far as they count. Costs a few reads for each timeline that is somebody else's. */
async function withoutDrafts(
  { space, address: self }: Identity,
  receiver: Address,
  tips: readonly Tip[],
  { merging, access }: Planning,
): Promise<{ readonly counted: ReadonlyMap<Address, Tip>; readonly drafts: readonly Left[] }> {
  const counted = new Map(tips.map((tip) => [tip.tjp, tip]));
  const drafts: Left[] = [];
  const firsts = access === "open" ? [] : await space.getMany(tips.map(({ tjp }) => tjp));
  for (const [at, first] of firsts.entries()) {
    const listed = first && judgeTowards({ space, address: self }, receiver, first, access);
    if (!first || !listed) continue;
    const now = tips[at]!;
    const [shown, heads] = [
      await headsOf(now.address, space, merging.options),
      await countingHeads([now.address], listed, space, merging.options),
    ];
    const out = shown.filter((head) => !heads.includes(head));
    const [record, head] = await space.getMany([now.address, ...out.slice(0, 1)]);
    const isStanding = !record || (await stands({ space, self }, record, listed));
    if (!head && isStanding) continue;
    if (head) {
      const reason = (await listed.isSetAside(head.address)) ? "set_aside" : "may_not_write";
      const by = makerOf(head, first);
      drafts.push({ address: first.address, reason, head: head.address, ...(by && { by }) });
    }
    if (heads.length === 0) counted.delete(first.address);
    else {
      const { functions, options } = merging;
      const merged = isStanding
        ? await mergeOf(heads, [now.address], space, functions, options)
        : await standInFor(heads, space, options);
      counted.set(first.address, { tjp: first.address, ...(await tipOf(space, self, merged)) });
    }
  }
  return { counted, drafts };
}

/** Who says which heads of a timeline count, towards a receiver; undefined where all do. */
export function judgeTowards(
  { space, address: self }: Pick<Identity, "space" | "address">,
  receiver: Address,
  first: IbGib,
  access: AccessPolicy,
): ListedHeads | undefined {
  const owner = ownerOf(first);
  // A receiver says who may write what is its own; who owns a timeline shows nothing of it that does not count.
  if (access === "open" || owner === undefined || owner === self || owner === receiver) return undefined;
  const authorize = typeof access === "function" ? access : undefined;
  // What this home has made goes to the receiver that counts the uses of its entry, which may let it in.
  const letsIn: LettingIn = (maker, _, entry) => maker === self && entry.receiver === receiver;
  return new ListedHeads(space, first, authorize, letsIn);
}

/** Where the receiver did not take a root, and the lists that came meanwhile say why, that is why. */
export async function explainLeft(
  identity: Identity,
  receiver: Address,
  left: readonly Left[],
  planning: Planning,
): Promise<readonly Left[]> {
  const roots = left.filter(({ reason }) => reason === "not_taken").map(({ address }) => address);
  if (roots.length === 0) return left;
  const drafts = await draftsOf(identity, receiver, roots, planning);
  const known = new Map(drafts.map((draft) => [draft.address, draft]));
  return left.map((each) => known.get(each.address) ?? each);
}

/** Frames that do not count as yet, of these timelines. */
export async function draftsOf(
  identity: Identity,
  receiver: Address,
  timelines: readonly Address[],
  planning: Planning,
): Promise<readonly Left[]> {
  const tips = (await identity.space.tips(timelines)).flatMap((tip) => tip ?? []);
  return (await withoutDrafts(identity, receiver, tips, planning)).drafts;
}

/** A merge that is not here yet is kept. */
async function tipOf(space: Space, holder: Address, merged: Merged): Promise<Omit<Tip, "tjp">> {
  if ("frame" in merged) {
    const { frame } = merged;
    await space.commit({ holder, sight: "anyone", puts: [frame], roots: [frame.address] });
    return { address: frame.address, n: nOf(frame) ?? -1 };
  }
  const record = await space.get(merged.same);
  return { address: merged.same, n: (record && nOf(record)) ?? -1 };
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
