import { KeysagaError } from "../../base/index.js";
import type { Evidence } from "../../saga/index.js";

/**
 * The evidence of a saga's other side. A later turn may show again what an earlier one has shown, since what was shown is
 * not kept before the saga is committed; within a turn nothing comes twice.
 */
export class HeardEvidence {
  readonly items: Evidence[] = [];
  /** By text: the turn that showed it first or last. */
  readonly #turns = new Map<string, number>();
  #turn = 0;

  /** @throws KeysagaError `attestation_refused` */
  hear(items: readonly Evidence[]): void {
    for (const item of items) {
      const text = JSON.stringify(item);
      const before = this.#turns.get(text);
      if (before === this.#turn) throw new KeysagaError("attestation_refused", { rule: "shown twice" });
      this.#turns.set(text, this.#turn);
      if (before === undefined) this.items.push(item);
    }
  }

  /** A turn has come: what was shown so far belongs to it. */
  turn(): void {
    this.#turn++;
  }
}
