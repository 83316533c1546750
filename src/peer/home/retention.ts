import { type Address, gibOf } from "../../ibgib/index.js";
import type { Established } from "../../saga/index.js";
import type { Commit, Space } from "../../space/index.js";
import { cellKinds, changeCell, readCell, readCells, removeCell } from "./cells.js";
import { type Filing, joinFilings, nothingFiled } from "./filing.js";
import { type Identity, newestFrame } from "./identity.js";
import { fileIdentity } from "./known-identities.js";

/** Sessions of a lane whose transcripts are kept, beside those under way, and how long they may be in all. */
export const sessionsKept = 32;
export const transcriptsBytesMax = 1024 ** 2;
/** How long the transcript of one session may be: what is said after that is not kept. */
export const transcriptBytesMax = 256 * 1024;

/**
 * What a commit takes in when it keeps turns of a session: a row of its own, so that sessions of one lane do not get in each
 * other's way. With the first of them go the frames of this home's identity that the session rests on and its signer alone
 * may have, so that the transcript can be shown without any secret.
 *
 * @param bytes Of its transcript so far.
 */
export async function fileSession(
  home: Identity,
  { lane, session, receiverSession, vouched, host }: Established,
  bytes: number,
): Promise<Filing> {
  const { n, signature: voucher } = vouched.voucher;
  const kept = await readCell(home.space, cellKinds.session, `${gibOf(lane)}/${String(n).padStart(10, "0")}`);
  if (kept.value?.bytes === bytes) return nothingFiled;
  const row = { proofs: [], cells: [changeCell(kept, { session, receiverSession, bytes, voucher, host })] };
  if (kept.value) return row;
  return joinFilings([await fileIdentity(home.space, home.address, await newestFrame(home)), row]);
}

/**
 * What goes with a new connection: the transcripts of all but the newest sessions of its lane, by number and bytes. No
 * proof and no receipt rests on them.
 */
export async function dropTranscripts(
  space: Space,
  lane: Address,
): Promise<Required<Pick<Commit, "cells" | "dropProofGroups">>> {
  const rows = await readCells(space, cellKinds.session, `${gibOf(lane)}/`);
  let bytes = 0;
  const kept = rows.findLastIndex(({ value }, at) => {
    bytes += value.bytes;
    return rows.length - at >= sessionsKept || bytes > transcriptsBytesMax;
  });
  const old = rows.slice(0, kept + 1);
  return {
    cells: old.map(removeCell),
    dropProofGroups: old.flatMap(({ value }) => [value.session, value.receiverSession]),
  };
}
