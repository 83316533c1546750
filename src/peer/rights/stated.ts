import { KeysagaError, sameBytes } from "../../base/index.js";
import type { Address } from "../../ibgib/index.js";
import { decodeUnsigned, readIdentity, type Statements, withStatement } from "../../keystone/index.js";
import type { CellChange, Space } from "../../space/index.js";
import { cellKinds, readCell, sameCell } from "../home/cells.js";
import { journalKey } from "../home/signer.js";

/** What an identity has stated about grants, as far as its frames are kept here, and the cell that moves with them. */
export interface Stated {
  readonly statements: Statements;
  /** Finds out in a commit whether the identity has stated anything since this was read. */
  readonly unmoved: CellChange;
}

/**
 * What an identity has stated. The newest frame of this home's own identity is in the journal, and counts as well. Who
 * shares much has many frames: they are read once, and again when there are more.
 */
export async function loadStated(space: Space, identity: Address): Promise<Stated> {
  // Before the frames: those that are stored meanwhile make the comparison fail, and do not pass unnoticed.
  const unmoved = await moveOf(space, identity);
  const known = statedIn(space);
  const before = known.get(identity);
  const isAsBefore = unmoved.from !== undefined && sameBytes(before?.unmoved.from, unmoved.from);
  const stated =
    before && isAsBefore ? before : { statements: await readStatements(space, identity), unmoved };
  known.delete(identity);
  known.set(identity, stated);
  const [oldest] = known.keys();
  if (known.size > knownMax && oldest !== undefined) known.delete(oldest);
  return stated;
}

/** The cell that moves with each frame: the signer's journal of one's own identity, the standing of any other. */
async function moveOf(space: Space, identity: Address): Promise<CellChange> {
  const key = journalKey(identity);
  const journal = await space.cell(key);
  return sameCell(journal ? { key, bytes: journal } : await readCell(space, cellKinds.identity, identity));
}

async function readStatements(space: Space, identity: Address): Promise<Statements> {
  const journal = await space.cell(journalKey(identity));
  const state = readIdentity(await space.proofs(identity));
  if (!state) throw new KeysagaError("store_damaged", { missing: "identity" });
  const reserved = journal && decodeUnsigned(journal).data;
  const isNewer = reserved !== undefined && reserved.n > state.keystone.n;
  const { granted, withdrawn } = isNewer ? withStatement(state, reserved.proofs[0].claim) : state;
  return { granted, withdrawn };
}

/** Identities that are remembered as they were read last. */
const knownMax = 256;
const statedBySpace = new WeakMap<Space, Map<Address, Stated>>();

function statedIn(space: Space): Map<Address, Stated> {
  const known = statedBySpace.get(space) ?? new Map<Address, Stated>();
  statedBySpace.set(space, known);
  return known;
}
