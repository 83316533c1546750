import { KeysagaError } from "../../base/index.js";

/**
 * May the identity's own keystone sign here? A copy of a home, or one that was put back from a backup, does not know
 * what the other has signed since, and one-time keys would sign twice. The receivers know it that have seen those
 * frames. So a home that has lanes when it is opened asks first: one of their receivers has to have shown, since then,
 * that it knows nothing newer of the identity. It is asked by any handshake with it.
 */
export class Confirmation {
  #isGiven: boolean;

  /**
   * @param isGiven From the start: for a home that has met nobody yet, or where somebody answers for it that it is no
   *   copy.
   */
  constructor(isGiven: boolean) {
    this.#isGiven = isGiven;
  }

  get isGiven(): boolean {
    return this.#isGiven;
  }

  /** A receiver that this home has met before knows nothing newer. */
  give(): void {
    this.#isGiven = true;
  }

  /** @throws KeysagaError `tip_unconfirmed` */
  demand(): void {
    if (!this.#isGiven) throw new KeysagaError("tip_unconfirmed");
  }
}
