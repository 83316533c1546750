import * as z from "zod";
import {
  type Address,
  type IbGib,
  isAddress,
  isIdentityAddress,
  isPrimitive,
  mutate,
} from "../ibgib/index.js";
import { listLimits as limits } from "./limits.js";
import { refuseList } from "./list.js";

const identity = z.custom<Address>(isIdentityAddress, "an identity");
const frame = z.custom<Address>((value) => isAddress(value) && !isPrimitive(value), "a frame");
const safe = z.number().int().max(Number.MAX_SAFE_INTEGER);

/** What one entry lets its identity do, beside what the list is for. */
const terms = {
  /** From then on it lets in no more: milliseconds since the epoch, by the clock of whoever is asked. */
  expires: safe.min(0).exactOptional(),
  /** How often it may be used, and with whom: the receiver that counts. Both or neither. */
  uses: safe.min(1).exactOptional(),
  receiver: identity.exactOptional(),
};

const Share = z
  .strictObject({ do: z.literal("share"), identity, no: safe.min(1), ...terms })
  .refine(({ uses, receiver }) => (uses === undefined) === (receiver === undefined), "uses and receiver");

const Withdraw = z.strictObject({
  do: z.literal("withdraw"),
  identity,
  /** Ends all entries of the identity with this number or a lower one, whichever came first. */
  no: safe.min(1),
  /** Frames that go on counting, with all that they go on from: a set. */
  names: z.array(frame).max(limits.namesMax),
});

const Adopt = z.strictObject({ do: z.literal("adopt"), frame, no: safe.min(0) });

const SetAside = z.strictObject({
  do: z.literal("setAside"),
  frame,
  no: safe.min(0),
  why: z.string().max(limits.whyCharsMax),
});

/** One change of a list. */
export const Change = z.discriminatedUnion("do", [Share, Withdraw, Adopt, SetAside]);
export type Change = Readonly<z.infer<typeof Change>>;

/** `data` of a frame, beside what makes it a frame of its timeline. */
const ListData = z.strictObject({
  n: z.number(),
  owner: identity,
  of: z.custom<Address>(isAddress),
  changes: z.array(Change).min(1).max(limits.changesMax),
});

/** The next frame of a list, which makes `changes` and nothing else. */
export function changeList(tip: IbGib, changes: readonly Change[]): IbGib {
  const record = mutate(tip, { changes: changes.map((change) => ({ ...change })) });
  readChanges(record);
  return record;
}

/**
 * The changes that a frame of a list makes.
 *
 * @param record A frame by the owner, neither the first nor a merge.
 * @throws KeysagaError `list_refused`, rule `shape` or `repeats`.
 */
export function readChanges(record: IbGib): readonly Change[] {
  const said = ListData.safeParse(record.data);
  const areLinksRight = Object.keys(record.rel8ns ?? {}).every((name) => name === "past" || name === "tjp");
  if (!said.success || !areLinksRight) return refuseList("shape");
  const { changes } = said.data;
  const isOnce = (subjects: readonly string[]) => new Set(subjects).size === subjects.length;
  const areOnce = changes.every((change) => change.do !== "withdraw" || isOnce(change.names));
  if (!areOnce || !isOnce(changes.map(subjectOf))) return refuseList("repeats");
  return changes;
}

/** The identity or the frame that a change is about. */
export function subjectOf(change: Change): Address {
  return "identity" in change ? change.identity : change.frame;
}
