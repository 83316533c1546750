import type { Address } from "../../ibgib/index.js";
import { headsOf } from "../../merge/index.js";
import { sagaLimits } from "../../saga/index.js";
import type { Space } from "../../space/index.js";

/** Frames of a chain that are named one by one before the gaps begin to double. */
const closeFrames = 8;

/**
 * Frames of a timeline's history, newest first, for the other side to find what both have: the tip, the heads it brings
 * together, and frames of its chain, closely spaced at first and then ever more widely, down to the first one.
 */
export async function locatorOf(
  space: Space,
  { tjp, tip, n }: { readonly tjp: Address; readonly tip: Address; readonly n: number },
): Promise<readonly Address[]> {
  const chain = await Promise.all(spacedBelow(n).map((at) => space.frameAt(tjp, at)));
  const heads = await headsOf(tip, space);
  const room = sagaLimits.locatorMax - 2 - chain.length;
  const named = [tip, ...heads.slice(0, room), ...chain.flatMap((address) => address ?? []), tjp];
  return [...new Set(named)];
}

/** Numbers below `n`: n - 1, n - 2, … n - 8, n - 10, n - 14, n - 22 … */
function spacedBelow(n: number): number[] {
  const numbers: number[] = [];
  for (let at = n - 1, gap = 1; at > 0; at -= gap) {
    numbers.push(at);
    if (numbers.length >= closeFrames) gap *= 2;
  }
  return numbers;
}
