/** 16 MiB, whatever is put in: with a million gibs, one in a million that was not put in looks as if it were. */
const bits = 2 ** 27;
const probes = 4;

/**
 * A Bloom filter over gibs: `has` is never wrong about one that was added. So a store of any size can be asked, in
 * bounded memory, whether a scan has shown everything that a walk meets.
 */
export class SeenFilter {
  readonly #words = new Uint32Array(bits / 32);

  add(gib: string): void {
    for (const bit of bitsOf(gib)) this.#words[bit >>> 5]! |= 1 << (bit & 31);
  }

  has(gib: string): boolean {
    return bitsOf(gib).every((bit) => (this.#words[bit >>> 5]! & (1 << (bit & 31))) !== 0);
  }
}

/** A gib begins with a SHA-256 in hex: its digits are as good as any hash of it. */
function bitsOf(gib: string): number[] {
  return Array.from({ length: probes }, (_, at) => Number.parseInt(gib.slice(8 * at, 8 * at + 8), 16) % bits);
}
