import { type Address, hashOf, type IbGib, ownerOf, tjpHashOf } from "../../ibgib/index.js";
import { readWithdrawal } from "../../keystone/index.js";
import { compareTips, type FrameReader } from "../../merge/index.js";
import type { Space } from "../../space/index.js";
import { grantsExtendingTo, withdrawalsOf } from "./granted.js";
import { loadStated } from "./stated.js";

/** Who may have added frames to a timeline. */
export interface Authors {
  /**
   * Does a head that `identity` signed count, as far as is known here? The owner's do; a grantee's who may write, or
   * might when it was signed: until a grant is withdrawn all of them, afterwards those in the history of the frames that
   * the withdrawal names. Whether a grant had expired was for the receiver to judge that took the head.
   *
   * @param reader Has the history of the timeline, staged frames too.
   * @throws KeysagaError as `compareTips`.
   */
  wrote(identity: Address, head: Address, reader: FrameReader): Promise<boolean>;
}

/**
 * Loads who may have added to the timeline that `first` founds. What a timeline without an owner holds is local
 * policy: anyone's counts, and proves nothing.
 */
export async function loadAuthors(space: Space, first: IbGib): Promise<Authors> {
  const owner = ownerOf(first);
  const grants = (await grantsExtendingTo(space, first)).filter(({ access }) => access === "write");
  const [some] = grants;
  const withdrawn = some && (await loadStated(space, some.issuer)).statements.withdrawn;
  return {
    async wrote(identity, head, reader) {
      if (owner === undefined || owner === identity) return true;
      for (const grant of grants.filter((each) => each.identity === identity)) {
        if (!withdrawn?.has(grant.address)) return true;
        const last = await lastFrames(space, grant.address, first);
        if (await isBehindAny(head, last, reader)) return true;
      }
      return false;
    },
  };
}

/** The frames of this timeline that withdrawals of a grant name as the last that count. */
async function lastFrames(space: Space, grant: Address, first: IbGib): Promise<readonly Address[]> {
  const named = (await withdrawalsOf(space, grant)).flatMap((record) => readWithdrawal(record).last);
  return named.filter((address) => address === first.address || tjpHashOf(address) === hashOf(first.address));
}

async function isBehindAny(head: Address, last: readonly Address[], reader: FrameReader): Promise<boolean> {
  const frames = await reader.getMany(last);
  for (const [at, frame] of last.entries()) {
    // What is not here has a history that nobody can look at: it lets nothing in.
    if (frames[at] === undefined) continue;
    if (["same", "behind"].includes(await compareTips(head, frame, reader))) return true;
  }
  return false;
}
