import {
  type Address,
  createTimeline,
  type IbGib,
  mutate,
  relate,
  sealRecord,
} from "../../src/ibgib/index.js";
import type { Commit, Holder, Sight, Space, TipMove } from "../../src/space/index.js";

let made = 0;

/** A record without links that nobody else has made. */
export function stone(text = `stone ${made++}`, links: readonly IbGib[] = []): IbGib {
  const rel8ns = links.length === 0 ? undefined : { part: links.map(({ address }) => address) };
  return sealRecord({ ib: "stone", data: { text }, rel8ns });
}

/** A timeline of `count` frames, the first of them first. */
export function timeline(name: string, count: number): IbGib[] {
  const frames = [createTimeline({ ib: name, uuid: `${name} ${made++}` })];
  while (frames.length < count) frames.push(mutate(newest(frames), { edit: frames.length }));
  return frames;
}

/** The frame after `frame`. */
export function edited(frame: IbGib, text = `edit ${made++}`): IbGib {
  return mutate(frame, { text });
}

/** The frame after `frame`, which links `records` under a name that means timelines. */
export function relating(frame: IbGib, records: readonly IbGib[]): IbGib {
  return relate(frame, { add: { item: addresses(records) } });
}

export function newest(frames: readonly IbGib[]): IbGib {
  const frame = frames.at(-1);
  if (frame === undefined) throw new Error("a timeline has frames");
  return frame;
}

export function first(frames: readonly IbGib[]): IbGib {
  const frame = frames[0];
  if (frame === undefined) throw new Error("a timeline has frames");
  return frame;
}

export function addresses(records: readonly IbGib[]): Address[] {
  return records.map(({ address }) => address);
}

const person = (name: string): Address => sealRecord({ ib: name, data: { name } }).address;
export const alice = person("alice");
export const bob = person("bob");
export const eve = person("eve");

/** Counts what these hold, and nothing else. */
export function eyesOf(...holders: Holder[]): Sight {
  return { holders };
}

/** The move of a timeline to the newest of its frames, from the frame `from` of them. */
export function moveTo(frames: readonly IbGib[], from?: IbGib): TipMove {
  return { tjp: first(frames).address, from: from?.address, to: newest(frames).address };
}

/** Commits for alice, counting only her own records. */
export function commitOf(parts: Partial<Commit>): Commit {
  return { holder: alice, sight: eyesOf(alice), ...parts };
}

/** Commits a whole timeline for alice. */
export async function keep(space: Space, frames: readonly IbGib[]): Promise<void> {
  const result = await space.commit(commitOf({ puts: frames, tips: [moveTo(frames)] }));
  if (result.kind !== "committed") throw new Error(`the fixture was not committed: ${result.kind}`);
}
