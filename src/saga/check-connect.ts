import { KeysagaError, type Moment } from "../base/index.js";
import { type Address, decodeText, type IbGib } from "../ibgib/index.js";
import {
  type Claim,
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

/** Who has proved itself and wants to be let in, with the invite that it showed and what that has to be made over. */
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
 * The sender proves itself: S1 over the whole transcript, the lane vouching for S, the identity behind the lane.
 *
 * @throws KeysagaError `auth_fail` with the rule, or what `checkFrame` and admission throw.
 */
export function checkConnect(self: ReceiverSelf, state: Challenged, connect: Connect): Accepted {
  const { open, session, own, body } = state;
  const s1 = decodeText(connect.proof.frame);
  const { state: sender, claim } = checkFrame(session.keystone, s1, body.demanded);
  const target = connectTarget(state.hello.text, open.text, state.challenge.text, self.exporter);
  if (claim.verb !== "connect" || claim.target !== target || claim.scope !== undefined)
    throw refused("transcript");

  const identity = continueIdentity(state, chainOf(state.ahead, connect.identityFrames, self.limits));
  const vouching = decodeText(connect.proof.lane);
  const lane = continueLane(self, state, [...connect.laneFrames.map(decodeText), vouching]);
  if (!identity.state.delegated.has(lane.state.tjp)) throw refused("lane not delegated");
  const vouch = lane.claimOf(vouching);
  const vouchesForUs = vouch.target === session.first.address && vouch.scope === self.identity.keystone.tjp;
  if (vouch.verb !== "vouch" || !vouchesForUs) throw refused("lane vouches for another session");

  const [r0, r1] = own.frames;
  return {
    identity: identity.state,
    lane: lane.state,
    newIdentityFrames: identity.fresh,
    newLaneFrames: lane.fresh,
    candidate: { identity: identity.state.keystone.tjp, invite: connect.invite, connectTarget: target },
    known: state.known,
    established: {
      identity: identity.state.keystone.tjp,
      lane: lane.state.tjp,
      receiver: self.identity.keystone.tjp,
      session: session.first.address,
      receiverSession: r0.address,
      dialogue: startDialogue(sender, own.keystone, session.details.caps),
      secretFor: own.secretFor,
      host: body.host,
      proofs: [
        ...[session.first, s1].map((record) => ({ group: session.first.address, record })),
        ...[r0, r1].map((record) => ({ group: r0.address, record })),
      ],
    },
  };
}

function continueIdentity({ open, known }: Challenged, shown: readonly IbGib[]) {
  const claimed = open.message.identity.keystone;
  const held = known.identity;
  const fresh = shown.filter(({ address }) => !known.identityFrames.has(address));
  const [first, ...later] = fresh;
  if (held) return { state: fresh.reduce(checkIdentityFrame, held), fresh };
  if (!first || first.address !== claimed) throw refused("identity not shown");
  return { state: later.reduce(checkIdentityFrame, startIdentity(first)), fresh };
}

function continueLane(self: ReceiverSelf, { open, known }: Challenged, shown: readonly IbGib[]) {
  const names = { delegator: open.message.identity.keystone, receiver: self.identity.keystone.tjp };
  const held = known.lane;
  if (held && held.delegator !== names.delegator) throw refused("another's lane");
  const isKnown = (frame: IbGib) => held?.newest.includes(frame.address) === true;
  const fresh = shown.filter((frame) => !isKnown(frame));
  const [first, ...later] = fresh;
  if (held) return walkLane(held.keystone, fresh, fresh);
  if (!first || first.address !== open.message.lane.keystone) throw refused("lane not shown");
  return walkLane(startLane(first, names).keystone, later, fresh);
}

function walkLane(start: KeystoneState, later: readonly IbGib[], fresh: readonly IbGib[]) {
  let state = start;
  const claims = new Map<Address, Claim>();
  for (const frame of later) {
    const checked = checkFrame(state, frame);
    state = checked.state;
    claims.set(frame.address, checked.claim);
  }
  // A frame the store already holds was checked when it came; its claim is read from the frame itself.
  return { state, fresh, claimOf: (frame: IbGib) => claims.get(frame.address) ?? claimOf(frame) };
}

/** For whatever a sender gets wrong about who it is; before authentication the other side is told nothing more. */
export function refused(rule: string): KeysagaError {
  return new KeysagaError("auth_fail", { rule });
}
