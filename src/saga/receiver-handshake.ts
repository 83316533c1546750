import {
  type Instant,
  KeysagaError,
  limitExceeded,
  type Moment,
  printable,
  toHex,
  toKeysagaError,
} from "../base/index.js";
import { decodeText, type IbGib, toText } from "../ibgib/index.js";
import {
  advance,
  foundReceiverSession,
  nextFrame,
  resume,
  signFrame,
  startLane,
  startReceiverSession,
  startSenderSession,
} from "../keystone/index.js";
import { nothingAhead, showChain, takeAhead } from "./chain-shown.js";
import { sliceLimits } from "./chain-walk.js";
import {
  type Accepted,
  acceptConnect,
  type Candidate,
  type Challenged,
  type Checking,
  checkSlice,
  framesInSlice,
  framesLeft,
  type Opened,
  type ReceiverSelf,
  refused,
  type SenderKnown,
  startChecking,
} from "./check-connect.js";
import { challengeTarget, type Established, type Exact, signAsHost, standingOf } from "./handshake.js";
import { type SessionLimits, sagaLimits } from "./limits.js";
import {
  type Challenge,
  type ChallengeBody,
  type Connect,
  type Frames,
  type Hello,
  type Open,
  protocolVersion,
  type Ready,
  suites,
  type Turn,
} from "./messages.js";
import { type Caps, capsOf } from "./turn.js";

/** Randomness of one challenge, drawn by the shell. */
export interface ChallengeDraw {
  readonly nonce: Uint8Array;
  readonly sessionNonce: Uint8Array;
  /** 32 bytes that nobody can make again, from which all keys of R follow: in memory only, gone with the session. */
  readonly sessionSecret: Uint8Array;
  readonly challengeUuid: Uint8Array;
  /** Indexes into S's connect pool; the pool's config says how many. */
  readonly demanded: readonly number[];
  readonly now: Instant;
}

/** After `connect`, and a turn that followed it at once, which is kept until the session is ready. */
type Connecting = Challenged & {
  readonly connect: Exact<Connect>;
  readonly early: Exact<Turn> | undefined;
};

export type ReceiverHandshakeState =
  | { readonly kind: "awaitingOpen"; readonly hello: Exact<Hello>; readonly deadline: Moment }
  | (Opened & { readonly kind: "loadingKnown" })
  | (Challenged & { readonly kind: "awaitingConnect" })
  | (Connecting & { readonly kind: "screening"; readonly checking: Checking })
  | (Connecting & { readonly kind: "checking"; readonly checking: Checking })
  | (Connecting & { readonly kind: "admitting"; readonly accepted: Accepted })
  | (Connecting & { readonly kind: "storing"; readonly accepted: Accepted })
  | { readonly kind: "ready"; readonly established: Established }
  | { readonly kind: "failed"; readonly error: KeysagaError };

export type ReceiverHandshakeEvent =
  | { readonly kind: "open"; readonly heard: Exact<Open> }
  | { readonly kind: "knownLoaded"; readonly known: SenderKnown; readonly draw: ChallengeDraw }
  | { readonly kind: "frames"; readonly heard: Exact<Frames> }
  | { readonly kind: "connect"; readonly heard: Exact<Connect> }
  | { readonly kind: "turn"; readonly heard: Exact<Turn> }
  | { readonly kind: "screened" }
  | { readonly kind: "sliceGranted" }
  | { readonly kind: "admitted" }
  | { readonly kind: "sessionStored" }
  /** Another connection moved I or L meanwhile: what is known now. */
  | { readonly kind: "knownMoved"; readonly known: SenderKnown }
  | { readonly kind: "failed"; readonly error: KeysagaError }
  | { readonly kind: "tick"; readonly now: Moment };

export type ReceiverHandshakeEffect =
  /** Ends in `knownLoaded`. */
  | { readonly kind: "loadKnown"; readonly open: Open }
  | { readonly kind: "send"; readonly message: Frames | Challenge | Ready }
  /** A turn that was said before the sender could know that its session is ready: it counts now. */
  | { readonly kind: "hearTurn"; readonly turn: Turn }
  /**
   * Is it worth to check a long chain? Ends in `screened`, or in `failed` where it is clear that this one, who has
   * proved nothing of its identity yet, will not be let in. Changes nothing.
   */
  | { readonly kind: "screen"; readonly candidate: Candidate }
  /**
   * For so many frames, a signature each. Ends in `sliceGranted`, when others have had their turn; in `failed` for a
   * network that has had too many.
   */
  | { readonly kind: "awaitSlice"; readonly frames: number }
  /** Ends in `admitted`, or in `failed` with `not_admitted` or `invite_refused`. Changes nothing. */
  | { readonly kind: "admit"; readonly candidate: Candidate }
  /** One transaction, one flush, in which an invite is redeemed; ends in `sessionStored`, `knownMoved` or `failed`. */
  | { readonly kind: "storeSession"; readonly accepted: Accepted; readonly open: Open };

export interface ReceiverHandshakeStep {
  readonly state: ReceiverHandshakeState;
  readonly effects: readonly ReceiverHandshakeEffect[];
}

/** The receiver's first word, the same for everyone. */
export function helloOf(self: ReceiverSelf): Hello {
  return {
    type: "hello",
    versions: [protocolVersion],
    suites: [...suites],
    receiver: self.identity.keystone.tjp,
    payloadBytesMax: sagaLimits.payloadBytesMax,
  };
}

/** The handshake of the side that answers. `hello` is what was sent on the connection that opened at `now`. */
export function startReceiverHandshake(
  { limits }: ReceiverSelf,
  hello: Exact<Hello>,
  now: Moment,
): ReceiverHandshakeState {
  return { kind: "awaitingOpen", hello, deadline: now + limits.handshakeTimeoutMs };
}

/** Advances the handshake by one event. What the sender gets wrong ends in `failed`; this never throws. */
export function stepReceiverHandshake(
  self: ReceiverSelf,
  state: ReceiverHandshakeState,
  event: ReceiverHandshakeEvent,
): ReceiverHandshakeStep {
  if (state.kind === "ready" || state.kind === "failed") return { state, effects: [] };
  if (event.kind === "failed") return fail(event.error);
  if (event.kind === "tick") {
    if (event.now < state.deadline) return { state, effects: [] };
    return fail(new KeysagaError("handshake_timeout", { during: state.kind }));
  }
  try {
    return advanceHandshake(self, state, event);
  } catch (thrown) {
    return fail(toKeysagaError(thrown));
  }
}

type Awaiting = Exclude<ReceiverHandshakeState, { kind: "ready" | "failed" }>;
type Progress = Exclude<ReceiverHandshakeEvent, { kind: "failed" | "tick" }>;
type In<Kind> = Extract<ReceiverHandshakeState, { kind: Kind }>;

function advanceHandshake(self: ReceiverSelf, state: Awaiting, event: Progress): ReceiverHandshakeStep {
  if (event.kind === "turn" && "early" in state && !state.early)
    return { state: { ...state, early: event.heard }, effects: [] };
  switch (state.kind) {
    case "awaitingOpen":
      if (event.kind === "open") return onOpen(self, state, event.heard);
      break;
    case "loadingKnown":
      if (event.kind === "knownLoaded") return onKnown(self, state, event.known, event.draw);
      break;
    case "awaitingConnect":
      if (event.kind === "frames") return onFrames(self, state, event.heard);
      if (event.kind === "connect") return onConnect(self, state, event.heard);
      break;
    case "screening":
      if (event.kind === "screened") return awaitSlice(state);
      break;
    case "checking":
      if (event.kind === "sliceGranted") return onSlice(self, state);
      break;
    case "admitting":
      if (event.kind === "admitted") return store(state);
      break;
    case "storing":
      if (event.kind === "sessionStored") return onStored(state);
      if (event.kind === "knownMoved") return onMoved(self, state, event.known);
      break;
  }
  return fail(new KeysagaError("out_of_turn", { got: event.kind, during: state.kind }));
}

function onOpen(self: ReceiverSelf, state: In<"awaitingOpen">, open: Exact<Open>): ReceiverHandshakeStep {
  const { message } = open;
  if (message.version !== protocolVersion || message.suite !== suites[0])
    throw new KeysagaError("no_common_version");
  if (!self.audiences.includes(message.audience)) throw wrongAudience(self, message);
  const first = decodeText(message.session);
  const { keystone, details } = startSenderSession(first);
  const namesUs = details.receiver === self.identity.keystone.tjp && details.audience === message.audience;
  if (!namesUs || details.lane !== message.lane.keystone) throw refused("session genesis");
  refuseHighCaps(details.caps, self.limits);
  const session = { first, keystone, details };
  return {
    state: { ...state, kind: "loadingKnown", open, session },
    effects: [{ kind: "loadKnown", open: message }],
  };
}

/** What was dialled is the sender's to choose: it is shown to the operator of this side, and to nobody else. */
function wrongAudience({ audiences }: ReceiverSelf, { audience }: Open): KeysagaError {
  return new KeysagaError("wrong_audience", {
    dialled: printable(audience),
    answersFor: audiences.join(" "),
  });
}

/** A sender states what its session may carry; more than this side allows is refused before it costs anything. */
function refuseHighCaps(caps: Caps, limits: SessionLimits): void {
  const own = capsOf(limits);
  for (const cap of ["records", "bytes", "turns"] as const)
    if (caps[cap] > own[cap]) throw limitExceeded(`${cap}Max`, own[cap]);
}

/** The receiver's only two signatures before the sender is proved: the host key's, and R1's. */
function onKnown(
  self: ReceiverSelf,
  state: In<"loadingKnown">,
  known: SenderKnown,
  draw: ChallengeDraw,
): ReceiverHandshakeStep {
  const certifiedBy = self.identity.hostKeys.get(self.hostKey);
  if (certifiedBy === undefined) throw new KeysagaError("internal", { what: "host key not certified" });
  const secretFor = () => draw.sessionSecret;
  const names = {
    sender: state.open.message.identity.keystone,
    session: state.session.first.address,
    receiver: self.identity.keystone.tjp,
  };
  const first = foundReceiverSession(draw.sessionNonce, names, secretFor);
  const lacking = framesAfter(self.frames, state.open.message.receiverTip);
  const { ahead, shown } = showChain(lacking, self.limits);
  const body: ChallengeBody = {
    type: "challenge",
    nonce: toHex(draw.nonce),
    challengeUuid: toHex(draw.challengeUuid),
    demanded: [...draw.demanded],
    expires: draw.now + self.limits.handshakeTimeoutMs,
    receiverFrames: shown,
    host: {
      key: self.hostKey,
      certifiedBy,
      signature: signAsHost(self.hostSeed, certifiedBy, first.address),
    },
    session: toText(first),
    ...tipsToTell(state.open.message, known),
  };
  const text = JSON.stringify(body);
  const { keystone } = startReceiverSession(first);
  const claim = { verb: "challenge", target: challengeTarget(state.hello.text, state.open.text, text) };
  const frame = signFrame(nextFrame(keystone, claim, secretFor), keystone, secretFor);
  const message: Challenge = { type: "challenge", body: text, proof: { frame: toText(frame) } };
  const challenge = { text: JSON.stringify(message), message };
  const own = { frames: [first, frame] as const, keystone: advance(keystone, frame).state, secretFor };
  return {
    state: { ...state, kind: "awaitingConnect", known, challenge, body, own, ahead: nothingAhead },
    effects: [...ahead, message].map((said) => ({ kind: "send", message: said })),
  };
}

/** Frames behind the one the sender has verified; the whole chain where it names none that is ours. */
function framesAfter(frames: readonly IbGib[], held: Open["receiverTip"]): readonly IbGib[] {
  return held && frames[held.n]?.address === held.tip ? frames.slice(held.n + 1) : frames;
}

/**
 * What we hold of I and L is told, and shown where it is another frame than `open` names, only to a sender that shows to
 * know them already.
 */
function tipsToTell(
  open: Open,
  { identity, lane: held, isMet, newer }: SenderKnown,
): Pick<ChallengeBody, "identityTip" | "laneTip" | "newer"> {
  const lane = held && startLane(held.first).delegator === open.identity.keystone ? held : undefined;
  if (!lane && !isMet) return {};
  const laneTip = lane && standingOf(resume(lane.first, lane.newest, "lane"));
  const isLaneOther = laneTip && laneTip.tip !== open.lane.tip;
  const laneFrame = isLaneOther ? { laneFrame: toText(lane.newest) } : {};
  return {
    ...(identity && { identityTip: standingOf(identity.keystone) }),
    ...(laneTip && { laneTip }),
    ...((isLaneOther || newer.identityFrames.length > 0) && { newer: { ...newer, ...laneFrame } }),
  };
}

/** Kept as it came: nothing of it is looked at before the connect that it belongs to. */
function onFrames(
  { limits }: ReceiverSelf,
  state: In<"awaitingConnect">,
  { message }: Exact<Frames>,
): ReceiverHandshakeStep {
  return { state: { ...state, ahead: takeAhead(state.ahead, message, limits) }, effects: [] };
}

function onConnect(
  self: ReceiverSelf,
  { kind: _, ...state }: In<"awaitingConnect">,
  connect: Exact<Connect>,
): ReceiverHandshakeStep {
  return begin(self, { ...state, connect, early: undefined });
}

/**
 * Short chains, as nearly every connect has them, are checked at once. What would cost more is asked about first, and
 * then checked in slices between which everybody else has a turn.
 */
function begin(self: ReceiverSelf, state: Connecting): ReceiverHandshakeStep {
  let checking = startChecking(self, state, state.connect.message);
  if (framesLeft(checking) > sliceLimits.atOnceMax)
    return {
      state: { ...state, kind: "screening", checking },
      effects: [{ kind: "screen", candidate: checking.candidate }],
    };
  while (framesLeft(checking) > 0) checking = checkSlice(self, state, checking);
  return admit(self, state, checking);
}

function awaitSlice(state: Connecting & { readonly checking: Checking }): ReceiverHandshakeStep {
  return {
    state: { ...state, kind: "checking" },
    effects: [{ kind: "awaitSlice", frames: framesInSlice(state.checking) }],
  };
}

function onSlice(self: ReceiverSelf, { checking: before, ...state }: In<"checking">): ReceiverHandshakeStep {
  const checking = checkSlice(self, state, before);
  return framesLeft(checking) > 0 ? awaitSlice({ ...state, checking }) : admit(self, state, checking);
}

function admit(self: ReceiverSelf, state: Connecting, checking: Checking): ReceiverHandshakeStep {
  const accepted = acceptConnect(self, state, state.connect.message, checking);
  return {
    state: { ...state, kind: "admitting", accepted },
    effects: [{ kind: "admit", candidate: accepted.candidate }],
  };
}

function store(state: In<"admitting">): ReceiverHandshakeStep {
  return {
    state: { ...state, kind: "storing" },
    effects: [{ kind: "storeSession", accepted: state.accepted, open: state.open.message }],
  };
}

/** Someone else of the same identity connected meanwhile: judge again by what is known now. */
function onMoved(self: ReceiverSelf, { accepted: _, ...state }: In<"storing">, known: SenderKnown) {
  return begin(self, { ...state, known });
}

function onStored({ accepted, early, session }: In<"storing">): ReceiverHandshakeStep {
  return {
    state: { kind: "ready", established: accepted.established },
    effects: [
      { kind: "send", message: { type: "ready", session: session.first.address } },
      ...(early ? [{ kind: "hearTurn" as const, turn: early.message }] : []),
    ],
  };
}

function fail(error: KeysagaError): ReceiverHandshakeStep {
  return { state: { kind: "failed", error }, effects: [] };
}
