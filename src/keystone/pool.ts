import * as z from "zod";
import {
  canonicalJson,
  fromHex,
  KeysagaError,
  lengthPrefixed,
  sameBytes,
  sha256,
  toHex,
  u32,
} from "../base/index.js";
import { keystoneLimits as limits } from "./limits.js";
import { merklePath, merkleRoot, rootOfPath } from "./merkle.js";
import { hexOf, StrategyName } from "./strategy.js";

export const Name = z
  .string()
  .max(limits.nameLengthMax)
  .regex(/^[a-z][a-z0-9-]*$/);
const layer = z.number().int().min(0).max(limits.solutionsMax);
export const ChallengeIndex = z.number().int().min(0).max(limits.indexMax);

/**
 * The rules of a pool, fixed at genesis. One proof spends `demanded` challenges that the verifier names, or the
 * `fifo` oldest; `top-up` then appends as many new ones, `consume` none.
 */
export const PoolConfig = z
  .strictObject({
    strategy: StrategyName,
    verbs: z.array(Name).min(1).max(limits.verbsMax).readonly(),
    demanded: layer,
    fifo: layer,
    replenish: z.enum(["top-up", "consume"]),
    size: z.number().int().min(1).max(limits.merkleSizeMax),
    commit: z.enum(["list", "merkle"]),
  })
  .refine((config) => new Set(config.verbs).size === config.verbs.length, "verbs differ")
  .refine((config) => (config.demanded === 0) !== (config.fifo === 0), "exactly one selection layer")
  .refine((config) => config.demanded + config.fifo <= config.size, "a proof fits the pool")
  .refine((config) => config.commit === commitFor(config), "commits as its kind does");
export type PoolConfig = Readonly<z.infer<typeof PoolConfig>>;

/** A pool as whoever makes a genesis asks for it. */
export interface PoolSpec {
  readonly name: string;
  readonly config: PoolConfig;
}

/** The 32-byte secret that a pool's keys are derived from; `recover` pools have one of their own. */
export type SecretFor = (pool: string) => Uint8Array;

/** A committed one-time key. Its id is its index: issued in order from 0, never twice. */
const Challenge = z.strictObject({ index: ChallengeIndex, commitment: hexOf(32) });
export type Challenge = Readonly<z.infer<typeof Challenge>>;

/** The open challenges, by rising index; or the root over all `size` of them, of which the first `used` are spent. */
const OpenChallenges = z.union([
  z.array(Challenge).max(limits.listSizeMax),
  z.strictObject({ root: hexOf(32) }),
]);

export const Pool = z.strictObject({
  name: Name,
  config: PoolConfig,
  used: ChallengeIndex,
  open: OpenChallenges,
});
export type Pool = Readonly<z.infer<typeof Pool>>;

/** Frames stay small: a long pool whose order of use is known in advance needs no list. */
export function commitFor(config: { fifo: number; replenish: string; size: number }): "list" | "merkle" {
  const orderIsKnown = config.fifo > 0 && config.replenish === "consume";
  return orderIsKnown && config.size > limits.listSizeBeforeMerkle ? "merkle" : "list";
}

/** A pool as its genesis shows it; `commitments` are those of the indexes 0 to size - 1. */
export function freshPool(name: string, config: PoolConfig, commitments: readonly string[]): Pool {
  const open =
    config.commit === "merkle"
      ? { root: toHex(merkleRoot(leavesOf(name, commitments))) }
      : commitments.map((commitment, index) => ({ index, commitment }));
  return { name, config, used: 0, open };
}

/** Are these pools of this version's own set, by name and config? */
export function arePools(pools: readonly PoolSpec[], specs: readonly PoolSpec[]): boolean {
  const shape = (list: readonly PoolSpec[]) =>
    canonicalJson(list.map(({ name, config }) => ({ name, config })));
  return shape(pools) === shape(specs);
}

/** Is this what a genesis may show: nothing spent, and exactly the challenges that its config says? */
export function isFresh({ config, open, used }: Pool): boolean {
  if (used !== 0 || Array.isArray(open) !== (config.commit === "list")) return false;
  return !Array.isArray(open) || (open.length === config.size && open.every(({ index }, at) => index === at));
}

/** Is `index` among those this pool has issued and not yet seen spent? */
export function isOpen(pool: Pool, index: number): boolean {
  if (Array.isArray(pool.open)) return challengeAt(pool, index) !== undefined;
  return index >= pool.used && index < pool.config.size;
}

/** Was `index` issued, and spent since? */
export function isSpent(pool: Pool, index: number): boolean {
  return index >= 0 && index < issuedCount(pool) && !isOpen(pool, index);
}

/** How many challenges the pool has issued: the next one gets this index. */
export function issuedCount(pool: Pool): number {
  return Array.isArray(pool.open) ? pool.used + pool.open.length : pool.config.size;
}

/**
 * The indexes that one proof has to spend, rising: exactly `demanded`, or the oldest where the pool has no such layer.
 *
 * @param demanded rising, as a frame holds it; empty for a pool without that layer
 * @throws KeysagaError `pool_exhausted` or `wrong_demand`
 */
export function selectChallenges(pool: Pool, demanded: readonly number[]): readonly number[] {
  const { config } = pool;
  if (issuedCount(pool) - pool.used < config.demanded + config.fifo) {
    throw new KeysagaError("pool_exhausted", { pool: pool.name });
  }
  if (demanded.length !== config.demanded) throw wrongDemand(pool, "count");
  demanded.forEach((index, at) => {
    if (at > 0 && index <= demanded[at - 1]!) throw wrongDemand(pool, "repeated or not rising");
    if (isSpent(pool, index)) throw wrongDemand(pool, "spent");
    if (!isOpen(pool, index)) throw wrongDemand(pool, "unknown");
  });
  return config.demanded > 0 ? demanded : oldest(pool, config.fifo);
}

/** The indexes that replace `spentCount` spent challenges. */
export function replacementIndexes(pool: Pool, spentCount: number): readonly number[] {
  if (pool.config.replenish === "consume") return [];
  const next = issuedCount(pool);
  if (next + spentCount > limits.indexMax) throw new KeysagaError("pool_exhausted", { pool: pool.name });
  return Array.from({ length: spentCount }, (_, at) => next + at);
}

/** What the pool shows at `index`; undefined where that is not open or lies behind a root. */
export function challengeAt(pool: Pool, index: number): Challenge | undefined {
  return Array.isArray(pool.open) ? pool.open.find((challenge) => challenge.index === index) : undefined;
}

/** The pool after `spent` were used up and `replacements` appended. */
export function poolAfter(pool: Pool, spent: readonly number[], replacements: readonly Challenge[]): Pool {
  const used = pool.used + spent.length;
  if (!Array.isArray(pool.open)) return { ...pool, used };
  const kept = pool.open.filter((challenge) => !spent.includes(challenge.index));
  return { ...pool, used, open: [...kept, ...replacements] };
}

/** Is `commitment` what the pool committed to at `index`? `path` is there exactly where the pool has a root. */
export function isCommitted(
  pool: Pool,
  index: number,
  commitment: string,
  path: readonly string[] | undefined,
): boolean {
  if (Array.isArray(pool.open)) {
    return path === undefined && challengeAt(pool, index)?.commitment === commitment;
  }
  const nodes = (path ?? []).map((node) => fromHex(node) ?? new Uint8Array(0));
  const root = rootOfPath(leafOf(pool.name, index, commitment), index, pool.config.size, nodes);
  return path !== undefined && root !== undefined && sameBytes(root, fromHex(pool.open.root));
}

/** The path for `index` in a pool of these commitments (all of them, from index 0). */
export function challengePath(pool: string, commitments: readonly string[], index: number): string[] {
  return merklePath(leavesOf(pool, commitments), index).map(toHex);
}

function oldest(pool: Pool, count: number): readonly number[] {
  if (Array.isArray(pool.open)) return pool.open.slice(0, count).map((challenge) => challenge.index);
  return Array.from({ length: count }, (_, at) => pool.used + at);
}

function leavesOf(pool: string, commitments: readonly string[]): Uint8Array[] {
  return commitments.map((commitment, index) => leafOf(pool, index, commitment));
}

function leafOf(pool: string, index: number, commitment: string): Uint8Array {
  return sha256(lengthPrefixed("keysaga/challenge-leaf/1", pool, u32(index), commitment));
}

function wrongDemand(pool: Pool, rule: string): KeysagaError {
  return new KeysagaError("wrong_demand", { pool: pool.name, rule });
}
