import type { JsonObject } from "../base/index.js";
import { type Address, isAddress, isIdentityAddress } from "./address.js";
import type { IbGib } from "./record.js";

/** What a merge frame says of itself in `data.merge`. */
export interface MergeMark {
  readonly function: string;
  /** A positive integer. */
  readonly version: number;
}

/** Is this the first frame of a timeline? */
export function isTjp(record: IbGib): boolean {
  return record.member("isTjp") === true;
}

/** The first frame of the timeline this belongs to; undefined for a stone. */
export function tjpOf(record: IbGib): Address | undefined {
  return record.rel8ns?.["tjp"]?.[0] ?? (isTjp(record) ? record.address : undefined);
}

/** Does this belong to a timeline? All other records are stones. */
export function isFrame(record: IbGib): boolean {
  return tjpOf(record) !== undefined;
}

/** The number of a frame; undefined where it has none (first frames by other software) and for stones. */
export function nOf(record: IbGib): number | undefined {
  const n = record.member("n");
  return isFrame(record) && typeof n === "number" && Number.isSafeInteger(n) && n >= 0 ? n : undefined;
}

/** The frame before: the last of `past`. Undefined for first frames and stones, whose `past` is a plain link. */
export function previousOf(record: IbGib): Address | undefined {
  return isFrame(record) ? record.rel8ns?.["past"]?.at(-1) : undefined;
}

/**
 * The identity that a first frame names as its owner, and later frames repeat; undefined where it names none, or nothing
 * that could be one. Other software may leave it out of later frames: what counts is what the first frame says.
 */
export function ownerOf(frame: IbGib): Address | undefined {
  const owner = frame.member("owner");
  return isIdentityAddress(owner) ? owner : undefined;
}

/** The timeline that a first frame says it is a part of. */
export function withinOf(first: IbGib): Address | undefined {
  const within = first.member("within");
  return isAddress(within) ? within : undefined;
}

/** The function and version a frame names; undefined for an edit, which every other frame is, the first included. */
export function mergeMarkOf(record: IbGib): MergeMark | undefined {
  const mark = isFrame(record) && !isTjp(record) ? record.member("merge") : undefined;
  if (typeof mark !== "object" || mark === null || Array.isArray(mark)) return undefined;
  const { function: name, version } = mark as JsonObject;
  if (typeof name !== "string" || name === "") return undefined;
  if (typeof version !== "number" || !Number.isSafeInteger(version) || version < 1) return undefined;
  return { function: name, version };
}

/** Is this a merge? It adds no edit of its own. A frame with `graftorphan` that names no function is an edit. */
export function isMerge(record: IbGib): boolean {
  return mergeMarkOf(record) !== undefined;
}

/** The mark of a stand-in. */
export const standInMark = { function: "highest", version: 1 } as const;

/**
 * Is this a stand-in? It is made where heads wait for a merge by a function that is not here, and shows what the highest
 * of them says. Edits go on from that head, so that the others still wait.
 */
export function isStandIn(record: IbGib): boolean {
  const mark = mergeMarkOf(record);
  return mark?.function === standInMark.function && mark.version === standInMark.version;
}

/**
 * The identity that a frame says has made it: the one in `data.by`, else the owner of its timeline. Undefined for a
 * merge, which every peer makes alike, and in a timeline without an owner. That it is true is for a proof to say.
 *
 * @param frame Has passed `checkFirst` or `checkSuccessor`.
 * @param first The first frame of its timeline.
 */
export function makerOf(frame: IbGib, first: IbGib): Address | undefined {
  const owner = ownerOf(first);
  if (owner === undefined || isMerge(frame)) return undefined;
  const by = frame.member("by");
  return isIdentityAddress(by) ? by : owner;
}
