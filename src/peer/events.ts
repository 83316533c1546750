import type { KeysagaError } from "../base/index.js";
import type { Address } from "../ibgib/index.js";
import type { Established, Role } from "../saga/index.js";

/** What a peer tells whoever watches it. Addresses and counts only: no data of records, no secret. */
export type PeerEvent =
  /** Both sides have proved themselves: the identity, its lane, and the session keystones of both. */
  | {
      readonly kind: "connected";
      readonly identity: Address;
      readonly receiver: Address;
      readonly lane: Address;
      readonly session: Address;
      readonly receiverSession: Address;
    }
  /** A signed turn was sent or verified; `n` is its signer's session frame. `note` is for people. */
  | {
      readonly kind: "turn";
      readonly from: Role;
      readonly type: string;
      readonly n: number;
      readonly note: string;
    }
  /** A payload frame was sent, or admitted. */
  | { readonly kind: "payload"; readonly from: Role; readonly records: number; readonly bytes: number }
  | { readonly kind: "committed"; readonly saga: string }
  /** The session has ended; without an error by either side's `disconnect`. */
  | { readonly kind: "closed"; readonly error: KeysagaError | undefined };

export type OnEvent = (event: PeerEvent) => void;

export function connectedEvent({
  identity,
  receiver,
  lane,
  session,
  receiverSession,
}: Established): PeerEvent {
  return { kind: "connected", identity, receiver, lane, session, receiverSession };
}
