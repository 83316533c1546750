import { KeysagaError, type Moment } from "../base/index.js";
import { type Address, decodeText, type IbGib, isAddress, nOf, type RecordText } from "../ibgib/index.js";
import {
  type Advanced,
  checkFrame,
  type FollowedIdentity,
  type IdentityState,
  isVouched,
  type KeystoneState,
  resume,
  type SecretFor,
  type SenderSession,
  startFollowing,
  startLane,
} from "../keystone/index.js";
import { type Ahead, chainOf } from "./chain-shown.js";
import { sliceLimits, type Walk, walkSlice } from "./chain-walk.js";
import { connectTarget, type Established, type Exact, type Exporter } from "./handshake.js";
import { type SessionLimits, sagaLimits } from "./limits.js";
import type { Challenge, ChallengeBody, Connect, Hello, InviteShown, NewerShown, Open } from "./messages.js";
import { startDialogue } from "./turn.js";

/** Who answers: the receiver's identity with its whole chain, and the host key of this home. */
export interface ReceiverSelf {
  readonly identity: IdentityState;
  readonly frames: readonly IbGib[];
  readonly hostKey: string;
  readonly hostSeed: Uint8Array;
  /** Origins this receiver answers for. */
  readonly audiences: readonly string[];
  readonly limits: SessionLimits;
  readonly exporter: Exporter;
}

/** A frame of a lane that came with a newer one and has not brought its session yet: it still does, once. */
export interface UnusedFrame {
  readonly n: number;
  readonly frame: Address;
  /** S's address, that it vouches for towards this receiver. */
  readonly session: Address;
}

/** How far a receiver has followed a lane: of bounded size, however many sessions the lane has had. */
export interface FollowedLane {
  readonly first: IbGib;
  readonly newest: IbGib;
  /** By rising number, at most `sagaLimits.unusedFramesMax`. */
  readonly unused: readonly UnusedFrame[];
}

/** What the store knows of the identity and the lane that `open` names. */
export interface SenderKnown {
  /** Of what it delegated, the lane that `open` names, if it has. */
  readonly identity: IdentityState | undefined;
  readonly lane: FollowedLane | undefined;
  /**
   * Does the store hold the frame of I that `open` calls its newest, and is that one after the genesis? Or does it follow the
   * `former` lane of I?
   */
  readonly isMet: boolean;
  /** Frames of I behind the one that `open` calls its newest, oldest first, and L0 of the lanes to here that they delegate. */
  readonly newer: Pick<NewerShown, "identityFrames" | "lanes">;
}

/** After `open`: what was said, and S as its genesis founds it. */
export interface Opened {
  readonly hello: Exact<Hello>;
  readonly open: Exact<Open>;
  readonly session: {
    readonly first: IbGib;
    readonly keystone: KeystoneState;
    readonly details: SenderSession;
  };
  readonly deadline: Moment;
}

/** After `challenge`: what the store knew of the sender, what was demanded, R at n=1, and what came since. */
export interface Challenged extends Opened {
  readonly known: SenderKnown;
  readonly ahead: Ahead;
  readonly challenge: Exact<Challenge>;
  readonly body: ChallengeBody;
  readonly own: {
    readonly frames: readonly [IbGib, IbGib];
    readonly keystone: KeystoneState;
    readonly secretFor: SecretFor;
  };
}

/** Who wants to be let in, with the invite that it showed and what that has to be made over. */
export interface Candidate {
  readonly identity: Address;
  readonly invite: InviteShown | undefined;
  readonly connectTarget: string;
}

/** Everything `connect` brought, checked, and what of it the store lacks. */
export interface Accepted {
  readonly established: Established;
  readonly identity: IdentityState;
  readonly lane: FollowedLane;
  /** Of the frames that were shown: the new ones, and whether the others are those that are held is still to be seen. */
  readonly shown: Pick<FollowedIdentity, "heldAsShown" | "fresh">;
  readonly candidate: Candidate;
  /** As the store stood when this was checked; storing compares and sets on both. */
  readonly known: SenderKnown;
}

/**
 * A connect that is being checked. That who speaks holds S's keys is shown; the identity's chain, which may be long, is
 * walked behind that in slices, and then the lane's, of which a connect shows no more than a slice has.
 */
export interface Checking {
  /** S at n=1. */
  readonly sender: KeystoneState;
  readonly candidate: Candidate;
  readonly identity: Walk;
  /** Not followed yet. */
  readonly laneFrames: readonly RecordText[];
  /** Set when the lane was followed. */
  readonly lane: LaneStep | undefined;
}

/** A lane as it is followed, and its frame that vouches for the session under way. */
interface LaneStep {
  readonly lane: FollowedLane;
  readonly used: UnusedFrame;
}

/**
 * S speaks: S1 over the whole transcript. Costs two signatures, whatever the chains cost that stand behind S.
 *
 * @throws KeysagaError `auth_fail` with the rule, or what `checkFrame` and admission throw.
 */
export function startChecking(self: ReceiverSelf, state: Challenged, connect: Connect): Checking {
  const { open, session, body, known } = state;
  const s1 = decodeText(connect.proof.frame);
  const { state: sender, claim } = checkFrame(session.keystone, s1, body.demanded);
  const connectTo = connectTarget(state.hello.text, open.text, state.challenge.text, self.exporter);
  if (claim.verb !== "connect" || claim.target !== connectTo || claim.scope !== undefined)
    throw refused("transcript");
  const identity = open.message.identity.keystone;
  return {
    sender,
    candidate: { identity, invite: connect.invite, connectTarget: connectTo },
    identity: {
      followed: startFollowing(known.identity),
      left: chainOf(state.ahead, connect.identityFrames, self.limits),
    },
    laneFrames: [...connect.laneFrames, connect.proof.lane],
    lane: undefined,
  };
}

/** How many frames are still to be checked. */
export function framesLeft({ identity, laneFrames }: Checking): number {
  return identity.left.length + laneFrames.length;
}

/** How many of them the next slice takes, at most. */
export function framesInSlice({ identity, laneFrames }: Checking): number {
  return identity.left.length > 0 ? Math.min(identity.left.length, sliceLimits.framesMax) : laneFrames.length;
}

/**
 * Checks one slice more: of the identity's chain, and behind that the lane.
 *
 * @throws KeysagaError `auth_fail` with the rule, or what `checkFrame` and admission throw.
 */
export function checkSlice(self: ReceiverSelf, { open, known }: Challenged, checking: Checking): Checking {
  if (checking.identity.left.length > 0)
    return {
      ...checking,
      identity: walkSlice(checking.identity, ({ address }) => {
        if (address !== open.message.identity.keystone) throw refused("identity not shown");
      }),
    };
  const shown = checking.laneFrames.map(decodeText);
  const { address } = known.lane?.first ?? shown[0] ?? {};
  if (address !== open.message.lane.keystone) throw refused("lane not shown");
  return { ...checking, laneFrames: [], lane: followLane(known.lane, shown, self.identity.keystone.tjp) };
}

/**
 * The lane vouches for S, and the identity is behind the lane.
 *
 * @param checking With no frames left.
 * @throws KeysagaError `auth_fail` with the rule, or what admission throws.
 */
export function acceptConnect(
  self: ReceiverSelf,
  state: Challenged,
  connect: Connect,
  { sender, candidate, identity: { followed }, lane: step }: Checking,
): Accepted {
  const { session, own, body, known } = state;
  const { state: identity, ...shown } = followed;
  if (!identity) throw refused("identity not shown");
  if (!step) throw refused("lane not shown");
  const { lane, used } = step;
  const receiver = self.identity.keystone.tjp;
  const founded = startLane(lane.first, { delegator: candidate.identity, receiver });
  if (!identity.delegated.has(lane.first.address)) throw refused("lane not delegated");
  if (used.session !== session.first.address) throw refused("lane vouches for another session");
  const voucher = { session: used.session, n: used.n, signature: connect.proof.voucher };
  const vouching = { lane: lane.first.address, n: used.n, session: used.session, receiver };
  if (!isVouched(vouching, founded.attestKey, voucher.signature)) throw refused("voucher");

  const [r0, r1] = own.frames;
  return {
    identity,
    lane,
    shown,
    candidate,
    known,
    established: {
      identity: candidate.identity,
      lane: lane.first.address,
      receiver,
      session: session.first.address,
      receiverSession: r0.address,
      dialogue: startDialogue(sender, own.keystone, session.details.caps),
      secretFor: own.secretFor,
      host: body.host,
      vouched: { session: session.first, lane: lane.first, voucher },
      proofs: [
        ...[session.first, decodeText(connect.proof.frame)].map((record) => ({
          group: session.first.address,
          record,
        })),
        ...[r0, r1].map((record) => ({ group: r0.address, record })),
      ],
    },
  };
}

/**
 * Follows a lane through the frames that are new, to the last one that is shown: that is the one to vouch for the session
 * under way. Where it came earlier, with a newer one, it has to be among those that have brought no session yet.
 *
 * @throws KeysagaError `auth_fail` with the rule, or what `checkFrame` throws.
 */
export function followLane(
  held: FollowedLane | undefined,
  shown: readonly IbGib[],
  receiver: Address,
): LaneStep {
  const first = held?.first ?? shown[0];
  const vouching = shown.at(-1);
  if (!first || !vouching) throw refused("lane not shown");
  let state = resume(first, held?.newest ?? first, "lane");
  const { n } = state;
  const fresh = shown.filter((frame) => (nOf(frame) ?? 0) > n);
  const vouched: UnusedFrame[] = [];
  for (const frame of fresh) {
    const checked = checkFrame(state, frame);
    state = checked.state;
    vouched.push(vouchedBy(checked, frame, receiver));
  }
  const unused = [...(held?.unused ?? []), ...vouched];
  const used = unused.find(({ frame }) => frame === vouching.address);
  if (!used) throw refused("lane frame used or unknown");
  const left = unused.filter((frame) => frame !== used).slice(-sagaLimits.unusedFramesMax);
  return { lane: { first, newest: fresh.at(-1) ?? held?.newest ?? first, unused: left }, used };
}

function vouchedBy({ claim, state }: Advanced, { address }: IbGib, receiver: Address): UnusedFrame {
  if (claim.verb !== "vouch" || claim.scope !== receiver || !isAddress(claim.target))
    throw refused("lane vouches for another session");
  return { n: state.n, frame: address, session: claim.target };
}

/** For whatever a sender gets wrong about who it is; before authentication the other side is told nothing more. */
export function refused(rule: string): KeysagaError {
  return new KeysagaError("auth_fail", { rule });
}
