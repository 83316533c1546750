import { type Address, linksOf } from "../../ibgib/index.js";
import type { StagedRecord } from "../../space/index.js";

/** A root, or the target of a reference, and the records that it needs with all that they link. */
export interface Candidate {
  readonly address: Address;
  readonly tops: readonly Address[];
}

/** How often all that is staged may be walked over: many roots that do not fit may share what they need. */
const walksMax = 16;

/** What a commit of all candidates would have added, and the room that there is. */
export interface Refused {
  readonly bytes: number;
  readonly room: number;
}

/**
 * Those that do not fit, where all of them together do not. They are tried in their order: one that fits with those taken
 * before is taken, and what they share counts once. What a commit adds beside records counts for all of them alike.
 */
export function whatIsLeft(
  candidates: readonly Candidate[],
  staged: readonly StagedRecord[],
  refused: Refused,
): readonly Address[] {
  const records = new Map(staged.map((each) => [each.record.address, each]));
  const walk = new Walk(records);
  const tops = candidates.flatMap((candidate) => candidate.tops);
  const all = sizeOf(walk.adds(tops, Number.POSITIVE_INFINITY) ?? []);
  const besideEach = Math.ceil((refused.bytes - all) / candidates.length);
  let { room } = refused;
  const left: Address[] = [];
  for (const candidate of candidates) {
    const added = walk.adds(candidate.tops, room - besideEach);
    if (added === undefined) left.push(candidate.address);
    else {
      room -= sizeOf(added) + (added.length > 0 ? besideEach : 0);
      walk.take(added);
    }
  }
  return left;
}

class Walk {
  readonly #taken = new Set<Address>();
  #steps = 0;

  constructor(private readonly records: ReadonlyMap<Address, StagedRecord>) {}

  /** What is reached from `tops` and not taken; undefined where that is more than `room`. */
  adds(tops: readonly Address[], room: number): readonly StagedRecord[] | undefined {
    const added = new Map<Address, StagedRecord>();
    let bytes = 0;
    const open = [...tops];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const found = this.records.get(at);
      if (found === undefined || this.#taken.has(at) || added.has(at)) continue;
      added.set(at, found);
      bytes += found.bytes;
      if (bytes > room || ++this.#steps > walksMax * this.records.size) return undefined;
      for (const { target } of linksOf(found.record)) open.push(target);
    }
    return [...added.values()];
  }

  take(added: readonly StagedRecord[]): void {
    for (const { record } of added) this.#taken.add(record.address);
  }
}

function sizeOf(records: readonly StagedRecord[]): number {
  return records.reduce((sum, { bytes }) => sum + bytes, 0);
}
