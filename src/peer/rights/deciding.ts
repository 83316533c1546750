import { KeysagaError } from "../../base/index.js";
import { type Address, gibOf, type IbGib, isMerge, makerOf, ownerOf, tjpOf } from "../../ibgib/index.js";
import {
  type Change,
  isSetAside,
  listLimits,
  nextAdoptionNo,
  nextSetAsideNo,
  noFrameRow,
  refuseList,
} from "../../lists/index.js";
import type { Look } from "../../space/index.js";
import { cellKinds, parseCell } from "../home/cells.js";
import type { Identity } from "../home/identity.js";
import { firstFrame, frameCell, timelinesWithin } from "../home/list-rows.js";
import { systemPlatform } from "../home/platform.js";
import { listsRuling, rulingOf } from "../home/rulings.js";
import { type WritingLists, writeList } from "./write-list.js";

/** A head that is stored in a space and is left out of what it shows. */
export interface LeftOut {
  /** The timeline that it belongs to. */
  readonly timeline: Address;
  readonly frame: Address;
  /** Who has made it. */
  readonly by: Address;
  /** Its owner's reason, where its owner has set it aside; else its maker may not write. */
  readonly why?: string;
}

/** A frame of a timeline of one's own, or of one within it. */
export interface FrameOf {
  readonly timeline: Address;
  readonly frame: Address;
}

/**
 * Adopts a head that was left out, in a timeline of one's own or in one within it: it counts from then on, with all that
 * it goes on from, whoever has made it. Durable when this resolves; others learn of it with the list.
 *
 * @throws KeysagaError `not_found`, `not_owner`; `list_refused`, rule `timeline` or `merge` for another frame.
 */
export async function adopt(
  identity: Identity,
  { timeline, frame }: FrameOf,
  writing: WritingLists = systemPlatform,
): Promise<void> {
  await writeList(
    identity,
    "writers",
    timeline,
    (look, list) => {
      checkFrame(look, timeline, frame);
      const row = frameCell(look, list, frame).value?.row ?? noFrameRow;
      if (row.adopted !== undefined && !isSetAside(row)) return [];
      return [[{ do: "adopt", frame, no: nextAdoptionNo(row) }]];
    },
    writing,
  );
}

/**
 * Sets a head aside: it counts no more, wherever the list comes, and stays stored. What its maker puts on top of it while
 * it still may write brings it back: withdraw that identity as well (`unshare`).
 *
 * @param why What the others are told: at most 500 characters.
 * @throws KeysagaError `not_found`, `not_owner`; `list_refused`, rule `own_head` for a frame of one's own, `timeline` or
 *   `merge` for one that is no such head, `shape` for a longer reason.
 */
export async function setAside(
  identity: Identity,
  { timeline, frame, why }: FrameOf & { readonly why: string },
  writing: WritingLists = systemPlatform,
): Promise<void> {
  if (why.length > listLimits.whyCharsMax) refuseList("shape");
  await writeList(
    identity,
    "writers",
    timeline,
    (look, list): readonly (readonly Change[])[] => {
      const { record, first } = checkFrame(look, timeline, frame);
      if (makerOf(record, first) === identity.address) refuseList("own_head");
      const row = frameCell(look, list, frame).value?.row ?? noFrameRow;
      return isSetAside(row) ? [] : [[{ do: "setAside", frame, no: nextSetAsideNo(row), why }]];
    },
    writing,
  );
}

/**
 * What is stored of a timeline, and of everything within it, and is left out of what this space shows: by somebody who may
 * not write, or set aside by the owner.
 *
 * @throws KeysagaError `not_found`.
 */
export function leftOut({ space }: Pick<Identity, "space">, timeline: Address): Promise<readonly LeftOut[]> {
  return space.look((look) => {
    const ruling = rulingOf(firstFrame(look, timeline), look);
    if (ruling === undefined) return [];
    const { writers } = listsRuling(ruling);
    const asked = new Set([timeline, ...timelinesWithin(look, timeline)]);
    const prefix = `${cellKinds.left.prefix}${gibOf(ruling.timeline)}/`;
    return Array.from(look.cells(prefix), ([, bytes]) => parseCell(cellKinds.left, bytes))
      .filter((left) => asked.has(left.timeline))
      .flatMap(({ timeline: of, heads }) => heads.flatMap((frame) => leftOf(look, writers, of, frame)));
  });
}

function leftOf(look: Look, writers: Address, timeline: Address, frame: Address): readonly LeftOut[] {
  const [first, record] = [look.record(timeline), look.record(frame)];
  const by = first && record && makerOf(record, first);
  if (by === undefined) return [];
  const row = frameCell(look, writers, frame).value?.row ?? noFrameRow;
  const why = isSetAside(row) ? row.aside?.why : undefined;
  return [{ timeline, frame, by, ...(why !== undefined && { why }) }];
}

/** @throws KeysagaError `not_found`; `list_refused`, rule `timeline` or `merge`. */
function checkFrame(
  look: Look,
  timeline: Address,
  frame: Address,
): { readonly record: IbGib; readonly first: IbGib } {
  const record = look.record(frame);
  const tjp = record && tjpOf(record);
  const first = tjp && look.record(tjp);
  if (!record || !first) throw new KeysagaError("not_found");
  if (ownerOf(first) === undefined || rulingOf(first, look)?.timeline !== timeline) refuseList("timeline");
  if (isMerge(record)) refuseList("merge");
  return { record, first };
}
