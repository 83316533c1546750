import { type Address, makerOf, nOf, ownerOf, tjpOf } from "../../ibgib/index.js";
import { countingHeads, headsOf, mergeOf } from "../../merge/index.js";
import type { Root } from "../../saga/index.js";
import type { Space, Tip } from "../../space/index.js";
import { locatorOf } from "../branches/locator.js";
import type { Merging } from "../branches/merging.js";
import type { ListToShow } from "../branches/show-lists.js";
import type { Left } from "../branches/taking.js";
import type { Identity } from "../home/identity.js";
import { ListedHeads } from "../rights/head-judge.js";
import { type ListHere, listsHere } from "../rights/lists-here.js";
import type { AccessPolicy } from "../rights/standing.js";
import { arrivalOf } from "./arrivals.js";

/** What an `init` names, and the lists that go ahead of it. */
export interface Planned {
  readonly roots: readonly Root[];
  /** Lists of others, whose frames are proved: the receiver keeps them before it answers. */
  readonly ahead: readonly ListToShow[];
  /** Frames that do not count as yet: they stay here. */
  readonly drafts: readonly Left[];
}

/** What a sender plans by. */
export interface Planning {
  readonly merging: Merging;
  readonly access: AccessPolicy;
}

/**
 * The roots of an `init`: what was asked for, and every timeline of its closure, as this space holds them, with the lists
 * that rule them. What it holds nothing of is asked for by address alone. A frame that is named stands for its timeline.
 * Of somebody else's timeline the tip is what counts of it: what this home shows on top is its own.
 */
export async function planRoots(
  identity: Identity,
  receiver: Address,
  wanted: readonly Address[],
  planning: Planning,
): Promise<Planned> {
  const { space, address: self } = identity;
  const records = await space.getMany(wanted);
  const held = new Map(
    wanted.map((address, at) => [(records[at] && tjpOf(records[at])) ?? address, records[at]]),
  );
  const tips = new Map((await space.reachableTips([...held.keys()])).map((tip) => [tip.tjp, tip]));
  const addresses = [...new Set([...held.keys(), ...tips.keys()])];
  const { counted, drafts } = await withoutDrafts(identity, receiver, [...tips.values()], planning);
  const roots = addresses.flatMap((address): readonly Root[] => {
    const tip = counted.get(address);
    if (tip) return [{ address, tip: tip.address, n: tip.n }];
    // Nothing of it counts: what links to it mean is its first frame.
    if (tips.has(address)) return held.has(address) ? [{ address, tip: address, n: 0 }] : [];
    const isStone = held.get(address) !== undefined;
    return [isStone ? { address, tip: address, n: 0 } : { address }];
  });
  const lists = (await listsHere(space, addresses)).filter(
    ({ kind, owner }) => kind === "writers" || owner === self,
  );
  const planned = await Promise.all(lists.map((list) => planList(space, self, receiver, list)));
  const known = new Set(addresses);
  const named = planned.filter(({ root }) => !known.has(root.address));
  return {
    roots: [...roots, ...named.map(({ root }) => root)],
    ahead: planned.flatMap(({ ahead }) => ahead ?? []),
    drafts,
  };
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
    const owner = first && ownerOf(first);
    // A receiver says who may write what is its own; who owns a timeline shows nothing of it that does not count.
    if (!first || owner === undefined || owner === self || owner === receiver) continue;
    const authorize = typeof access === "function" ? access : undefined;
    const listed = new ListedHeads(space, first, authorize);
    const now = tips[at]!;
    const [shown, heads] = [
      await headsOf(now.address, space, merging.options),
      await countingHeads([now.address], listed, space, merging.options),
    ];
    const out = shown.filter((head) => !heads.includes(head));
    const [head] = await space.getMany(out.slice(0, 1));
    if (!head) continue;
    const reason = (await listed.isSetAside(head.address)) ? "set_aside" : "may_not_write";
    const by = makerOf(head, first);
    drafts.push({ address: first.address, reason, head: head.address, ...(by && { by }) });
    const tip = await tipOf(space, self, heads, merging);
    if (tip) counted.set(first.address, { tjp: first.address, ...tip });
    else counted.delete(first.address);
  }
  return { counted, drafts };
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

/** The tip that heads come to; a merge of them that is not here yet is kept. */
async function tipOf(
  space: Space,
  holder: Address,
  heads: readonly Address[],
  { functions, options }: Merging,
): Promise<Omit<Tip, "tjp"> | undefined> {
  if (heads.length === 0) return undefined;
  const merged = await mergeOf(heads, space, functions, options);
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
