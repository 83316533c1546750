import { type Address, type IbGib, makerOf, tjpOf } from "../../ibgib/index.js";
import type { FinalTip } from "../../saga/index.js";
import type { Space } from "../../space/index.js";
import type { OpenLink } from "./sender-commit.js";

/**
 * The links of these roots, and of stones that they lead to, that this space has only as references, with who has put each.
 * Reads two records for each.
 */
export async function openLinks(space: Space, roots: readonly FinalTip[]): Promise<readonly OpenLink[]> {
  const filed = await space.referencesFrom(roots.map(({ address }) => address));
  const open = filed.filter(({ isOpen }) => isOpen);
  const records = await space.getMany(open.map(({ by }) => by));
  const links = open.map(async ({ holder, target }, at) => ({
    holder,
    target,
    maker: await makerOfLink(space, records[at]),
  }));
  return Promise.all(links);
}

async function makerOfLink(space: Space, record: IbGib | undefined): Promise<Address | undefined> {
  const tjp = record && tjpOf(record);
  const first = tjp && (await space.get(tjp));
  return record && first ? makerOf(record, first) : undefined;
}
