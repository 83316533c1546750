import { type Instant, KeysagaError } from "../../base/index.js";
import { type Address, gibOf, type IbGib, ownerOf, withinOf } from "../../ibgib/index.js";
import { type Grant, readGrant, type Statements } from "../../keystone/index.js";
import type { CellChange, ProofPut, Space } from "../../space/index.js";
import { cellKinds, newCell, readCell, readCells } from "../home/cells.js";

/** A grant that is kept here: a frame of its issuer that was checked has made it. */
export interface Granted extends Grant {
  readonly address: Address;
}

/** All grants to an identity, withdrawn and expired ones too. */
export function grantsTo(space: Space, identity: Address): Promise<readonly Granted[]> {
  return grantsUnder(space, "grantTo", identity);
}

/** All grants on a timeline, withdrawn and expired ones too. */
export function grantsOn(space: Space, timeline: Address): Promise<readonly Granted[]> {
  return grantsUnder(space, "grantOn", timeline);
}

/**
 * All grants of its owner that extend to a timeline: those on it, and those on what its first frame says it is within.
 */
export async function grantsExtendingTo(space: Space, first: IbGib): Promise<readonly Granted[]> {
  const owner = ownerOf(first);
  const within = withinOf(first);
  const timelines = [first.address, ...(within && within !== first.address ? [within] : [])];
  const found = await Promise.all(timelines.map((timeline) => grantsOn(space, timeline)));
  return found.flat().filter(({ issuer }) => issuer === owner);
}

async function grantsUnder(
  space: Space,
  kind: "grantTo" | "grantOn",
  of: Address,
): Promise<readonly Granted[]> {
  const cells = await readCells(space, cellKinds[kind], `${gibOf(of)}/`);
  return Promise.all(
    cells.map(async ({ value: { grant } }) => {
      const record = await space.proof(grant);
      if (!record) throw new KeysagaError("store_damaged", { missing: "grant" });
      return { ...readGrant(record), address: grant };
    }),
  );
}

/** What a commit changes to keep a grant. */
export function keepGrant(record: IbGib): { proof: ProofPut; cells: readonly CellChange[] } {
  const { identity, timeline } = readGrant(record);
  const { address: grant, gib } = record;
  return {
    proof: { group: grant, record },
    cells: [
      newCell(cellKinds.grantTo, `${gibOf(identity)}/${gib}`, { grant }),
      newCell(cellKinds.grantOn, `${gibOf(timeline)}/${gib}`, { grant }),
    ],
  };
}

export type GrantState = "in force" | "expired" | "used up" | "withdrawn";

/** How a grant stands, by this clock and by what is kept here. */
export async function grantState(
  space: Space,
  { address, expires, uses }: Granted,
  { granted, withdrawn }: Statements,
  now: Instant,
): Promise<GrantState> {
  if (!granted.has(address) || withdrawn.has(address)) return "withdrawn";
  if (expires !== undefined && expires <= now) return "expired";
  return uses !== undefined && (await usesOf(space, address)) >= uses ? "used up" : "in force";
}

/** How often a grant was used here. */
export async function usesOf(space: Space, grant: Address): Promise<number> {
  return (await readCell(space, cellKinds.uses, gibOf(grant))).value?.count ?? 0;
}

/** The records that take a grant back, as kept here. */
export async function withdrawalsOf(space: Space, grant: Address): Promise<readonly IbGib[]> {
  return (await space.proofs(grant)).filter(({ address }) => address !== grant);
}
