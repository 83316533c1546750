import { expect } from "vitest";
import { sameBytes } from "../../src/base/index.js";
import { type Address, decodeRecord, decodeText, type IbGib, nOf, tjpOf } from "../../src/ibgib/index.js";
import type { Home } from "../../src/node/index.js";
import { internalsOf } from "../../src/peer/home/identity.js";
import { journalKey } from "../../src/peer/home/signer.js";
import type { Space } from "../../src/space/index.js";
import { followedAt } from "../lanes.js";
import type { Line, Role, SaidLine } from "./steps.js";

/** What both sides have acknowledged, said and signed in a story, over all their processes; each check is against it. */
export class Ledger {
  /** What each side holds, by its own word. */
  readonly #held: Readonly<Record<Role, Set<Address>>> = { sender: new Set(), receiver: new Set() };
  /** The one frame that each one-time key has signed, by its public key. */
  readonly #signed = new Map<string, Address>();
  /** Every frame, by keystone and number. */
  readonly #frames = new Map<string, IbGib>();
  readonly #seen = new Set<string>();
  readonly #codes = new Map<string, number>();

  get keys(): number {
    return this.#signed.size;
  }

  get acknowledged(): number {
    return this.#held.sender.size + this.#held.receiver.size;
  }

  /** How often a sync ended in which code. */
  get codes(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#codes);
  }

  /** A process of the sender told this. What is synced is on both sides. */
  told(lines: readonly Line[]): void {
    for (const line of lines) {
      if (line.kind === "saved") for (const tip of line.tips) this.#held.sender.add(tip);
      if (line.kind === "synced") for (const { tip } of line.tips) this.#holdOnBoth(tip);
      if (line.kind === "failed") this.#codes.set(line.code, (this.#codes.get(line.code) ?? 0) + 1);
    }
  }

  /** A process was about to say this: by then all of it is true. */
  said(lines: readonly SaidLine[]): void {
    for (const { frames, tips } of lines) {
      for (const text of frames) this.#meet(decodeText([...text]));
      for (const { tip } of tips) this.#held.receiver.add(tip);
    }
  }

  /** All that was acknowledged is in the store of that side. */
  async checkHeld(side: Role, space: Space): Promise<void> {
    const addresses = [...this.#held[side]];
    const held = await space.hasMany(addresses, "anyone");
    expect(addresses.filter((_, at) => held[at] !== true)).toEqual([]);
  }

  /** The frame that the sender's journal holds, signed: what its chains go on from, whatever was said of it before. */
  async checkJournals({ space, identity }: Pick<Home, "space" | "identity">): Promise<void> {
    for (const { key } of await space.cells(journalKey("" as Address))) {
      const keystone = key.slice(journalKey("" as Address).length) as Address;
      const kind = keystone === identity.address ? "identity" : "lane";
      const { newest } = await internalsOf(identity).signer.load(keystone, kind);
      if (newest) this.#meet(newest);
    }
  }

  /** No key of any frame that lies in a store has signed another one. */
  async checkProofs(space: Space): Promise<void> {
    for await (const each of space.scan()) {
      expect(each.kind).not.toBe("damaged");
      if (each.kind !== "proof" || this.#seen.has(each.gib)) continue;
      const record = decodeRecord(each.bytes);
      if (record.ib.startsWith("keystone.")) this.#meet(record);
    }
  }

  /** The receiver has the whole of that keystone, frame by frame as it was signed first. */
  async checkChain(keystone: Address, space: Space): Promise<void> {
    const frames = await space.proofs(keystone);
    expect(frames.map(nOf)).toEqual(frames.map((_, n) => n));
    for (const frame of frames) this.#meet(frame);
  }

  /** The receiver stands at a frame of that lane as it was signed first. */
  async checkFollowed(lane: Address, space: Space): Promise<void> {
    this.#meet((await followedAt(space, lane)).newest);
  }

  #holdOnBoth(tip: Address): void {
    this.#held.sender.add(tip);
    this.#held.receiver.add(tip);
  }

  #meet(frame: IbGib): void {
    if (this.#seen.has(frame.gib)) return;
    this.#seen.add(frame.gib);
    for (const key of keysOf(frame)) {
      expect(this.#signed.get(key) ?? frame.address, "a one-time key has signed two frames").toBe(
        frame.address,
      );
      this.#signed.set(key, frame.address);
    }
    const place = `${tjpOf(frame) ?? frame.address} ${nOf(frame)}`;
    const first = this.#frames.get(place) ?? frame;
    expect(frame.address, "two frames in one place").toBe(first.address);
    expect(sameBytes(frame.bytes, first.bytes), "one frame in two texts").toBe(true);
    this.#frames.set(place, first);
  }
}

function keysOf({ data }: IbGib): readonly string[] {
  const { proofs = [] } = data as { proofs?: { solutions?: { publicKey?: string }[] }[] };
  return proofs.flatMap(({ solutions = [] }) => solutions.flatMap(({ publicKey }) => publicKey ?? []));
}
