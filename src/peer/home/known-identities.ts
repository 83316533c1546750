import { KeysagaError } from "../../base/index.js";
import { type Address, gibOf, type IbGib, ibOf, nOf, tjpOf } from "../../ibgib/index.js";
import {
  delegationIn,
  type IdentityState,
  readIdentityFrames,
  resumeIdentity,
  startIdentity,
} from "../../keystone/index.js";
import type { CellChange, Space } from "../../space/index.js";
import { type Cell, type CellValue, cellKinds, changeCell, readCell } from "./cells.js";
import { type Filing, nothingFiled } from "./filing.js";

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
      if (value && value.n <= row.n) delegated.add(address);
    } else {
      const hostKey = await certifiedKey(space, identity, address, row.n);
      if (hostKey !== undefined) certificates.set(address, hostKey);
    }
  const [first, tip] = await Promise.all([space.proof(identity), space.proof(row.tip)]);
  if (!first || !tip) throw new KeysagaError("store_damaged", { missing: "frame" });
  return resumeIdentity(first, tip, { hostKeys: new Map(row.hostKeys), certificates, delegated });
}

/** The host key that this frame of the identity's certified. */
async function certifiedKey(space: Space, identity: Address, certificate: Address, newest: number) {
  const frame = await space.proof(certificate);
  if (!frame || tjpOf(frame) !== identity || (nOf(frame) ?? 0) > newest) return undefined;
  const said = delegationIn(frame);
  return said && "hostKey" in said ? said.hostKey : undefined;
}

/** Is this frame, which was shown as one that is stored, really one of them? @throws KeysagaError `duplicity` if not. */
export async function checkHeld(space: Space, frame: Address | undefined): Promise<void> {
  if (frame !== undefined && !(await space.proof(frame)))
    throw new KeysagaError("duplicity", { rule: "other frames are known" });
}

/**
 * What a commit takes in to keep frames of an identity, oldest first. Those that are stored already are passed over.
 *
 * @param frames Checked, and a chain.
 * @param met Set where the identity is let in by it.
 * @throws KeysagaError `duplicity` where other frames are stored.
 */
export async function fileIdentity(
  space: Space,
  identity: Address,
  frames: readonly IbGib[],
  met?: true,
): Promise<Filing> {
  const cell = await readCell(space, cellKinds.identity, identity);
  const row = cell.value;
  const stored = frames.filter((frame) => (nOf(frame) ?? 0) <= (row?.n ?? -1));
  const [next, ...later] = frames.slice(stored.length);
  await checkHeld(space, stored.at(-1)?.address);
  if (!next)
    return row && met && !row.met ? { proofs: [], cells: [changeCell(cell, { ...row, met })] } : nothingFiled;
  const before = await stateAt(space, identity, cell);
  const { keystone, hostKeys } = before
    ? readIdentityFrames(before, [next, ...later])
    : readIdentityFrames(startIdentity(next), later);
  const { tip, n } = keystone;
  const isMet = met ?? row?.met;
  const value = { tip, n, hostKeys: [...hostKeys], ...(isMet && { met: isMet }) };
  return {
    proofs: [next, ...later].map((record) => ({ group: identity, record })),
    cells: [changeCell(cell, value), ...(await delegatedChanges(space, identity, [next, ...later]))],
  };
}

/** A lane counts from the first frame that delegates it. */
async function delegatedChanges(
  space: Space,
  identity: Address,
  frames: readonly IbGib[],
): Promise<readonly CellChange[]> {
  const changes = new Map<Address, CellChange>();
  for (const frame of frames) {
    const said = delegationIn(frame);
    if (!said || !("lane" in said) || changes.has(said.lane)) continue;
    const cell = await delegatedCell(space, identity, said.lane);
    if (!cell.value) changes.set(said.lane, changeCell(cell, { n: nOf(frame) ?? 0 }));
  }
  return [...changes.values()];
}

function delegatedCell(space: Space, identity: Address, lane: Address) {
  return readCell(space, cellKinds.delegated, `${gibOf(identity)}/${gibOf(lane)}`);
}
