import { KeysagaError } from "../base/index.js";
import type { ReceiverSagaEffect } from "../saga/index.js";
import type { Space } from "../space/index.js";
import type { Conversation, SignedTurn } from "./conversation.js";
import type { Quotas } from "./quotas.js";

/** Sagas of one identity that commit at the same time move its usage under each other. */
const triesMax = 32;

/**
 * Makes a saga's graph visible and durable, with the proofs of both sides: one transaction, one flush. The receipt is
 * signed inside, once nothing can refuse the commit any more, and leaves only when all of it is durable.
 *
 * @param charged What it adds to what the sender's identity holds here.
 * @returns Whether it was committed; if not, a tip had moved, nothing was changed and nothing was signed.
 */
export async function commitReceiver(
  space: Space,
  conversation: Conversation,
  { saga, moves, stones, receipt }: Extract<ReceiverSagaEffect, { kind: "commitSpace" }>,
  charged: { readonly quotas: Quotas; readonly bytes: number },
): Promise<boolean> {
  const { identity } = conversation.established;
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
      return true;
    }
    charge.release();
    if (result.kind === "notClosed") throw new KeysagaError("not_closed", { missing: result.missing.length });
    if (result.kind === "moved" && result.tips.length > 0) return false;
  }
  throw new KeysagaError("store_failed", { reason: "an identity's usage kept moving" });
}
