import { type Address, gibOf, tjpHashOf } from "../../ibgib/index.js";
import { isListAddress } from "../../lists/index.js";
import type { FinalTip, Root, SendPlan, Told } from "../../saga/index.js";
import type { Tip } from "../../space/index.js";
import type { NumberedTip } from "../session/send-plan.js";

/** What both sides have said of roots so far. */
export type Outset = Pick<Told, "roots" | "statuses" | "found">;

/** A root that this side is ahead on: what the sender was told, and what it has. */
export interface Ahead {
  readonly now: Tip;
  readonly theirs: NumberedTip | undefined;
}

/** Of a list what the sender lacks goes ahead of all else. */
export function aheadOf({ roots, statuses }: Outset): readonly Ahead[] {
  return roots.flatMap(({ address, tip, n }, at) => {
    const status = statuses[at]!;
    if (status.status !== "ahead" || isListAddress(address)) return [];
    const theirs = tip === undefined || n === undefined ? undefined : { tip, n };
    return [{ now: { tjp: address, address: status.tip, n: status.n }, theirs }];
  });
}

/** The roots, without targets of references of which the sender is told nothing. */
export function rootsAnswered({ roots, statuses }: Outset): readonly Address[] {
  const isTold = ({ by }: Root, at: number) => by === undefined || statuses[at]!.status !== "unknown";
  return roots.filter(isTold).map(({ address }) => address);
}

/** Up to which tip the sender has its roots, or has been sent them. */
export function heldBySender({ roots, statuses }: Outset): SendPlan["held"] {
  return roots.flatMap(({ address, tip, n }, at) => {
    const status = statuses[at]!;
    if ("tip" in status) return [{ tjp: address, tip: status.tip, n: status.n }];
    if (status.status !== "same" || tip === undefined || n === undefined) return [];
    return [{ tjp: address, tip, n }];
  });
}

export function foundBeyond(roots: readonly Root[], reachable: readonly Tip[]): readonly Tip[] {
  const named = new Set(roots.map(({ address }) => address));
  return reachable.filter(({ tjp }) => !named.has(tjp));
}

export const finalTipOf = ({ tjp, address, n }: Tip): FinalTip => ({ address: tjp, tip: address, n });

export const numbered = ({ tjp, address, n }: Tip) => ({ tjp, tip: address, n });

export function isFrameOf(tip: Address, tjp: Address): boolean {
  return tip === tjp || tjpHashOf(tip) === gibOf(tjp);
}
