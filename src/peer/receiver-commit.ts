import { KeysagaError } from "../base/index.js";
import type { ReceiverSagaEffect } from "../saga/index.js";
import type { Space } from "../space/index.js";
import type { Conversation, SignedTurn } from "./conversation.js";

/**
 * Makes a saga's graph visible and durable, with the proofs of both sides: one transaction, one flush. The receipt is
 * signed inside, once nothing can refuse the commit any more, and leaves only when all of it is durable.
 *
 * @returns Whether it was committed; if not, a tip had moved, nothing was changed and nothing was signed.
 */
export async function commitReceiver(
  space: Space,
  conversation: Conversation,
  { saga, moves, stones, receipt }: Extract<ReceiverSagaEffect, { kind: "commitSpace" }>,
): Promise<boolean> {
  const { identity } = conversation.established;
  let signed: SignedTurn | undefined;
  const result = await space.commit({
    saga,
    holder: identity,
    holders: "anyone",
    tips: moves.map(({ address, from, to }) => ({ tjp: address, from, to })),
    roots: stones,
    proofs: conversation.takeProofs(),
    attest: () => {
      signed = conversation.sign(receipt);
      return conversation.takeProofs();
    },
  });
  if (result.kind === "notClosed") throw new KeysagaError("not_closed", { missing: result.missing.length });
  if (result.kind === "moved" || !signed) return false;
  await conversation.write(signed);
  return true;
}
