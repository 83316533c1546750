import { type Json, sameJson } from "../base/index.js";
import { type Address, hashOf, tjpHashOf } from "../ibgib/index.js";
import type { Direction, FinalTip, Root, RootStatus } from "./turn-bodies.js";

/**
 * What has to travel one way. Of each of `timelines` the frames on its chain behind `after` (-1: all) up to `tip`; of each
 * of `branches` exactly these frames, oldest first, while all else of that timeline is on the other side; and stones.
 * `held` says up to which tip the other side has timelines of which nothing travels.
 */
export interface SendPlan {
  readonly held: readonly { readonly tjp: Address; readonly tip: Address; readonly n: number }[];
  readonly timelines: readonly {
    readonly tjp: Address;
    readonly after: number;
    readonly tip: Address;
    readonly n: number;
  }[];
  readonly branches: readonly { readonly tjp: Address; readonly frames: readonly Address[] }[];
  readonly stones: readonly Address[];
}

export const nothingToSend: SendPlan = { held: [], timelines: [], branches: [], stones: [] };

export function isEmpty({ timelines, branches, stones }: SendPlan): boolean {
  return timelines.length === 0 && branches.length === 0 && stones.length === 0;
}

/** Which way the records of a root may go. */
export function directionOf({ down }: Root, ofSaga: Direction): Direction {
  return down === true ? "pull" : ofSaga;
}

/**
 * The tip that the receiver has of a root once the saga is committed, as far as it follows from what both have said. It is
 * the sender's to choose where its tip and the receiver's differ and it may bring them together; and where the receiver has
 * nothing of the root, how much of it comes: up to its tip, to an earlier frame, or none.
 */
function tipAfter(
  root: Root,
  status: RootStatus,
  ofSaga: Direction,
  chosen: FinalTip | undefined,
): FinalTip | undefined {
  const isPull = directionOf(root, ofSaga) === "pull";
  switch (status.status) {
    case "same":
      return tipOfSender(root);
    case "unknown":
      return isPull || !isOf(chosen, root) ? undefined : chosen;
    case "behind":
    case "diverged":
      return isPull ? tipOfReceiver(root, status) : chosen;
    case "ahead":
      return tipOfReceiver(root, status);
    case "waiting":
      return undefined;
  }
}

/**
 * The tips that a commit names: of each root in its turn what follows, or what was chosen.
 *
 * @param chosen By root address.
 */
export function finalTips(
  roots: readonly Root[],
  statuses: readonly RootStatus[],
  direction: Direction,
  chosen: ReadonlyMap<Address, FinalTip>,
): readonly FinalTip[] {
  return roots.flatMap(
    (root, at) => tipAfter(root, statuses[at]!, direction, chosen.get(root.address)) ?? [],
  );
}

/** Are these the tips that follow, with one of the sender's choice where there is a choice? */
export function areFinalTips(
  named: readonly FinalTip[],
  roots: readonly Root[],
  statuses: readonly RootStatus[],
  direction: Direction,
): boolean {
  const chosen = new Map(named.map((tip) => [tip.address, tip]));
  const expected = finalTips(roots, statuses, direction, chosen);
  return expected.length === named.length && expected.every((tip, at) => isSameTip(tip, named[at]));
}

export function isSameTip(a: FinalTip, b: FinalTip | undefined): boolean {
  return a.address === b?.address && a.tip === b.tip && a.n === b.n;
}

/** Do two lists of a turn say the same? */
export function isSameList(some: readonly Json[], others: readonly Json[]): boolean {
  return sameJson([...some], [...others]);
}

/** Is this the root's tip, or a frame of its timeline? */
function isOf(chosen: FinalTip | undefined, { address, tip }: Root): chosen is FinalTip {
  if (chosen === undefined) return false;
  return chosen.tip === tip || chosen.tip === address || tjpHashOf(chosen.tip) === hashOf(address);
}

function tipOfSender({ address, tip, n }: Root): FinalTip | undefined {
  return tip === undefined || n === undefined ? undefined : { address, tip, n };
}

function tipOfReceiver({ address }: Root, { tip, n }: Omit<FinalTip, "address">): FinalTip {
  return { address, tip, n };
}

/** A tip that changes; `from` is undefined where there is none yet. A stone's move goes to the stone itself. */
export interface RootMove {
  readonly address: Address;
  readonly from: Address | undefined;
  readonly to: Address;
}

/** What follows of so many roots from comparing: both sides have them alike. */
export function sameOnBoth(count: number): readonly RootStatus[] {
  return Array.from({ length: count }, () => ({ status: "same" }));
}

/** What was said of each root, by its address. */
export function statusesByRoot(
  roots: readonly Root[],
  statuses: readonly RootStatus[],
): ReadonlyMap<Address, RootStatus> {
  return new Map(roots.map(({ address }, at) => [address, statuses[at]!]));
}

/** The receiver's tips that change: where it takes what the sender names. */
export function movesOfReceiver(
  roots: readonly Root[],
  statuses: readonly RootStatus[],
  final: readonly FinalTip[],
): readonly RootMove[] {
  const statusOf = statusesByRoot(roots, statuses);
  return final.flatMap(({ address, tip }): RootMove[] => {
    const status = statusOf.get(address);
    if (status?.status === "unknown") return [{ address, from: undefined, to: tip }];
    const isTaken = status?.status === "behind" || status?.status === "diverged";
    return isTaken && status.tip !== tip ? [{ address, from: status.tip, to: tip }] : [];
  });
}

/** The statuses once others have moved tips of the receiver: of those the sender's is another. */
export function statusesAfter(
  roots: readonly Root[],
  statuses: readonly RootStatus[],
  moved: readonly FinalTip[],
): readonly RootStatus[] {
  const tips = new Map(moved.map((tip) => [tip.address, tip]));
  return roots.map(({ address }, at): RootStatus => {
    const now = tips.get(address);
    return now === undefined ? statuses[at]! : { status: "diverged", tip: now.tip, n: now.n };
  });
}

/** Bit i, lowest first in each byte, says whether entry i is wanted. */
export function toBitmap(wanted: readonly boolean[]): string {
  let hex = "";
  for (let at = 0; at < wanted.length; at += 8) {
    let byte = 0;
    for (let bit = 0; bit < 8; bit++) if (wanted[at + bit]) byte |= 1 << bit;
    hex += byte.toString(16).padStart(2, "0");
  }
  return hex;
}

/** The wants of `count` entries, or undefined when the bitmap is not of that length or sets a bit beyond. */
export function fromBitmap(hex: string, count: number): boolean[] | undefined {
  const wanted = Array.from({ length: count }, (_, at) => {
    const byte = Number.parseInt(hex.slice(2 * (at >> 3), 2 * (at >> 3) + 2), 16);
    return ((byte >> (at & 7)) & 1) === 1;
  });
  return toBitmap(wanted) === hex ? wanted : undefined;
}
