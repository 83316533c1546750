import { type Address, gibOf } from "../../ibgib/index.js";
import type { Established } from "../../saga/index.js";
import type { Commit, Space } from "../../space/index.js";
import { cellKinds, changeCell, newCell, readCell, removeCell } from "./cells.js";

/** Sessions of a lane whose transcripts are kept. */
export const sessionsKept = 32;

/** What a commit changes when it keeps the first turns of a session. */
export type SessionChange = Required<Pick<Commit, "cells" | "dropProofGroups">>;

/**
 * Files a session behind those of its lane whose transcripts are kept, where it is not among them yet; the oldest beyond
 * `sessionsKept` goes. No proof and no receipt rests on a transcript.
 */
export async function fileSession(
  space: Space,
  { lane, session, receiverSession }: Established,
): Promise<SessionChange> {
  const kept = await readCell(space, cellKinds.transcripts, gibOf(lane));
  const before = kept.value?.sessions ?? [];
  if (before.includes(session)) return { cells: [], dropProofGroups: [] };
  const all = [...before, session];
  const dropped = all.slice(0, -sessionsKept);
  const gone = await Promise.all(dropped.map((address) => readCell(space, cellKinds.session, address)));
  return {
    cells: [
      changeCell(kept, { sessions: all.slice(-sessionsKept) }),
      newCell(cellKinds.session, session, { receiverSession }),
      ...gone.filter(({ bytes }) => bytes !== undefined).map(removeCell),
    ],
    dropProofGroups: gone.flatMap(({ value }, at): Address[] => [
      dropped[at]!,
      ...(value ? [value.receiverSession] : []),
    ]),
  };
}
