import { type Address, gibOf, type IbGib, ownerOf, withinOf } from "../../ibgib/index.js";
import { listKindOf, listKinds, listLimits, type ListsOf, listsOf } from "../../lists/index.js";
import type { Look } from "../../space/index.js";
import { cellKinds } from "./cells.js";

/** Whose lists say who may read and write a timeline: those of the outermost timeline of its owner that it is within. */
export interface Ruling {
  /** The first frame of that timeline, by address. */
  readonly timeline: Address;
  readonly owner: Address;
  /** Are all first frames here that lead there? Else there may be one further out. */
  readonly isWhole: boolean;
}

/**
 * Finds the timeline whose lists rule the one that `first` founds. Where the one that it is within is not here, nobody can
 * tell who owns that: it rules where a list of it by the same owner is here, else the inner one has lists of its own.
 *
 * @param look A look-up for each timeline that it is within.
 * @returns undefined for a timeline without an owner, a list, and one that lies deeper than lists reach: there only the
 *   owner may do anything.
 */
export function rulingOf(first: IbGib, look: Pick<Look, "record" | "cell">): Ruling | undefined {
  const owner = ownerOf(first);
  if (owner === undefined || listKindOf(first) !== undefined) return undefined;
  let at = first;
  for (let depth = 0; depth <= listLimits.withinDepthMax; depth++) {
    const inner = { timeline: at.address, owner };
    const within = withinOf(at);
    if (within === undefined || within === at.address) return { ...inner, isWhole: true };
    const outer = look.record(within);
    if (outer === undefined)
      return { ...(hasList(look, within, owner) ? { timeline: within, owner } : inner), isWhole: false };
    if (ownerOf(outer) !== owner || listKindOf(outer) !== undefined) return { ...inner, isWhole: true };
    at = outer;
  }
  return undefined;
}

function hasList({ cell }: Pick<Look, "cell">, timeline: Address, owner: Address): boolean {
  const lists = listsRuling({ timeline, owner });
  return listKinds.some((kind) => cell(cellKinds.listSize.prefix + gibOf(lists[kind])) !== undefined);
}

/** Lists of timelines that were asked for, so that their addresses need not be computed again. */
const known = new Map<string, ListsOf>();
const knownMax = 4096;

/** The two lists of a timeline. Costs two hashes the first time. */
export function listsRuling({ timeline, owner }: Pick<Ruling, "timeline" | "owner">): ListsOf {
  const key = `${timeline} ${owner}`;
  const found = known.get(key) ?? listsOf(timeline, owner);
  known.delete(key);
  known.set(key, found);
  const [oldest] = known.keys();
  if (known.size > knownMax && oldest !== undefined) known.delete(oldest);
  return found;
}
