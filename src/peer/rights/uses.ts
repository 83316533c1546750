import { KeysagaError } from "../../base/index.js";
import { gibOf } from "../../ibgib/index.js";
import type { CellChange, Space } from "../../space/index.js";
import { cellKinds, changeCell, readCell } from "../home/cells.js";
import type { Granted } from "./granted.js";

/**
 * The change that counts one more use of a grant, for a commit that is that use. Calls at once find the same count:
 * one of their commits is made, the others move and ask again.
 *
 * @returns None where the grant's uses are not counted; undefined where it is used up.
 */
export async function useOf(
  space: Space,
  { address, uses }: Granted,
): Promise<readonly CellChange[] | undefined> {
  if (uses === undefined) return [];
  const cell = await readCell(space, cellKinds.uses, gibOf(address));
  const count = (cell.value?.count ?? 0) + 1;
  return count > uses ? undefined : [changeCell(cell, { count })];
}

/**
 * Uses a grant once, durably: exactly as many calls get through as it allows, however many there are at once. A use that
 * was claimed is spent, whatever comes of it.
 *
 * @param unmoved What has to be as it was when the grant was found in force (`Rights.unmoved`).
 * @returns Whether it was used; if not, something of `unmoved` had moved.
 * @throws KeysagaError `grant_used_up`
 */
export async function claimUse(
  space: Space,
  granted: Granted,
  unmoved: readonly CellChange[] = [],
): Promise<boolean> {
  // Each round that fails is one in which another call got through, so there are at most as many as uses.
  for (;;) {
    const counted = await useOf(space, granted);
    if (!counted) throw new KeysagaError("grant_used_up", { uses: granted.uses });
    const [use] = counted;
    if (!use) return true;
    const result = await space.commit({
      holder: granted.issuer,
      sight: { holders: [] },
      cells: [use, ...unmoved],
    });
    if (result.kind === "committed") return true;
    if (result.kind === "moved" && result.cells.some((key) => key !== use.key)) return false;
  }
}
