import * as z from "zod";
import { toHex } from "../base/index.js";
import { type Address, type IbGib, isAddress } from "../ibgib/index.js";
import { AttestKey, isKeyAtFault } from "./attest.js";
import { genesis, refusal } from "./frame.js";
import { attestKey } from "./key-ring.js";
import type { PoolSpec, SecretFor } from "./pool.js";
import { type KeystoneState, startPinned } from "./replay.js";

const lanePools: readonly PoolSpec[] = [
  {
    name: "vouch",
    config: {
      strategy: "ed25519-once",
      verbs: ["vouch"],
      demanded: 0,
      fifo: 1,
      replenish: "top-up",
      size: 1,
      commit: "list",
    },
  },
];

const LaneDetails = z.strictObject({
  delegator: z.custom<Address>(isAddress),
  role: z.literal("device"),
  receiver: z.custom<Address>(isAddress),
  attestKey: AttestKey,
});

/** A lane: the standing of one device of `delegator` with one `receiver`. Both are identities' addresses. */
export interface LaneState {
  readonly keystone: KeystoneState;
  readonly delegator: Address;
  readonly receiver: Address;
  /** Hex of the public key that vouches for its sessions. */
  readonly attestKey: string;
}

/** The genesis of a lane. It counts once a frame of `delegator` has delegated its address. */
export function foundLane(
  nonce: Uint8Array,
  names: { delegator: Address; receiver: Address },
  secretFor: SecretFor,
): IbGib {
  const { publicKey } = attestKey("lane", secretFor("attest"), nonce);
  const details = { ...names, role: "device", attestKey: toHex(publicKey) };
  return genesis({ kind: "lane", nonce, details, pools: lanePools, secretFor });
}

/**
 * @param names Between whom it has to be; left out, it is between whom it says.
 * @throws KeysagaError `frame_refused` when `first` is not the genesis of a lane from `delegator` to `receiver`, with the
 *   pools this version demands.
 */
export function startLane(first: IbGib, names?: { delegator: Address; receiver: Address }): LaneState {
  const keystone = startPinned(first, "lane", lanePools);
  const details = LaneDetails.safeParse(keystone.details);
  if (!details.success) throw refusal(isKeyAtFault(details.error) ? "attest key" : "lane details");
  const { role: _role, ...said } = details.data;
  if (names && said.delegator !== names.delegator) throw refusal("another's lane");
  if (names && said.receiver !== names.receiver) throw refusal("lane elsewhere");
  return { keystone, ...said };
}
