import { type Address, type IbGib, isMerge, isTjp, makerOf, ownerOf } from "../../ibgib/index.js";
import { firstOfList, foldList, isSetAside, listsOf, type ListState } from "../../lists/index.js";
import type { Disk } from "./disk.js";
import { recordOn, tipOn } from "./disk-watch.js";
import { parentsOf } from "./ledger.js";

/**
 * A head that a disk shows and that does not count there, by the frames of the lists that are on it: the rows that are
 * kept of what lists say are not looked at.
 *
 * @param ruler The timeline whose lists rule it.
 * @param self Whose disk it is: its own frames it shows in any case.
 */
export function wronglyShown(
  disk: Disk,
  timeline: Address,
  ruler: Address,
  self: Address,
): Address | undefined {
  const [tip, first] = [tipOn(disk, timeline), recordOn(disk, timeline)];
  const owner = first && ownerOf(first);
  if (tip === undefined || !first || owner === undefined) return undefined;
  const list = stateOf(disk, ruler, owner);
  return headsOn(disk, tip).find((head) => {
    const maker = makerOf(head, first);
    if (maker === owner || maker === self || isTjp(head)) return false;
    const [writer, said] = [maker && list.identities.get(maker), list.frames.get(head.address)];
    if (said && isSetAside(said)) return true;
    return (writer?.entries.length ?? 0) === 0 && !isBelowNamed(disk, head, list);
  })?.address;
}

/** The list of writers of a timeline, anew from its frames. */
function stateOf(disk: Disk, timeline: Address, owner: Address): ListState {
  const { writers } = listsOf(timeline, owner);
  const tip = tipOn(disk, writers);
  return foldList(firstOfList("writers", timeline, owner), tip === undefined ? [] : historyOn(disk, tip));
}

/** Is it named, or does a frame go on from it that is? */
function isBelowNamed(disk: Disk, head: IbGib, { frames }: ListState): boolean {
  return [...frames].some(
    ([frame, { isNamed }]) =>
      isNamed && historyOn(disk, frame).some(({ address }) => address === head.address),
  );
}

function historyOn(disk: Disk, tip: Address): readonly IbGib[] {
  const met = new Set([tip]);
  const found: IbGib[] = [];
  for (const at of met) {
    const frame = recordOn(disk, at);
    if (!frame) continue;
    found.push(frame);
    for (const parent of parentsOf(frame)) met.add(parent);
  }
  return found;
}

function headsOn(disk: Disk, tip: Address): readonly IbGib[] {
  const met = new Set([tip]);
  const heads: IbGib[] = [];
  for (const at of met) {
    const frame = recordOn(disk, at);
    if (frame && isMerge(frame)) for (const parent of parentsOf(frame)) met.add(parent);
    else if (frame) heads.push(frame);
  }
  return heads;
}
