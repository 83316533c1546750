import { KeysagaError } from "../base/index.js";
import { type Address, isTjp, shortAddress, tjpOf } from "../ibgib/index.js";
import {
  type Direction,
  type FinalTip,
  nothingToSend,
  type Root,
  type RootStatus,
  type SendPlan,
} from "../saga/index.js";
import type { Space, Tip } from "../space/index.js";
import { unsureStones } from "./outgoing.js";

type Timeline = SendPlan["timelines"][number];

/**
 * The roots of an `init`: what was asked for, and every timeline of its closure, as this space holds them. What it
 * holds nothing of is asked for by address alone. A frame that is named stands for its timeline.
 */
export async function planRoots(space: Space, wanted: readonly Address[]): Promise<readonly Root[]> {
  const records = await space.getMany(wanted);
  const named = wanted.map((address, at) => (records[at] && tjpOf(records[at])) ?? address);
  const tips = new Map((await space.reachableTips(named)).map((tip) => [tip.tjp, tip]));
  const addresses = new Set([...named, ...tips.keys()]);
  return [...addresses].map((address) => {
    const tip = tips.get(address);
    if (tip) return { address, tip: tip.address, n: tip.n };
    const isStone = records[named.indexOf(address)] !== undefined;
    return isStone ? { address, tip: address, n: 0 } : { address };
  });
}

/** What the sender has to do about the receiver's statuses. */
export interface Comparison {
  readonly plan: SendPlan;
  readonly unsure: readonly Address[];
}

/**
 * Holds what the receiver says of each root against the own chains: a base counts only where it lies on them.
 *
 * @throws KeysagaError `diverged` where a base is not on the own chain: both sides changed that timeline.
 */
export async function compareWithStatuses(
  space: Space,
  roots: readonly Root[],
  statuses: readonly RootStatus[],
  direction: Direction,
): Promise<Comparison> {
  const timelines: Timeline[] = [];
  const stones: Address[] = [];
  const held: { tjp: Address; n: number }[] = [];
  if (direction === "pull") return { plan: nothingToSend, unsure: [] };
  for (const [at, { address, tip, n }] of roots.entries()) {
    const status = statuses[at];
    if (tip === undefined || n === undefined || !status) continue;
    if (status.status === "same" || status.status === "ahead") held.push({ tjp: address, n });
    if (status.status === "behind") {
      if ((await space.frameAt(address, status.n)) !== status.tip)
        throw new KeysagaError("diverged", { timeline: shortAddress(address) });
      timelines.push({ tjp: address, after: status.n, tip, n });
    } else if (status.status === "unknown") {
      if (await isTimeline(space, address)) timelines.push({ tjp: address, after: -1, tip, n });
      else stones.push(address);
    }
  }
  const plan = { held, timelines, stones };
  return { plan, unsure: await unsureStones(space, plan) };
}

async function isTimeline(space: Space, address: Address): Promise<boolean> {
  const record = await space.get(address);
  return record !== undefined && isTjp(record);
}

/** The receiver's answer to an `init`. */
export interface Answer {
  readonly statuses: readonly RootStatus[];
  readonly found: readonly FinalTip[];
  readonly plan: SendPlan;
}

/**
 * Holds the sender's roots against the space, and plans what the sender lacks, where it asked for that. Whoever is
 * admitted and knows an address may read and write it: everything committed counts, in whosever name it is held.
 */
export async function answerRoots(
  space: Space,
  roots: readonly Root[],
  direction: Direction,
): Promise<Answer> {
  const addresses = roots.map(({ address }) => address);
  const [tips, present] = await Promise.all([space.tips(addresses), space.hasMany(addresses)]);
  const statuses = await Promise.all(
    roots.map((root, at) => statusOf(space, root, tips[at], present[at] === true)),
  );
  const ahead = roots.filter((_, at) => statuses[at]?.status === "ahead");
  if (direction === "push" || ahead.length === 0) return { statuses, found: [], plan: nothingToSend };

  const named = new Set(addresses);
  const reachable = await space.reachableTips(ahead.map(({ address }) => address));
  const found = reachable.filter(({ tjp }) => !named.has(tjp));
  const tipOf = new Map(reachable.map((tip) => [tip.tjp, tip]));
  const grown = ahead.flatMap(({ address, n }) => asTimeline(tipOf.get(address), n ?? -1));
  return {
    statuses,
    found: found.map(({ tjp, address, n }) => ({ address: tjp, tip: address, n })),
    plan: {
      held: roots.flatMap(({ address, n }, at) =>
        isTheirs(statuses[at]) && n !== undefined ? [{ tjp: address, n }] : [],
      ),
      timelines: [...grown, ...found.flatMap((tip) => asTimeline(tip, -1))],
      stones: ahead.filter(({ address }) => !tipOf.has(address)).map(({ address }) => address),
    },
  };
}

/** Does the sender have all that this space has of a root? */
function isTheirs(status: RootStatus | undefined): boolean {
  return status?.status === "same" || status?.status === "behind";
}

function asTimeline(tip: Tip | undefined, after: number): Timeline[] {
  return tip ? [{ tjp: tip.tjp, after, tip: tip.address, n: tip.n }] : [];
}

async function statusOf(
  space: Space,
  { address, tip: theirs, n }: Root,
  ours: Tip | undefined,
  isPresent: boolean,
): Promise<RootStatus> {
  if (!ours) {
    if (!isPresent || (await isTimeline(space, address))) return { status: "unknown" };
    return theirs === undefined ? { status: "ahead", tip: address, n: 0 } : { status: "same" };
  }
  const held = { tip: ours.address, n: ours.n };
  if (theirs === undefined || n === undefined) return { status: "ahead", ...held };
  if (theirs === ours.address) return { status: "same" };
  if (n > ours.n) return { status: "behind", ...held };
  const isOnOurChain = n < ours.n && (await space.frameAt(address, n)) === theirs;
  return { status: isOnOurChain ? "ahead" : "diverged", ...held };
}
