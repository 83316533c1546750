import { type Address, gibOf, type IbGib, nOf, ownerOf, tjpOf } from "../../ibgib/index.js";
import type { Change } from "../../lists/index.js";
import {
  countingHeads,
  type FrameReader,
  framesBeyond,
  headsOf,
  type MergeFunctions,
  type MergeOptions,
  mergeOf,
  overlaid,
} from "../../merge/index.js";
import type { CellChange, Look, Space, TipMove } from "../../space/index.js";
import { cellKinds, changeCell, parseCell, removeCell } from "../home/cells.js";
import {
  changesOfLists,
  type ListChanged,
  type ListMove,
  type Looking,
  readNow,
  timelinesWithin,
} from "../home/list-rows.js";
import { markEach, needsMark } from "../home/made.js";
import { rulingOf } from "../home/rulings.js";
import { stands } from "./answered-merge.js";
import { ListedHeads } from "./head-judge.js";
import { overlaidLook } from "./overlay.js";

/** What lists are kept with. */
export interface ListKeeping {
  readonly space: Space;
  /** Whose store it is: a home shows its owner's own frames, also where they do not count. */
  readonly self: Address;
  readonly functions: MergeFunctions;
  readonly options: MergeOptions;
}

/** What a commit of lists' frames takes: their tips and those of timelines that they change, in one. */
export interface ListCommit {
  readonly tips: readonly TipMove[];
  /** Merges that this takes. */
  readonly puts: readonly IbGib[];
  readonly cells: readonly CellChange[];
}

/**
 * What moves with frames of lists: the rows of what they say, and the tips of the timelines where something else counts
 * now. Read anew for each try of the commit.
 *
 * A share or an adoption costs by the timelines where something was left out, a withdrawal by all that the list rules.
 *
 * @param reader Has the frames that the moves bring.
 * @throws KeysagaError `list_refused`, `limit_exceeded`, and what merging throws.
 */
export async function listCommit(
  keeping: ListKeeping,
  reader: FrameReader,
  moves: readonly ListMove[],
): Promise<ListCommit> {
  const { space, options } = keeping;
  const { cells, changed } = await changesOfLists(space, reader, moves, options);
  const look = overlaidLook(space, cells);
  const affected = await look.look((now) => changed.flatMap((each) => affectedBy(now, each)));
  const retips: Retip[] = [];
  for (const { ruler, timeline } of byTimeline(affected)) {
    const retip = await retipOf(keeping, look, ruler, timeline);
    if (retip) retips.push(retip);
  }
  const merges = retips.flatMap(({ merge }) => merge ?? []);
  return {
    tips: [...moves, ...retips.flatMap(({ tip }) => tip ?? [])],
    puts: merges,
    cells: [
      ...cells,
      ...retips.flatMap((retip) => retip.cells),
      ...(await markEach(space, merges.filter(needsMark))),
    ],
  };
}

interface Affected {
  readonly ruler: Address;
  readonly timeline: Address;
}

function byTimeline(affected: readonly Affected[]): readonly Affected[] {
  return [...new Map(affected.map((each) => [each.timeline, each])).values()];
}

/** Where a change may let something else count than before. */
function affectedBy(look: Look, { said, changes }: ListChanged): readonly Affected[] {
  const ruler = said.of;
  const first = look.record(ruler);
  // What is not its owner's is no list of it.
  if (said.kind === "readers" || (first && ownerOf(first) !== said.owner)) return [];
  const timelines = changes.flatMap((change): readonly Address[] => timelinesOf(look, ruler, change));
  return timelines.map((timeline) => ({ ruler, timeline }));
}

function timelinesOf(look: Look, ruler: Address, change: Change): readonly Address[] {
  switch (change.do) {
    case "share":
      return timelinesLeft(look, ruler);
    case "withdraw":
      return [ruler, ...timelinesWithin(look, ruler)];
    case "adopt":
    case "setAside": {
      const frame = look.record(change.frame);
      const tjp = frame && tjpOf(frame);
      const first = tjp && look.record(tjp);
      return first && rulingOf(first, look)?.timeline === ruler ? [first.address] : [];
    }
  }
}

/** The timelines of which something is stored that does not count. */
function timelinesLeft(look: Look, ruler: Address): readonly Address[] {
  const found = look.cells(`${cellKinds.left.prefix}${gibOf(ruler)}/`);
  return Array.from(found, ([, bytes]) => parseCell(cellKinds.left, bytes).timeline);
}

interface Retip {
  readonly tip: TipMove | undefined;
  readonly merge: IbGib | undefined;
  readonly cells: readonly CellChange[];
}

/**
 * The tip that a timeline has once the lists are as `look` says, or that it has none; nothing where it stays as it is.
 */
async function retipOf(
  keeping: ListKeeping,
  look: Looking,
  ruler: Address,
  timeline: Address,
): Promise<Retip | undefined> {
  const { space, self, options } = keeping;
  const [tip, first] = [await space.tip(timeline), await space.get(timeline)];
  if (!first || ownerOf(first) === undefined) return undefined;
  const left = await leftOf(space, ruler, timeline);
  const tops = [...(tip ? [tip.address] : []), ...left];
  const judge = new ShownHeads(look, first, self);
  const heads = await countingHeads(tops, judge, space, options);
  const before = tip ? await headsOf(tip.address, space, options) : [];
  const shown = tip && (await space.get(tip.address));
  const hasFallen = shown !== undefined && !(await stands(keeping, shown, judge));
  const isSame = heads.length === before.length && heads.every((head) => before.includes(head));
  if (isSame && !hasFallen) return undefined;
  const merged =
    heads.length === 0
      ? { same: undefined }
      : await mergeOf(heads, hasFallen ? left : tops, space, keeping.functions, options);
  const merge = "frame" in merged ? merged.frame : undefined;
  const to = "frame" in merged ? merged.frame.address : merged.same;
  const out = await leftOut([...before, ...left], to, merge ? overlaid(space, [merge]) : space, options);
  return {
    tip: to === tip?.address ? undefined : { tjp: timeline, from: tip?.address, to, isBack: true },
    merge,
    cells: await leftChanges(space, ruler, timeline, out),
  };
}

/** The heads among these that a tip, where there is one, does not have in its history. */
async function leftOut(
  heads: readonly Address[],
  tip: Address | undefined,
  reader: FrameReader,
  options: MergeOptions,
): Promise<readonly Address[]> {
  const out: Address[] = [];
  for (const head of new Set(heads))
    if ((await framesBeyond(head, tip ? [tip] : [], reader, options)).length > 0) out.push(head);
  return out;
}

/** The newest frames of a timeline that are stored and do not count, as far as they are not below its tip. */
function leftOf(space: Looking, ruler: Address, timeline: Address): Promise<readonly Address[]> {
  return space.look((look) => leftIn(look, ruler, timeline));
}

export function leftIn(look: Look, ruler: Address, timeline: Address): readonly Address[] {
  return readNow(look, cellKinds.left, leftName(ruler, timeline)).value?.heads ?? [];
}

export function leftChanges(
  space: Looking,
  ruler: Address,
  timeline: Address,
  heads: readonly Address[],
): Promise<readonly CellChange[]> {
  return space.look((look) => {
    const cell = readNow(look, cellKinds.left, leftName(ruler, timeline));
    if (heads.length > 0) return [changeCell(cell, { timeline, heads: [...heads] })];
    return cell.bytes === undefined ? [] : [removeCell(cell)];
  });
}

/**
 * Frames beside tips are found again by the timeline whose lists rule theirs.
 *
 * @param reader Has first frames that come with the commit.
 */
export async function filedBeside(
  space: Space,
  reader: FrameReader,
  apart: ReadonlyMap<Address, readonly Address[]>,
): Promise<readonly CellChange[]> {
  const cells: CellChange[] = [];
  for (const [timeline, heads] of apart) {
    if (heads.length === 0) continue;
    const [first] = await reader.getMany([timeline]);
    const ruling = first && (await space.look((look) => rulingOf(first, look)));
    if (ruling === undefined) continue;
    const known = await leftOf(space, ruling.timeline, timeline);
    const all = [...new Set([...known, ...heads])];
    if (all.length > known.length) cells.push(...(await leftChanges(space, ruling.timeline, timeline, all)));
  }
  return cells;
}

const leftName = (ruler: Address, timeline: Address): string => `${gibOf(ruler)}/${gibOf(timeline)}`;

/** What a home shows: what counts, and on top of it what its owner has made. */
export class ShownHeads extends ListedHeads {
  constructor(
    space: Looking,
    first: IbGib,
    private readonly self: Address,
  ) {
    super(space, first);
  }

  override async countsBy(maker: Address | undefined, frame: Address, isNamed: boolean): Promise<boolean> {
    return maker === this.self || super.countsBy(maker, frame, isNamed);
  }
}

/** Frames in the order in which a space takes them. */
export function inOrder(frames: readonly IbGib[]): readonly IbGib[] {
  return frames.toSorted((a, b) => (nOf(a) ?? 0) - (nOf(b) ?? 0));
}
