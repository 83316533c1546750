import * as z from "zod";
import type { Instant } from "../base/index.js";
import { type Address, hashOf, isIdentityAddress } from "../ibgib/index.js";

const identity = z.custom<Address>(isIdentityAddress);
const count = z.number().int().min(0);

const Entry = z.strictObject({
  /** Which share it is: the frame that made it, and which of its changes. */
  key: z.string(),
  no: count,
  expires: z.number().exactOptional(),
  uses: count.exactOptional(),
  receiver: identity.exactOptional(),
});
/** An entry in force. */
export type Entry = Readonly<z.infer<typeof Entry>>;

/** What a list says of one identity: all that its frames come to, in whichever order they were folded in. */
export const IdentityRow = z.strictObject({
  /** Those with a number above `withdrawn`, by key. */
  entries: z.array(Entry),
  /** The highest number of a share, and of a withdrawal; 0: there was none. */
  shared: count,
  withdrawn: count,
});
export type IdentityRow = Readonly<z.infer<typeof IdentityRow>>;

/** What a list says of one frame: whether it is named, and the highest numbers of an adoption and of a set-aside. */
export const FrameRow = z.strictObject({
  isNamed: z.boolean(),
  adopted: count.exactOptional(),
  aside: z.strictObject({ no: count, why: z.string() }).exactOptional(),
});
export type FrameRow = Readonly<z.infer<typeof FrameRow>>;

export const noIdentityRow: IdentityRow = { entries: [], shared: 0, withdrawn: 0 };
export const noFrameRow: FrameRow = { isNamed: false };

/** Names a share: a frame of a list makes each of its changes once. */
export function entryKey(frame: Address, at: number): string {
  return `${hashOf(frame)}/${at}`;
}

export function withEntry(row: IdentityRow, entry: Entry): IdentityRow {
  const others = row.entries.filter(({ key }) => key !== entry.key);
  return settled({ ...row, entries: [...others, entry], shared: Math.max(row.shared, entry.no) });
}

export function withWithdrawal(row: IdentityRow, no: number): IdentityRow {
  return settled({ ...row, withdrawn: Math.max(row.withdrawn, no) });
}

/** One form for one meaning: what was withdrawn is gone, and the rest has one order. */
function settled(row: IdentityRow): IdentityRow {
  const inForce = row.entries.filter(({ no }) => no > row.withdrawn);
  return { ...row, entries: inForce.sort((a, b) => (a.key < b.key ? -1 : 1)) };
}

export function withName(row: FrameRow): FrameRow {
  return { ...row, isNamed: true };
}

export function withAdoption(row: FrameRow, no: number): FrameRow {
  return { ...row, isNamed: true, adopted: Math.max(row.adopted ?? 0, no) };
}

export function withSetAside(row: FrameRow, no: number, why: string): FrameRow {
  const { aside } = row;
  const isNewer = aside === undefined || no > aside.no || (no === aside.no && why < aside.why);
  return isNewer ? { ...row, aside: { no, why } } : row;
}

/** A set-aside wins over an adoption with its number, and over names, which have none. */
export function isSetAside({ aside, adopted }: FrameRow): boolean {
  return aside !== undefined && aside.no >= (adopted ?? -1);
}

/** The number of the next share: one that did not know of a withdrawal ends with the rest. */
export const nextShareNo = ({ withdrawn }: IdentityRow): number => withdrawn + 1;
/** The number of the next withdrawal: it ends all that is known. */
export const nextWithdrawalNo = ({ shared }: IdentityRow): number => shared;
export const nextAdoptionNo = ({ aside }: FrameRow): number => (aside?.no ?? -1) + 1;
export const nextSetAsideNo = ({ adopted }: FrameRow): number => adopted ?? 0;

/** Does an entry let its identity in at this time, and with this receiver? Whether its uses are spent is not asked. */
export function letsIn({ expires, receiver }: Entry, now: Instant, self: Address): boolean {
  return (expires === undefined || expires > now) && (receiver ?? self) === self;
}

/** Is the time of an identity over: that of all its entries? Of one that has none it is not: it was withdrawn. */
export function isTimeOver({ entries }: IdentityRow, now: Instant): boolean {
  return entries.length > 0 && entries.every(({ expires }) => expires !== undefined && expires <= now);
}
