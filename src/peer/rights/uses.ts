import { KeysagaError } from "../../base/index.js";
import type { Address } from "../../ibgib/index.js";
import type { Entry } from "../../lists/index.js";
import type { CellChange, Space } from "../../space/index.js";
import { changeCell } from "../home/cells.js";
import { usesCell } from "./rights.js";

/**
 * The change that counts one more use of an entry, for a commit that is that use. Calls at once find the same count: one
 * of their commits is made, the others move and ask again.
 *
 * @returns None where the entry's uses are not counted; undefined where it is used up.
 */
export async function useOf(
  space: Space,
  { key, uses }: Pick<Entry, "key" | "uses">,
): Promise<readonly CellChange[] | undefined> {
  if (uses === undefined) return [];
  const cell = await space.look((look) => usesCell(look, key));
  const count = (cell.value?.count ?? 0) + 1;
  return count > uses ? undefined : [changeCell(cell, { count })];
}

/**
 * Uses an entry once, durably: exactly as many calls get through as it allows, however many there are at once. A use that
 * was claimed is spent, whatever comes of it.
 *
 * @param holder In whose name the commit is made: who uses it.
 * @param unmoved What has to be as it was when the entry was found in force (`Verdict.relied`).
 * @returns Whether it was used; if not, something of `unmoved` had moved.
 * @throws KeysagaError `entry_used_up`
 */
export async function claimUse(
  space: Space,
  holder: Address,
  entry: Pick<Entry, "key" | "uses">,
  unmoved: readonly CellChange[],
): Promise<boolean> {
  // Each round that fails is one in which another call got through, so there are at most as many as uses.
  for (;;) {
    const counted = await useOf(space, entry);
    if (!counted) throw new KeysagaError("entry_used_up", { uses: entry.uses });
    const [use] = counted;
    if (!use) return true;
    const result = await space.commit({ holder, sight: { holders: [] }, cells: [use, ...unmoved] });
    if (result.kind === "committed") return true;
    if (result.kind === "moved" && result.cells.some((key) => key !== use.key)) return false;
  }
}
