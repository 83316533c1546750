import { ed25519PublicKey, hkdfSha256, KeysagaError, toHex, utf8 } from "../../base/index.js";
import { type Address, type IbGib, nOf } from "../../ibgib/index.js";
import {
  foundIdentity,
  hostKeyDetails,
  type IdentityState,
  readIdentity,
  readIdentityFrames,
  type SecretFor,
} from "../../keystone/index.js";
import type { Space } from "../../space/index.js";
import { cellKinds, newCell, readCell } from "./cells.js";
import { Confirmation } from "./confirmation.js";
import { queueTimeoutMs } from "./gate.js";
import { Handshakes } from "./handshakes.js";
import { fileIdentity, loadIdentity } from "./known-identities.js";
import { hasMetReceivers, hasSpentLane } from "./old-copy.js";
import { type Platform, systemPlatform } from "./platform.js";
import { Signer } from "./signer.js";

/** An identity on this device: who it is, and where its records lie. Made by `createIdentity` and `openIdentity` alone. */
export interface Identity {
  readonly address: Address;
  readonly space: Space;
}

/** What an identity signs with. It never leaves the peers of this process: see `internalsOf`. */
export interface IdentityInternals {
  /** The one signer of its keystones. */
  readonly signer: Signer;
  /** The secret of a pool of this device's keystones. */
  readonly secretFor: SecretFor;
  /**
   * Lanes that are about to be founded, by receiver: connections that meet one at the same time found one lane. In
   * memory only; a lane is kept once its receiver has proved itself.
   */
  readonly foundings: Map<Address, IbGib>;
  /** The turns of handshakes with one receiver. */
  readonly handshakes: Handshakes;
  /** Whether the identity's own keystone may sign. */
  readonly confirmation: Confirmation;
  /**
   * A secret for one session: of 32 fresh random bytes, which nobody keeps, and the device's secret, in case the former are
   * less random than they should be.
   */
  readonly newSessionSecret: (random: Platform["random"]) => Uint8Array;
  /** The host key of this home, an Ed25519 seed, for when it runs a receiver. */
  readonly hostSeed: Uint8Array;
}

/** Beside the identities, not in them: nothing that prints, copies or walks an identity meets a secret. */
const internals = new WeakMap<Identity, IdentityInternals>();

/** @throws TypeError for an object that only looks like an identity, such as a copy of one. */
export function internalsOf(identity: Identity): IdentityInternals {
  const own = internals.get(identity);
  if (!own)
    throw new TypeError("pass the identity that createIdentity or openIdentity gave, not a copy of it");
  return own;
}

export interface IdentityOptions {
  /** Where the identity's keystones, lanes and records are kept. One identity a space. */
  readonly space: Space;
  /** 32 random bytes that only this device knows. What a person types goes through scrypt or argon2id first. */
  readonly secret: Uint8Array;
  /**
   * How long a call that signs waits for those before it, in milliseconds; then it ends in `queue_timeout`, and is not
   * run. Default: two minutes.
   */
  readonly queueTimeoutMs?: number;
  readonly platform?: Platform;
}

export interface OpenIdentityOptions extends IdentityOptions {
  /**
   * Let the identity sign (a first meeting, a host key, a new lane) although no receiver that it has met has
   * confirmed, since it was opened, that it knows nothing newer of it. For a space that is surely no copy, and not
   * put back from a backup. Of one that was put back it says that a receiver which cannot be asked knows nothing newer:
   * where it does, one-time keys sign twice, and the identity is forked.
   */
  readonly signUnconfirmed?: boolean;
}

/**
 * Makes a new identity and stores its first frame, durably, before it resolves.
 *
 * @param options.recoverySecret 32 random bytes to be shown to the person once and not kept on the device.
 * @throws KeysagaError `identity_exists` when the space already belongs to one.
 */
export async function createIdentity(
  options: IdentityOptions & { readonly recoverySecret: Uint8Array },
): Promise<Identity> {
  const { space, secret, recoverySecret, platform = systemPlatform } = options;
  const genesis = foundIdentity(platform.random.bytes(32), { secret, recoverySecret });
  const { address } = genesis;
  const { proofs, cells } = await fileIdentity(space, address, [genesis]);
  const stored = await space.commit({
    holder: address,
    sight: { holders: [address] },
    proofs,
    cells: [newCell(cellKinds.self, "", { identity: address }), ...cells],
  });
  if (stored.kind !== "committed") throw new KeysagaError("identity_exists");
  return holdIdentity(options, genesis, new Confirmation(true));
}

/**
 * The identity that a space belongs to. Where it has met receivers, it signs what is its own (a first meeting with
 * another receiver, a host key) only after a handshake with one of them: see `Confirmation`.
 *
 * @throws KeysagaError `no_identity` for a space that has none, `wrong_secret` when the secret is not its own.
 */
export async function openIdentity(options: OpenIdentityOptions): Promise<Identity> {
  const self = await readCell(options.space, cellKinds.self, "");
  if (!self.value) throw new KeysagaError("no_identity");
  const genesis = await options.space.proof(self.value.identity);
  if (!genesis) throw new KeysagaError("store_damaged", { missing: "identity" });
  const { space, signUnconfirmed = false } = options;
  const hasMetNobody = !(await hasMetReceivers(space));
  const identity = holdIdentity(options, genesis, new Confirmation(hasMetNobody, signUnconfirmed));
  await proveSecret(identity);
  return identity;
}

function holdIdentity(options: IdentityOptions, genesis: IbGib, confirmation: Confirmation): Identity {
  const { space, secret, platform = systemPlatform, queueTimeoutMs: waitMsMax = queueTimeoutMs } = options;
  const { address } = genesis;
  const secretFor: SecretFor = () => secret;
  const identity: Identity = Object.freeze({ address, space });
  internals.set(identity, {
    secretFor,
    foundings: new Map(),
    handshakes: new Handshakes(platform.timers, waitMsMax),
    confirmation,
    signer: new Signer({
      space,
      holder: address,
      secretFor,
      confirmation,
      platform,
      queueTimeoutMs: waitMsMax,
    }),
    newSessionSecret: (random) => hkdfSha256(secret, random.bytes(32), utf8("keysaga/session-secret/1"), 32),
    hostSeed: hkdfSha256(secret, utf8(address), utf8("keysaga/host-key/1"), 32),
  });
  return identity;
}

async function proveSecret(identity: Identity): Promise<void> {
  const { signer } = internalsOf(identity);
  const { state } = await signer.load(identity.address, "identity");
  if (!signer.holdsKeysOf(state, "delegate")) throw new KeysagaError("wrong_secret");
}

/** The identity's newest frame, where it is one that was signed here: its signer alone may have it so far. */
export async function newestFrame(identity: Identity): Promise<readonly IbGib[]> {
  const { newest } = await internalsOf(identity).signer.load(identity.address, "identity");
  return newest ? [newest] : [];
}

/**
 * The identity as it stands, the frame in the journal included.
 *
 * @param asked As for `loadIdentity`.
 */
export async function ownState(identity: Identity, asked: Iterable<Address> = []): Promise<IdentityState> {
  const [newest] = await newestFrame(identity);
  const stored = await loadIdentity(identity.space, identity.address, asked);
  if (!stored) throw new KeysagaError("store_damaged", { missing: "identity" });
  const isNext = newest && (nOf(newest) ?? 0) > stored.keystone.n;
  return isNext ? readIdentityFrames(stored, [newest]) : stored;
}

/** Was this home shown to be behind what others have seen of its identity, and has the identity signed nothing since? */
export async function isOldCopy(identity: Identity): Promise<boolean> {
  const { isBehind } = await internalsOf(identity).signer.load(identity.address, "identity");
  return isBehind === true || hasSpentLane(identity.space);
}

/** The whole chain of the identity as it stands, the frame in the journal included. */
export async function identityFrames(identity: Identity): Promise<readonly IbGib[]> {
  const { signer } = internalsOf(identity);
  return signer.framesAfter(await signer.load(identity.address, "identity"), -1);
}

/**
 * Has the identity certify this home's host key, once; a later start finds it in force and signs nothing.
 *
 * @returns The identity's chain, with the certifying frame in it.
 */
export async function certifyHostKey(
  identity: Identity,
): Promise<{ frames: readonly IbGib[]; hostKey: string }> {
  const hostKey = toHex(ed25519PublicKey(internalsOf(identity).hostSeed));
  if (!(await ownState(identity)).hostKeys.has(hostKey)) await signCertificate(identity, hostKey);
  return { frames: await identityFrames(identity), hostKey };
}

function signCertificate(identity: Identity, hostKey: string): Promise<unknown> {
  return internalsOf(identity).signer.sign(async (view) => {
    const held = await view.load(identity.address, "identity");
    const state = await ownState(identity);
    if (state.hostKeys.has(hostKey)) return { requests: [] };
    const frame = { verb: "delegate", target: hostKey, details: hostKeyDetails(state, "delegate", hostKey) };
    return { requests: [{ held, frame }] };
  });
}

export function stateOf(frames: readonly IbGib[]): IdentityState {
  const state = readIdentity(frames);
  if (!state) throw new KeysagaError("store_damaged", { missing: "identity" });
  return state;
}
