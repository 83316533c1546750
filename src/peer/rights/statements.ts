import { groupBy } from "../../base/index.js";
import { type Address, gibOf, type IbGib, isTjp, nOf, ownerOf, tjpOf, withinOf } from "../../ibgib/index.js";
import { claimOf, grantIb, withdrawalIb } from "../../keystone/index.js";
import type { CellChange, Space } from "../../space/index.js";
import { cellKinds, changeCell, readCell, removeCell } from "../home/cells.js";
import { type Identity, identityFrames } from "../home/identity.js";
import { type Granted, grantsOn } from "./granted.js";
import { loadStated } from "./stated.js";

/** Statements that one peer tells another: grants, withdrawals, and the frames that make them. */
export interface Telling {
  /** Frames of each identity in order, then grants, then withdrawals. */
  readonly records: readonly IbGib[];
  /** The grants and withdrawals among them. A withdrawal that is known by its frame alone is told again with its record. */
  readonly statements: readonly Address[];
  /** The number of the newest frame of each identity. */
  readonly frames: ReadonlyMap<Address, number>;
}

export const nothingToTell: Telling = { records: [], statements: [], frames: new Map() };

/**
 * What `to` has to know of the grants on timelines, and on what they are within, and has not been told from here: of
 * grants to write all, since whoever takes heads has to judge them; of grants to read those that this identity or `to`
 * has a part in. They come with the frames of those who made them.
 *
 * @param timelines By first address; `to` may know of them, or knows them.
 */
export async function statementsFor(
  identity: Identity,
  to: Address,
  timelines: readonly Address[],
): Promise<Telling> {
  const { space } = identity;
  if ((await space.cells(cellKinds.grantOn.prefix)).length === 0) return nothingToTell;
  const grants = await grantsToTell(identity, to, timelines);
  const byIssuer = groupBy(grants, ({ issuer }) => issuer);
  const all = await Promise.all([...byIssuer].map(([issuer, made]) => untoldOf(identity, to, issuer, made)));
  const untold = all.flatMap((each) => each.statements);
  const records = (await Promise.all(untold.map((address) => space.proof(address)))).filter(
    (record) => record !== undefined,
  );
  const frames = all.flatMap((each) => each.frames);
  const ofKind = (kind: string) => records.filter(({ ib }) => ib === kind);
  return {
    records: [...frames, ...ofKind(grantIb), ...ofKind(withdrawalIb)],
    statements: records.map(({ address }) => address),
    frames: newestFrames(frames),
  };
}

/** The number of the newest of each identity's frames. @param frames Those of one identity in order. */
export function newestFrames(frames: readonly IbGib[]): ReadonlyMap<Address, number> {
  return new Map(frames.map((frame) => [tjpOf(frame) ?? frame.address, nOf(frame) ?? 0]));
}

/** What a commit changes so that `to` is not told this again. Read anew for each try of the commit. */
export async function toldChanges(
  space: Space,
  to: Address,
  { statements, frames }: Pick<Telling, "statements" | "frames">,
): Promise<readonly CellChange[]> {
  const told = await Promise.all(statements.map((address) => readTold(space, to, address)));
  const shown = await Promise.all(
    [...frames].map(async ([issuer, n]) => ({ n, cell: await readToldFrames(space, to, issuer) })),
  );
  return [
    ...told.filter(({ value }) => value === undefined).map((cell) => changeCell(cell, {})),
    ...shown.filter(({ n, cell }) => n > (cell.value?.n ?? -1)).map(({ n, cell }) => changeCell(cell, { n })),
  ];
}

/** What a commit changes so that `to` is told everything again. */
export async function toldAgain(space: Space, to: Address): Promise<readonly CellChange[]> {
  const kinds = [cellKinds.told, cellKinds.toldFrames];
  const told = await Promise.all(kinds.map(({ prefix }) => space.cells(`${prefix}${gibOf(to)}/`)));
  return told.flat().map(({ key, value }) => removeCell({ key, bytes: value }));
}

/** Grants by the owner of a timeline alone: what was kept before its first frame came may be anyone's. */
async function grantsToTell(
  { space, address }: Identity,
  to: Address,
  timelines: readonly Address[],
): Promise<readonly Granted[]> {
  const within = (await firstFrames(space, timelines)).map(withinOf).filter((other) => other !== undefined);
  const firsts = await firstFrames(space, [...new Set([...timelines, ...within])]);
  const grants = await Promise.all(
    firsts.map(async (first) => {
      const made = await grantsOn(space, first.address);
      return made.filter(({ issuer }) => issuer === ownerOf(first) && issuer !== to);
    }),
  );
  return grants
    .flat()
    .filter(
      ({ access, issuer, identity }) =>
        access === "write" || issuer === address || [address, to].includes(identity),
    );
}

async function firstFrames(space: Space, timelines: readonly Address[]): Promise<readonly IbGib[]> {
  const records = await space.getMany(timelines);
  return records.filter((record): record is IbGib => record !== undefined && isTjp(record));
}

/** Those statements about grants of one issuer that `to` was not told, and the frames they need there. */
async function untoldOf(
  identity: Identity,
  to: Address,
  issuer: Address,
  grants: readonly Granted[],
): Promise<{ readonly statements: readonly Address[]; readonly frames: readonly IbGib[] }> {
  const { space } = identity;
  const { withdrawn } = (await loadStated(space, issuer)).statements;
  const all = grants.flatMap(({ address }) => [address, ...(withdrawn.get(address) ?? [])]);
  const told = await Promise.all(all.map((address) => readTold(space, to, address)));
  const statements = all.filter((_, at) => told[at]?.value === undefined);
  if (statements.length === 0) return { statements, frames: [] };
  const chain = issuer === identity.address ? await identityFrames(identity) : await space.proofs(issuer);
  const shown = (await readToldFrames(space, to, issuer)).value?.n ?? -1;
  // The frames that make the statements come in any case: they say whose these are.
  const untold = new Set<string>(statements);
  const states = (frame: IbGib) => untold.has(claimOf(frame).target);
  const frames = chain.filter((frame) => (nOf(frame) ?? 0) > shown || (!isTjp(frame) && states(frame)));
  return { statements, frames };
}

function readTold(space: Space, to: Address, statement: Address) {
  return readCell(space, cellKinds.told, `${gibOf(to)}/${gibOf(statement)}`);
}

function readToldFrames(space: Space, to: Address, issuer: Address) {
  return readCell(space, cellKinds.toldFrames, `${gibOf(to)}/${gibOf(issuer)}`);
}
