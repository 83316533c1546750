import { groupBy, lengthPrefixed, sha256, sha256Hex, toBase64Url } from "../base/index.js";
import type { FinalTip } from "./turn-bodies.js";

/** A range is divided by the next hex digit. */
const digits = "0123456789abcdef";

/** Behind the last digit, so that it ends a range in the order of keys. */
const afterDigits = "g";

/** How many timelines are hashed without a pause. */
const pageTips = 256;

interface Member {
  /** SHA-256 of the timeline's address, in hex. */
  readonly key: string;
  readonly leaf: Uint8Array;
  readonly tip: FinalTip;
}

/**
 * Timelines with their tips, as a set that two sides compare range by range. A range is named by hex digits: it holds the
 * timelines whose SHA-256 of the address begins with them; `""` is the whole set. Its fingerprint is a node of a Merkle trie,
 * so that nobody can choose timelines that make two sets look alike.
 *
 * The fingerprints of large ranges are computed with the set, others when they are asked for; all are kept.
 */
export class RangeSet {
  readonly #nodes = new Map<string, Uint8Array>();

  private constructor(private readonly members: readonly Member[]) {}

  /**
   * Costs three hashes for each, at the most, and sorts them.
   *
   * @param pause Lets others have their turn, every few hundred of them.
   */
  static async of(
    tips: readonly FinalTip[],
    pause: () => Promise<void> = async () => undefined,
  ): Promise<RangeSet> {
    const members: Member[] = [];
    for (const [at, tip] of tips.entries()) {
      if (at > 0 && at % pageTips === 0) await pause();
      members.push({ key: sha256Hex(tip.address), leaf: leafOf(tip), tip });
    }
    const set = new RangeSet(await sorted(members, pause));
    await set.#compute("", pause);
    return set;
  }

  /** The fingerprints of a range and of those it is divided into, a few hundred at a time. */
  async #compute(range: string, pause: () => Promise<void>): Promise<void> {
    if (this.count(range) > pageTips) for (const part of partsOf(range)) await this.#compute(part, pause);
    await pause();
    this.#node(range);
  }

  /** Only these of its timelines. */
  only(tips: readonly FinalTip[]): RangeSet {
    const kept = new Set(tips.map(({ address }) => address));
    if (kept.size === this.members.length) return this;
    return new RangeSet(this.members.filter(({ tip }) => kept.has(tip.address)));
  }

  /** How many timelines are in a range. */
  count(range: string): number {
    const [from, to] = this.#bounds(range);
    return to - from;
  }

  tipsIn(range: string): readonly FinalTip[] {
    return this.members.slice(...this.#bounds(range)).map(({ tip }) => tip);
  }

  /** The fingerprint of a range, in base64url; empty where nothing is in it. */
  fingerprint(range: string): string {
    const node = this.#node(range);
    return node === undefined ? "" : toBase64Url(node);
  }

  #node(range: string): Uint8Array | undefined {
    const [from, to] = this.#bounds(range);
    if (to - from <= 1) return from < to ? this.members[from]?.leaf : undefined;
    const known = this.#nodes.get(range);
    if (known !== undefined) return known;
    const parts = partsOf(range).map((part) => this.#node(part) ?? nothing);
    const node = sha256(lengthPrefixed("keysaga/set-node/1", ...parts));
    this.#nodes.set(range, node);
    return node;
  }

  #bounds(range: string): [from: number, to: number] {
    return [this.#firstFrom(range), this.#firstFrom(range + afterDigits)];
  }

  /** The place of the first member whose key is `key` or behind it. */
  #firstFrom(key: string): number {
    let [low, high] = [0, this.members.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.members[middle]!.key < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The ranges that a range is divided into. */
export function partsOf(range: string): readonly string[] {
  return Array.from(digits, (digit) => range + digit);
}

/** By key, a sixteenth at a time. */
async function sorted(members: readonly Member[], pause: () => Promise<void>): Promise<readonly Member[]> {
  const byDigit = groupBy(members, ({ key }) => key.charAt(0));
  const all: Member[] = [];
  for (const digit of digits) {
    await pause();
    const part = [...(byDigit.get(digit) ?? [])].sort((a, b) => (a.key < b.key ? -1 : 1));
    for (const member of part) all.push(member);
  }
  return all;
}

const nothing = new Uint8Array();

function leafOf({ address, tip }: FinalTip): Uint8Array {
  return sha256(lengthPrefixed("keysaga/set-tip/1", address, tip));
}

/** The fingerprint of exactly these timelines at these tips, as receipts say it of what was alike (`SignedReceipt.alike`). */
export async function setFingerprint(tips: readonly FinalTip[]): Promise<string> {
  return (await RangeSet.of(tips)).fingerprint("");
}
