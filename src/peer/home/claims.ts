import type { Address } from "../../ibgib/index.js";
import type { CellChange } from "../../space/index.js";

/** Room that is claimed for a commit. */
export interface Claim {
  /** To be called, once, where the commit did not happen. */
  release(): void;
}

/** Bytes that are claimed, and the cell that says so once they are held. */
export interface Charge extends Claim {
  readonly cells: readonly CellChange[];
}

/** Whoever has what identities hold counted. */
export interface Charging {
  /** Claims room for bytes that a commit in the name of `identity` adds. @throws KeysagaError `limit_exceeded` */
  charge(identity: Address, bytes: number): Promise<Charge>;
}

/** Whatever is claimed for a commit is given back unless it is made. */
export async function releasing<Result>(
  claim: Claim,
  commit: () => Promise<Result>,
  isMade: (result: Result) => boolean,
): Promise<Result> {
  let isCommitted = false;
  try {
    const result = await commit();
    isCommitted = isMade(result);
    return result;
  } finally {
    if (!isCommitted) claim.release();
  }
}
