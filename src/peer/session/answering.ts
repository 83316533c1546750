import { KeysagaError } from "../../base/index.js";
import type { IbGib } from "../../ibgib/index.js";
import { startReceiverSession } from "../../keystone/index.js";
import type { Established, SessionPart } from "../../saga/index.js";

/** R0. */
export function answeringSession({
  proofs,
  receiverSession,
}: Pick<Established, "proofs" | "receiverSession">): IbGib {
  const first = proofs.find(({ record }) => record.address === receiverSession);
  if (!first) throw new KeysagaError("internal", { what: "a session without its genesis" });
  return first.record;
}

/** R, which the handshake has proved, with what vouches for it. */
export function answeringPart(
  established: Pick<Established, "proofs" | "receiverSession" | "receiver" | "host">,
): SessionPart {
  const { receiverSession: session, receiver: identity, host } = established;
  const first = answeringSession(established);
  const { attestKey } = startReceiverSession(first).details;
  return { session, identity, attestKey, signs: "receiverHeads", first, voucher: { session, host } };
}
