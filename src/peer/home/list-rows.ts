import { KeysagaError } from "../../base/index.js";
import { type Address, gibOf, hashOf, type IbGib, isTjp, tjpHashOf } from "../../ibgib/index.js";
import {
  type Change,
  changesOf,
  checkEntries,
  type FrameRow,
  foldChanges,
  type IdentityRow,
  type ListFirst,
  type ListState,
  noFrameRow,
  noIdentityRow,
  readListFirst,
  refuseList,
  rowsOf,
} from "../../lists/index.js";
import { type FrameReader, framesBeyond, type MergeOptions } from "../../merge/index.js";
import type { CellChange, Look, TipMove } from "../../space/index.js";
import { type Cell, type CellKind, cellKinds, changeCell, parseCell, removeCell } from "./cells.js";

/** What of a space has to be looked at: on one snapshot. `Space` has it. */
export interface Looking {
  look<Answer>(ask: (look: Look) => Answer): Promise<Answer>;
}

/** What frames of a list have changed. */
export interface ListChanged {
  readonly said: ListFirst;
  readonly changes: readonly Change[];
}

/** A list has a tip from its first frame on. */
export interface ListMove extends TipMove {
  readonly to: Address;
}

/**
 * What frames of lists say, as rows that change with them. Costs by the frames that are new, not by the lists.
 *
 * Whatever a list names has a row. Of what it does not rule, of merges and of the owner's own frames no row is asked, so
 * what it says of them has no effect: which of the frames that it names are here makes no difference.
 *
 * @param reader Has the frames that the moves bring.
 * @throws KeysagaError `list_refused`; `limit_exceeded` where a list has more entries than it may; as `framesBeyond`.
 */
export async function changesOfLists(
  space: Looking,
  reader: FrameReader,
  moves: readonly ListMove[],
  options?: MergeOptions,
): Promise<{ readonly cells: readonly CellChange[]; readonly changed: readonly ListChanged[] }> {
  const cells: CellChange[] = [];
  const changed: ListChanged[] = [];
  for (const { tjp, from, to } of moves) {
    const beyond = await framesBeyond(to, from === undefined ? [] : [from], reader, options);
    const [first, ...frames] = await reader.getMany([tjp, ...beyond]);
    const said = first && readListFirst(first);
    if (!first || !said) return refuseList("first");
    const changes = changesOf(
      first,
      frames.flatMap((frame) => frame ?? []),
    );
    changed.push({ said, changes: changes.map(({ change }) => change) });
    cells.push(...(await space.look((look) => rowChanges(look, tjp, changes))));
  }
  return { cells, changed };
}

function rowChanges(look: Look, list: Address, changes: ReturnType<typeof changesOf>): readonly CellChange[] {
  const about = rowsOf(changes);
  const rows = new Rows(look, list);
  for (const identity of about.identities) rows.identity(identity);
  for (const frame of about.frames) rows.frame(frame);
  return rows.changed(foldChanges(rows.state, changes));
}

/** The rows of one list that a change is about, and the cells that they are. */
class Rows {
  readonly #identities = new Map<Address, Cell<IdentityRow>>();
  readonly #frames = new Map<Address, Cell<{ frame: Address; row: FrameRow }>>();

  constructor(
    private readonly look: Look,
    private readonly list: Address,
  ) {}

  identity(address: Address): void {
    this.#identities.set(
      address,
      readNow(this.look, cellKinds.listIdentity, identityName(this.list, address)),
    );
  }

  frame(address: Address): void {
    this.#frames.set(address, readNow(this.look, cellKinds.listFrame, frameName(this.list, address)));
  }

  get state(): ListState {
    const identities = [...this.#identities].map(([at, { value }]) => [at, value ?? noIdentityRow] as const);
    const frames = [...this.#frames].map(([at, { value }]) => [at, value?.row ?? noFrameRow] as const);
    return { identities: new Map(identities), frames: new Map(frames) };
  }

  changed(after: ListState): readonly CellChange[] {
    const size = readNow(this.look, cellKinds.listSize, gibOf(this.list));
    const entries = checkEntries(this.state, after, size.value?.entries ?? 0);
    return [
      ...[...this.#identities].flatMap(([address, cell]) => {
        const row = after.identities.get(address)!;
        return [changeCell(cell, row), ...this.#ends(address, row)];
      }),
      ...[...this.#frames].map(([frame, cell]) => changeCell(cell, { frame, row: after.frames.get(frame)! })),
      ...(entries === size.value?.entries ? [] : [changeCell(size, { entries })]),
    ];
  }

  /** When all that lets an identity in is over. */
  #ends(identity: Address, { entries }: IdentityRow): readonly CellChange[] {
    const cell = readNow(this.look, cellKinds.listEnds, identityName(this.list, identity));
    const ends = entries.map(({ expires = Number.POSITIVE_INFINITY }) => expires);
    const at = Math.max(...ends);
    if (Number.isFinite(at)) return cell.value?.at === at ? [] : [changeCell(cell, { identity, at })];
    return cell.bytes === undefined ? [] : [removeCell(cell)];
  }
}

/** What a list says of an identity. */
export function identityRow(look: Pick<Look, "cell">, list: Address, identity: Address): Cell<IdentityRow> {
  return readNow(look, cellKinds.listIdentity, identityName(list, identity));
}

/** What a list says of a frame. */
export function frameCell(
  look: Pick<Look, "cell">,
  list: Address,
  frame: Address,
): Cell<{ frame: Address; row: FrameRow }> {
  return readNow(look, cellKinds.listFrame, frameName(list, frame));
}

/** Every frame of a timeline that a list says something of. Costs one look-up where the list is not here. */
export function framesSaid(
  look: Pick<Look, "cell" | "cells">,
  list: Address,
  timeline: Address,
): readonly { readonly frame: Address; readonly row: FrameRow }[] {
  const { prefix } = cellKinds.listFrame;
  if (look.cell(cellKinds.listSize.prefix + gibOf(list)) === undefined) return [];
  const found = look.cells(`${prefix}${gibOf(list)}/${hashOf(timeline)}/`);
  return Array.from(found, ([, bytes]) => parseCell(cellKinds.listFrame, bytes));
}

/** Reads a cell on a snapshot. */
export function readNow<Value>(look: Pick<Look, "cell">, of: CellKind<Value>, name: string): Cell<Value> {
  const key = of.prefix + name;
  const bytes = look.cell(key)?.slice();
  return { key, bytes, value: bytes && parseCell(of, bytes) };
}

const identityName = (list: Address, identity: Address): string => `${gibOf(list)}/${gibOf(identity)}`;

/** An address shows which timeline its frame belongs to, so that all that is said of one lie together. */
const frameName = (list: Address, frame: Address): string =>
  `${gibOf(list)}/${tjpHashOf(frame) ?? hashOf(frame)}/${hashOf(frame)}`;

/** All timelines within one, however deep, that are here. */
export function timelinesWithin(look: Pick<Look, "within">, outer: Address): readonly Address[] {
  const found = new Set<Address>();
  const open = [outer];
  for (let at = open.pop(); at !== undefined; at = open.pop())
    for (const { timeline } of look.within(at)) {
      if (found.has(timeline)) continue;
      found.add(timeline);
      open.push(timeline);
    }
  return [...found];
}

/** @throws KeysagaError `not_found` */
export function firstFrame(look: Pick<Look, "record">, timeline: Address): IbGib {
  const first = look.record(timeline);
  if (!first || !isTjp(first)) throw new KeysagaError("not_found");
  return first;
}
