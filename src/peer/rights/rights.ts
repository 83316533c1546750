import type { Instant } from "../../base/index.js";
import { type Address, gibOf, type IbGib, isTjp, ownerOf } from "../../ibgib/index.js";
import {
  type Access,
  type Action,
  type Entry,
  type IdentityRow,
  letsIn,
  type ListFirst,
  listFor,
  readListFirst,
} from "../../lists/index.js";
import type { CellChange, Look } from "../../space/index.js";
import { type Cell, cellKinds, newCell, sameCell } from "../home/cells.js";
import { identityRow, readNow } from "../home/list-rows.js";
import { listsRuling, rulingOf } from "../home/rulings.js";

/**
 * An embedder's own rule: may this identity do this with the timeline that `first` founds? Undefined leaves it to the
 * built-in one. Pure and quick: it is called inside a transaction, and often.
 */
export type Authorize = (identity: Address, action: Action, first: IbGib) => boolean | undefined;

/** The rule of a space that is open to all who are admitted. */
export const openToAll: Authorize = () => true;

/** Who asks, where and when. */
export interface Asking {
  readonly identity: Address;
  /** Whose store it is. */
  readonly self: Address;
  readonly now: Instant;
  readonly authorize: Authorize | undefined;
  /** Entries with counted uses that this very saga has used: spent for it, so good for it. */
  readonly claimed: ReadonlySet<string>;
}

/** What an identity may do with a timeline, and what that rests on. */
export interface Verdict {
  readonly may: boolean;
  /** The entry that it rests on, where it does on one. One that counts its uses comes only where no other lets in. */
  readonly entry: Entry | undefined;
  /** The cells that were looked at: while they are as they were, and until then, the answer is the same. */
  readonly relied: readonly CellChange[];
  readonly until: Instant;
  /** May it change by a record that comes, and no cell shows it? */
  readonly isLasting: boolean;
}

/**
 * May `asking` do this with the timeline that `first` founds? The owner may do everything with it, and others what the
 * entries of its lists say that are in force; who may write may read. A timeline without an owner is open to whoever
 * brought it here first, and to `self`. A list is its owner's to write; the list of writers may be read by who may read
 * the timeline, and by everybody whom it ever named.
 *
 * Costs a few look-ups, however long the lists are and however many entries others have.
 */
export function judge(asking: Asking, action: Action, first: IbGib, look: Look): Verdict {
  const owner = ownerOf(first);
  const list = readListFirst(first);
  // Whatever an embedder's rule opens, who may read is the owner's alone to know.
  if (list?.kind === "readers") return certain(owner === asking.identity);
  const told = asking.authorize?.(asking.identity, action, first);
  if (told !== undefined) return certain(told);
  if (owner === undefined) return judgeUnowned(asking, first, look);
  if (owner === asking.identity) return certain(true);
  return list ? judgeList(asking, action, first, list, look) : judgeByLists(asking, action, first, look);
}

const certain = (may: boolean): Verdict => ({
  may,
  entry: undefined,
  relied: [],
  until: Number.POSITIVE_INFINITY,
  isLasting: true,
});

function judgeUnowned({ identity, self }: Asking, first: IbGib, look: Look): Verdict {
  if (identity === self) return certain(true);
  const founder = readNow(look, cellKinds.founder, founderName(identity, first.address));
  return { ...certain(founder.bytes !== undefined), relied: [sameCell(founder)] };
}

function judgeByLists(asking: Asking, action: Action, first: IbGib, look: Look): Verdict {
  const ruling = rulingOf(first, look);
  if (ruling === undefined) return certain(false);
  const lists = listsRuling(ruling);
  const accesses: readonly Access[] = action === "write" ? ["write"] : ["write", "read"];
  const rows = accesses.map((access) => identityRow(look, lists[listFor[access]], asking.identity));
  const entries = rows.flatMap(({ value }) => entriesInForce(value, asking, look));
  const [entry] = entries.sort((a, b) => Number(a.uses !== undefined) - Number(b.uses !== undefined));
  return {
    may: entry !== undefined,
    entry,
    relied: rows.map(sameCell),
    until: Math.min(...rows.flatMap(({ value }) => endsAfter(value, asking.now))),
    isLasting: ruling.isWhole,
  };
}

/** Those that let in now, here. Of one that counts its uses there has to be one left. */
function entriesInForce(
  row: IdentityRow | undefined,
  { now, self, claimed }: Asking,
  look: Look,
): readonly Entry[] {
  const here = (row?.entries ?? []).filter((entry) => letsIn(entry, now, self));
  return here.filter(({ key, uses }) => uses === undefined || claimed.has(key) || usesOf(look, key) < uses);
}

function endsAfter(row: IdentityRow | undefined, now: Instant): readonly Instant[] {
  return (row?.entries ?? []).flatMap(({ expires }) =>
    expires !== undefined && expires > now ? [expires] : [],
  );
}

function judgeList(asking: Asking, action: Action, first: IbGib, { of }: ListFirst, look: Look): Verdict {
  if (action === "write") return certain(false);
  const named = identityRow(look, first.address, asking.identity);
  if (named.bytes !== undefined) return { ...certain(true), relied: [sameCell(named)] };
  const timeline = look.record(of);
  const isKnown = timeline !== undefined && isTjp(timeline) && ownerOf(timeline) === ownerOf(first);
  if (!isKnown) return { ...certain(false), relied: [sameCell(named)], isLasting: false };
  const verdict = judge(asking, "read", timeline, look);
  return { ...verdict, entry: undefined, relied: [...verdict.relied, sameCell(named)] };
}

/** How often an entry was used here. */
export function usesOf(look: Pick<Look, "cell">, key: string): number {
  return usesCell(look, key).value?.count ?? 0;
}

export function usesCell(look: Pick<Look, "cell">, key: string): Cell<{ count: number }> {
  return readNow(look, cellKinds.uses, key);
}

/** What a commit changes that brings a timeline without an owner for the first time. */
export function foundTimeline(identity: Address, timeline: Address): CellChange {
  return newCell(cellKinds.founder, founderName(identity, timeline), { timeline });
}

const founderName = (identity: Address, timeline: Address): string => `${gibOf(identity)}/${gibOf(timeline)}`;
