import { type Address, holderOf, isFrame, previousOf } from "../ibgib/index.js";
import { rowBytesOf } from "./batches.js";
import type { CheckedRecord } from "./presence.js";
import type { Reference, ReferenceTo } from "./space.js";
import { isIndexed, numberOf } from "./timelines.js";

/** A reference that a record brings. */
export type BroughtReference = Omit<Reference, "isOpen">;

/** A frame that the index of its timeline will name. */
export interface IndexedFrame {
  readonly n: number;
  readonly address: Address;
}

/** Frames of one timeline that were staged one after another. */
interface Run {
  /** The frame before the first of them; undefined where that is the first of the timeline. */
  readonly base: Address | undefined;
  readonly baseN: number;
  readonly indexed: IndexedFrame[];
}

/** The number before any frame's: an unnumbered first frame stands at -1. */
export const beforeFirst = -2;

/**
 * What has to be remembered of checked records so that a commit need not read them again. Its size is the width of
 * what is staged (records nothing links to, timelines, and one in 32 frames), not the number of records.
 */
export class StageTracker {
  /** Records that no later one links to: whatever reaches all of them reaches everything. */
  readonly #heads: Set<Address>;
  readonly #untipped: Set<Address>;
  /** By the newest frame of each. */
  readonly #runs: Map<Address, Run>;
  readonly #references: BroughtReference[];
  readonly #come: ReferenceTo[];
  #bytes: number;

  private constructor(
    heads: Iterable<Address>,
    untipped: Iterable<Address>,
    runs: Iterable<[Address, Run]>,
    references: readonly BroughtReference[],
    come: readonly ReferenceTo[],
    bytes: number,
  ) {
    this.#heads = new Set(heads);
    this.#untipped = new Set(untipped);
    this.#runs = new Map(runs);
    this.#references = [...references];
    this.#come = [...come];
    this.#bytes = bytes;
  }

  static empty(): StageTracker {
    return new StageTracker([], [], [], [], [], 0);
  }

  /** Links that came and whose targets stay away. */
  get references(): readonly BroughtReference[] {
    return this.#references;
  }

  /** References of stones that others brought without what is there for them now. */
  get come(): readonly ReferenceTo[] {
    return this.#come;
  }

  /** What all of it takes on a disk where nobody else has it. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Timelines that were linked to while they had no committed tip. */
  get untipped(): ReadonlySet<Address> {
    return this.#untipped;
  }

  /** Takes in records in the order they were checked. */
  add(checked: readonly CheckedRecord[]): void {
    for (const each of checked) {
      const { record, links, untipped, references, come } = each;
      this.#bytes += rowBytesOf(each);
      const holder = holderOf(record);
      for (const target of references) this.#references.push({ holder, target, by: record.address });
      for (const target of come) this.#come.push({ holder, target });
      for (const link of links) this.#heads.delete(link);
      this.#heads.add(record.address);
      for (const timeline of untipped) this.#untipped.add(timeline);
      if (isFrame(record)) this.#addFrame(record.address, numberOf(record), previousOf(record));
    }
  }

  /** This tracker with more taken in; it stays as it is itself. */
  with(checked: readonly CheckedRecord[]): StageTracker {
    if (checked.length === 0) return this;
    const runs = [...this.#runs].map(([newest, run]): [Address, Run] => [
      newest,
      { ...run, indexed: [...run.indexed] },
    ]);
    const grown = new StageTracker(
      this.#heads,
      this.#untipped,
      runs,
      this.#references,
      this.#come,
      this.#bytes,
    );
    grown.add(checked);
    return grown;
  }

  /** Was it staged, with nothing linking to it? */
  isHead(address: Address): boolean {
    return this.#heads.has(address);
  }

  /** Is all that was staged in the closure of `tops`? */
  isCoveredBy(tops: ReadonlySet<Address>): boolean {
    for (const head of this.#heads) if (!tops.has(head)) return false;
    return true;
  }

  /** The run of frames that ends with `newest`. */
  runEndingAt(newest: Address): Readonly<Run> | undefined {
    return this.#runs.get(newest);
  }

  #addFrame(address: Address, n: number, previous: Address | undefined): void {
    const run = (previous && this.#runs.get(previous)) ?? {
      base: previous,
      baseN: previous === undefined ? beforeFirst : n - 1,
      indexed: [],
    };
    if (previous !== undefined) this.#runs.delete(previous);
    if (isIndexed(n)) run.indexed.push({ n, address });
    this.#runs.set(address, run);
  }
}
