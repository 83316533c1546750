import { type Address, isFrame } from "../../ibgib/index.js";
import type { Root, RootStatus } from "../../saga/index.js";
import type { SpaceView, TakenOver } from "../../space/index.js";

const readAtOnce = 32;

/** What an answer says of records that were taken over from a lost connection. */
export interface KeptRoots {
  readonly statuses: readonly RootStatus[];
  readonly kept: number;
}

/**
 * Says of each root that the sender is going to send what it need not send again.
 *
 * @param view What the saga has staged, over what its sender may see.
 */
export async function withKept(
  view: SpaceView,
  roots: readonly Root[],
  statuses: readonly RootStatus[],
  { records, tips }: TakenOver,
): Promise<KeptRoots> {
  if (records === 0) return { statuses, kept: 0 };
  const tipOf = new Map(tips.map(({ tjp, address }) => [tjp, address]));
  const unknown = roots.filter((_, at) => statuses[at]?.status === "unknown").map(({ address }) => address);
  const stones = await stonesAmong(
    view,
    unknown.filter((address) => !tipOf.has(address)),
  );
  for (const stone of stones) tipOf.set(stone, stone);
  return {
    statuses: statuses.map((status, at) => statusWith(status, tipOf.get(roots[at]!.address))),
    kept: records,
  };
}

/** Looked at one by one: the sender may have the first frame of a timeline here, and nothing of it staged. */
async function stonesAmong(view: SpaceView, addresses: readonly Address[]): Promise<readonly Address[]> {
  const stones: Address[] = [];
  for (let at = 0; at < addresses.length; at += readAtOnce) {
    const records = await view.getMany(addresses.slice(at, at + readAtOnce));
    for (const record of records) if (record && !isFrame(record)) stones.push(record.address);
  }
  return stones;
}

function statusWith(status: RootStatus, kept: Address | undefined): RootStatus {
  const isSent = status.status === "unknown" || status.status === "behind" || status.status === "diverged";
  return isSent && kept !== undefined ? { ...status, kept } : status;
}
