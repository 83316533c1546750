import * as z from "zod";
import { toHex } from "../base/index.js";
import { type Address, type IbGib, isAddress } from "../ibgib/index.js";
import { AttestKey, isKeyAtFault } from "./attest.js";
import { genesis, refusal } from "./frame.js";
import { attestKey } from "./key-ring.js";
import type { PoolSpec, SecretFor } from "./pool.js";
import { type KeystoneState, startPinned } from "./replay.js";

/** Ids of the connect pool that a receiver demands, of how many there are. */
export const connectDemand = 2;
export const connectSize = 4;

const syncPool = (verbs: readonly string[]): PoolSpec => ({
  name: "sync",
  config: {
    strategy: "ed25519-once",
    verbs,
    demanded: 0,
    fifo: 1,
    replenish: "top-up",
    size: 1,
    commit: "list",
  },
});

const senderPools: readonly PoolSpec[] = [
  {
    name: "connect",
    config: {
      strategy: "ed25519-once",
      verbs: ["connect"],
      demanded: connectDemand,
      fifo: 0,
      replenish: "consume",
      size: connectSize,
      commit: "list",
    },
  },
  syncPool(["sync"]),
];

const receiverPools: readonly PoolSpec[] = [syncPool(["challenge", "sync"])];

const address = z.custom<Address>(isAddress);
const cap = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const Caps = z.strictObject({ records: cap, bytes: cap, turns: cap });

const SenderSession = z.strictObject({
  role: z.literal("sender"),
  lane: address,
  receiver: address,
  audience: z.string().min(1).max(256),
  caps: Caps,
  attestKey: AttestKey,
});
/** What S, the sender's session keystone, is bound to from its genesis on. */
export type SenderSession = z.infer<typeof SenderSession>;

const ReceiverSession = z.strictObject({
  role: z.literal("receiver"),
  sender: address,
  session: address,
  receiver: address,
  attestKey: AttestKey,
});
/** What R, the receiver's session keystone, is bound to: the sender's identity, S, and the receiver's identity. */
export type ReceiverSession = z.infer<typeof ReceiverSession>;

export function foundSenderSession(
  nonce: Uint8Array,
  names: Omit<SenderSession, "role" | "attestKey">,
  secretFor: SecretFor,
): IbGib {
  return genesis({
    kind: "session",
    nonce,
    details: { role: "sender", ...names, attestKey: publicAttestKey(nonce, secretFor) },
    pools: senderPools,
    secretFor,
  });
}

export function foundReceiverSession(
  nonce: Uint8Array,
  names: Omit<ReceiverSession, "role" | "attestKey">,
  secretFor: SecretFor,
): IbGib {
  return genesis({
    kind: "session",
    nonce,
    details: { role: "receiver", ...names, attestKey: publicAttestKey(nonce, secretFor) },
    pools: receiverPools,
    secretFor,
  });
}

function publicAttestKey(nonce: Uint8Array, secretFor: SecretFor): string {
  return toHex(attestKey("session", secretFor("attest"), nonce).publicKey);
}

/** @throws KeysagaError `frame_refused` when `first` is not a sender's session with the pools this version demands. */
export function startSenderSession(first: IbGib): { keystone: KeystoneState; details: SenderSession } {
  return startSession(first, SenderSession, senderPools);
}

/** @throws KeysagaError `frame_refused` when `first` is not a receiver's session with the pools this version demands. */
export function startReceiverSession(first: IbGib): { keystone: KeystoneState; details: ReceiverSession } {
  return startSession(first, ReceiverSession, receiverPools);
}

function startSession<Details>(first: IbGib, schema: z.ZodType<Details>, pools: readonly PoolSpec[]) {
  const keystone = startPinned(first, "session", pools);
  const details = schema.safeParse(keystone.details);
  if (!details.success) throw refusal(isKeyAtFault(details.error) ? "attest key" : "session details");
  return { keystone, details: details.data };
}
