import type { Address } from "../../ibgib/index.js";
import type { Charge } from "../../space/index.js";

/** Room that is claimed for a commit. */
export interface Claim {
  /** To be called, once, where the commit did not happen. */
  release(): void;
}

/** Whoever has what identities hold counted. */
export interface Charging {
  /**
   * Has what a commit adds counted for `identity`, also where it has no room left, and refused with `limit_exceeded` where
   * that is too much as well.
   */
  chargeBeyond(identity: Address): Charge & Claim;
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
