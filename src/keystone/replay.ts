import { fromHex, type JsonObject, KeysagaError, sameJson } from "../base/index.js";
import type { Address, IbGib } from "../ibgib/index.js";
import {
  type Claim,
  frameDigest,
  type KeystoneKind,
  type LaterFrame,
  readGenesis,
  readLaterFrame,
  refusal,
  type Solution,
  withoutSignatures,
} from "./frame.js";
import {
  arePoolsOf,
  challengeAt,
  isCommitted,
  isFresh,
  isSpent,
  type Pool,
  type PoolSpec,
  poolAfter,
  replacementIndexes,
  selectChallenges,
} from "./pool.js";
import { strategies } from "./strategy.js";

/** A keystone as far as it was replayed: everything that is needed to check or make its next frame. */
export interface KeystoneState {
  readonly kind: KeystoneKind;
  readonly tjp: Address;
  /** The newest frame, and its number. */
  readonly tip: Address;
  readonly n: number;
  /** The 32 random bytes of the genesis. */
  readonly nonce: Uint8Array;
  /** The genesis' details beside version, kind and nonce. */
  readonly details: JsonObject;
  readonly pools: readonly Pool[];
}

/** A frame that was taken in: the keystone after it, and what it says. */
export interface Advanced {
  readonly state: KeystoneState;
  readonly claim: Claim;
  /** Only frames of an identity have these two. */
  readonly details: JsonObject | undefined;
  readonly revocation: JsonObject | undefined;
}

/**
 * The keystone that `genesis` founds. Nothing vouches for a genesis itself: who delegated it is for the policy of its
 * kind to check.
 *
 * @throws KeysagaError `frame_refused` where it is not a genesis of `kind` with pools as their configs say.
 */
export function startReplay(genesis: IbGib, kind: KeystoneKind): KeystoneState {
  const { pools, details: told } = readGenesis(genesis, kind);
  if (!pools.every(isFresh)) throw refusal("pools at genesis");
  const { version: _version, kind: _kind, nonce, ...details } = told;
  const bytes = fromHex(nonce);
  if (bytes === undefined) throw refusal("nonce");
  const { address } = genesis;
  return { kind, tjp: address, tip: address, n: 0, nonce: bytes, details, pools };
}

/**
 * The same for a kind whose pools this version fixes. A genesis with any other is not taken: weaker pools would be a
 * downgrade, and richer ones would let a stranger choose what checking a frame costs.
 *
 * @throws KeysagaError `frame_refused`, as `startReplay`; rule `pools of another version` where they are not `pools`.
 */
export function startPinned(genesis: IbGib, kind: KeystoneKind, pools: readonly PoolSpec[]): KeystoneState {
  const keystone = startReplay(genesis, kind);
  if (!arePoolsOf(pools, keystone.pools)) throw refusal("pools of another version");
  return keystone;
}

/**
 * Checks that `record` is a valid successor of `state`, and returns the keystone as it stands after it.
 *
 * The frame before fixes everything: which challenges one proof has to open, and how the pools look afterwards. The
 * frame has to say exactly that. A solution is right when its public key hashes to the committed challenge and its
 * signature covers the frame digest (docs/keystone.md). Hashes come before signatures, so that a forgery costs us
 * hashes only.
 *
 * @param record Admitted, and otherwise untrusted.
 * @param demand The ids that the verifier asked for, in any order; left out only where nobody did, as when a stored
 *   chain is replayed.
 * @throws KeysagaError `frame_refused`, `verb_not_allowed`, `pool_exhausted`, `wrong_demand`, `challenge_reused` or
 *   `wrong_solution`, and nothing else.
 */
export function checkFrame(state: KeystoneState, record: IbGib, demand?: readonly number[]): Advanced {
  const frame = readSuccessor(state, record);
  const { claim, pool: name, demanded = [], solutions } = frame.data.proofs[0];

  const pool = state.pools.find((held) => held.name === name);
  if (pool === undefined) throw refusal("unknown pool");
  if (!pool.config.verbs.includes(claim.verb)) throw new KeysagaError("verb_not_allowed", { pool: name });
  const strategy = strategies[pool.config.strategy];
  if (!strategy.authorizesAlone) throw refusal("a proof that cannot stand alone");

  if (demand !== undefined && !sameJson(demanded, rising(demand))) {
    throw new KeysagaError("wrong_demand", { pool: name, rule: "not what was demanded" });
  }
  const spent = selectChallenges(pool, demanded);
  checkIndexes(pool, spent, solutions);
  if (!sameJson(frame.data.pools, poolsAfter(state.pools, pool, spent, frame.data.pools)))
    throw refusal("pools");

  for (const solution of solutions) {
    const commitment = strategy.commitmentOf(solution);
    if (!isCommitted(pool, solution.index, commitment, solution.path)) throw wrongSolution(pool, "challenge");
  }
  const digest = frameDigest(withoutSignatures(frame, strategy));
  for (const solution of solutions) {
    if (!strategy.verify(solution, digest)) throw wrongSolution(pool, "signature");
  }
  return stepTo(state, record, frame);
}

/**
 * Takes in a frame that is known to be valid: one's own, or one that was checked before it was stored. Costs no hash
 * and no signature.
 *
 * @throws KeysagaError `frame_refused` where it does not even follow `state`.
 */
export function advance(state: KeystoneState, record: IbGib): Advanced {
  return stepTo(state, record, readSuccessor(state, record));
}

/**
 * The keystone at a frame that was checked when it was stored: what was replayed once is not replayed again.
 *
 * @param tip A frame of the keystone that `genesis` founds, or that genesis itself.
 */
export function resume(genesis: IbGib, tip: IbGib, kind: KeystoneKind): KeystoneState {
  const first = startReplay(genesis, kind);
  if (tip.address === genesis.address) return first;
  const { ib, data, rel8ns } = readLaterFrame(tip);
  if (ib !== genesis.ib || rel8ns.tjp[0] !== first.tjp) throw refusal("another keystone");
  return { ...first, tip: tip.address, n: data.n, pools: data.pools };
}

/** The frame in `record`, where its shape and its place in the chain are right. */
function readSuccessor(state: KeystoneState, record: IbGib): LaterFrame {
  const frame = readLaterFrame(record);
  const { ib, data, rel8ns } = frame;
  if (ib !== `keystone.${state.kind}`) throw refusal("kind");
  if (rel8ns.tjp[0] !== state.tjp) throw refusal("another keystone");
  if (rel8ns.past[0] !== state.tip) throw refusal("another past");
  if (data.n !== state.n + 1) throw refusal("number");
  const saysMore = data.details !== undefined || data.revocation !== undefined;
  if (saysMore && state.kind !== "identity") throw refusal("details outside an identity");
  return frame;
}

/** All pools as they have to stand after `spent`; only the commitments of replacements are the frame's to choose. */
function poolsAfter(before: readonly Pool[], pool: Pool, spent: readonly number[], shown: readonly Pool[]) {
  const shownPool = shown.find(({ name }) => name === pool.name);
  const replacements = replacementIndexes(pool, spent.length).map((index) => {
    const challenge = shownPool && challengeAt(shownPool, index);
    if (challenge === undefined) throw refusal("replacements");
    return challenge;
  });
  return before.map((held) => (held === pool ? poolAfter(pool, spent, replacements) : held));
}

function checkIndexes(pool: Pool, spent: readonly number[], solutions: readonly Solution[]): void {
  const shown = solutions.map((solution) => solution.index);
  if (sameJson(shown, spent)) return;
  const isReused = shown.some((index, at) => isSpent(pool, index) || shown.indexOf(index) !== at);
  throw isReused
    ? new KeysagaError("challenge_reused", { pool: pool.name })
    : wrongSolution(pool, "which challenges");
}

function stepTo(state: KeystoneState, record: IbGib, { data }: LaterFrame): Advanced {
  const next = { ...state, tip: record.address, n: data.n, pools: data.pools };
  return { state: next, claim: data.proofs[0].claim, details: data.details, revocation: data.revocation };
}

function rising(indexes: readonly number[]): readonly number[] {
  return [...indexes].sort((a, b) => a - b);
}

function wrongSolution(pool: Pool, rule: string): KeysagaError {
  return new KeysagaError("wrong_solution", { pool: pool.name, rule });
}
