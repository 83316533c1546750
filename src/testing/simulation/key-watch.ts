import type { Address, IbGib, RecordText } from "../../ibgib/index.js";
import type { Trace } from "./trace.js";

/** Whose keystone frames are, and where they were seen. */
export interface Seen {
  /** The home that said or stored it. */
  readonly home: string;
  /**
   * Must this home have known what it has signed there before? False for one that was put back to an older state, or
   * copied, and has met nobody who could tell it.
   */
  knows(keystone: Address, n: number): boolean;
}

interface SeenFrame {
  readonly address: Address;
  readonly keystone: Address;
  readonly n: number;
}

/**
 * One-time means once: every keystone frame that leaves a peer or lies in a store is looked at, and each of its keys
 * may have signed that frame alone. Nor may two frames claim one place.
 */
export class KeyWatch {
  readonly #frameByKey = new Map<string, Address>();
  readonly #frameByPlace = new Map<string, Address>();
  /** Frames that were seen, genesis frames included. */
  readonly #seen = new Set<Address>();
  /** Who was the first to say or store something of a keystone. */
  readonly #owners = new Map<Address, string>();

  constructor(private readonly trace: Trace) {}

  hasSeen(address: Address): boolean {
    return this.#seen.has(address);
  }

  belongsTo(keystone: Address, home: string): void {
    this.#owners.set(keystone, home);
  }

  ownerOf(keystone: Address): string | undefined {
    return this.#owners.get(keystone);
  }

  seeRecord({ address, data, rel8ns }: IbGib, by: Seen): void {
    if (this.#seen.has(address) || data === undefined || data instanceof Uint8Array) return;
    this.#see(address, data, rel8ns?.["tjp"]?.[0] ?? address, by);
  }

  seeText(text: RecordText, by: Seen): void {
    const address = addressOfText(text);
    if (this.#seen.has(address)) return;
    const rel8ns = text[2] === "" ? {} : JSON.parse(text[2]);
    this.#see(address, JSON.parse(text[3]), rel8ns.tjp?.[0] ?? address, by);
  }

  #see(address: Address, data: object, keystone: Address, by: Seen): void {
    this.#seen.add(address);
    if (!this.#owners.has(keystone)) this.#owners.set(keystone, by.home);
    const { n, proofs } = data as { n: number; proofs: readonly Proof[] };
    const frame = { address, keystone, n };
    this.#takes(this.#frameByPlace, `${keystone} ${n}`, frame, by);
    for (const { solutions } of proofs)
      for (const { publicKey } of solutions) this.#takes(this.#frameByKey, publicKey, frame, by);
  }

  #takes(taken: Map<string, Address>, place: string, { address, keystone, n }: SeenFrame, by: Seen): void {
    const before = taken.get(place);
    this.trace.count("check one key, one frame");
    if (before === undefined) taken.set(place, address);
    else if (before !== address) {
      if (by.knows(keystone, n))
        this.trace.violate("one key, one frame", `${by.home} signs ${address} beside ${before} (n=${n})`);
      else this.trace.count("fault key used again by a home that could not know");
    }
  }
}

interface Proof {
  readonly solutions: readonly { readonly publicKey: string }[];
}

export function addressOfText([ib, gib]: RecordText): Address {
  return `${ib}^${gib}` as Address;
}
