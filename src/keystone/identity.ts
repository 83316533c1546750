import * as z from "zod";
import { KeysagaError } from "../base/index.js";
import { type Address, type IbGib, isAddress } from "../ibgib/index.js";
import { type Claim, genesis } from "./frame.js";
import type { PoolSpec } from "./pool.js";
import { advance, checkFrame, type KeystoneState, startPinned } from "./replay.js";

/** What an identity's frames may authorize; each verb has a pool of its own. */
export const identityVerbs = ["delegate", "revoke", "manage", "recover"] as const;

/** Recover frames that one recovery secret is good for: it is not kept on a device, so its pool cannot be topped up. */
const recoverFrames = 16;

const identityPools: readonly PoolSpec[] = identityVerbs.map((verb) => ({
  name: verb,
  config:
    verb === "recover"
      ? {
          strategy: "ed25519-once",
          verbs: [verb],
          demanded: 0,
          fifo: 1,
          replenish: "consume",
          size: recoverFrames,
          commit: "merkle",
        }
      : {
          strategy: "ed25519-once",
          verbs: [verb],
          demanded: 0,
          fifo: 1,
          replenish: "top-up",
          size: 1,
          commit: "list",
        },
}));

/** The two secrets of an identity: the device keeps the first, a person keeps the second (shown once, at creation). */
export interface IdentitySecrets {
  readonly secret: Uint8Array;
  readonly recoverySecret: Uint8Array;
}

/** The genesis of an identity: four pools, `recover` from its own secret. */
export function foundIdentity(nonce: Uint8Array, secrets: IdentitySecrets): IbGib {
  return genesis({
    kind: "identity",
    nonce,
    details: {},
    pools: identityPools,
    secretFor: (pool) => (pool === "recover" ? secrets.recoverySecret : secrets.secret),
  });
}

/** An identity as far as its frames are known: its keystone, the host keys in force, and the keystones it delegated. */
export interface IdentityState {
  readonly keystone: KeystoneState;
  /** Public keys that may sign for this identity's homes: lower-case hex, with the frame that certified each. */
  readonly hostKeys: ReadonlyMap<string, Address>;
  readonly delegated: ReadonlySet<Address>;
}

/** @throws KeysagaError `frame_refused` when `first` is not the genesis of an identity with exactly its four pools. */
export function startIdentity(first: IbGib): IdentityState {
  const keystone = startPinned(first, "identity", identityPools);
  return { keystone, hostKeys: new Map(), delegated: new Set() };
}

/** Checks a frame as the successor of the identity's newest one, and takes in what it delegates or revokes. */
export function checkIdentityFrame(identity: IdentityState, frame: IbGib): IdentityState {
  const { state, claim, details } = checkFrame(identity.keystone, frame);
  return applyClaim({ ...identity, keystone: state }, claim, details);
}

/** The same for a frame that was checked when it was stored. */
export function readIdentityFrame(identity: IdentityState, frame: IbGib): IdentityState {
  const { state, claim, details } = advance(identity.keystone, frame);
  return applyClaim({ ...identity, keystone: state }, claim, details);
}

/** An identity's whole chain, as it was stored after checking. @throws KeysagaError `frame_refused` on a foreign genesis. */
export function readIdentity(frames: readonly IbGib[]): IdentityState | undefined {
  const [first, ...later] = frames;
  return first && later.reduce(readIdentityFrame, startIdentity(first));
}

const HostKeys = z.strictObject({ hostKeys: z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(64) });

/** What a frame that certifies or retires the host key `key` says beside its claim: all keys then in force. */
export function hostKeyDetails(identity: IdentityState, verb: "delegate" | "revoke", key: string) {
  const keys = [...identity.hostKeys.keys()].filter((held) => held !== key);
  return { hostKeys: verb === "delegate" ? [...keys, key] : keys };
}

function applyClaim(identity: IdentityState, claim: Claim, details: unknown): IdentityState {
  if (claim.verb !== "delegate" && claim.verb !== "revoke") {
    if (details !== undefined) throw new KeysagaError("frame_refused", { rule: "details without host keys" });
    return identity;
  }
  return details === undefined
    ? applyDelegation(identity, claim.verb, claim.target)
    : applyHostKey(identity, claim.verb, claim.target, details);
}

function applyDelegation(
  identity: IdentityState,
  verb: "delegate" | "revoke",
  target: string,
): IdentityState {
  if (!isAddress(target)) throw new KeysagaError("frame_refused", { rule: "delegates an address" });
  const delegated = new Set(identity.delegated);
  if (verb === "delegate") delegated.add(target);
  else delegated.delete(target);
  return { ...identity, delegated };
}

function applyHostKey(
  identity: IdentityState,
  verb: "delegate" | "revoke",
  key: string,
  details: unknown,
): IdentityState {
  const told = HostKeys.safeParse(details);
  const { hostKeys } = hostKeyDetails(identity, verb, key);
  if (!told.success || told.data.hostKeys.join() !== hostKeys.join())
    throw new KeysagaError("frame_refused", { rule: "host keys in force" });
  const certified = new Map(identity.hostKeys);
  if (verb === "delegate") certified.set(key, identity.keystone.tip);
  else certified.delete(key);
  return { ...identity, hostKeys: certified };
}
