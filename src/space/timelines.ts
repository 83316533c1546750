import {
  type Address,
  gibOf,
  type IbGib,
  nOf,
  ownerOf,
  previousOf,
  tjpOf,
  withinOf,
} from "../ibgib/index.js";
import type { Presence } from "./presence.js";
import { damaged, decodeAddress, decodeInner, decodeTipRow, type TipRow } from "./rows.js";
import type { Inner, Tip } from "./space.js";
import type { Reader } from "./store.js";

/** Every how many frames the index names one. */
export const frameStep = 32;

export function tipRow(reader: Reader, tjp: Address): TipRow | undefined {
  const row = reader.get("tips", gibOf(tjp));
  const found = row && decodeTipRow(row);
  return found?.tip.tjp === tjp ? found : undefined;
}

export function tipOf(reader: Reader, tjp: Address): Tip | undefined {
  return tipRow(reader, tjp)?.tip;
}

export function hasTip(reader: Reader, tjp: Address): boolean {
  return tipOf(reader, tjp) !== undefined;
}

/** Those whose first frames say that they are within this one; of an identity, those that it owns and that are within nothing. */
export function timelinesWithin(reader: Reader, outer: Address): Inner[] {
  return Array.from(reader.entries("within", `${gibOf(outer)}/`), ([, row]) => decodeInner(row));
}

/** The key under which a first frame is found by what it says it is within, else by its owner; undefined without either. */
export function withinKey(first: IbGib): string | undefined {
  const outer = withinOf(first) ?? ownerOf(first);
  return outer && `${gibOf(outer)}/${first.gib}`;
}

/** The frame before a frame, and those it took in. */
export function framesBefore(frame: IbGib): readonly Address[] {
  const previous = previousOf(frame);
  return [...(previous === undefined ? [] : [previous]), ...(frame.rel8ns?.["graftorphan"] ?? [])];
}

/** The number of a frame. The first frame by other software may have none: it stands before number 0, at -1. */
export function numberOf(frame: IbGib): number {
  return nOf(frame) ?? -1;
}

export function frameKey(tjp: Address, n: number): string {
  return `${gibOf(tjp)}/${n}`;
}

/** Does the index name the frames of this number? */
export function isIndexed(n: number): boolean {
  return n > 0 && n % frameStep === 0;
}

/** Frame `n` on the chain of the committed tip. At most one index step, then `frameStep - 1` frames. */
export function frameAt(reader: Reader, presence: Presence, tjp: Address, n: number): IbGib | undefined {
  const tip = tipOf(reader, tjp);
  if (tip === undefined || n > tip.n || n < -1 || !Number.isSafeInteger(n)) return undefined;
  const first = n <= 0 ? committed(presence, tjp) : undefined;
  if (first !== undefined && numberOf(first) === n) return first;
  let frame = committed(presence, startAt(reader, tip, n));
  while (numberOf(frame) > n) {
    const previous = previousOf(frame);
    if (previous === undefined) return undefined;
    frame = committed(presence, previous);
  }
  return frame;
}

/**
 * The frames `from..to`, oldest first; what the timeline does not have of them is left out.
 *
 * @param of Whose chain: a committed frame's, or the tip's.
 */
export function framesOf(
  reader: Reader,
  presence: Presence,
  tjp: Address,
  from: number,
  to: number,
  of?: Address,
): IbGib[] {
  let frame = frameBelow(reader, presence, tjp, to, of);
  if (frame === undefined) return [];
  const frames: IbGib[] = [];
  // Counted, not read: a frame's number is its successor's less one, and reading it would parse its data.
  for (let n = numberOf(frame); frame !== undefined && n >= from; n--) {
    frames.push(frame);
    const previous = previousOf(frame);
    frame = previous && committed(presence, previous);
  }
  return frames.reverse();
}

/** Frame `n` of the chain of the tip or of `of`, or its last one where that is less. */
function frameBelow(
  reader: Reader,
  presence: Presence,
  tjp: Address,
  n: number,
  of: Address | undefined,
): IbGib | undefined {
  const tip = tipOf(reader, tjp);
  if (tip === undefined) return undefined;
  if (of === undefined || of === tip.address) return frameAt(reader, presence, tjp, Math.min(n, tip.n));
  let frame = presence.find(of)?.record;
  if (frame === undefined || tjpOf(frame) !== tjp) return undefined;
  const last = numberOf(frame);
  if (frameAt(reader, presence, tjp, last)?.address === of)
    return frameAt(reader, presence, tjp, Math.min(n, last));
  for (let at = last; at > n && frame !== undefined; at--) {
    const previous: Address | undefined = previousOf(frame);
    frame = previous && committed(presence, previous);
  }
  return frame;
}

function startAt(reader: Reader, tip: Tip, n: number): Address {
  // Behind a first frame without a number, number 0 is one of those that the first index entry is reached from.
  const indexed = Math.max(1, Math.ceil(n / frameStep)) * frameStep;
  if (!isIndexed(indexed) || indexed > tip.n) return tip.address;
  return indexedAt(reader, tip.tjp, indexed) ?? damaged("frames");
}

/** The frame that the index names for number `n`; undefined where it names none. */
export function indexedAt(reader: Reader, tjp: Address, n: number): Address | undefined {
  const row = reader.get("frames", frameKey(tjp, n));
  return row && decodeAddress(row, "frames");
}

function committed(presence: Presence, address: Address): IbGib {
  return presence.find(address)?.record ?? damaged("records");
}
