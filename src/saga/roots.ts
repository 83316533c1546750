import type { Address } from "../ibgib/index.js";
import type { Direction, FinalTip, Root, RootStatus } from "./messages.js";

/**
 * What has to travel one way: of each timeline the frames behind `after` (-1: all) up to `tip`, and these stones.
 * `held` says how far the other side has timelines of which nothing travels.
 */
export interface SendPlan {
  readonly held: readonly { readonly tjp: Address; readonly n: number }[];
  readonly timelines: readonly {
    readonly tjp: Address;
    readonly after: number;
    readonly tip: Address;
    readonly n: number;
  }[];
  readonly stones: readonly Address[];
}

export const nothingToSend: SendPlan = { held: [], timelines: [], stones: [] };

export function isEmpty({ timelines, stones }: SendPlan): boolean {
  return timelines.length === 0 && stones.length === 0;
}

/**
 * The tips that the receiver has once the saga is committed: a function of what both sides have said, so that the
 * receiver can hold the sender's `commit` against it.
 */
export function finalTips(
  roots: readonly Root[],
  statuses: readonly RootStatus[],
  direction: Direction,
): readonly FinalTip[] {
  return roots.flatMap((root, at) => {
    const final = finalTip(root, statuses[at]!, direction);
    return final?.tip === undefined || final.n === undefined
      ? []
      : [{ address: root.address, tip: final.tip, n: final.n }];
  });
}

function finalTip(root: Root, status: RootStatus, direction: Direction): Pick<Root, "tip" | "n"> | undefined {
  switch (status.status) {
    case "same":
      return root;
    case "unknown":
      return direction === "pull" ? undefined : root;
    case "behind":
      return direction === "pull" ? status : root;
    case "ahead":
    case "diverged":
      return status;
  }
}

/** A tip that changes; `from` is undefined where there is none yet. A stone's move goes to the stone itself. */
export interface RootMove {
  readonly address: Address;
  readonly from: Address | undefined;
  readonly to: Address;
}

/** The receiver's tips that change: where it takes the sender's. */
export function movesOfReceiver(
  roots: readonly Root[],
  statuses: readonly RootStatus[],
  direction: Direction,
): readonly RootMove[] {
  if (direction === "pull") return [];
  return roots.flatMap(({ address, tip }, at): RootMove[] => {
    const status = statuses[at]!;
    if (tip === undefined) return [];
    if (status.status === "unknown") return [{ address, from: undefined, to: tip }];
    if (status.status === "behind") return [{ address, from: status.tip, to: tip }];
    return [];
  });
}

/** What the sender takes over: its roots that the receiver is ahead on, and what came along with them. */
export function movesOfSender(
  roots: readonly Root[],
  statuses: readonly RootStatus[],
  found: readonly FinalTip[],
  direction: Direction,
): readonly RootMove[] {
  if (direction === "push") return [];
  const ahead = roots.flatMap(({ address, tip }, at): RootMove[] => {
    const status = statuses[at]!;
    return status.status === "ahead" ? [{ address, from: tip, to: status.tip }] : [];
  });
  return [...ahead, ...found.map(({ address, tip }): RootMove => ({ address, from: undefined, to: tip }))];
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
