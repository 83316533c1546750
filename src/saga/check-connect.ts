import { KeysagaError, type Moment } from "../base/index.js";
import { type Address, decodeText, type IbGib } from "../ibgib/index.js";
import {
  checkFrame,
  checkIdentityFrame,
  claimOf,
  type IdentityState,
  type KeystoneState,
  type SecretFor,
  type SenderSession,
  startIdentity,
  startLane,
} from "../keystone/index.js";
import { type Ahead, chainOf } from "./chain-shown.js";
import { startWalk, type Walk, type Walker, walkSlice } from "./chain-walk.js";
import { connectTarget, type Established, type Exact, type Exporter, type SessionKeys } from "./handshake.js";
import type { SessionLimits } from "./limits.js";
import type { Challenge, ChallengeBody, Connect, Hello, InviteShown, Open } from "./messages.js";
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
  readonly sessionKeys: SessionKeys;
  readonly exporter: Exporter;
}

/** A lane as this receiver's store knows it. */
export interface KnownLane {
  readonly keystone: KeystoneState;
  readonly delegator: Address;
  /** Addresses of its newest frames, oldest first, the tip last: at most `sagaLimits.framesShownMax`. */
  readonly newest: readonly Address[];
}

/** What the store knows of the identity and the lane that `open` names. */
export interface SenderKnown {
  readonly identity: IdentityState | undefined;
  /** Addresses of all frames of the identity that are held. */
  readonly identityFrames: ReadonlySet<Address>;
  readonly lane: KnownLane | undefined;
  /** Does the store hold the frame of I that `open` calls its newest, and is that one after the genesis? */
  readonly holdsClaimedTip: boolean;
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
  readonly lane: KeystoneState;
  readonly newIdentityFrames: readonly IbGib[];
  readonly newLaneFrames: readonly IbGib[];
  readonly candidate: Candidate;
  /** As the store stood when this was checked; storing compares and sets on both. */
  readonly known: SenderKnown;
}

/**
 * A connect that is being checked. That who speaks holds S's keys is shown; the identity's chain and the lane's, which
 * may be long, are walked behind that, in slices.
 */
export interface Checking {
  /** S at n=1. */
  readonly sender: KeystoneState;
  readonly candidate: Candidate;
  readonly identity: Walk<IdentityState>;
  readonly lane: Walk<KeystoneState>;
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
  if (known.lane && known.lane.delegator !== identity) throw refused("another's lane");
  return {
    sender,
    candidate: { identity, invite: connect.invite, connectTarget: connectTo },
    identity: startWalk(known.identity, chainOf(state.ahead, connect.identityFrames, self.limits)),
    lane: startWalk(known.lane?.keystone, [...connect.laneFrames, connect.proof.lane]),
  };
}

/** How many frames are still to be checked. */
export function framesLeft({ identity, lane }: Checking): number {
  return identity.left.length + lane.left.length;
}

/**
 * Checks one slice more: of the identity's chain, and behind that of the lane's.
 *
 * @throws KeysagaError `auth_fail` with the rule, or what `checkFrame` and admission throw.
 */
export function checkSlice(self: ReceiverSelf, { open, known }: Challenged, checking: Checking): Checking {
  if (checking.identity.left.length > 0)
    return { ...checking, identity: walkSlice(checking.identity, identityWalker(open.message, known)) };
  return { ...checking, lane: walkSlice(checking.lane, laneWalker(self, open.message, known)) };
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
  { sender, candidate, identity, lane }: Checking,
): Accepted {
  const { session, own, body, known } = state;
  if (!identity.state) throw refused("identity not shown");
  if (!lane.state) throw refused("lane not shown");
  if (!identity.state.delegated.has(lane.state.tjp)) throw refused("lane not delegated");
  // A frame that the store already holds was checked when it came; one that is new is the lane's newest.
  const vouch = claimOf(decodeText(connect.proof.lane));
  const vouchesForUs = vouch.target === session.first.address && vouch.scope === self.identity.keystone.tjp;
  if (vouch.verb !== "vouch" || !vouchesForUs) throw refused("lane vouches for another session");

  const [r0, r1] = own.frames;
  return {
    identity: identity.state,
    lane: lane.state,
    newIdentityFrames: identity.fresh,
    newLaneFrames: lane.fresh,
    candidate,
    known,
    established: {
      identity: candidate.identity,
      lane: lane.state.tjp,
      receiver: self.identity.keystone.tjp,
      session: session.first.address,
      receiverSession: r0.address,
      dialogue: startDialogue(sender, own.keystone, session.details.caps),
      secretFor: own.secretFor,
      host: body.host,
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

function identityWalker({ identity }: Open, { identityFrames }: SenderKnown): Walker<IdentityState> {
  return {
    isKnown: ({ address }) => identityFrames.has(address),
    next(state, frame) {
      if (state) return checkIdentityFrame(state, frame);
      if (frame.address !== identity.keystone) throw refused("identity not shown");
      return startIdentity(frame);
    },
  };
}

function laneWalker(self: ReceiverSelf, open: Open, { lane }: SenderKnown): Walker<KeystoneState> {
  const names = { delegator: open.identity.keystone, receiver: self.identity.keystone.tjp };
  const held = new Set(lane?.newest);
  return {
    isKnown: ({ address }) => held.has(address),
    next(state, frame) {
      if (state) return checkFrame(state, frame).state;
      if (frame.address !== open.lane.keystone) throw refused("lane not shown");
      return startLane(frame, names).keystone;
    },
  };
}

/** For whatever a sender gets wrong about who it is; before authentication the other side is told nothing more. */
export function refused(rule: string): KeysagaError {
  return new KeysagaError("auth_fail", { rule });
}
