import { KeysagaError } from "../../base/index.js";
import {
  type Address,
  holderOf,
  type IbGib,
  isStandIn,
  isTjp,
  isWithinOwners,
  linksOf,
  makerOf,
  ownerOf,
  previousOf,
  tjpOf,
  withinOf,
} from "../../ibgib/index.js";
import { isListIb, refuseList } from "../../lists/index.js";
import { overlaid, standInFor } from "../../merge/index.js";
import type { CellChange, ReferenceTo, Space, TipMove } from "../../space/index.js";
import { madeChanges, markEach, needsMark } from "./made.js";

/** What moves together with records that are saved. */
export interface SaveOptions {
  /** Small values of an embedder's own that change in the same commit, compared first: all or nothing. */
  readonly cells?: readonly CellChange[];
  /**
   * How tips move, where the records do not simply go on from them: as a merge of edits with the tip does. Default: from
   * the frame before the first record of a timeline to its last.
   */
  readonly tips?: readonly TipMove[];
}

/**
 * Makes records this identity's own: the one call by which a frame comes to be signed as what this identity has made.
 * Frames move the tips of their timelines, stones are kept for themselves. All or nothing; durable when this resolves.
 * They may build on whatever is in this space, in whosever name it is held.
 *
 * @param records Dependencies first; the frames of a timeline in order, going on from its tip.
 * @throws KeysagaError `maker_not_self` where a frame names another identity as its maker; `tip_moved` where a timeline's
 *   tip is not the frame before, or a cell is not as it was read (somebody else was first: read both and edit anew);
 *   `not_closed` where a record links to one that is not here; `chain_refused`; `list_refused` for a frame of a list, which
 *   `share` and its like write.
 */
export async function saveRecords(
  { space, address }: { readonly space: Space; readonly address: Address },
  records: readonly IbGib[],
  { cells = [], tips }: SaveOptions = {},
): Promise<void> {
  if (records.some(({ ib }) => isListIb(ib))) refuseList("by_hand");
  const firstOf = await firstFrames(space, records);
  checkPlaces(records, firstOf);
  const signed = records.filter((record) => isSigned(record, address, firstOf));
  const changes = [
    ...(await madeChanges(space, signed)),
    ...(await markEach(
      space,
      records.filter((record) => isUnowned(record, firstOf)),
    )),
    ...cells,
  ];
  const settled = linksAmong(records);
  const commit = (moved: Moved) =>
    space.commit({
      holder: address,
      sight: "anyone",
      puts: [...records, ...moved.standIns],
      tips: moved.tips,
      roots: records.filter((record) => tjpOf(record) === undefined).map((record) => record.address),
      cells: changes,
      settled,
    });
  const moves = tips ?? movesOf(records);
  let result = await commit({ tips: moves, standIns: [] });
  if (result.kind === "moved" && tips === undefined) {
    const moved = await besideOthers(space, records, moves);
    if (moved.standIns.length > 0) result = await commit(moved);
  }
  if (result.kind === "moved")
    throw new KeysagaError("tip_moved", { timelines: result.tips.length, cells: result.cells.length });
  if (result.kind === "notClosed") throw new KeysagaError("not_closed", { missing: result.missing.length });
}

/** The links from one of these to another: whatever stayed away for others, here it is meant. */
function linksAmong(records: readonly IbGib[]): ReferenceTo[] {
  const saved = new Set(records.map(({ address }) => address));
  return records.flatMap((record) =>
    linksOf(record).flatMap(({ target }) =>
      saved.has(target) ? [{ holder: holderOf(record), target }] : [],
    ),
  );
}

/** How tips move, with the stand-ins that this takes. */
interface Moved {
  readonly tips: readonly TipMove[];
  readonly standIns: readonly IbGib[];
}

/** Where the tip is a stand-in, an edit goes on from the head that it shows, and the other heads go on waiting beside it. */
async function besideOthers(
  space: Space,
  records: readonly IbGib[],
  moves: readonly TipMove[],
): Promise<Moved> {
  const tips: TipMove[] = [];
  const standIns: IbGib[] = [];
  for (const move of moves) {
    const now = await space.tip(move.tjp);
    const shown = now && (await space.get(now.address));
    const isBeside = shown !== undefined && isStandIn(shown) && previousOf(shown) === move.from;
    if (!isBeside || move.to === undefined) {
      tips.push(move);
      continue;
    }
    const heads = [move.to, ...(shown.rel8ns?.["graftorphan"] ?? [])];
    const standIn = await standInFor(heads, overlaid(space, records));
    if ("frame" in standIn) standIns.push(standIn.frame);
    const to = "frame" in standIn ? standIn.frame.address : standIn.same;
    tips.push({ ...move, from: shown.address, to });
  }
  return { tips, standIns };
}

/** The first frames of the timelines of `records`, and those that they are within, by address. */
async function firstFrames(space: Space, records: readonly IbGib[]): Promise<ReadonlyMap<Address, IbGib>> {
  const found = new Map(records.filter(isTjp).map((first) => [first.address, first]));
  await readInto(
    found,
    space,
    records.flatMap((record) => tjpOf(record) ?? []),
  );
  await readInto(
    found,
    space,
    records.filter(isTjp).flatMap((first) => withinOf(first) ?? []),
  );
  return found;
}

async function readInto(
  found: Map<Address, IbGib>,
  space: Space,
  addresses: readonly Address[],
): Promise<void> {
  const unread = [...new Set(addresses)].filter((address) => !found.has(address));
  for (const record of await space.getMany(unread)) if (record) found.set(record.address, record);
}

/** @throws KeysagaError `chain_refused`, rule `within`. */
function checkPlaces(records: readonly IbGib[], firstOf: ReadonlyMap<Address, IbGib>): void {
  for (const first of records.filter(isTjp)) {
    const within = withinOf(first);
    const outer = within && firstOf.get(within);
    if (outer !== undefined && !isWithinOwners(first, outer))
      throw new KeysagaError("chain_refused", { rule: "within" });
  }
}

/**
 * Is it signed once it travels? An edit in a timeline with an owner is, and a merge that others cannot make again.
 *
 * @throws KeysagaError `maker_not_self`.
 */
function isSigned(record: IbGib, self: Address, firstOf: ReadonlyMap<Address, IbGib>): boolean {
  const tjp = tjpOf(record);
  const first = tjp === undefined ? undefined : firstOf.get(tjp);
  if (first === undefined || ownerOf(first) === undefined) return false;
  const maker = makerOf(record, first);
  if (maker !== undefined && maker !== self) throw new KeysagaError("maker_not_self");
  return maker === self || needsMark(record);
}

/** Nobody signs a frame of a timeline without an owner. The mark tells its links from those of others. */
function isUnowned(record: IbGib, firstOf: ReadonlyMap<Address, IbGib>): boolean {
  const tjp = tjpOf(record);
  const first = tjp === undefined ? undefined : firstOf.get(tjp);
  return first !== undefined && ownerOf(first) === undefined;
}

/** One move for each timeline: from the frame before its first record to its last. */
function movesOf(records: readonly IbGib[]): TipMove[] {
  const moves = new Map<Address, TipMove>();
  for (const record of records) {
    const tjp = tjpOf(record);
    if (tjp === undefined) continue;
    const from = moves.has(tjp) ? moves.get(tjp)?.from : previousOf(record);
    moves.set(tjp, { tjp, from, to: record.address });
  }
  return [...moves.values()];
}
