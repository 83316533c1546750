import { KeysagaError } from "../../base/index.js";
import { type Address, type IbGib, ownerOf } from "../../ibgib/index.js";
import { type Change, changeList, firstOfList, type ListKind, refuseList } from "../../lists/index.js";
import { type MergeFunctions, mergeFunctions, overlaid } from "../../merge/index.js";
import type { Look } from "../../space/index.js";
import { pauseAfterLoss } from "../home/backoff.js";
import type { Identity } from "../home/identity.js";
import { firstFrame } from "../home/list-rows.js";
import { madeChanges } from "../home/made.js";
import type { Platform } from "../home/platform.js";
import { rulingOf } from "../home/rulings.js";
import { listCommit } from "./list-commit.js";

/** What writing a list takes from outside. */
export interface WritingLists extends Pick<Platform, "random" | "timers"> {
  /** Merge functions beside the built-in one, for timelines in which something else counts by what is written. */
  readonly functions?: MergeFunctions;
}

/** How often a frame is made anew because another call or process of this home wrote the list first. */
const triesMax = 64;

/**
 * Writes frames of a list of one's own timeline, all or none. Durable when this resolves.
 *
 * @param plan What each frame changes, by the rows as they are; asked again where others were first.
 * @returns Whether there was anything to write.
 * @throws KeysagaError `not_found`, `not_owner`; `list_refused`, rule `within` where the timeline has the lists of another;
 *   `limit_exceeded` where the list would have more entries than it may; and what `plan` throws.
 */
export async function writeList(
  { space, address }: Identity,
  kind: ListKind,
  timeline: Address,
  plan: (look: Look, list: Address) => readonly (readonly Change[])[],
  { functions = mergeFunctions(), ...platform }: WritingLists,
): Promise<boolean> {
  const first = firstOfList(kind, timeline, address);
  for (let losses = 0; losses < triesMax; losses++) {
    if (losses > 0) await pauseAfterLoss(platform, losses);
    const tip = await space.tip(first.address);
    const changes = await space.look((look) => {
      checkRules(look, timeline, address);
      return plan(look, first.address);
    });
    if (changes.length === 0) return false;
    const before = tip ? await space.get(tip.address) : first;
    if (!before) throw new KeysagaError("store_damaged", { missing: "a frame" });
    const frames: IbGib[] = [];
    for (const each of changes) frames.push(changeList(frames.at(-1) ?? before, each));
    const puts = tip ? frames : [first, ...frames];
    const to = puts.at(-1)?.address ?? before.address;
    const move = { tjp: first.address, from: tip?.address, to };
    const keeping = { space, self: address, functions, options: {} };
    const moved = await listCommit(keeping, overlaid(space, puts), [move]);
    const result = await space.commit({
      holder: address,
      sight: "anyone",
      puts: [...puts, ...moved.puts],
      tips: moved.tips,
      cells: [...moved.cells, ...(await madeChanges(space, frames))],
    });
    if (result.kind === "committed") return true;
    if (result.kind === "notClosed") throw new KeysagaError("not_closed", { missing: result.missing.length });
  }
  throw new KeysagaError("tip_moved", { tries: triesMax });
}

/** @throws KeysagaError `not_found`, `not_owner`, `list_refused` (`within`, `unruled`). */
function checkRules(look: Look, timeline: Address, owner: Address): void {
  const first = firstFrame(look, timeline);
  if (ownerOf(first) !== owner) throw new KeysagaError("not_owner");
  const ruling = rulingOf(first, look);
  if (ruling === undefined) refuseList("unruled");
  else if (ruling.timeline !== timeline) refuseList("within");
}
