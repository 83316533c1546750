import { type Address, gibOf } from "../../ibgib/index.js";
import type { Established } from "../../saga/index.js";
import type { CellChange, Commit, Space } from "../../space/index.js";
import { cellKinds, newCell, readCell, readCells, removeCell } from "./cells.js";

/** Sessions of a lane whose transcripts are kept, beside those under way. */
export const sessionsKept = 32;

/**
 * What a commit changes when it keeps the first turns of a session: a row of its own, so that sessions of one lane do not
 * get in each other's way.
 */
export async function fileSession(
  space: Space,
  { lane, session, receiverSession, vouched }: Established,
): Promise<readonly CellChange[]> {
  const name = `${gibOf(lane)}/${String(vouched.voucher.n).padStart(10, "0")}`;
  const kept = await readCell(space, cellKinds.session, name);
  return kept.value ? [] : [newCell(cellKinds.session, name, { session, receiverSession })];
}

/**
 * What goes with a new connection: the transcripts of all but the newest sessions of its lane. No proof and no receipt
 * rests on them.
 */
export async function dropTranscripts(
  space: Space,
  lane: Address,
): Promise<Required<Pick<Commit, "cells" | "dropProofGroups">>> {
  const rows = await readCells(space, cellKinds.session, `${gibOf(lane)}/`);
  const old = rows.slice(0, -(sessionsKept - 1));
  return {
    cells: old.map(removeCell),
    dropProofGroups: old.flatMap(({ value }) => [value.session, value.receiverSession]),
  };
}
