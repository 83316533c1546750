import type { Address } from "../../ibgib/index.js";
import type { Established } from "../../saga/index.js";
import type { CellChange, Space } from "../../space/index.js";
import { cellKinds, newCell, readCell, removeCell } from "./cells.js";

/**
 * Sessions of a lane whose frames and contexts are kept. An older lane frame is refused as out of its window, so
 * what is dropped can never be brought up again as new.
 */
export const sessionsKept = 32;

/** What a commit changes when a session joins its lane's list: its own cell, and what the oldest one leaves behind. */
export interface SessionChange {
  readonly sessions: readonly Address[];
  readonly cells: readonly CellChange[];
  readonly dropProofGroups: readonly Address[];
}

/** Files a session behind those its lane already has; the oldest beyond `sessionsKept` goes, with its proofs. */
export async function fileSession(
  space: Space,
  held: readonly Address[],
  { session, receiverSession, host }: Established,
): Promise<SessionChange> {
  const sessions = [...held, session].slice(-sessionsKept);
  const dropped = [...held, session].slice(0, -sessionsKept);
  const gone = await Promise.all(dropped.map((address) => readCell(space, cellKinds.session, address)));
  const receipts = await Promise.all(dropped.map((address) => readCell(space, cellKinds.receipt, address)));
  return {
    sessions,
    cells: [
      newCell(cellKinds.session, session, { receiverSession, host }),
      ...[...gone, ...receipts].filter(({ bytes }) => bytes !== undefined).map(removeCell),
    ],
    dropProofGroups: gone.flatMap(({ value }, at) => [
      dropped[at]!,
      ...(value ? [value.receiverSession] : []),
    ]),
  };
}
