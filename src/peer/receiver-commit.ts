import { KeysagaError } from "../base/index.js";
import { checkMerge, isMerge } from "../merge/index.js";
import type { FinalTip, Found, ReceiverSagaEffect, RootMove } from "../saga/index.js";
import type { Space, TipNow } from "../space/index.js";
import { readMoved } from "./answer.js";
import type { Conversation, SignedTurn } from "./conversation.js";
import type { Merging } from "./merging.js";
import type { Quotas } from "./quotas.js";
import { checkTip } from "./resolution.js";

/** Sagas of one identity that commit at the same time move its usage under each other. */
const triesMax = 32;

type CommitEffect = Extract<ReceiverSagaEffect, { kind: "commitSpace" }>;

/** Others came first: their tips, and what the sender lacks of them. */
export interface CameSecond extends Found {
  readonly tips: readonly FinalTip[];
}

/**
 * Makes a saga's graph visible and durable, with the proofs of both sides: one transaction, one flush. The receipt is
 * signed inside, once nothing can refuse the commit any more, and leaves only when all of it is durable.
 *
 * @param charged What it adds to what the sender's identity holds here.
 * @returns Undefined once it is committed; else a tip had moved, nothing was changed and nothing was signed.
 * @throws KeysagaError `merge_refused` and what else `checkMerge` throws, `chain_refused`, `not_closed`.
 */
export async function commitReceiver(
  space: Space,
  conversation: Conversation,
  effect: CommitEffect,
  merging: Merging,
  charged: { readonly quotas: Quotas; readonly bytes: number },
): Promise<CameSecond | undefined> {
  const { saga, moves, stones, receipt } = effect;
  const { identity } = conversation.established;
  await checkMoves(space, effect, merging);
  const proofs = conversation.takeProofs();
  for (let tries = 0; tries < triesMax; tries++) {
    const charge = await charged.quotas.charge(identity, charged.bytes);
    let signed: SignedTurn | undefined;
    const result = await space
      .commit({
        saga,
        holder: identity,
        sight: "anyone",
        tips: moves.map(({ address, from, to }) => ({ tjp: address, from, to })),
        roots: stones,
        proofs,
        cells: charge.cells,
        attest: () => {
          signed = conversation.sign(receipt);
          return conversation.takeProofs();
        },
      })
      .catch((thrown: unknown) => {
        charge.release();
        throw thrown;
      });
    if (result.kind === "committed" && signed) {
      await conversation.write(signed);
      return undefined;
    }
    charge.release();
    if (result.kind === "notClosed") throw new KeysagaError("not_closed", { missing: result.missing.length });
    if (result.kind === "moved" && result.tips.length > 0) {
      conversation.returnProofs(proofs);
      return cameSecond(space, effect, result.tips, merging);
    }
  }
  throw new KeysagaError("store_failed", { reason: "an identity's usage kept moving" });
}

/** The tips that move are what they are said to be, and merges among them hold. */
async function checkMoves(
  space: Space,
  { saga, moves, final }: CommitEffect,
  { functions, options }: Merging,
): Promise<void> {
  const reader = space.view(saga);
  const named = new Map(final.map((tip) => [tip.address, tip]));
  const records = await reader.getMany(moves.map(({ to }) => to));
  for (const [at, { address }] of moves.entries()) {
    const [record, tip] = [records[at], named.get(address)];
    if (record === undefined || tip === undefined) continue; // the commit says what is missing
    checkTip(record, tip);
    if (isMerge(record)) await checkMerge(record, reader, functions, options);
  }
}

async function cameSecond(
  space: Space,
  effect: CommitEffect,
  moved: readonly TipNow[],
  { options }: Merging,
): Promise<CameSecond> {
  const tips = moved.flatMap(({ tip }) => tip ?? []);
  return {
    tips: tips.map(({ tjp, address, n }) => ({ address: tjp, tip: address, n })),
    ...(await readMoved(space, effect, tips, options)),
  };
}

/** The timelines whose tips a commit moves: whose turn it needs. */
export function timelinesOf(moves: readonly RootMove[]) {
  return moves.map(({ address }) => address);
}
