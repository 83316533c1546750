/** People with a store each, who share timelines with one another. */
import {
  type Address,
  createTimeline,
  type IbGib,
  type NewTimeline,
  previousOf,
  tjpOf,
} from "../../src/ibgib/index.js";
import { saveRecords } from "../../src/peer/home/save-records.js";
import { createIdentity, type Identity, type Platform, systemPlatform } from "../../src/peer/index.js";
import { InnerSpace, type Space } from "../../src/space/index.js";

/** The time of every test, unless it says another. */
export const now = 1_000_000;

/** The system's platform, with a clock that stands. */
export const platform: Platform = { ...systemPlatform, clock: { ...systemPlatform.clock, now: () => now } };

export const later: Platform = { ...platform, clock: { ...systemPlatform.clock, now: () => now + 1_000 } };

const random = () => platform.random.bytes(32);

export function person(space: Space = new InnerSpace()): Promise<Identity> {
  return createIdentity({ space, secret: random(), recoverySecret: random() });
}

let made = 0;

/** The first frame of a timeline. */
export function first(members: Omit<Partial<NewTimeline>, "uuid"> = {}): IbGib {
  return createTimeline({ ib: "note", ...members, uuid: `${made++}` });
}

/** A timeline of one's own, kept. */
export async function own(identity: Identity, members: { within?: Address } = {}): Promise<IbGib> {
  const record = first({ owner: identity.address, ...members });
  await saveRecords(identity, [record]);
  return record;
}

/** Keeps records of somebody else's, as a saga that brought them would. */
export async function bring(to: Identity, from: Identity, records: readonly IbGib[]): Promise<void> {
  const tips = records.map((record) => {
    return { tjp: tjpOf(record) ?? record.address, from: previousOf(record), to: record.address };
  });
  const { address: holder } = from;
  const { kind } = await to.space.commit({ holder, sight: "anyone", puts: records, tips });
  if (kind !== "committed") throw new Error(`nothing was brought: ${kind}`);
}
