import { KeysagaError, sha256, toHex, utf8 } from "../../base/index.js";
import type { Evidence } from "../../saga/index.js";

/**
 * The evidence of a saga's other side. A later turn may show again what an earlier one has shown, since what was shown is
 * not kept before the saga is committed; within a turn nothing comes twice.
 */
export class HeardEvidence {
  readonly items: Evidence[] = [];
  /** By hash: the turn that showed it first or last. */
  readonly #turns = new Map<string, number>();
  #turn = 0;

  /** @throws KeysagaError `attestation_refused` */
  hear(items: readonly Evidence[]): void {
    for (const item of items.flatMap(singly)) {
      const name = toHex(sha256(utf8(JSON.stringify(item))));
      const before = this.#turns.get(name);
      if (before === this.#turn) throw new KeysagaError("attestation_refused", { rule: "shown twice" });
      this.#turns.set(name, this.#turn);
      if (before === undefined) this.items.push(item);
    }
  }

  /** A turn has come: what was shown so far belongs to it. */
  turn(): void {
    this.#turn++;
  }
}

/** Each frame of a signed list for itself: another turn may show some of them among others. */
function singly(item: Evidence): readonly Evidence[] {
  return "frames" in item ? item.frames.map((frame) => ({ ...item, frames: [frame] })) : [item];
}
