import * as z from "zod";
import { KeysagaError } from "../base/index.js";
import { type Address, type IbGib, ibOf, isAddress, nOf, previousOf } from "../ibgib/index.js";
import { genesis, readLaterFrame, refusal } from "./frame.js";
import type { PoolSpec } from "./pool.js";
import { type Advanced, advance, checkFrame, type KeystoneState, resume, startPinned } from "./replay.js";

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
  /**
   * Host keys in force: public keys that may speak for this identity's homes, in lower-case hex, each with its certificate.
   */
  readonly hostKeys: ReadonlyMap<string, Address>;
  /**
   * Frames that certified a host key, each with the key: also one that is retired, for what it had signed stays proved. All
   * of them where the identity was replayed from its genesis; else those that whoever resumed it had asked for, and newer.
   */
  readonly certificates: ReadonlyMap<Address, string>;
  /** Keystones that it delegated: all of them or some, as above. Nothing takes a delegation back as yet. */
  readonly delegated: ReadonlySet<Address>;
}

/** @throws KeysagaError `frame_refused` when `first` is not the genesis of an identity with exactly its four pools. */
export function startIdentity(first: IbGib): IdentityState {
  const keystone = startPinned(first, "identity", identityPools);
  return { keystone, hostKeys: new Map(), certificates: new Map(), delegated: new Set() };
}

/** Checks frames as the successors of the identity's newest one, and takes in what they say. */
export function checkIdentityFrames(identity: IdentityState, frames: readonly IbGib[]): IdentityState {
  return takeIn(identity, frames, checkFrame);
}

/** The same for frames that were checked when they were stored. */
export function readIdentityFrames(identity: IdentityState, frames: readonly IbGib[]): IdentityState {
  return takeIn(identity, frames, advance);
}

/** An identity's whole chain, as it was stored after checking. @throws KeysagaError `frame_refused` on a foreign genesis. */
export function readIdentity(frames: readonly IbGib[]): IdentityState | undefined {
  const [first, ...later] = frames;
  return first && readIdentityFrames(startIdentity(first), later);
}

/** The identity at a frame that was checked when it was stored, with what it had said up to there: nothing is replayed. */
export function resumeIdentity(
  first: IbGib,
  tip: IbGib,
  said: Omit<IdentityState, "keystone">,
): IdentityState {
  return { keystone: resume(first, tip, "identity"), ...said };
}

/** An identity that is followed as its frames are shown, oldest first. */
export interface FollowedIdentity {
  /** Undefined where nothing is held of it, and nothing was shown yet. */
  readonly state: IdentityState | undefined;
  /**
   * The newest frame that was shown and is not newer than what is held. It links to those shown before it, so they all are
   * what is held where this one is: whoever holds them has to compare.
   */
  readonly heldAsShown: Address | undefined;
  /** Checked, and not held. */
  readonly fresh: readonly IbGib[];
}

/** @param held As it is stored; undefined where it is not. */
export function startFollowing(held: IdentityState | undefined): FollowedIdentity {
  return { state: held, heldAsShown: undefined, fresh: [] };
}

/**
 * Takes in frames that are shown. Those that are held, by their numbers, cost nothing here, and each of the others what
 * `checkFrame` does.
 *
 * @throws KeysagaError `duplicity` for another frame in the place of the newest one that is held, or what
 *   `startIdentity` and `checkFrame` throw.
 */
export function followIdentity(followed: FollowedIdentity, shown: readonly IbGib[]): FollowedIdentity {
  const { state, fresh } = followed;
  const isHeld = (frame: IbGib) => state && fresh.length === 0 && (nOf(frame) ?? 0) <= state.keystone.n;
  const end = shown.findIndex((frame) => !isHeld(frame));
  const held = end < 0 ? shown : shown.slice(0, end);
  const heldAsShown = held.reduce((before, frame) => linked(frame, before, state), followed.heldAsShown);
  const newer = shown.slice(held.length);
  const [first, ...later] = newer;
  if (!first) return { ...followed, heldAsShown };
  const checked = state
    ? checkIdentityFrames(state, newer)
    : checkIdentityFrames(startIdentity(first), later);
  return { state: checked, heldAsShown, fresh: [...fresh, ...newer] };
}

function linked(frame: IbGib, before: Address | undefined, held: IdentityState | undefined): Address {
  if (before !== undefined && previousOf(frame) !== before) throw refusal("another past");
  const { tip, n } = held?.keystone ?? {};
  if (nOf(frame) === n && frame.address !== tip) throw new KeysagaError("duplicity", { n: n ?? 0 });
  return frame.address;
}

/** What a checked frame delegates: a lane, or a home by its host key; undefined for one that says something else. */
export function delegationIn(
  frame: IbGib,
): { readonly lane: Address } | { readonly hostKey: string } | undefined {
  if (nOf(frame) === 0) return undefined;
  const { proofs, details } = readLaterFrame(frame).data;
  const { verb, target } = proofs[0].claim;
  if (verb !== "delegate") return undefined;
  if (details !== undefined) return { hostKey: target };
  return isAddress(target) && ibOf(target) === "keystone.lane" ? { lane: target } : undefined;
}

const HostKeys = z.strictObject({ hostKeys: z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(64) });

/** What a frame that certifies or retires the host key `key` says beside its claim: all keys then in force. */
export function hostKeyDetails(
  identity: Pick<IdentityState, "hostKeys">,
  verb: "delegate" | "revoke",
  key: string,
) {
  const keys = [...identity.hostKeys.keys()].filter((held) => held !== key);
  return { hostKeys: verb === "delegate" ? [...keys, key] : keys };
}

type Checker = (state: KeystoneState, frame: IbGib) => Advanced;

function takeIn(identity: IdentityState, frames: readonly IbGib[], check: Checker): IdentityState {
  let { keystone, hostKeys } = identity;
  const certificates = new Map(identity.certificates);
  const delegated = new Set(identity.delegated);
  for (const frame of frames) {
    const { state, claim, details, revocation } = check(keystone, frame);
    keystone = state;
    const { verb, target } = claim;
    if (claim.scope !== undefined) throw refusal("scope");
    // What has no flow yet is refused: a lane that is taken back without saying which of its sessions count would take the
    // proofs from what others have built on, and a frame of the other pools would only take a place in the chain.
    if (revocation !== undefined) throw refusal("revocation");
    const isOfHost = details !== undefined;
    if (verb !== "delegate" && !(isOfHost && verb === "revoke")) throw refusal("verb");
    if (isOfHost) hostKeys = hostKeysAfter({ keystone, hostKeys }, verb, target, details);
    else if (!isAddress(target)) throw refusal("delegates an address");
    else delegated.add(target);
    if (isOfHost && verb === "delegate") certificates.set(keystone.tip, target);
  }
  return { keystone, hostKeys, certificates, delegated };
}

function hostKeysAfter(
  identity: Pick<IdentityState, "keystone" | "hostKeys">,
  verb: "delegate" | "revoke",
  key: string,
  details: unknown,
): IdentityState["hostKeys"] {
  const told = HostKeys.safeParse(details);
  const { hostKeys } = hostKeyDetails(identity, verb, key);
  if (!told.success || told.data.hostKeys.join() !== hostKeys.join()) throw refusal("host keys in force");
  const certified = new Map(identity.hostKeys);
  if (verb === "delegate") certified.set(key, identity.keystone.tip);
  else certified.delete(key);
  return certified;
}
