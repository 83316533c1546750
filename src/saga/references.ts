import { KeysagaError } from "../base/index.js";
import { type Address, type IbGib, linksOf, mayStayAway } from "../ibgib/index.js";
import type { PayloadContent } from "./turn.js";

/**
 * What the other side has declared to stay away: the targets of links in records that it sends. It names them ahead of
 * those records. Each has to be linked by a record of the same turn, not as part of that one's chain, and not to come
 * with it. Whether the target is on this side makes no difference to any answer.
 */
export class DeclaredReferences {
  /** Of the saga. */
  #all: Set<Address> = new Set();
  /** Of the turn under way, and those among them that no record of it has linked yet. */
  #ofTurn: Set<Address> = new Set();
  #unlinked: Set<Address> = new Set();

  /** All that were declared in the saga so far. */
  get all(): ReadonlySet<Address> {
    return this.#all;
  }

  startSaga(): void {
    this.#all = new Set();
  }

  /** @throws KeysagaError `reference_refused` */
  hear({ references, records }: Pick<PayloadContent, "references" | "records">): void {
    for (const target of references) {
      if (this.#ofTurn.has(target)) refuse("twice");
      this.#ofTurn.add(target);
      this.#unlinked.add(target);
      this.#all.add(target);
    }
    if (this.#ofTurn.size > 0) for (const record of records) this.#look(record);
  }

  /** A turn covers what came. @throws KeysagaError `reference_refused` */
  endTurn(): void {
    if (this.#unlinked.size > 0) refuse("not_linked");
    this.#ofTurn = new Set();
  }

  #look(record: IbGib): void {
    if (this.#ofTurn.has(record.address)) refuse("came");
    for (const link of linksOf(record)) {
      if (!this.#ofTurn.has(link.target)) continue;
      if (!mayStayAway(record, link)) refuse("chain");
      this.#unlinked.delete(link.target);
    }
  }
}

/** `twice` in a turn; `came` in it; part of its record's `chain`; `not_linked` by any record of it. */
function refuse(rule: "twice" | "came" | "chain" | "not_linked"): never {
  throw new KeysagaError("reference_refused", { rule });
}
