import {
  type Address,
  checkFirst,
  checkMaker,
  checkSuccessor,
  decodeRecord,
  gibOf,
  holderOf,
  type IbGib,
  ibOf,
  isFrame,
  isReservedIb,
  linksOf,
  mayStayAway,
  nOf,
  previousOf,
  readRecord,
  tjpOf,
} from "../../ibgib/index.js";
import type { Reference, Scanned, Space, Tip } from "../../space/index.js";
import { cellKinds, readCell } from "../home/cells.js";
import { branchesIb } from "../home/identity-branches.js";
import { partsIb } from "../rights/proof-parts.js";
import { SeenFilter } from "./seen-filter.js";
import { verifyPart, verifyProofs } from "./verify-attestations.js";
import { verifyBranchPlace, verifyCell, verifyFollowed, verifyKeystone } from "./verify-keystones.js";
import { detailOf, type Problem, problem } from "./verify-problem.js";

/** How much was looked at. */
export interface VerifyCounts {
  /** Domain records, and their bytes. */
  records: number;
  bytes: number;
  timelines: number;
  /** Frames met by walking back from the tips. */
  frames: number;
  keystones: number;
  /** Keystone frames and contexts. */
  proofs: number;
  cells: number;
  /** Links whose targets were declared to stay away. */
  references: number;
}

export type Verification =
  | { readonly kind: "problem"; readonly problem: Problem }
  /** Comes last. */
  | { readonly kind: "summary"; readonly counts: Readonly<VerifyCounts>; readonly problems: number };

export interface VerifyOptions {
  /** The identity whose space it has to be: an empty store is in order, and is not the one that was there. */
  readonly owner?: Address;
}

/**
 * Checks a whole space, and yields what is wrong with it as it is found.
 *
 * Re-hashes every record and proof; replays every keystone; looks up every link; walks back from every tip, checking
 * chain rules, numbers and the index of frames; and holds what the walks met against what the scan listed, because a
 * damaged store may list less than it has. Costs a hash and some look-ups a record; memory is bounded, whatever the
 * size of the space. A store that is damaged may crash the process that reads it: `verifyHome` does this in another.
 *
 * @throws KeysagaError `store_failed` and the like, when the space cannot be read on. What can be, is a problem.
 */
export async function* verifySpace(space: Space, options: VerifyOptions = {}): AsyncGenerator<Verification> {
  const verifier = new Verifier(space, options.owner);
  let problems = 0;
  for await (const found of verifier.run()) {
    problems++;
    yield { kind: "problem", problem: found };
  }
  yield { kind: "summary", counts: verifier.counts, problems };
}

/** Of what is wrong, so much is remembered to be looked at again or passed over; beyond it, the store is in ruins. */
const rememberedMax = 10_000;
/** A store's index names a frame every so often, by a power of two that is not smaller than this. */
const indexStep = 16;

class Verifier {
  readonly counts: VerifyCounts = {
    records: 0,
    bytes: 0,
    timelines: 0,
    frames: 0,
    keystones: 0,
    proofs: 0,
    cells: 0,
    references: 0,
  };
  readonly #seen = new SeenFilter();
  readonly #unlisted = new Set<Address>();
  /** Gibs whose bytes are wrong: reported once, and not looked into any further. */
  readonly #broken = new Set<string>();

  constructor(
    private readonly space: Space,
    private readonly owner: Address | undefined,
  ) {}

  async *run(): AsyncGenerator<Problem> {
    for await (const scanned of this.space.scan()) yield* this.#checkItself(scanned);
    for await (const scanned of this.space.scan()) yield* this.#checkLinks(scanned);
    yield* this.#reportUnlisted();
    if (this.owner !== undefined) yield* guarded(this.owner, this.#checkOwner(this.owner));
  }

  async *#checkOwner(owner: Address): AsyncGenerator<Problem> {
    const { value } = await readCell(this.space, cellKinds.self, "");
    if (value?.identity !== owner)
      yield problem(owner, "cell", "the store does not say that it is this identity's");
    if ((await this.space.proof(owner)) === undefined)
      yield problem(owner, "link_missing", "the identity itself");
  }

  /** The first pass: each thing by itself. */
  async *#checkItself(scanned: Scanned): AsyncGenerator<Problem> {
    switch (scanned.kind) {
      case "damaged":
        return yield problem(`${scanned.table} ${scanned.key}`, "unreadable");
      case "tip":
        this.counts.timelines++;
        return;
      case "reference":
        this.counts.references++;
        return;
      case "cell":
        this.counts.cells++;
        return yield* some(verifyCell(scanned.key, scanned.value));
      case "proof":
        this.counts.proofs++;
        return yield* this.#checkBytes(scanned.gib, scanned.bytes, true);
      case "record":
        this.counts.records++;
        this.counts.bytes += scanned.bytes.length;
        this.#seen.add(scanned.gib);
        return yield* this.#checkBytes(scanned.gib, scanned.bytes, false);
    }
  }

  *#checkBytes(gib: string, bytes: Uint8Array, isProof: boolean): Generator<Problem> {
    const found = checkBytes(gib, bytes, isProof);
    if (found === undefined) return;
    if (this.#broken.size < rememberedMax) this.#broken.add(gib);
    yield found;
  }

  /** The second pass: how things hang together. What does not even hash right was reported and is passed over. */
  async *#checkLinks(scanned: Scanned): AsyncGenerator<Problem> {
    switch (scanned.kind) {
      case "tip":
        return yield* this.#walk(scanned.tip);
      case "proof":
        if (ibOf(scanned.group) === partsIb) return yield* this.#checkPart(scanned, verifyPart);
        if (ibOf(scanned.group) === branchesIb) return yield* this.#checkPart(scanned, verifyBranchPlace);
        return yield* this.#checkGroup(scanned.gib, scanned.group);
      case "record":
        this.#seen.add(scanned.gib); // it may have been committed after the first pass
        if (this.#broken.has(scanned.gib)) return;
        return yield* guarded(`gib ${scanned.gib}`, this.#checkRecord(scanned.bytes));
      case "reference":
        return yield* guarded(scanned.reference.holder, this.#checkReference(scanned.reference));
      case "cell":
        return yield* guarded(scanned.key, this.#checkCell(scanned.key));
      case "damaged":
        return;
    }
  }

  async *#checkCell(key: string): AsyncGenerator<Problem> {
    yield* verifyProofs(this.space, key);
    yield* verifyFollowed(this.space, key);
  }

  async *#checkPart(
    { gib, group, bytes }: Scanned & { kind: "proof" },
    verify: (space: Space, record: IbGib, group: Address) => AsyncGenerator<Problem>,
  ): AsyncGenerator<Problem> {
    if (this.#broken.has(gib)) return;
    yield* guarded(group, verify(this.space, readRecord(bytes), group));
  }

  async *#checkGroup(gib: string, group: Address): AsyncGenerator<Problem> {
    if (gibOf(group) === gib) {
      this.counts.keystones++;
      return yield* guarded(group, verifyKeystone(this.space, group));
    }
    if (!this.#broken.has(gibOf(group))) yield* guarded(group, this.#checkFiling(gib, group));
  }

  /** What a frame or context is filed under is there, or was dropped with it meanwhile. */
  async *#checkFiling(gib: string, group: Address): AsyncGenerator<Problem> {
    if ((await this.space.proof(group)) !== undefined) return;
    const filed = await this.space.proofs(group);
    if (filed.length > 0) yield problem(group, "link_missing", `filed under it: ${gib}`);
  }

  async *#checkRecord(bytes: Uint8Array): AsyncGenerator<Problem> {
    const record = readRecord(bytes);
    const targets = [...new Set(linksOf(record).map(({ target }) => target))];
    for (const [at, isPresent] of (await this.#areThere(targets)).entries()) {
      const target = targets[at]!;
      if (isPresent) this.#meet(target);
      else if (!(await this.#isReference(record, target)))
        yield problem(record.address, "link_missing", target);
    }
    if (isFrame(record)) yield* this.#checkChain(record);
  }

  async #isReference(record: IbGib, target: Address): Promise<boolean> {
    const links = linksOf(record).filter((link) => link.target === target);
    if (!links.every((link) => mayStayAway(record, link))) return false;
    const filed = await this.space.references([holderOf(record)]);
    return filed.some((reference) => reference.target === target);
  }

  /** What a reference is filed by is here, and has that link. */
  async *#checkReference({ holder, target, by }: Reference): AsyncGenerator<Problem> {
    const record = await this.#read(by);
    const isRight =
      record !== undefined &&
      holderOf(record) === holder &&
      linksOf(record).some((link) => link.target === target && mayStayAway(record, link));
    if (!isRight) yield problem(holder, "link_missing", `a reference to ${target}`);
  }

  /** All at once; one by one where one of them is damaged, which is reported where it lies. */
  async #areThere(targets: readonly Address[]): Promise<readonly boolean[]> {
    try {
      return await this.space.hasMany(targets);
    } catch (thrown) {
      detailOf(thrown);
      return Promise.all(targets.map((target) => this.#isThereOrDamaged(target)));
    }
  }

  async #isThereOrDamaged(target: Address): Promise<boolean> {
    try {
      const [isThere = false] = await this.space.hasMany([target]);
      return isThere;
    } catch (thrown) {
      detailOf(thrown);
      return true;
    }
  }

  async *#checkChain(frame: IbGib): AsyncGenerator<Problem> {
    const previous = previousOf(frame);
    const parent = previous && (await this.#read(previous));
    const first = await this.#read(tjpOf(frame) ?? frame.address);
    if (previous !== undefined && parent === undefined) return; // reported as a missing link, or as damaged itself
    try {
      if (parent === undefined) checkFirst(frame);
      else {
        checkSuccessor(frame, parent);
        if (first !== undefined) checkMaker(frame, first);
      }
    } catch (thrown) {
      yield problem(frame.address, "chain", detailOf(thrown));
    }
  }

  /** Back from a tip to the first frame: everything is there, numbered without a gap, and where the index says. */
  async *#walk(tip: Tip): AsyncGenerator<Problem> {
    let frame = await this.#read(tip.address);
    if (frame === undefined || tjpOf(frame) !== tip.tjp || numberOf(frame) !== tip.n) {
      return yield problem(tip.tjp, "tip", tip.address);
    }
    for (let n = tip.n; ; n--) {
      this.counts.frames++;
      this.#meet(frame.address);
      if (n % indexStep === 0) yield* this.#checkIndex(tip, n, frame);
      const previous = previousOf(frame);
      if (previous === undefined) break;
      const parent = await this.#read(previous);
      if (parent === undefined || numberOf(parent) !== n - 1) {
        return yield problem(frame.address, "chain", previous);
      }
      frame = parent;
    }
    if (frame.address !== tip.tjp) yield problem(tip.tjp, "tip", tip.address);
  }

  async *#checkIndex({ tjp }: Tip, n: number, frame: IbGib): AsyncGenerator<Problem> {
    try {
      const named = await this.space.frameAt(tjp, n);
      // A tip that moved since it was scanned moved forward: frame n stays what it was.
      if (named !== frame.address) yield problem(tjp, "index", `n=${n}`);
    } catch (thrown) {
      yield problem(tjp, "index", `n=${n}: ${detailOf(thrown)}`);
    }
  }

  async #read(address: Address): Promise<IbGib | undefined> {
    try {
      const record = await this.space.get(address);
      // Read now, so that what cannot be read shows here.
      void record?.data;
      void record?.rel8ns;
      return record;
    } catch (thrown) {
      detailOf(thrown);
      return undefined;
    }
  }

  #meet(address: Address): void {
    if (!this.#seen.has(gibOf(address)) && this.#unlisted.size < rememberedMax) this.#unlisted.add(address);
  }

  /** What was not listed may have been committed while this ran: a scan from now on has to list it. */
  async *#reportUnlisted(): AsyncGenerator<Problem> {
    if (this.#unlisted.size === 0) return;
    for await (const scanned of this.space.scan()) if (scanned.kind === "record") this.#seen.add(scanned.gib);
    for (const address of this.#unlisted) {
      if (!this.#seen.has(gibOf(address))) yield problem(address, "not_listed");
    }
  }
}

/** The bytes under `gib` are a record with that very gib, and one that belongs among its kind. */
function checkBytes(gib: string, bytes: Uint8Array, isProof: boolean): Problem | undefined {
  try {
    const record = decodeRecord(bytes);
    if (record.gib !== gib) return problem(`gib ${gib}`, "place", record.address);
    return isReservedIb(record.ib) === isProof ? undefined : problem(record.address, "place");
  } catch (thrown) {
    return problem(nameOf(gib, bytes), "hash", detailOf(thrown));
  }
}

/** The address that damaged bytes still show, where it is the one they are stored under; else its gib. */
function nameOf(gib: string, bytes: Uint8Array): string {
  try {
    const record = readRecord(bytes);
    if (record.gib === gib) return record.address;
  } catch {
    // The bytes show no address at all.
  }
  return `gib ${gib}`;
}

/** A store that cannot be read on at one place is a problem of that place. */
async function* guarded(at: string, problems: AsyncGenerator<Problem>): AsyncGenerator<Problem> {
  try {
    yield* problems;
  } catch (thrown) {
    yield problem(at, "unreadable", detailOf(thrown));
  }
}

function* some(found: Problem | undefined): Generator<Problem> {
  if (found !== undefined) yield found;
}

function numberOf(frame: IbGib): number {
  return nOf(frame) ?? -1;
}
