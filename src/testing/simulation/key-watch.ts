import type { Opened } from "../../keystone/index.js";
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

/**
 * One-time means once: every keystone frame that leaves a peer or lies in a store is looked at, and each of its keys
 * may have signed that frame alone. Nor may two frames claim one place.
 */
export class KeyWatch {
  /** What each key has signed, by its one signature: of a turn the frame itself is not seen. */
  readonly #signatureByKey = new Map<string, string>();
  readonly #frameByPlace = new Map<string, Address>();
  /** Frames that were seen, genesis frames included. */
  readonly #seen = new Set<Address>();
  /** Who was the first to say or store something of a keystone. */
  readonly #owners = new Map<Address, string>();

  constructor(private readonly trace: Trace) {}

  /** Was a frame seen, or what it opens? */
  hasSeen({ address, data }: IbGib): boolean {
    if (this.#seen.has(address)) return true;
    const { proofs = [] } = data as { readonly proofs?: readonly Proof[] };
    const solutions = proofs.flatMap((proof) => proof.solutions);
    const isSeen = ({ publicKey, signature }: Solution) => this.#signatureByKey.get(publicKey) === signature;
    return solutions.length > 0 && solutions.every(isSeen);
  }

  /** A turn was said: its frame is of a session, which nobody else can know of. */
  seeOpened({ key, signature }: Opened, by: Seen): void {
    this.#signs(key, signature, () =>
      this.trace.violate("one key, one frame", `${by.home} opens ${key} twice`),
    );
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
    const place = `${keystone} ${n}`;
    const before = this.#frameByPlace.get(place) ?? address;
    this.#frameByPlace.set(place, before);
    const twice = () => this.#twice(`${address} beside ${before} (n=${n})`, by.knows(keystone, n), by);
    this.trace.count("check one key, one frame");
    if (before !== address) twice();
    for (const { solutions } of proofs)
      for (const { publicKey, signature } of solutions) this.#signs(publicKey, signature, twice);
  }

  #signs(key: string, signature: string, twice: () => void): void {
    const before = this.#signatureByKey.get(key) ?? signature;
    this.#signatureByKey.set(key, before);
    this.trace.count("check one key, one frame");
    if (before !== signature) twice();
  }

  #twice(what: string, couldKnow: boolean, { home }: Seen): void {
    if (couldKnow) this.trace.violate("one key, one frame", `${home} signs ${what}`);
    else this.trace.count("fault key used again by a home that could not know");
  }
}

interface Solution {
  readonly publicKey: string;
  readonly signature: string;
}

interface Proof {
  readonly solutions: readonly Solution[];
}

export function addressOfText([ib, gib]: RecordText): Address {
  return `${ib}^${gib}` as Address;
}
