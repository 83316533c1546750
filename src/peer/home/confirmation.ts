import { KeysagaError } from "../../base/index.js";
import type { Address } from "../../ibgib/index.js";

/**
 * May the identity's own keystone sign here? A copy of a home, or one that was put back from a backup, does not know
 * what the other has signed since, and one-time keys would sign twice. The receivers know it that have seen those
 * frames. So a home that has lanes when it is opened asks first: one of their receivers has to have shown, since then,
 * that it knows nothing newer of the identity. It is asked by any handshake with it. A home that was shown to be an old copy
 * asks all of them.
 */
export class Confirmation {
  #isGiven: boolean;
  /** Receivers that know nothing newer, whether they know all or not. */
  readonly #heard = new Set<Address>();

  /**
   * @param isGiven From the start: for a home that has met nobody yet.
   * @param isAnsweredFor Somebody says that this home is no copy, or takes the risk.
   */
  constructor(
    isGiven: boolean,
    private readonly isAnsweredFor = false,
  ) {
    this.#isGiven = isGiven || isAnsweredFor;
  }

  get isGiven(): boolean {
    return this.#isGiven;
  }

  /** A receiver that this home has met before knows the identity's newest frame, and nothing newer. */
  give(receiver: Address): void {
    this.#isGiven = true;
    this.hear(receiver);
  }

  /** A receiver that this home has met before knows nothing newer. */
  hear(receiver: Address): void {
    this.#heard.add(receiver);
  }

  /** @throws KeysagaError `tip_unconfirmed` */
  demand(): void {
    if (!this.#isGiven) throw new KeysagaError("tip_unconfirmed");
  }

  /**
   * @param receivers All that the identity has delegated a lane to; undefined stands for one that is not known.
   * @throws KeysagaError `restored_backup`
   */
  demandAll(receivers: Iterable<Address | undefined>): void {
    if (this.isAnsweredFor) return;
    const all = [...new Set(receivers)];
    const unknown = all.includes(undefined) ? 1 : 0;
    const unasked = all.filter((each) => each !== undefined && !this.#heard.has(each)).length;
    if (unknown + unasked > 0) throw new KeysagaError("restored_backup", { unasked, unknown });
  }
}
