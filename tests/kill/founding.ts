import { join } from "node:path";
import { type Address, createTimeline } from "../../src/ibgib/index.js";
import { createHome, type Home, openHome } from "../../src/node/index.js";
import { type Identity, saveRecords, share } from "../../src/peer/index.js";
import { delegate } from "../protocol/delegations.js";
import type { Role } from "./steps.js";

/** More than one message shows. */
const framesTooMany = 70;

export function homeOf(dir: string, role: Role): string {
  return join(dir, role);
}

/**
 * Makes the homes of both sides, with a timeline of the sender's that `other` may write.
 *
 * @param isLong Both identities have a history that does not fit one message.
 */
export async function foundHomes(dir: string, other: Identity, isLong: boolean): Promise<Address> {
  const [sender, receiver] = await Promise.all([
    newHome(homeOf(dir, "sender")),
    newHome(homeOf(dir, "receiver")),
  ]);
  try {
    if (isLong) await newTimeline(receiver.identity, other, framesTooMany);
    return await newTimeline(sender.identity, other, isLong ? framesTooMany : 1);
  } finally {
    await Promise.all([sender.close(), receiver.close()]);
  }
}

async function newHome(dir: string): Promise<Home> {
  await createHome({ dir });
  return openHome({ dir });
}

/** A timeline that is shared with `other`, of an identity that has signed so many frames. */
async function newTimeline(identity: Identity, other: Identity, times: number): Promise<Address> {
  const first = createTimeline({
    ib: "note",
    owner: identity.address,
    data: { text: "shared" },
    uuid: "note",
  });
  await saveRecords(identity, [first]);
  const given = { timeline: first.address, with: other.address, access: "write" } as const;
  await share(identity, given);
  for (let time = 0; time < times; time++) await delegate(identity, `${time}`);
  return first.address;
}
