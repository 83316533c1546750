import { KeysagaError } from "../base/index.js";
import {
  type Address,
  checkFirst,
  checkMaker,
  checkSuccessor,
  holderOf,
  type IbGib,
  isFrame,
  isPrimitive,
  isReservedIb,
  isTjp,
  type Link,
  linksOf,
  mayStayAway,
  previousOf,
  tjpOf,
} from "../ibgib/index.js";
import { Inheritance } from "./inheritance.js";
import { referenceOf, referencesOf } from "./references.js";
import { type CheckedRecord, type Found, Presence, recordRow, type StagedPart } from "./presence.js";
import { Relations, storedRelation } from "./relations.js";
import type { Holder, Sight } from "./space.js";
import type { Reader } from "./store.js";
import { hasTip } from "./timelines.js";

/** In whose name records come, what they may build on, and what was staged before them. */
export interface Standing {
  readonly holder: Holder;
  /** Counts `holder`. */
  readonly sight: Sight | "anyone";
  readonly staged: StagedPart;
  /** Are the records that are to be checked staged already? Else those that are, are passed over. */
  readonly isStaged?: boolean;
  /** Targets that were declared to stay away. */
  readonly references?: ReadonlySet<Address> | undefined;
}

export interface CheckResult {
  /** Those that have to be stored, in the order they came: not those that `holder` holds or the stage has. */
  readonly checked: readonly CheckedRecord[];
  /** Links that lead nowhere. Where there are any, the rest of the result is of no use. */
  readonly missing: readonly Address[];
}

/**
 * Checks that each record, in its turn, links only to what is present or came before it, and that each frame
 * continues its timeline. So whatever set passes is closed. Costs one look-up a record and one a link.
 *
 * @param records Admitted, dependencies first.
 * @throws KeysagaError `chain_refused`, `reserved_record`.
 */
export function checkRecords(reader: Reader, standing: Standing, records: readonly IbGib[]): CheckResult {
  return new RecordCheck(reader, standing).run(records);
}

class RecordCheck {
  readonly #reader: Reader;
  readonly #standing: Standing;
  readonly #presence: Presence;
  readonly #relations: Relations;
  readonly #checked = new Map<Address, CheckedRecord>();
  readonly #missing = new Set<Address>();
  /** Frames of one timeline link one first frame again and again. */
  readonly #found = new Map<Address, Found>();
  /** What is not present and may come in this call: frames carry the same links again and again. */
  readonly #absent = new Set<Address>();
  /** What frames carry on that is not present itself. */
  readonly #carried = new Map<Address, Found>();
  readonly #tipped = new Map<Address, boolean>();

  constructor(reader: Reader, standing: Standing) {
    const { sight, staged } = standing;
    this.#reader = reader;
    this.#standing = standing;
    this.#presence = new Presence(reader, sight, staged);
    this.#relations = new Relations((key) => staged.records.get(key)?.adds ?? storedRelation(reader, key));
  }

  run(records: readonly IbGib[]): CheckResult {
    for (const record of records) if (!this.#isKnown(record)) this.#check(record);
    return { checked: [...this.#checked.values()], missing: [...this.#missing] };
  }

  #isKnown(record: IbGib): boolean {
    if (isPrimitive(record.address) || this.#checked.has(record.address)) return true;
    const { holder, isStaged = false } = this.#standing;
    return isStaged ? this.#presence.isCommittedFor(holder, record) : this.#presence.isHeldBy(holder, record);
  }

  #check(record: IbGib): void {
    if (isReservedIb(record.ib)) throw new KeysagaError("reserved_record");
    const parent = this.#checkChain(record);
    const inheritance = new Inheritance(record, this.#presence, this.#find);
    const links: Address[] = [];
    const references: Address[] = [];
    const timelines = new Set<Address>();
    const inherited = new Set<string>();
    if (parent?.relation !== undefined) inherited.add(parent.relation);
    for (const link of linksOf(record)) {
      const { target, isExact } = link;
      links.push(target);
      if (this.#standing.references?.has(target) && mayStayAway(record, link)) {
        if (!inheritance.isCarried(target)) references.push(target);
        continue;
      }
      const found = this.#find(target) ?? (inheritance.carries(target) ? this.#known(target) : undefined);
      if (found === undefined) this.#miss(record, link);
      else if (found.isTjp && !isExact) timelines.add(target);
      else if (found.relation !== undefined) inherited.add(found.relation);
    }
    const isHolder = references.length > 0 && !isFrame(record);
    const come = this.#openFor(record).filter((target) => !references.includes(target) && this.#find(target));
    this.#checked.set(record.address, {
      record,
      isTjp: isTjp(record),
      ...this.#relations.add(
        record.gib,
        isHolder ? new Set([...timelines, record.address]) : timelines,
        inherited,
      ),
      links,
      references,
      come,
      untipped: [...timelines].filter(
        (timeline) => !this.#hasTip(timeline) && !inheritance.hasFollowed(timeline),
      ),
    });
  }

  /**
   * What stays away from a stone as it lies here, in whosever name. A stone is the same for everybody who makes it: who brings it
   * with all that it links must not be left without by somebody who did not. Frames have their references by what was told of them.
   */
  #openFor(record: IbGib): Address[] {
    if (isFrame(record) || record.rel8ns === undefined) return [];
    if (recordRow(this.#reader, record.gib) === undefined) return []; // nobody brought it before
    const filed = referencesOf(this.#reader, record.address);
    return filed.flatMap(({ target, isOpen }) => (isOpen ? [target] : []));
  }

  #miss(record: IbGib, link: Link): void {
    const isFiled =
      mayStayAway(record, link) && referenceOf(this.#reader, holderOf(record), link.target) !== undefined;
    if (!isFiled) this.#missing.add(link.target);
  }

  /** The frame before, for a frame that has one and whose frame before is there. */
  #checkChain(record: IbGib): Found | undefined {
    const previous = previousOf(record);
    if (previous === undefined) {
      if (isFrame(record)) checkFirst(record);
      return undefined;
    }
    const parent = this.#find(previous);
    if (parent === undefined) return undefined;
    checkSuccessor(record, parent.record);
    const first = this.#find(tjpOf(parent.record) ?? previous);
    if (first !== undefined) checkMaker(record, first.record); // else it is missing, as a link
    return parent;
  }

  readonly #find = (address: Address): Found | undefined => {
    const known = this.#checked.get(address) ?? this.#found.get(address);
    if (known !== undefined || this.#absent.has(address)) return known;
    const found = this.#presence.find(address);
    if (found === undefined) this.#absent.add(address);
    else this.#found.set(address, found);
    return found;
  };

  #known(address: Address): Found | undefined {
    const found = this.#carried.get(address) ?? this.#presence.known(address);
    if (found !== undefined) this.#carried.set(address, found);
    return found;
  }

  #hasTip(timeline: Address): boolean {
    const known = this.#tipped.get(timeline) ?? hasTip(this.#reader, timeline);
    this.#tipped.set(timeline, known);
    return known;
  }
}
