import { type Instant, KeysagaError } from "../../base/index.js";
import { type Address, type IbGib, isIdentityAddress, isTjp, ownerOf, withinOf } from "../../ibgib/index.js";
import { type Access, type Grant, keystoneLimits, sealGrant, sealWithdrawal } from "../../keystone/index.js";
import type { Space } from "../../space/index.js";
import { type Identity, internalsOf } from "../home/identity.js";
import { type Platform, systemPlatform } from "../home/platform.js";
import {
  type Granted,
  type GrantState,
  grantState,
  grantsExtendingTo,
  grantsOn,
  keepGrant,
  usesOf,
} from "./granted.js";
import { loadStated } from "./stated.js";

/** What is shared, with whom and how. */
export interface Share {
  /** The first frame of a timeline of one's own. What is within it, and has the same owner, is shared with it. */
  readonly timeline: Address;
  readonly with: Address;
  /** Who may write may read. */
  readonly access: Access;
  /** From then on it counts no more: milliseconds since the epoch, by the clock of whoever is asked. */
  readonly expires?: Instant;
  /** May be used so many times, with the one receiver that counts them. */
  readonly uses?: { readonly max: number; readonly receiver: Address };
}

/** What a space knows of a timeline's being shared. */
export interface Shared extends Share {
  readonly grant: Address;
  readonly state: GrantState;
  /** How often it was used here, where uses are counted. */
  readonly used?: number;
}

/**
 * Shares a timeline of one's own: the identity grants access to it, with a frame of its own. Durable when this
 * resolves; a receiver honours it once it was told, with the next saga. Nothing is narrowed by sharing again: take back
 * first what should go.
 *
 * @returns The grant's address.
 * @throws KeysagaError `not_found`, `not_owner`; `grant_refused` for what is no grant: to no identity, to the owner, of
 *   no use at all, or expired before it is made.
 */
export async function share(
  identity: Identity,
  given: Share,
  { random, clock }: Pick<Platform, "random" | "clock"> = systemPlatform,
): Promise<Address> {
  const { address } = identity;
  await ownTimeline(identity, given.timeline);
  checkShare(given, address, clock.now());
  const record = sealGrant(random.bytes(32), grantOf(address, given));
  const { proof, cells } = keepGrant(record);
  await internalsOf(identity).signer.sign(async (view) => {
    const held = await view.load(address, "identity");
    const frame = { verb: "grant", target: record.address };
    return { requests: [{ held, frame }], proofs: [proof], cells };
  });
  return record.address;
}

/**
 * Takes back all that was granted to `from` on a timeline of one's own. Durable when this resolves; a receiver refuses
 * `from` from the moment it is told. What `from` has added up to the timeline's tip as this space has it, and to the
 * tips of what is within it, still counts, and nothing after: sync first, so that nothing is left out.
 *
 * @throws KeysagaError `not_found`, `not_owner`, `not_shared`.
 */
export async function unshare(
  identity: Identity,
  { timeline, from }: { readonly timeline: Address; readonly from: Address },
  { random }: Pick<Platform, "random"> = systemPlatform,
): Promise<void> {
  const first = await ownTimeline(identity, timeline);
  const standing = await standingGrants(identity, timeline, from);
  if (standing.length === 0) throw new KeysagaError("not_shared");
  for (const { address: grant, access } of standing) {
    const tips = access === "write" ? await tipsWithin(identity.space, first) : [timeline];
    for (const last of inParts(tips))
      await withdraw(identity, grant, sealWithdrawal(random.bytes(32), { grant, timeline, last }));
  }
}

/**
 * Who may do what with a timeline beside its owner, and who could, as far as this space knows: by grants on it, and on
 * what it is within.
 *
 * @throws KeysagaError `not_found`.
 */
export async function whoMay(
  { space }: Pick<Identity, "space">,
  timeline: Address,
  { clock }: Pick<Platform, "clock"> = systemPlatform,
): Promise<readonly Shared[]> {
  const grants = await grantsExtendingTo(space, await firstFrame(space, timeline));
  const [some] = grants;
  if (!some) return [];
  const { statements } = await loadStated(space, some.issuer); // the owner, who made all of them
  return Promise.all(
    grants.map(async (granted): Promise<Shared> => {
      const { address, identity, access, expires, uses, receiver } = granted;
      return {
        grant: address,
        timeline: granted.timeline,
        with: identity,
        access,
        ...(expires !== undefined && { expires }),
        ...(uses !== undefined && receiver !== undefined && { uses: { max: uses, receiver } }),
        ...(uses !== undefined && { used: await usesOf(space, address) }),
        state: await grantState(space, granted, statements, clock.now()),
      };
    }),
  );
}

function checkShare({ with: grantee, expires, uses }: Share, owner: Address, now: Instant): void {
  const refuse = (rule: string) => new KeysagaError("grant_refused", { rule });
  if (!isIdentityAddress(grantee)) throw refuse("to an identity");
  if (grantee === owner) throw refuse("to the owner itself");
  if (expires !== undefined && !(Number.isSafeInteger(expires) && expires > now)) throw refuse("expires");
  if (uses === undefined) return;
  if (!(Number.isSafeInteger(uses.max) && uses.max > 0)) throw refuse("uses");
  if (!isIdentityAddress(uses.receiver)) throw refuse("receiver");
}

function grantOf(
  issuer: Address,
  { timeline, with: identity, access, expires, uses }: Share,
): Omit<Grant, "nonce"> {
  return {
    issuer,
    identity,
    timeline,
    access,
    ...(expires !== undefined && { expires }),
    ...(uses && { uses: uses.max, receiver: uses.receiver }),
  };
}

async function firstFrame(space: Space, timeline: Address): Promise<IbGib> {
  const first = await space.get(timeline);
  if (!first || !isTjp(first)) throw new KeysagaError("not_found");
  return first;
}

async function ownTimeline({ space, address }: Identity, timeline: Address): Promise<IbGib> {
  const first = await firstFrame(space, timeline);
  if (ownerOf(first) !== address) throw new KeysagaError("not_owner");
  return first;
}

/** One's own grants that were not taken back, expired ones too: what they let in still has to end somewhere. */
async function standingGrants(
  { space, address }: Identity,
  timeline: Address,
  from: Address,
): Promise<readonly Granted[]> {
  const grants = await grantsOn(space, timeline);
  const own = grants.filter(({ issuer, identity }) => issuer === address && identity === from);
  if (own.length === 0) return [];
  const { withdrawn } = (await loadStated(space, address)).statements;
  return own.filter((grant) => !withdrawn.has(grant.address));
}

/** The tips of a timeline, which comes first, and of all that its owner keeps within it and that it leads to. */
async function tipsWithin(space: Space, first: IbGib): Promise<readonly Address[]> {
  const tips = await space.reachableTips([first.address]);
  const firsts = await space.getMany(tips.map(({ tjp }) => tjp));
  const within = tips.filter((_, at) => {
    const other = firsts[at];
    return other && withinOf(other) === first.address && ownerOf(other) === ownerOf(first);
  });
  const own = tips.filter(({ tjp }) => tjp === first.address);
  return [...own, ...within].map(({ address }) => address);
}

/** A record is bounded, and so is a list of addresses of any length. */
const lastCharsMax = 96 * 1024;

function inParts(tips: readonly Address[]): readonly Address[][] {
  const parts: Address[][] = [];
  let chars = Number.POSITIVE_INFINITY;
  for (const tip of tips) {
    chars += tip.length;
    const part = parts.at(-1);
    if (part === undefined || chars > lastCharsMax || part.length === keystoneLimits.lastMax) {
      parts.push([tip]);
      chars = tip.length;
    } else part.push(tip);
  }
  return parts;
}

/** Keeps a withdrawal with the frame that makes it. */
async function withdraw(identity: Identity, grant: Address, record: IbGib): Promise<void> {
  await internalsOf(identity).signer.sign(async (view) => {
    const held = await view.load(identity.address, "identity");
    const frame = { verb: "revoke", target: record.address, scope: grant };
    return { requests: [{ held, frame }], proofs: [{ group: grant, record }] };
  });
}
