import { lengthPrefixed, sha256 } from "../../base/index.js";

/**
 * Everything in a simulated world that could have been otherwise. The same name gives the same throws; a dice of
 * another name is independent of it, so that what is left out of a world changes little of the rest.
 */
export class Dice {
  #a: number;
  #b: number;
  #c: number;
  #d = 1;

  constructor(private readonly name: string) {
    const view = new DataView(sha256(lengthPrefixed("keysaga/dice/1", name)).buffer.slice(0, 12));
    this.#a = view.getUint32(0);
    this.#b = view.getUint32(4);
    this.#c = view.getUint32(8);
    for (let i = 0; i < 12; i++) this.#word();
  }

  /** A dice of its own for a part of what this one is for. */
  of(part: string): Dice {
    return new Dice(`${this.name}/${part}`);
  }

  /** A whole number from 0 up to, and not including, `count`. */
  below(count: number): number {
    return Math.floor((this.#word() / 2 ** 32) * count);
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.#word() < probability * 2 ** 32;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError("nothing to pick from");
    return item;
  }

  /** One of the names, as often as its weight says. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
    const names = Object.keys(weights) as Name[];
    const total = names.reduce((sum, name) => sum + weights[name], 0);
    let left = (this.#word() / 2 ** 32) * total;
    for (const name of names) {
      left -= weights[name];
      if (left < 0) return name;
    }
    return names[names.length - 1]!;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at++) bytes[at] = this.#word() >>> 24;
    return bytes;
  }

  /** sfc32: small, quick, and its 128 bits of state do not come back within a world. */
  #word(): number {
    const next = (this.#a + this.#b + this.#d++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + next;
    return next >>> 0;
  }
}
