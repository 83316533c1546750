import { groupBy, KeysagaError } from "../../base/index.js";
import { type Address, type IbGib, nOf, tjpOf } from "../../ibgib/index.js";
import {
  checkIdentityFrame,
  grantIb,
  readGrant,
  readIdentity,
  readWithdrawal,
  type Statements,
  startIdentity,
  withdrawalIb,
} from "../../keystone/index.js";
import type { CellChange, ProofPut, Space } from "../../space/index.js";
import { cellKinds, changeCell, readCell } from "../home/cells.js";
import type { Charging } from "../home/claims.js";
import { changedOnce } from "./proof-parts.js";
import { keepGrant } from "./granted.js";
import { loadStated } from "./stated.js";
import { newestFrames, toldChanges } from "./statements.js";

/** What a commit takes to keep statements that came. They count from then on, whatever becomes of the saga. */
export interface KeptStatements {
  readonly proofs: readonly ProofPut[];
  readonly cells: readonly CellChange[];
  /** Canonical bytes of the records that are new here. */
  readonly bytes: number;
}

/** An identity whose frames came: what it states with them, and what of it is new here. */
interface Chain {
  readonly issuer: Address;
  readonly statements: Statements;
  readonly isKnown: boolean;
  readonly fresh: readonly IbGib[];
  readonly cells: readonly CellChange[];
}

/** A statement that is new here, and whose it is. */
interface Statement {
  readonly issuer: Address;
  readonly proof: ProofPut;
  readonly cells: readonly CellChange[];
}

/**
 * Checks statements that another peer has told: each identity's frames from its genesis, or from where they are stored;
 * each grant and withdrawal as stated by a frame of the grant's issuer. Whether that is the timeline's owner is judged when
 * a grant is used: its first frame may not be here yet, and whoever tells may not know that it is. What is here already is
 * passed over, and so are frames of this home's own identity, which nobody else has to tell.
 *
 * @param from Who told them, and is not told them back.
 * @param records Admitted, and otherwise untrusted. Each frame among them may cost a signature: bounded by the caller.
 * @returns For a commit of its own, at once; where that moved, to be asked for again.
 * @throws KeysagaError `grant_refused`, `duplicity`, and as `checkIdentityFrame`.
 */
export async function keepStatements(
  space: Space,
  from: Address,
  records: readonly IbGib[],
): Promise<KeptStatements> {
  const frames = records.filter(({ ib }) => ib === "keystone.identity").sort(byNumber);
  const grants = records.filter(({ ib }) => ib === grantIb);
  const withdrawals = records.filter(({ ib }) => ib === withdrawalIb);
  const chains = await chainsOf(space, frames);
  const came = new Map(grants.map((record) => [record.address, record]));
  const checked = await Promise.all([
    ...grants.map((record) => checkGrant(space, chains, record)),
    ...withdrawals.map((record) => checkWithdrawal(space, chains, record, came)),
  ]);
  const statements = checked.filter((statement) => statement !== undefined);
  // Frames of a stranger who has stated nothing here are nobody's to keep.
  const about = new Set(statements.map(({ issuer }) => issuer));
  const grown = [...chains.values()].filter(({ issuer, isKnown }) => isKnown || about.has(issuer));
  const proofs = [
    ...grown.flatMap(({ issuer, fresh }) => fresh.map((record) => ({ group: issuer, record }))),
    ...statements.map(({ proof }) => proof),
  ];
  const told = [...grants, ...withdrawals].map(({ address }) => address);
  const toldBy = await toldChanges(space, from, { statements: told, frames: newestFrames(frames) });
  return {
    proofs,
    // One that is told twice, as after commits of others, is kept once.
    cells: changedOnce([...[...grown, ...statements].flatMap(({ cells }) => cells), ...toldBy]),
    bytes: proofs.reduce((sum, { record }) => sum + record.bytes.length, 0),
  };
}

/** How often statements are checked anew because others came at the same time. */
const triesMax = 32;

/**
 * The same, kept at once: what was stated counts, whatever becomes of the saga that it came with.
 *
 * @param charging Who is to be charged for it is whoever told it, where what identities hold is counted.
 * @returns Whether there was anything.
 */
export async function keepToldStatements(
  space: Space,
  from: Address,
  records: readonly IbGib[],
  charging?: Charging,
): Promise<boolean> {
  if (!records.some(({ ib }) => ib === grantIb || ib === withdrawalIb)) return false;
  for (let tries = 0; tries < triesMax; tries++) {
    const { proofs, cells, bytes } = await keepStatements(space, from, records);
    const charge = await charging?.charge(from, bytes);
    const result = await space
      .commit({ holder: from, sight: { holders: [] }, proofs, cells: [...cells, ...(charge?.cells ?? [])] })
      .catch((thrown: unknown) => {
        charge?.release();
        throw thrown;
      });
    if (result.kind === "committed") return true;
    charge?.release();
  }
  throw new KeysagaError("store_failed", { reason: "statements kept moving" });
}

const byNumber = (a: IbGib, b: IbGib) => (nOf(a) ?? 0) - (nOf(b) ?? 0);

/** @param frames Of any identities, by number. */
async function chainsOf(space: Space, frames: readonly IbGib[]): Promise<ReadonlyMap<Address, Chain>> {
  const self = (await readCell(space, cellKinds.self, "")).value?.identity;
  const byIssuer = groupBy(frames, identityOf);
  const chains = await Promise.all(
    [...byIssuer].map(([issuer, shown]) =>
      issuer === self ? ownChain(space, issuer) : followChain(space, issuer, shown),
    ),
  );
  return new Map(chains.map((chain) => [chain.issuer, chain]));
}

function identityOf(frame: IbGib): Address {
  return tjpOf(frame) ?? frame.address;
}

async function ownChain(space: Space, issuer: Address): Promise<Chain> {
  const { statements } = await loadStated(space, issuer);
  return { issuer, statements, isKnown: true, fresh: [], cells: [] };
}

/** The frames that are new here, each checked as the successor of the one before. */
async function followChain(space: Space, issuer: Address, frames: readonly IbGib[]): Promise<Chain> {
  const standing = await readCell(space, cellKinds.identity, issuer);
  const stored = await space.proofs(issuer);
  const known = new Set(stored.map(({ address }) => address));
  let state = readIdentity(stored);
  const fresh: IbGib[] = [];
  for (const frame of frames) {
    if (known.has(frame.address)) continue;
    const isPlaceTaken = state !== undefined && (nOf(frame) ?? 0) <= state.keystone.n;
    if (isPlaceTaken) throw new KeysagaError("duplicity", { n: nOf(frame) });
    state = state ? checkIdentityFrame(state, frame) : startIdentity(frame);
    known.add(frame.address);
    fresh.push(frame);
  }
  if (!state) throw new KeysagaError("internal", { what: "a chain without a frame" });
  const { tip, n } = state.keystone;
  const cells = fresh.length === 0 ? [] : [changeCell(standing, { ...standing.value, tip, n })];
  return { issuer, statements: state, isKnown: stored.length > 0, fresh, cells };
}

async function checkGrant(
  space: Space,
  chains: ReadonlyMap<Address, Chain>,
  record: IbGib,
): Promise<Statement | undefined> {
  const { issuer } = readGrant(record);
  if (await space.proof(record.address)) return undefined;
  if (!chains.get(issuer)?.statements.granted.has(record.address)) return refuse("not granted");
  return { issuer, ...keepGrant(record) };
}

/** @param grants Those that came with it, by address. */
async function checkWithdrawal(
  space: Space,
  chains: ReadonlyMap<Address, Chain>,
  record: IbGib,
  grants: ReadonlyMap<Address, IbGib>,
): Promise<Statement | undefined> {
  const { grant, timeline } = readWithdrawal(record);
  if (await space.proof(record.address)) return undefined;
  const granted = grants.get(grant) ?? (await space.proof(grant));
  if (!granted) return refuse("unknown grant");
  const said = readGrant(granted);
  const stated = chains.get(said.issuer)?.statements.withdrawn.get(grant) ?? [];
  if (!stated.includes(record.address)) return refuse("not withdrawn");
  if (said.timeline !== timeline) return refuse("another timeline");
  return { issuer: said.issuer, proof: { group: grant, record }, cells: [] };
}

function refuse(rule: string): never {
  throw new KeysagaError("grant_refused", { rule });
}
