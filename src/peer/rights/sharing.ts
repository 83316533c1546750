import { type Instant, KeysagaError } from "../../base/index.js";
import { type Address, addressOf, gibOf, type IbGib, isIdentityAddress, makerOf } from "../../ibgib/index.js";
import {
  type Access,
  type Change,
  type Entry,
  type IdentityRow,
  isTimeOver,
  listFor,
  type ListKind,
  listLimits,
  nextShareNo,
  nextWithdrawalNo,
  noIdentityRow,
  refuseList,
} from "../../lists/index.js";
import { countingHeads, mergeLimits } from "../../merge/index.js";
import type { Look, Space } from "../../space/index.js";
import { cellKinds, parseCell } from "../home/cells.js";
import type { Identity } from "../home/identity.js";
import { firstFrame, identityRow, timelinesWithin } from "../home/list-rows.js";
import { type Platform, systemPlatform } from "../home/platform.js";
import { listsRuling, rulingOf } from "../home/rulings.js";
import { type LeftOut, leftOut } from "./deciding.js";
import { listsHere } from "./lists-here.js";
import { usesOf } from "./rights.js";
import { type WritingLists, writeList } from "./write-list.js";

/** What is shared, with whom and how. */
export interface Share {
  /** The first frame of a timeline of one's own. What is within it, and has the same owner, is shared with it. */
  readonly timeline: Address;
  readonly with: Address;
  /** Who may write may read. */
  readonly access: Access;
  /** From then on it counts no more: milliseconds since the epoch, by the clock of whoever is asked. */
  readonly expires?: Instant;
  /** May be used so many times, with the one receiver that counts them. */
  readonly uses?: { readonly max: number; readonly receiver: Address };
}

/** How an entry of a list stands, by a clock and by what is kept in a space. */
export type EntryState = "in_force" | "expired" | "used_up" | "withdrawn";

/** What a space knows of a timeline's being shared. */
export interface Shared extends Share {
  /** Names the entry; none where all of that identity's were withdrawn. */
  readonly entry?: string;
  readonly state: EntryState;
  /** How often it was used here, where uses are counted. */
  readonly used?: number;
}

/** What a share has done. */
export interface Sharing {
  /** What was left out of the timeline and is back with it: all that the identity has made meanwhile. */
  readonly back: readonly LeftOut[];
}

/** From whom all of a timeline of one's own is taken back. */
export interface Unshare {
  readonly timeline: Address;
  readonly from: Address;
  /** A sender to the receiver that they share: what that has is pulled first, so that what `from` added there stays. */
  readonly at?: {
    sync(roots: readonly Address[], options: { readonly direction: "pull" }): Promise<unknown>;
  };
}

/** What a withdrawal has done. */
export interface Unshared {
  readonly timeline: Address;
  readonly from: Address;
  /** The newest frames of `from` that this home shows: they go on counting, with all that they go on from. */
  readonly stays: readonly Address[];
  /** What this home has of `from` and leaves out without having set it aside: `adopt` takes it over. */
  readonly leaves: readonly LeftOut[];
}

/** What calls that write lists take from outside. */
export type Writing = WritingLists & Pick<Platform, "clock">;

/**
 * Shares a timeline of one's own: an entry in its list of writers or readers. Durable when this resolves; a receiver
 * honours it once it has the list, with the next saga. Sharing again adds to what is shared: take back first what should
 * go. An entry as is there already is not made again.
 *
 * @throws KeysagaError `not_found`, `not_owner`; `list_refused`: with no identity, with the owner, of no use at all, or over
 *   before it is made; for a timeline that is within another of one's own, which has the lists; `limit_exceeded`.
 */
export async function share(
  identity: Identity,
  given: Share,
  writing: Writing = systemPlatform,
): Promise<Sharing> {
  checkShare(given, identity.address, writing.clock.now());
  const plan = (look: Look, list: Address): readonly (readonly Change[])[] => {
    const row = identityRow(look, list, given.with).value ?? noIdentityRow;
    if (row.entries.some((entry) => isSameUncounted(entry, given))) return [];
    return [[{ do: "share", identity: given.with, no: nextShareNo(row), ...termsOf(given) }]];
  };
  const before = given.access === "write" ? await leftOut(identity, given.timeline) : [];
  await writeList(identity, listFor[given.access], given.timeline, plan, writing);
  if (before.length === 0) return { back: [] };
  const still = new Set((await leftOut(identity, given.timeline)).map(({ frame }) => frame));
  return { back: before.filter(({ frame }) => !still.has(frame)) };
}

/**
 * Takes back all that a timeline of one's own is shared with `from`. Durable when this resolves; a receiver refuses `from`
 * from the moment it has the list. What `from` has added, as far as this space shows it, goes on counting, and nothing
 * else: give the sender that brings it in step (`at`), so that nothing is left out. What comes later is named in the
 * report of the sync that it comes with.
 *
 * @throws KeysagaError `not_found`, `not_owner`, `not_shared`; `list_refused`, rule `within`; what `at` throws, and then
 *   nothing is taken back.
 */
export async function unshare(
  identity: Identity,
  { timeline, from, at }: Unshare,
  writing: Writing = systemPlatform,
): Promise<Unshared> {
  await at?.sync([timeline], { direction: "pull" });
  const taken = { timeline, from };
  const stays = await newestBy(identity, timeline, from);
  const isWriter = await withdraw(identity, "writers", taken, inParts(stays), () => true, writing);
  const isReader = await withdraw(identity, "readers", taken, [[]], () => true, writing);
  if (!isWriter && !isReader) throw new KeysagaError("not_shared");
  const leaves = (await leftOut(identity, timeline)).filter(({ by, why }) => by === from && !why);
  return { timeline, from, stays: isWriter ? stays : [], leaves };
}

/**
 * Withdraws from lists of one's own whose time there is over, by this home's clock. To be called once what a receiver has
 * is here: what they have made in time is named, and stays.
 *
 * @param timelines Whose lists are looked at. Costs by the entries that end some time.
 * @returns Whether there was anybody.
 */
export async function withdrawExpired(
  identity: Identity,
  timelines: readonly Address[],
  writing: Writing,
): Promise<boolean> {
  const { space, address } = identity;
  const now = writing.clock.now();
  const lists = (await listsHere(space, timelines)).filter(({ owner }) => owner === address);
  let isAny = false;
  for (const { kind, of: timeline, tip } of lists) {
    const prefix = `${cellKinds.listEnds.prefix}${gibOf(tip.tjp)}/`;
    const ends = await space.look((look) =>
      Array.from(look.cells(prefix), ([, bytes]) => parseCell(cellKinds.listEnds, bytes)),
    );
    for (const { identity: from, at } of ends) {
      if (at > now) continue;
      const names = kind === "writers" ? inParts(await newestBy(identity, timeline, from)) : [[]];
      const isOver = (row: IdentityRow) => isTimeOver(row, now);
      if (await withdraw(identity, kind, { timeline, from }, names, isOver, writing)) isAny = true;
    }
  }
  return isAny;
}

/** @returns Whether there was anything to withdraw in that list. */
function withdraw(
  identity: Identity,
  kind: ListKind,
  { timeline, from }: { readonly timeline: Address; readonly from: Address },
  names: readonly (readonly Address[])[],
  isDue: (row: IdentityRow) => boolean,
  writing: WritingLists,
): Promise<boolean> {
  const plan = (look: Look, list: Address): readonly (readonly Change[])[] => {
    const row = identityRow(look, list, from).value;
    if (row === undefined || row.entries.length === 0 || !isDue(row)) return [];
    const no = nextWithdrawalNo(row);
    return names.map((part) => [{ do: "withdraw", identity: from, no, names: [...part] }]);
  };
  return writeList(identity, kind, timeline, plan, writing);
}

/**
 * Who may do what with a timeline beside its owner, and who could, as far as this space knows: by the lists of the
 * outermost timeline that it is within.
 *
 * @throws KeysagaError `not_found`.
 */
export function whoMay(
  { space }: Pick<Identity, "space">,
  timeline: Address,
  { clock }: Pick<Platform, "clock"> = systemPlatform,
): Promise<readonly Shared[]> {
  const now = clock.now();
  return space.look((look) => {
    const ruling = rulingOf(firstFrame(look, timeline), look);
    if (ruling === undefined) return [];
    const lists = listsRuling(ruling);
    return (["write", "read"] as const).flatMap((access) =>
      rowsOfList(look, lists[listFor[access]]).flatMap(({ identity, row }) => {
        const said = { timeline: ruling.timeline, with: identity, access };
        if (row.entries.length === 0) return [{ ...said, state: "withdrawn" as const }];
        return row.entries.map((entry) => ({ ...said, ...sharedOf(entry, look, now) }));
      }),
    );
  });
}

/** Every identity that a list says something of. Costs by the list. */
function rowsOfList(
  look: Look,
  list: Address,
): readonly { readonly identity: Address; readonly row: IdentityRow }[] {
  const prefix = `${cellKinds.listIdentity.prefix}${gibOf(list)}/`;
  return Array.from(look.cells(prefix), ([key, bytes]) => ({
    identity: addressOf("keystone.identity", key.slice(prefix.length)),
    row: parseCell(cellKinds.listIdentity, bytes),
  })).sort((a, b) => (a.identity < b.identity ? -1 : 1));
}

function sharedOf(
  { key: entry, expires, uses, receiver }: Entry,
  look: Look,
  now: Instant,
): Omit<Shared, "timeline" | "with" | "access"> {
  const used = uses === undefined ? 0 : usesOf(look, entry);
  const isOver = expires !== undefined && expires <= now;
  return {
    entry,
    ...(expires !== undefined && { expires }),
    ...(uses !== undefined && receiver !== undefined && { uses: { max: uses, receiver }, used }),
    state: isOver ? "expired" : uses !== undefined && used >= uses ? "used_up" : "in_force",
  };
}

function checkShare({ with: other, expires, uses }: Share, owner: Address, now: Instant): void {
  if (!isIdentityAddress(other) || other === owner) refuseList("identity");
  if (expires !== undefined && !(Number.isSafeInteger(expires) && expires > now)) refuseList("expires");
  if (uses === undefined) return;
  if (!(Number.isSafeInteger(uses.max) && uses.max > 0) || !isIdentityAddress(uses.receiver))
    refuseList("uses");
}

function termsOf({ expires, uses }: Share): Pick<Entry, "expires" | "uses" | "receiver"> {
  return {
    ...(expires !== undefined && { expires }),
    ...(uses && { uses: uses.max, receiver: uses.receiver }),
  };
}

/** Each share that counts its uses is one more; of the others, one of a kind says it all. */
function isSameUncounted(entry: Entry, { expires, uses }: Share): boolean {
  return uses === undefined && entry.uses === undefined && entry.expires === expires;
}

/**
 * The newest frames that `maker` has made of all that this space shows of a timeline and of everything within it: heads,
 * and frames below others' heads. Walks each history down to them.
 */
async function newestBy({ space }: Identity, timeline: Address, maker: Address): Promise<readonly Address[]> {
  const all = await space.look((look) => {
    firstFrame(look, timeline);
    const timelines = [timeline, ...timelinesWithin(look, timeline)];
    return timelines.flatMap((address) => look.record(address) ?? []);
  });
  const tips = await space.tips(all.map(({ address }) => address));
  const found = await Promise.all(all.map((first, at) => newestIn(space, first, tips[at]?.address, maker)));
  return found.flat();
}

async function newestIn(
  space: Space,
  first: IbGib,
  tip: Address | undefined,
  maker: Address,
): Promise<readonly Address[]> {
  if (tip === undefined) return [];
  const isMaker = {
    counts: async (frame: IbGib) => makerOf(frame, first) === maker,
    named: async () => [],
  };
  // No history is too long for its owner to take back what was shared.
  const limits = { ...mergeLimits, framesMax: Number.MAX_SAFE_INTEGER };
  return countingHeads([tip], isMaker, space, { limits });
}

/** At least one part, each as long as one withdrawal may be. */
function inParts(names: readonly Address[]): readonly (readonly Address[])[] {
  const parts: (readonly Address[])[] = [];
  for (let at = 0; at === 0 || at < names.length; at += listLimits.namesMax)
    parts.push(names.slice(at, at + listLimits.namesMax));
  return parts;
}
