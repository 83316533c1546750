import type { Address } from "../ibgib/index.js";
import { type FrameRow, type IdentityRow, isSetAside } from "./rows.js";

/** What decides whether a frame counts as a head, beside its proof. */
export interface HeadSaid {
  /** Who has made it, proved. */
  readonly maker: Address;
  /** Of the timeline. */
  readonly owner: Address;
  /** What the list of writers says of the maker and of the frame. */
  readonly makerRow: IdentityRow;
  readonly frameRow: FrameRow;
  /** Does that list name the frame, or one that goes on from it? */
  readonly isNamed: boolean;
}

/**
 * Does a head count? The owner's do. Another's does where the list of writers does not set it aside, and names it or lets
 * its maker write: no clock is asked, for what was taken in time counts until the owner withdraws its maker.
 */
export function headCounts({ maker, owner, makerRow, frameRow, isNamed }: HeadSaid): boolean {
  if (maker === owner) return true;
  return !isSetAside(frameRow) && (isNamed || makerRow.entries.length > 0);
}
