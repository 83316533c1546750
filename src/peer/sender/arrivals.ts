import { type Address, gibOf } from "../../ibgib/index.js";
import { isListAddress } from "../../lists/index.js";
import type { CellChange, Space } from "../../space/index.js";
import {
  type Cell,
  type CellValue,
  cellKinds,
  changeCell,
  readCell,
  readCells,
  removeCell,
} from "../home/cells.js";

/** What is known of a root (a timeline by its first address, a stone) at one receiver. */
export type Arrival = CellValue<"arrival">;

/** Whose receipt it is, and what of it tells it from others. `time` is the receiver's, and a claim. */
export interface ReceiptMark {
  readonly saga: string;
  readonly session: Address;
  readonly time: number;
}

/** What a receipt says of a root. */
export interface Arrived {
  readonly root: Address;
  /** Records that the receiver has, and this space as well, so that their closures are there: a tip, or its heads. */
  readonly held: readonly Address[];
  /** This side's tip, where the receiver did not take it. */
  readonly refused: Address | undefined;
}

/** The frame or stone of each root that goes out, where it is not known yet that it did. */
export async function sentChanges(
  space: Space,
  receiver: Address,
  tips: readonly { readonly root: Address; readonly tip: Address }[],
): Promise<readonly CellChange[]> {
  const changes = tips.map(async ({ root, tip }) => {
    const cell = await arrivalCell(space, receiver, root);
    return cell.value?.sent === tip ? [] : [changeCell(cell, { ...cell.value, root, sent: tip })];
  });
  return (await Promise.all(changes)).flat();
}

/**
 * What a receipt tells, where it is news: one that repeats what an older one says leaves that one in place. What had
 * gone out before is settled by it.
 */
export async function receiptChanges(
  space: Space,
  receiver: Address,
  mark: ReceiptMark,
  arrived: readonly Arrived[],
): Promise<readonly CellChange[]> {
  const changes = arrived.map(async ({ root, held, refused }) => {
    const cell = await arrivalCell(space, receiver, root);
    if (isAsTold(cell, held, refused)) return [];
    const receipt = { ...mark, held: [...held], ...(refused && { refused }) };
    return [changeCell(cell, { root, receipt })];
  });
  return (await Promise.all(changes)).flat();
}

function isAsTold({ value }: Cell<Arrival>, held: readonly Address[], refused: Address | undefined): boolean {
  if (value?.receipt === undefined || value.sent !== undefined) return false;
  const { receipt } = value;
  return (
    receipt.refused === refused &&
    receipt.held.length === held.length &&
    receipt.held.every((address, at) => address === held[at])
  );
}

export async function arrivalOf(
  space: Space,
  receiver: Address,
  root: Address,
): Promise<Arrival | undefined> {
  return (await arrivalCell(space, receiver, root)).value;
}

/** All roots that anything is known of at that receiver. */
export async function arrivalsAt(space: Space, receiver: Address): Promise<readonly Arrival[]> {
  const cells = await readCells(space, cellKinds.arrival, `${gibOf(receiver)}/`);
  return cells.map(({ value }) => value);
}

/** What a commit changes so that nothing is known any more of lists at a receiver: then they go to it whole. */
export async function forgetLists(space: Space, receiver: Address): Promise<readonly CellChange[]> {
  const cells = await readCells(space, cellKinds.arrival, `${gibOf(receiver)}/`);
  return cells.filter(({ value }) => isListAddress(value.root)).map(removeCell);
}

function arrivalCell(space: Space, receiver: Address, root: Address): Promise<Cell<Arrival>> {
  return readCell(space, cellKinds.arrival, `${gibOf(receiver)}/${gibOf(root)}`);
}
