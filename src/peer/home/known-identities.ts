import { KeysagaError } from "../../base/index.js";
import { type Address, gibOf, type IbGib, ibOf, nOf, previousOf, tjpOf } from "../../ibgib/index.js";
import {
  delegationIn,
  type IdentityState,
  readIdentity,
  readIdentityFrames,
  resumeIdentity,
} from "../../keystone/index.js";
import type { CellChange, Space } from "../../space/index.js";
import { type Cell, type CellValue, cellKinds, changeCell, readCell, sameCell } from "./cells.js";
import { type Filing, joinFilings } from "./filing.js";
import { fileBranches } from "./identity-branches.js";

/*
 * What a space knows of an identity, this home's own included. What a replay has come to is a row that moves with the newest
 * frame (`identity/`), with a cell for each lane that it delegates (`delegated/`): so nothing costs by how many frames are
 * stored. The frames are filed in a group of their own, by number, so that frame n has place n there.
 */

type Row = Cell<CellValue<"identity">>;

/**
 * An identity as far as it is stored: four reads, and one for each of `lanes`.
 *
 * @param asked Lanes, and frames that certify a host key: of what it has delegated, the state has these.
 */
export async function loadIdentity(
  space: Space,
  identity: Address,
  asked: Iterable<Address> = [],
): Promise<IdentityState | undefined> {
  return stateAt(space, identity, await readCell(space, cellKinds.identity, identity), asked);
}

async function stateAt(
  space: Space,
  identity: Address,
  { value: row }: Row,
  asked: Iterable<Address> = [],
): Promise<IdentityState | undefined> {
  if (!row) return undefined;
  const certificates = new Map<Address, string>();
  const delegated = new Set<Address>();
  for (const address of new Set(asked))
    if (ibOf(address) === "keystone.lane") {
      const { value } = await delegatedCell(space, identity, address);
      if (value && (value.branch || value.n <= row.n)) delegated.add(address);
    } else {
      const hostKey = await certifiedKey(space, identity, address);
      if (hostKey !== undefined) certificates.set(address, hostKey);
    }
  const [first, tip] = await Promise.all([space.proof(identity), space.proof(row.tip)]);
  if (!first || !tip) throw new KeysagaError("store_damaged", { missing: "frame" });
  return resumeIdentity(first, tip, { hostKeys: new Map(row.hostKeys), certificates, delegated });
}

/** The host key that this frame of the identity's certified. */
async function certifiedKey(space: Space, identity: Address, certificate: Address) {
  const frame = await space.proof(certificate);
  if (!frame || tjpOf(frame) !== identity) return undefined;
  const said = delegationIn(frame);
  return said && "hostKey" in said ? said.hostKey : undefined;
}

/** Is this frame, which was shown as one that is stored, really one of them? @throws KeysagaError `duplicity` if not. */
export async function checkHeld(space: Space, frame: Address | undefined): Promise<void> {
  if (frame !== undefined && !(await space.proof(frame)))
    throw new KeysagaError("duplicity", { rule: "other frames are known" });
}

/**
 * What a commit takes in to keep frames of an identity. Those that are stored already are passed over, and those in places
 * that others have taken are kept in branches: the frame that was seen first stays in its place.
 *
 * @param frames Checked, each behind the one that it goes on from.
 * @param met Set where the identity is let in by it.
 */
export async function fileIdentity(
  space: Space,
  identity: Address,
  frames: readonly IbGib[],
  met?: true,
): Promise<Filing> {
  const cell = await readCell(space, cellKinds.identity, identity);
  const row = cell.value;
  const next: IbGib[] = [];
  const branch: IbGib[] = [];
  for (const frame of frames)
    if (previousOf(frame) === (next.at(-1)?.address ?? row?.tip)) next.push(frame);
    else if (!(await space.proof(frame.address))) branch.push(frame);
  const filed = {
    proofs: next.map((record) => ({ group: identity, record })),
    cells: await delegatedChanges(space, identity, next, branch),
  };
  const moved = { proofs: [], cells: await rowChanges(space, identity, cell, next, met ?? row?.met) };
  return joinFilings([moved, filed, await fileBranches(space, identity, branch)]);
}

async function rowChanges(
  space: Space,
  identity: Address,
  cell: Row,
  next: readonly IbGib[],
  met: true | undefined,
): Promise<readonly CellChange[]> {
  if (next.length === 0 && met === cell.value?.met) return [];
  const before = await stateAt(space, identity, cell);
  const state = before ? readIdentityFrames(before, next) : readIdentity(next);
  if (!state) return [];
  const { keystone, hostKeys } = state;
  const { tip, n } = keystone;
  return [changeCell(cell, { tip, n, hostKeys: [...hostKeys], ...(met && { met }) })];
}

/** A lane counts from the first frame that delegates it. */
async function delegatedChanges(
  space: Space,
  identity: Address,
  next: readonly IbGib[],
  branch: readonly IbGib[],
): Promise<readonly CellChange[]> {
  const changes = new Map<Address, CellChange>();
  for (const [at, frame] of [...next, ...branch].entries()) {
    const said = delegationIn(frame);
    if (!said || !("lane" in said) || changes.has(said.lane)) continue;
    const cell = await delegatedCell(space, identity, said.lane);
    const value = { n: nOf(frame) ?? 0, ...(at >= next.length && { branch: frame.address }) };
    if (!cell.value) changes.set(said.lane, changeCell(cell, value));
  }
  return [...changes.values()];
}

/**
 * An identity that has branches is let in by those lanes alone that it had delegated before they begin.
 *
 * @returns What has to be as it is where it is let in.
 * @throws KeysagaError `duplicity`
 */
export async function checkUnforked(space: Space, identity: Address, lane: Address): Promise<CellChange> {
  const branches = await readCell(space, cellKinds.branches, identity);
  const { value: delegated } = await delegatedCell(space, identity, lane);
  if (branches.value && (!delegated || delegated.n >= branches.value.n))
    throw new KeysagaError("duplicity", { n: branches.value.n });
  return sameCell(branches);
}

export function delegatedCell(space: Space, identity: Address, lane: Address) {
  return readCell(space, cellKinds.delegated, `${gibOf(identity)}/${gibOf(lane)}`);
}
