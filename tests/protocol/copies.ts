import type { Address } from "../../src/ibgib/index.js";
import { type Commit, InnerSpace, type Space, type Tip } from "../../src/space/index.js";

/**
 * A copy of a space as it is now, as a backup of a home has it: proofs, cells, and timelines whose frames link nothing
 * else.
 */
export async function copyOf(space: Space, holder: Address): Promise<InnerSpace> {
  const copy = new InnerSpace();
  const commit = (changes: Partial<Commit>) =>
    copy.commit({ holder, sight: { holders: [holder] }, ...changes });
  const tips: Tip[] = [];
  const groups = new Set<Address>();
  for await (const found of space.scan()) {
    if (found.kind === "tip") tips.push(found.tip);
    if (found.kind === "proof") groups.add(found.group);
    if (found.kind === "cell")
      await commit({ cells: [{ key: found.key, from: undefined, to: found.value }] });
  }
  for (const group of groups)
    await commit({ proofs: (await space.proofs(group)).map((record) => ({ group, record })) });
  for (const { tjp, address, n } of tips) {
    const puts = await space.frames(tjp, 0, n);
    await commit({ puts, tips: [{ tjp, from: undefined, to: address }] });
  }
  return copy;
}
