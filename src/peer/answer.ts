import { type Address, gibOf, isTjp, tjpHashOf } from "../ibgib/index.js";
import type { MergeOptions } from "../merge/index.js";
import {
  type Ask,
  type Direction,
  type FinalTip,
  type Found,
  nothingToSend,
  type Root,
  type RootStatus,
  type SendPlan,
  type Told,
} from "../saga/index.js";
import type { Space, Tip } from "../space/index.js";
import { branchBeyond, isInHistory, newerFrames, planOf } from "./send-plan.js";

/** The receiver's answer to an `init`. */
export interface Answer extends Found {
  readonly statuses: readonly RootStatus[];
}

/** Holds the sender's roots against the space, and plans what the sender lacks, where it asked for that. */
export async function answerRoots(
  space: Space,
  roots: readonly Root[],
  direction: Direction,
  options: MergeOptions,
): Promise<Answer> {
  const addresses = roots.map(({ address }) => address);
  const [tips, present] = await Promise.all([space.tips(addresses), space.hasMany(addresses)]);
  const statuses = await Promise.all(
    roots.map((root, at) => statusOf(space, root, tips[at], present[at] === true, options)),
  );
  const ahead = roots.filter((_, at) => statuses[at]?.status === "ahead");
  if (direction === "push" || ahead.length === 0) return { statuses, found: [], plan: nothingToSend };
  return { statuses, ...(await whatLacks(space, roots, statuses, ahead, options)) };
}

/** What the sender lacks of the roots that this space is ahead on, with the timelines that belong to them. */
async function whatLacks(
  space: Space,
  roots: readonly Root[],
  statuses: readonly RootStatus[],
  ahead: readonly Root[],
  options: MergeOptions,
): Promise<Found> {
  const reachable = await space.reachableTips(ahead.map(({ address }) => address));
  const tipOf = new Map(reachable.map((tip) => [tip.tjp, tip]));
  const grown = ahead.map(async ({ address, tip, n }) => {
    const now = tipOf.get(address);
    const theirs = tip === undefined || n === undefined ? undefined : { tip, n };
    return now ? [await newerFrames(space, numbered(now), theirs, options)] : [];
  });
  const found = foundBeyond(roots, reachable);
  return {
    found: found.map(finalTipOf),
    plan: planOf({
      held: heldBySender(roots, statuses),
      newer: [...(await Promise.all(grown)).flat(), ...found.map(wholeOf)],
      stones: ahead.filter(({ address }) => !tipOf.has(address)).map(({ address }) => address),
    }),
  };
}

/** How far on the chains of this space the sender has its roots, or has been sent them. */
function heldBySender(roots: readonly Root[], statuses: readonly RootStatus[]): SendPlan["held"] {
  return roots.flatMap(({ address, n }, at) => {
    const status = statuses[at]!;
    if ("tip" in status) return [{ tjp: address, n: status.n }];
    return status.status === "same" && n !== undefined ? [{ tjp: address, n }] : [];
  });
}

const numbered = ({ tjp, address, n }: Tip) => ({ tjp, tip: address, n });

const wholeOf = (tip: Tip) => ({ ...numbered(tip), after: -1 });

function foundBeyond(roots: readonly Root[], reachable: readonly Tip[]): readonly Tip[] {
  const named = new Set(roots.map(({ address }) => address));
  return reachable.filter(({ tjp }) => !named.has(tjp));
}

const finalTipOf = ({ tjp, address, n }: Tip): FinalTip => ({ address: tjp, tip: address, n });

async function statusOf(
  space: Space,
  { address, tip: theirs, n }: Root,
  ours: Tip | undefined,
  isPresent: boolean,
  options: MergeOptions,
): Promise<RootStatus> {
  if (!ours) {
    if (!isPresent || (await isTimeline(space, address))) return { status: "unknown" };
    return theirs === undefined ? { status: "ahead", tip: address, n: 0 } : { status: "same" };
  }
  const held = { tip: ours.address, n: ours.n };
  if (theirs === undefined || n === undefined) return { status: "ahead", ...held };
  if (theirs === ours.address) return { status: "same" };
  const own = { tjp: address, tip: ours.address };
  if (isFrameOf(theirs, address) && (await isInHistory(space, { tip: theirs, n }, own, options)))
    return { status: "ahead", ...held };
  return { status: n > ours.n ? "behind" : "diverged", ...held };
}

function isFrameOf(tip: Address, tjp: Address): boolean {
  return tip === tjp || tjpHashOf(tip) === gibOf(tjp);
}

async function isTimeline(space: Space, address: Address): Promise<boolean> {
  const record = await space.get(address);
  return record !== undefined && isTjp(record);
}

/** What the tips that were told have beyond the frames that the sender names of its own. */
export async function readBranches(
  space: Space,
  told: Told,
  asks: readonly Ask[],
  options: MergeOptions,
): Promise<Found> {
  const statusOfRoot = new Map(told.roots.map(({ address }, at) => [address, told.statuses[at]!]));
  const branches = asks.map(async ({ address, locator }) => {
    const status = statusOfRoot.get(address);
    if (!status || !("tip" in status)) return [];
    const named = locator.filter((frame) => isFrameOf(frame, address));
    const present = await space.hasMany(named);
    const known = named.filter((_, at) => present[at]);
    return [await branchBeyond(space, address, status.tip, known, options)];
  });
  return withFound(space, told, (await Promise.all(branches)).flat(), options);
}

/** What others have made of tips of roots since the sender was told of them. */
export async function readMoved(
  space: Space,
  told: Told,
  moved: readonly Tip[],
  options: MergeOptions,
): Promise<Found> {
  const statusOfRoot = new Map(told.roots.map(({ address }, at) => [address, told.statuses[at]!]));
  const branches = moved.map(({ tjp, address }) => {
    const status = statusOfRoot.get(tjp);
    return branchBeyond(space, tjp, address, status && "tip" in status ? [status.tip] : [], options);
  });
  return withFound(space, told, await Promise.all(branches), options);
}

/** Timelines that a branch relates and the sender has not come along: whole, or what is new since they were sent. */
async function withFound(
  space: Space,
  told: Told,
  branches: SendPlan["branches"],
  options: MergeOptions,
): Promise<Found> {
  const sent = new Map(told.found.map((tip) => [tip.address, tip]));
  const reachable = foundBeyond(told.roots, await space.reachableTips(branches.map(({ tjp }) => tjp)));
  const found = reachable.filter(({ tjp, address }) => sent.get(tjp)?.tip !== address);
  const newer = found.map((tip) => newerFrames(space, numbered(tip), sent.get(tip.tjp), options));
  const held = [
    ...heldBySender(told.roots, told.statuses),
    ...told.found.map(({ address, n }) => ({ tjp: address, n })),
  ];
  const plan = planOf({ held, newer: await Promise.all(newer), stones: [] });
  return {
    found: found.map(finalTipOf),
    plan: { ...plan, branches: [...branches.filter(({ frames }) => frames.length > 0), ...plan.branches] },
  };
}
