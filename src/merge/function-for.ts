import { isStandIn, type MergeMark, mergeMarkOf } from "../ibgib/index.js";
import { ColouredWalk } from "./coloured-walk.js";
import { fieldsFunction } from "./fields.js";
import type { MergeFunction, MergeFunctions } from "./functions.js";
import { highestFunction } from "./highest-function.js";
import type { Frame, History } from "./history.js";

/**
 * How far down a merge is looked for. Whoever may write can name a function that nobody has: that is forgotten with
 * so many frames.
 */
const lookedAtMax = 64;

/**
 * The function for a timeline: the one that its kind was registered with, else the one that the newest merge names below
 * `from`, else `fields`. Where it is not here, the one that shows the highest head.
 */
export async function functionFor(
  from: readonly Frame[],
  history: History,
  functions: MergeFunctions,
): Promise<MergeFunction> {
  const registered = functions.for(await history.first());
  if (registered) return registered;
  const mark = await newestMark(from, history);
  return mark === undefined ? fieldsFunction : (functions.named(mark) ?? highestFunction);
}

/** What the newest merge names; a stand-in is none. */
async function newestMark(from: readonly Frame[], history: History): Promise<MergeMark | undefined> {
  const walk = new ColouredWalk();
  for (const frame of from) walk.reach(frame, 1);
  for (let left = lookedAtMax; left > 0 && walk.waits(1); left--) {
    const { frame } = walk.take();
    if (frame.isMerge && !isStandIn(frame.record)) return mergeMarkOf(frame.record);
    for (const parent of await history.parents(frame)) walk.reach(parent, 1);
  }
  return undefined;
}
