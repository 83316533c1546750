/** Identities that nobody has the keys of, timelines of theirs, and lists of those: what the pure core is tested with. */
import {
  type Address,
  addressOf,
  createTimeline,
  type IbGib,
  type NewTimeline,
} from "../../src/ibgib/index.js";
import { type Change, changeList, firstOfList, type ListKind } from "../../src/lists/index.js";

const letters = "ABCDEF0123456789";

function identity(at: number): Address {
  return addressOf("keystone.identity", letters[at]!.repeat(64));
}

export const [alice, bob, carol, eve, receiver] = [0, 1, 2, 3, 4].map(identity) as [
  Address,
  Address,
  Address,
  Address,
  Address,
];

let made = 0;

export function timeline(members: Partial<Omit<NewTimeline, "uuid">> = {}): IbGib {
  return createTimeline({ ib: "note", owner: alice, ...members, uuid: `${made++}` });
}

export function list(of: IbGib, kind: ListKind = "writers"): IbGib {
  return firstOfList(kind, of.address, alice);
}

export const share = (who: Address, no = 1, terms: object = {}): Change => ({
  do: "share",
  identity: who,
  no,
  ...terms,
});

export const withdraw = (who: Address, no = 1, names: readonly Address[] = []): Change => ({
  do: "withdraw",
  identity: who,
  no,
  names: [...names],
});

export const adopt = (frame: Address, no = 0): Change => ({ do: "adopt", frame, no });
export const setAside = (frame: Address, no = 0, why = "junk"): Change => ({
  do: "setAside",
  frame,
  no,
  why,
});

/** Frames of a list, one after the other, each with one of `changes`. */
export function chain(first: IbGib, ...changes: readonly Change[]): readonly IbGib[] {
  const frames: IbGib[] = [first];
  for (const change of changes) frames.push(changeList(frames.at(-1)!, [change]));
  return frames;
}
