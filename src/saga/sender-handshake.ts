import { KeysagaError, type Moment, printable, toHex, toKeysagaError } from "../base/index.js";
import { type Address, decodeText, type IbGib, toText } from "../ibgib/index.js";
import {
  advance,
  checkFrame,
  followIdentity,
  foundSenderSession,
  type IdentityState,
  type KeystoneState,
  nextFrame,
  type SecretFor,
  signFrame,
  startFollowing,
  startReceiverSession,
  startSenderSession,
} from "../keystone/index.js";
import { type Ahead, chainOf, nothingAhead, showChain, takeAhead } from "./chain-shown.js";
import {
  challengeTarget,
  connectTarget,
  type Established,
  type Exact,
  type Exporter,
  type InviteKey,
  inviteMac,
  isHostSignature,
  type Standing,
  standingOf,
} from "./handshake.js";
import type { SessionLimits } from "./limits.js";
import {
  type Challenge,
  ChallengeBody,
  type Connect,
  type Frames,
  type Hello,
  type InviteShown,
  type NewerShown,
  type Open,
  protocolVersion,
  type Ready,
  suites,
} from "./messages.js";
import type { Voucher } from "./turn-bodies.js";
import { capsOf, parseJson, pathOf, startDialogue } from "./turn.js";

/** What this side wants of a connection, and the pure functions of its secrets. */
export interface SenderIntent {
  /** The origin that was dialled, as in `wss://host:port`. */
  readonly audience: string;
  /** The receiver's identity that has to answer; undefined: whoever answers first here is trusted and pinned. */
  readonly pin: Address | undefined;
  readonly limits: SessionLimits;
  readonly exporter: Exporter;
  /** Shown in case the receiver does not admit this identity yet. */
  readonly invite: InviteKey | undefined;
}

/** What this side's store knows, read after hello, with the fresh randomness that open needs. */
export interface SenderStanding {
  readonly identity: Standing;
  readonly lane: Standing;
  /** The lane to this receiver that a new one takes the place of, as its keys are spent. */
  readonly former: Address | undefined;
  /** The receiver's identity as verified and stored earlier. */
  readonly receiver: IdentityState | undefined;
  readonly nonce: Uint8Array;
  readonly sessionNonce: Uint8Array;
  /** 32 bytes that nobody can make again, from which all keys of S follow: in memory only, gone with the session. */
  readonly sessionSecret: Uint8Array;
}

interface Opened {
  readonly intent: SenderIntent;
  readonly hello: Exact<Hello>;
  readonly standing: SenderStanding;
  readonly open: Exact<Open>;
  readonly session: {
    readonly first: IbGib;
    readonly keystone: KeystoneState;
    readonly secretFor: SecretFor;
  };
  readonly deadline: Moment;
}

interface Proved extends Opened {
  readonly challenge: Exact<Challenge>;
  readonly body: ChallengeBody;
  readonly receiver: IdentityState;
  readonly receiverFrames: readonly IbGib[];
  readonly receiverSession: { readonly frames: readonly [IbGib, IbGib]; readonly keystone: KeystoneState };
}

export type SenderHandshakeState =
  | { readonly kind: "awaitingHello"; readonly intent: SenderIntent; readonly deadline: Moment }
  | {
      readonly kind: "loadingStanding";
      readonly intent: SenderIntent;
      readonly hello: Exact<Hello>;
      readonly deadline: Moment;
    }
  | (Opened & { readonly kind: "awaitingChallenge"; readonly ahead: Ahead })
  | (Proved & { readonly kind: "reserving" })
  | { readonly kind: "awaitingReady"; readonly established: Established; readonly deadline: Moment }
  | { readonly kind: "ready"; readonly established: Established }
  | { readonly kind: "failed"; readonly error: KeysagaError };

export type SenderHandshakeEvent =
  | { readonly kind: "hello"; readonly heard: Exact<Hello> }
  | { readonly kind: "standingLoaded"; readonly standing: SenderStanding }
  | { readonly kind: "frames"; readonly heard: Exact<Frames> }
  | { readonly kind: "challenge"; readonly heard: Exact<Challenge> }
  | {
      /** I's and L's frames that the receiver lacks, and the lane frame that vouches for S: durable before signed. */
      readonly kind: "reserved";
      readonly identityFrames: readonly IbGib[];
      readonly laneFrames: readonly IbGib[];
      readonly vouching: IbGib;
      /** L0, and its attest key's signature that goes with that frame. */
      readonly lane: IbGib;
      readonly voucher: Voucher;
    }
  | { readonly kind: "ready"; readonly heard: Exact<Ready> }
  | { readonly kind: "failed"; readonly error: KeysagaError }
  | { readonly kind: "tick"; readonly now: Moment };

export type SenderHandshakeEffect =
  /** Ends in `standingLoaded`. */
  | { readonly kind: "loadStanding"; readonly receiver: Address }
  | { readonly kind: "send"; readonly message: Open | Frames | Connect }
  /** Reserves and signs the vouching lane frame, keeps what was verified of the receiver; ends in `reserved`. */
  | {
      readonly kind: "reserveConnect";
      readonly session: Address;
      readonly lane: Address;
      readonly receiver: IdentityState;
      /** Its frames that are new here. */
      readonly receiverFrames: readonly IbGib[];
      /** See `FollowedIdentity`: to be compared before anything is signed. */
      readonly heldAsShown: Address | undefined;
      /** The newest frames of I and L that the receiver says it holds; hints, only used to choose what to show. */
      readonly theirIdentity: Standing | undefined;
      readonly theirLane: Standing | undefined;
      /** What it shows of them that is newer than `open` said; unchecked. */
      readonly newer: NewerShown | undefined;
    };

export interface SenderHandshakeStep {
  readonly state: SenderHandshakeState;
  readonly effects: readonly SenderHandshakeEffect[];
}

/** The handshake of the side that dials. `now` is when the connection opened. */
export function startSenderHandshake(intent: SenderIntent, now: Moment): SenderHandshakeState {
  return { kind: "awaitingHello", intent, deadline: now + intent.limits.handshakeTimeoutMs };
}

/** Advances the handshake by one event. What the receiver gets wrong ends in `failed`; this never throws. */
export function stepSenderHandshake(
  state: SenderHandshakeState,
  event: SenderHandshakeEvent,
): SenderHandshakeStep {
  if (state.kind === "ready" || state.kind === "failed") return { state, effects: [] };
  if (event.kind === "failed") return fail(event.error);
  if (event.kind === "tick") {
    if (state.kind === "reserving" || event.now < state.deadline) return { state, effects: [] };
    return fail(new KeysagaError("handshake_timeout", { during: state.kind }));
  }
  try {
    return advanceHandshake(state, event);
  } catch (thrown) {
    return fail(toKeysagaError(thrown));
  }
}

type Awaiting = Exclude<SenderHandshakeState, { kind: "ready" | "failed" }>;
type Progress = Exclude<SenderHandshakeEvent, { kind: "failed" | "tick" }>;

function advanceHandshake(state: Awaiting, event: Progress): SenderHandshakeStep {
  if (state.kind === "awaitingHello" && event.kind === "hello") return onHello(state, event.heard);
  if (state.kind === "loadingStanding" && event.kind === "standingLoaded")
    return onStanding(state, event.standing);
  if (state.kind === "awaitingChallenge" && event.kind === "frames") return onFrames(state, event.heard);
  if (state.kind === "awaitingChallenge" && event.kind === "challenge")
    return onChallenge(state, event.heard);
  if (state.kind === "reserving" && event.kind === "reserved") return onReserved(state, event);
  if (state.kind === "awaitingReady" && event.kind === "ready") return onReady(state, event.heard);
  return fail(new KeysagaError("out_of_turn", { got: event.kind, during: state.kind }));
}

type In<Kind> = Extract<SenderHandshakeState, { kind: Kind }>;

function onHello(state: In<"awaitingHello">, hello: Exact<Hello>): SenderHandshakeStep {
  const { versions, suites: offered, receiver } = hello.message;
  if (!versions.includes(protocolVersion) || !offered.includes(suites[0]))
    throw new KeysagaError("no_common_version");
  if (state.intent.pin !== undefined && receiver !== state.intent.pin)
    throw new KeysagaError("receiver_changed", {
      pinned: state.intent.pin,
      answered: printable(receiver),
      dialled: state.intent.audience,
    });
  return {
    state: { ...state, kind: "loadingStanding", hello },
    effects: [{ kind: "loadStanding", receiver }],
  };
}

function onStanding(state: In<"loadingStanding">, standing: SenderStanding): SenderHandshakeStep {
  const { intent, hello } = state;
  const secretFor = () => standing.sessionSecret;
  const names = {
    lane: standing.lane.keystone,
    receiver: hello.message.receiver,
    audience: intent.audience,
    caps: capsOf(intent.limits),
  };
  const first = foundSenderSession(standing.sessionNonce, names, secretFor);
  const message: Open = {
    type: "open",
    nonce: toHex(standing.nonce),
    audience: intent.audience,
    versions: [protocolVersion],
    suites: [...suites],
    version: protocolVersion,
    suite: suites[0],
    identity: standing.identity,
    lane: standing.lane,
    ...(standing.former && { former: standing.former }),
    ...(standing.receiver && { receiverTip: standingOf(standing.receiver.keystone) }),
    session: toText(first),
  };
  const open = { text: JSON.stringify(message), message };
  const session = { first, keystone: startSenderSession(first).keystone, secretFor };
  return {
    state: { ...state, kind: "awaitingChallenge", standing, open, session, ahead: nothingAhead },
    effects: [{ kind: "send", message }],
  };
}

/** Kept as it came: nothing of it is looked at before the challenge that it belongs to. */
function onFrames(state: In<"awaitingChallenge">, { message }: Exact<Frames>): SenderHandshakeStep {
  const ahead = takeAhead(state.ahead, message, state.intent.limits);
  return { state: { ...state, ahead }, effects: [] };
}

/** The receiver proves itself: nothing is signed before every check here has passed. */
function onChallenge(
  { ahead, ...opened }: In<"awaitingChallenge">,
  challenge: Exact<Challenge>,
): SenderHandshakeStep {
  const body = parseChallenge(challenge.message.body);
  const shown = chainOf(ahead, body.receiverFrames, opened.intent.limits).map(decodeText);
  const { receiver, receiverFrames, heldAsShown } = checkReceiver(opened, shown);
  const receiverSession = checkReceiverSession(opened, challenge, body, receiver);
  checkStandings(opened, body);
  // Drafting S1 shows whether the demand is one that S's connect pool allows, before anything is reserved.
  nextFrame(opened.session.keystone, connectClaim(opened, challenge, body), opened.session.secretFor);
  return {
    state: { ...opened, kind: "reserving", challenge, body, receiver, receiverFrames, receiverSession },
    effects: [
      {
        kind: "reserveConnect",
        session: opened.session.first.address,
        lane: opened.standing.lane.keystone,
        receiver,
        receiverFrames,
        heldAsShown,
        theirIdentity: body.identityTip,
        theirLane: body.laneTip,
        newer: body.newer,
      },
    ],
  };
}

function parseChallenge(text: string): ChallengeBody {
  const body = ChallengeBody.safeParse(parseJson(text));
  if (!body.success) throw new KeysagaError("malformed_message", { in: "challenge", at: pathOf(body.error) });
  return body.data;
}

/**
 * The receiver's identity, continued from what is stored of it; it has to be the one that hello named. One that runs since
 * before its identity's newest frames, which we have heard of, shows older ones.
 */
function checkReceiver({ hello, standing }: Opened, shown: readonly IbGib[]) {
  if (!standing.receiver && shown[0]?.address !== hello.message.receiver) throw unproved("identity");
  const { state, fresh, heldAsShown } = followIdentity(startFollowing(standing.receiver), shown);
  if (!state) throw unproved("identity");
  return { receiver: state, receiverFrames: fresh, heldAsShown };
}

function checkReceiverSession(
  { hello, open, session, standing }: Opened,
  challenge: Exact<Challenge>,
  body: ChallengeBody,
  receiver: IdentityState,
): Proved["receiverSession"] {
  const first = decodeText(body.session);
  if (receiver.hostKeys.get(body.host.key) !== body.host.certifiedBy) throw unproved("host key not in force");
  if (!isHostSignature(body.host, first.address)) throw unproved("host signature");
  const { keystone, details } = startReceiverSession(first);
  if (details.receiver !== hello.message.receiver) throw unproved("session of another receiver");
  if (details.sender !== standing.identity.keystone || details.session !== session.first.address)
    throw unproved("session for another sender");
  const frame = decodeText(challenge.message.proof.frame);
  const { state, claim } = checkFrame(keystone, frame);
  const target = challengeTarget(hello.text, open.text, challenge.message.body);
  if (claim.verb !== "challenge" || claim.target !== target || claim.scope !== undefined)
    throw unproved("transcript");
  return { frames: [first, frame], keystone: state };
}

/** What the receiver says of our standing is looked at where the journal is read; here only that it is ours. */
function checkStandings({ standing }: Opened, { identityTip, laneTip }: ChallengeBody): void {
  const isOurs = (mine: Standing, theirs: Standing | undefined) =>
    !theirs || theirs.keystone === mine.keystone;
  if (!isOurs(standing.identity, identityTip) || !isOurs(standing.lane, laneTip))
    throw unproved("standing of another keystone");
}

function connectClaim({ hello, open, intent }: Opened, challenge: Exact<Challenge>, body: ChallengeBody) {
  const target = connectTarget(hello.text, open.text, challenge.text, intent.exporter);
  return { verb: "connect", target, demanded: body.demanded };
}

function onReserved(
  state: In<"reserving">,
  event: Extract<Progress, { kind: "reserved" }>,
): SenderHandshakeStep {
  const { keystone, secretFor, first } = state.session;
  const claim = connectClaim(state, state.challenge, state.body);
  const frame = signFrame(nextFrame(keystone, claim, secretFor), keystone, secretFor);
  const { ahead, shown } = showChain(event.identityFrames, state.intent.limits);
  const message: Connect = {
    type: "connect",
    identityFrames: shown,
    laneFrames: event.laneFrames.map(toText),
    proof: { lane: toText(event.vouching), voucher: event.voucher.signature, frame: toText(frame) },
    ...inviteShown(state, claim.target),
  };
  const [r0, r1] = state.receiverSession.frames;
  const established: Established = {
    identity: state.standing.identity.keystone,
    lane: state.standing.lane.keystone,
    receiver: state.hello.message.receiver,
    session: first.address,
    receiverSession: r0.address,
    dialogue: startDialogue(
      advance(keystone, frame).state,
      state.receiverSession.keystone,
      capsOf(state.intent.limits),
    ),
    secretFor,
    host: state.body.host,
    vouched: { session: first, lane: event.lane, voucher: event.voucher },
    proofs: [
      ...[first, frame].map((record) => ({ group: first.address, record })),
      ...[r0, r1].map((record) => ({ group: r0.address, record })),
    ],
  };
  return {
    state: { kind: "awaitingReady", established, deadline: state.deadline },
    effects: [...ahead, message].map((said) => ({ kind: "send", message: said })),
  };
}

function inviteShown(
  { intent: { invite }, standing }: Opened,
  target: string,
): { readonly invite?: InviteShown } {
  if (!invite) return {};
  const mac = inviteMac(invite, standing.identity.keystone, target);
  return { invite: { id: invite.id, mac: toHex(mac) } };
}

function onReady({ established }: In<"awaitingReady">, ready: Exact<Ready>): SenderHandshakeStep {
  if (ready.message.session !== established.session) throw unproved("ready for another session");
  return { state: { kind: "ready", established }, effects: [] };
}

function unproved(rule: string): KeysagaError {
  return new KeysagaError("receiver_unproved", { rule });
}

function fail(error: KeysagaError): SenderHandshakeStep {
  return { state: { kind: "failed", error }, effects: [] };
}
