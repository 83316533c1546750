import { type Address, type IbGib, ownerOf, withinOf } from "../../ibgib/index.js";
import { listKindOf, listLimits, type ListsOf, listsOf } from "../../lists/index.js";

/** Whose lists say who may read and write a timeline: those of the outermost timeline of its owner that it is within. */
export interface Ruling {
  /** The first frame of that timeline, by address. */
  readonly timeline: Address;
  readonly owner: Address;
  /** Are all first frames here that lead there? Else there may be one further out. */
  readonly isWhole: boolean;
}

/**
 * Finds the timeline whose lists rule the one that `first` founds. Where the one that it is within is not here, that one's
 * lists rule, as far as is known here.
 *
 * @param record A look-up by address, one for each timeline that it is within.
 * @returns undefined for a timeline without an owner, a list, and one that lies deeper than lists reach: there only the
 *   owner may do anything.
 */
export function rulingOf(first: IbGib, record: (address: Address) => IbGib | undefined): Ruling | undefined {
  const owner = ownerOf(first);
  if (owner === undefined || listKindOf(first) !== undefined) return undefined;
  let at = first;
  for (let depth = 0; depth <= listLimits.withinDepthMax; depth++) {
    const within = withinOf(at);
    if (within === undefined || within === at.address) return { timeline: at.address, owner, isWhole: true };
    const outer = record(within);
    if (outer === undefined) return { timeline: within, owner, isWhole: false };
    if (ownerOf(outer) !== owner || listKindOf(outer) !== undefined)
      return { timeline: at.address, owner, isWhole: true };
    at = outer;
  }
  return undefined;
}

/** Lists of timelines that were asked for, so that their addresses need not be computed again. */
const known = new Map<string, ListsOf>();
const knownMax = 4096;

/** The two lists of a timeline. Costs two hashes the first time. */
export function listsRuling({ timeline, owner }: Ruling): ListsOf {
  const key = `${timeline} ${owner}`;
  const found = known.get(key) ?? listsOf(timeline, owner);
  known.delete(key);
  known.set(key, found);
  const [oldest] = known.keys();
  if (known.size > knownMax && oldest !== undefined) known.delete(oldest);
  return found;
}
