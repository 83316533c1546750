import { KeysagaError } from "../base/index.js";
import { type Address, type IbGib, ibOf, isAddress, isTjp, ownerOf, sealRecord } from "../ibgib/index.js";

/** What a list says: who may write (and so read), or who may read. */
export const listKinds = ["writers", "readers"] as const;
export type ListKind = (typeof listKinds)[number];

/** What an entry lets an identity do with a timeline. Who may write may read. */
export type Access = "read" | "write";

/** What is asked of the lists: the same two words. */
export type Action = Access;

/** The list that has the entries which give this access. */
export const listFor: Readonly<Record<Access, ListKind>> = { read: "readers", write: "writers" };

/** Why a list, or a frame of one, is refused: the fact `rule` of a `list_refused`. */
export type ListRule =
  /** Its first frame is not the one that is computed from the timeline's. */
  | "first"
  /** Data or links are not what a frame of a list has. */
  | "shape"
  /** One frame says two things of one identity or frame. */
  | "repeats"
  /** It sets a frame aside that the owner has made. */
  | "own_head"
  /** It names a frame of a timeline that has another list. */
  | "timeline"
  /** It names a merge. */
  | "merge"
  /** To no identity, or to the owner. */
  | "identity"
  /** The time is over already, or no time. */
  | "expires"
  /** Counted how often, and by which receiver: a count of at least one, and an identity. */
  | "uses"
  /** The timeline is within another one, which has the lists. */
  | "within"
  /** It has no owner, or is a list itself: it has no lists. */
  | "unruled"
  /** Only the owner brings the readers. */
  | "readers"
  /** Saved by an app: what lists say moves with their frames. */
  | "by_hand";

export function refuseList(rule: ListRule): never {
  throw new KeysagaError("list_refused", { rule });
}

/** The two lists of one timeline, by their first frames. */
export type ListsOf = Readonly<Record<ListKind, Address>>;

/** Which list a record is of, by its ib; of any other record undefined. */
export function listKindOf({ ib }: Pick<IbGib, "ib">): ListKind | undefined {
  return listKinds.find((kind) => ib === ibOfList(kind));
}

/** Does a record of this ib belong to a list? */
export function isListIb(ib: string): boolean {
  return listKindOf({ ib }) !== undefined;
}

/** Is this a list, by the address of its first frame? Lists go along with what they rule, and are not what was asked for. */
export function isListAddress(address: Address): boolean {
  return isListIb(ibOf(address));
}

/**
 * The first frame of a list of a timeline. Everybody can compute it, so nobody has made it and nobody proves it.
 *
 * @param timeline The first frame of a timeline, by address, that `owner` owns.
 */
export function firstOfList(kind: ListKind, timeline: Address, owner: Address): IbGib {
  return sealRecord({ ib: ibOfList(kind), data: { isTjp: true, n: 0, owner, of: timeline } });
}

/** The addresses of both lists of a timeline. Costs a hash for each. */
export function listsOf(timeline: Address, owner: Address): ListsOf {
  const addressOf = (kind: ListKind) => firstOfList(kind, timeline, owner).address;
  return { writers: addressOf("writers"), readers: addressOf("readers") };
}

/** What the first frame of a list says. */
export interface ListFirst {
  readonly kind: ListKind;
  readonly owner: Address;
  /** The timeline that it is a list of. */
  readonly of: Address;
}

/**
 * Reads the first frame of a list. Where the timeline has another owner, it is no list of it, and nobody asks it anything.
 *
 * @returns undefined for any other record.
 * @throws KeysagaError `list_refused`, rule `first`, where it is not exactly the computed one.
 */
export function readListFirst(first: IbGib): ListFirst | undefined {
  const kind = listKindOf(first);
  if (kind === undefined || !isTjp(first)) return undefined;
  const [owner, of] = [ownerOf(first), first.member("of")];
  if (owner === undefined || !isAddress(of)) return refuseList("first");
  if (firstOfList(kind, of, owner).address !== first.address) refuseList("first");
  return { kind, owner, of };
}

function ibOfList(kind: ListKind): string {
  return `list.${kind}`;
}
