import { assert, type JsonObject, KeysagaError } from "../base/index.js";
import { type IbGib, sealRecord } from "../ibgib/index.js";
import {
  type Claim,
  commitmentsOf,
  frameDigest,
  readLaterFrame,
  type UnsignedFrame,
  withoutSignatures,
} from "./frame.js";
import { oneTimeKey } from "./key-ring.js";
import {
  type Challenge,
  challengePath,
  isCommitted,
  type Pool,
  poolAfter,
  replacementIndexes,
  type SecretFor,
  selectChallenges,
} from "./pool.js";
import type { KeystoneState } from "./replay.js";
import { strategies } from "./strategy.js";

/** What the next frame is to say. */
export interface NextFrameOptions extends Claim {
  /** The ids that the verifier demands, in any order; for a pool with that layer, and for no other. */
  readonly demanded?: readonly number[];
  /** Only an identity's frames have these two. */
  readonly details?: JsonObject;
  readonly revocation?: JsonObject;
}

/**
 * The whole next frame of a keystone, with empty signatures: what has to be durable before anything is signed. Signed
 * once or many times it gives the same bytes.
 *
 * Costs a key derivation and a public key for each challenge replaced, and for each one spent that was not made
 * lately (key-ring.ts); with a pool behind a Merkle root, for each challenge of the pool.
 *
 * @throws KeysagaError `verb_not_allowed`, `wrong_demand`, `pool_exhausted`, or `wrong_solution` where the secret is
 *   not the one that the challenges were made from; nothing is signed then.
 */
export function nextFrame(
  state: KeystoneState,
  options: NextFrameOptions,
  secretFor: SecretFor,
): UnsignedFrame {
  const { demanded = [], details, revocation, verb, target, scope } = options;
  assert(state.kind === "identity" || (details ?? revocation) === undefined, "details are an identity's");
  const pool = poolFor(state, verb);
  const spent = selectChallenges(
    pool,
    [...demanded].sort((a, b) => a - b),
  );
  const after = poolAfter(pool, spent, replacementsOf(state, pool, spent.length, secretFor));
  const proof = {
    claim: { verb, target, ...(scope !== undefined && { scope }) },
    pool: pool.name,
    ...(pool.config.demanded > 0 && { demanded: [...spent] }),
    solutions: openChallenges(state, pool, spent, secretFor),
  };
  return {
    ib: `keystone.${state.kind}`,
    rel8ns: { past: [state.tip], tjp: [state.tjp] },
    data: {
      n: state.n + 1,
      pools: state.pools.map((held) => (held === pool ? after : held)),
      proofs: [proof],
      ...(details && { details }),
      ...(revocation && { revocation }),
    },
  };
}

/**
 * The frame that was reserved, signed. Deterministic: after a crash the same bytes come out again.
 *
 * Costs a signature for each challenge spent.
 *
 * @param state The keystone as it stood when `unsigned` was made: its tip is the frame's past.
 */
export function signFrame(unsigned: UnsignedFrame, state: KeystoneState, secretFor: SecretFor): IbGib {
  assert(unsigned.rel8ns.past[0] === state.tip, "a frame is signed on the tip it was made for");
  const [proof] = unsigned.data.proofs;
  const pool = state.pools.find(({ name }) => name === proof.pool);
  assert(pool !== undefined, "a frame is signed with a pool of its keystone");
  const digest = frameDigest(unsigned);
  const strategy = strategies[pool.config.strategy];
  const solutions = proof.solutions.map((solution) => ({
    ...solution,
    ...strategy.solve(solution, keyAt(state, pool, solution.index, secretFor), digest),
  }));
  return sealRecord({ ...unsigned, data: { ...unsigned.data, proofs: [{ ...proof, solutions }] } });
}

/**
 * Was a frame signed with the keys of this secret, whatever lies between `state` and it? For a frame of one's own keystone
 * whose past is not here: nobody else can make one. Signs nothing.
 *
 * Costs a key derivation and a signature to check for each challenge spent.
 *
 * @throws KeysagaError `frame_refused` where `record` has not the shape of a frame after genesis.
 */
export function isSignedBy(state: KeystoneState, record: IbGib, secretFor: SecretFor): boolean {
  const frame = readLaterFrame(record);
  const [{ pool: name, solutions }] = frame.data.proofs;
  const pool = state.pools.find((held) => held.name === name);
  const isOfKeystone = frame.ib === `keystone.${state.kind}` && frame.rel8ns.tjp[0] === state.tjp;
  if (!pool || !isOfKeystone) return false;
  const strategy = strategies[pool.config.strategy];
  const digest = frameDigest(withoutSignatures(frame, strategy));
  return solutions.every((solution) => {
    const commitment = strategy.commit(keyAt(state, pool, solution.index, secretFor));
    return strategy.commitmentOf(solution) === commitment && strategy.verify(solution, digest);
  });
}

/**
 * What of a frame its readers cannot compute, where it spends the oldest key of a pool that is topped up: the key that it
 * opens, the signature, and the commitment to the key after those that are open. Each in hex.
 */
export interface Opened {
  readonly key: string;
  readonly signature: string;
  readonly next: string;
}

/** The same of a frame that was made. */
export function openedBy(frame: IbGib): Opened {
  const { proofs, pools } = readLaterFrame(frame).data;
  const [{ pool: name, solutions }] = proofs;
  const [solution] = solutions;
  const open = pools.find((pool) => pool.name === name)?.open;
  const newest = Array.isArray(open) ? open.at(-1) : undefined;
  assert(solution && solutions.length === 1 && newest, "one key is opened, and one is added");
  return { key: solution.publicKey, signature: solution.signature, next: newest.commitment };
}

/**
 * The frame that claims this after `state`, if it opens what is said. Nothing is checked: `checkFrame` does.
 *
 * @throws KeysagaError `verb_not_allowed` or `pool_exhausted`
 */
export function frameOpened(state: KeystoneState, claim: Claim, { key, signature, next }: Opened): IbGib {
  const pool = poolFor(state, claim.verb);
  const spent = selectChallenges(pool, []);
  const replacements = replacementIndexes(pool, spent.length).map((index) => ({ index, commitment: next }));
  const after = poolAfter(pool, spent, replacements);
  const solutions = spent.map((index) => ({ index, publicKey: key, signature }));
  return sealRecord({
    ib: `keystone.${state.kind}`,
    rel8ns: { past: [state.tip], tjp: [state.tjp] },
    data: {
      n: state.n + 1,
      pools: state.pools.map((held) => (held === pool ? after : held)),
      proofs: [{ claim, pool: pool.name, solutions }],
    },
  });
}

function poolFor(state: KeystoneState, verb: string): Pool {
  const pool = state.pools.find(({ config }) => config.verbs.includes(verb));
  if (pool === undefined) throw new KeysagaError("verb_not_allowed", { kind: state.kind });
  return pool;
}

function openChallenges(
  state: KeystoneState,
  pool: Pool,
  spent: readonly number[],
  secretFor: SecretFor,
): UnsignedFrame["data"]["proofs"][0]["solutions"] {
  const strategy = strategies[pool.config.strategy];
  const all = pool.config.commit === "merkle" ? commitmentsOf(pool, state.nonce, secretFor) : undefined;
  return spent.map((index) => {
    const opening = strategy.open(keyAt(state, pool, index, secretFor));
    const path = all && challengePath(pool.name, all, index);
    if (!isCommitted(pool, index, strategy.commitmentOf(opening), path)) {
      throw new KeysagaError("wrong_solution", { pool: pool.name, rule: "another secret" });
    }
    return { index, ...opening, ...(path && { path }) };
  });
}

function replacementsOf(state: KeystoneState, pool: Pool, count: number, secretFor: SecretFor): Challenge[] {
  const strategy = strategies[pool.config.strategy];
  return replacementIndexes(pool, count).map((index) => ({
    index,
    commitment: strategy.commit(keyAt(state, pool, index, secretFor)),
  }));
}

function keyAt({ nonce }: KeystoneState, { name, config }: Pool, index: number, secretFor: SecretFor) {
  return oneTimeKey(secretFor(name), nonce, { strategy: config.strategy, pool: name, index });
}
