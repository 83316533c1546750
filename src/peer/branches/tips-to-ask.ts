import { isLimit } from "../../base/index.js";
import { isListAddress } from "../../lists/index.js";
import type { Ask, Root, RootStatus } from "../../saga/index.js";
import type { Space } from "../../space/index.js";
import { isInHistory } from "../session/send-plan.js";
import { locatorOf } from "./locator.js";
import { type Merging, walkLimits } from "./merging.js";

export type Different = Extract<RootStatus, { status: "behind" | "diverged" }>;

export function isDifferent(status: RootStatus): status is Different {
  return status.status === "behind" || status.status === "diverged";
}

/** Which of the receiver's tips does this space not hold? With what it takes the receiver to find what both have. */
export async function tipsToAsk(
  space: Space,
  roots: readonly Root[],
  statuses: readonly RootStatus[],
  { options }: Merging,
): Promise<readonly Ask[]> {
  const asks = roots.map(async ({ address, tip, n }, at) => {
    const status = statuses[at]!;
    if (tip === undefined || n === undefined || !isDifferent(status)) return [];
    if (isListAddress(address)) return []; // what came of it came ahead
    const own = { tjp: address, tip, n };
    const isHere = isInHistory(space, status, own, options).catch((thrown: unknown) => {
      if (!isLimit(thrown, walkLimits)) throw thrown;
      return true; // nothing is asked for that is left in any case
    });
    if (await isHere) return [];
    return [{ address, locator: [...(await locatorOf(space, own))] }];
  });
  return (await Promise.all(asks)).flat();
}
