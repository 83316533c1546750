import * as z from "zod";
import { KeysagaError } from "../base/index.js";
import { type Address, type IbGib, isAddress } from "../ibgib/index.js";
import { genesis } from "./frame.js";
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
});

/** A lane: the standing of one device of `delegator` with one `receiver`. Both are identities' addresses. */
export interface LaneState {
  readonly keystone: KeystoneState;
  readonly delegator: Address;
  readonly receiver: Address;
}

/** The genesis of a lane. It counts once a frame of `delegator` has delegated its address. */
export function foundLane(
  nonce: Uint8Array,
  names: { delegator: Address; receiver: Address },
  secretFor: SecretFor,
): IbGib {
  return genesis({ kind: "lane", nonce, details: { ...names, role: "device" }, pools: lanePools, secretFor });
}

/** @throws KeysagaError `frame_refused` when `first` is not the genesis of a lane from `delegator` to `receiver`. */
export function startLane(first: IbGib, names: { delegator: Address; receiver: Address }): LaneState {
  const keystone = startPinned(first, "lane", lanePools);
  const details = LaneDetails.safeParse(keystone.details);
  if (!details.success) throw new KeysagaError("frame_refused", { rule: "lane details" });
  if (details.data.delegator !== names.delegator)
    throw new KeysagaError("frame_refused", { rule: "another's lane" });
  if (details.data.receiver !== names.receiver)
    throw new KeysagaError("frame_refused", { rule: "lane elsewhere" });
  return { keystone, ...names };
}
