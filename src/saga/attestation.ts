import { fromHex, groupBy, KeysagaError, limitExceeded, sha256, toHex, utf8 } from "../base/index.js";
import { type Address, decodeText, type IbGib, isReservedIb, nOf, tjpOf } from "../ibgib/index.js";
import {
  attestKeyOf,
  type FollowedIdentity,
  followIdentity,
  type IdentityState,
  isListSigned,
  isVouched,
  type KeystoneState,
  type LaneState,
  rootOfPath,
  type SecretFor,
  type SignedList,
  signList,
  startFollowing,
  startLane,
  startReceiverSession,
  startSenderSession,
} from "../keystone/index.js";
import { isListIb } from "../lists/index.js";
import { sliceLimits } from "./chain-walk.js";
import { isHostSignature } from "./handshake.js";
import { sagaLimits } from "./limits.js";
import type {
  AttestedFrames,
  CountedFrame,
  Evidence,
  HostVoucher,
  MadeFrame,
  ShownFrame,
  Voucher,
} from "./messages.js";
import { placesAmong } from "./places.js";
import { entryLeaf, listRoot } from "./turn.js";

/*
 * The proof that somebody has made a frame:
 *
 *   entry, path            lead to a root
 *   AttestedFrames         S0's attest key has signed that root, for one saga
 *   S0                     names the lane, the receiver and the attest key
 *   Voucher                L0's attest key has signed: S0, by lane frame n, towards that receiver
 *   L0                     names the identity, the receiver and its attest key
 *   the identity's frames  one of them has delegated L0
 *
 * Where a receiver's own home has made the frame, R0's attest key has signed; the host key's signature stands in place of
 * voucher and lane, and the identity is the receiver's, which has certified that key.
 *
 * Nothing in it grows with turns, sagas or connections. What the checker knows already need not be shown again.
 */

/**
 * Who signed a frame as its maker: the identity, the session that signed, and the lane it spoke through; a receiver has
 * none, since its host key speaks for the session.
 */
export interface Attester {
  readonly identity: Address;
  readonly lane?: Address;
  readonly session: Address;
}

/** A frame, and who signed it. */
export interface AttestedFrame extends Attester, MadeFrame {}

/** A head that an entry with counted uses has let in, and the receiver that says so. */
export interface LetIn extends CountedFrame {
  readonly receiver: Address;
  readonly session: Address;
}

/** What was signed of a commit, as its session keeps it. */
export type ListSignature = Pick<AttestedFrames, "session" | "saga" | "signature">;

/** Signs the frames that the owner of `session` says it has made: what the commit turn of that saga carries. */
export function signMade(
  session: KeystoneState,
  saga: string,
  made: readonly MadeFrame[],
  secretFor: SecretFor,
): ListSignature {
  const list = { session: session.tjp, saga, count: made.length, root: listRoot(made) };
  const signature = signList("senderHeads", list, attestKeyOf(session, secretFor));
  return { session: session.tjp, saga, signature };
}

/** The places of some frames in a signed list, whose whole is at hand. One tree is made for all of them. */
export function placesOf(
  made: readonly ShownFrame["entry"][],
  isShown: (entry: ShownFrame["entry"]) => boolean = () => true,
): readonly ShownFrame[] {
  return placesAmong(
    made,
    made.flatMap((entry, index) => (isShown(entry) ? [{ entry, index }] : [])),
  );
}

/** Evidence, sorted. */
export interface ShownProofs {
  readonly records: readonly IbGib[];
  readonly vouchers: readonly (Voucher | HostVoucher)[];
  readonly lists: readonly AttestedFrames[];
}

/** Frames of access lists among evidence: they go ahead of what they let in. */
export interface ShownListFrames {
  readonly listFrames: readonly IbGib[];
}

/**
 * Sorts what came as evidence, and admits its records.
 *
 * @throws KeysagaError `limit_exceeded` beyond `evidenceMax`, `attestation_refused` for a record that is neither a
 *   keystone's nor a list's, or what `decodeText` throws.
 */
export function readEvidence(items: readonly Evidence[]): ShownProofs & ShownListFrames {
  return drained(readingSteps(items));
}

/** The same in steps, between which others may have their turn: of so many items each. What is added meanwhile is not read. */
export function* readingSteps(
  items: readonly Evidence[],
): Generator<undefined, ShownProofs & ShownListFrames> {
  const max = sagaLimits.evidenceMax;
  if (items.length > max) throw limitExceeded("evidenceMax", max);
  const records: IbGib[] = [];
  const vouchers: (Voucher | HostVoucher)[] = [];
  const lists: AttestedFrames[] = [];
  const listFrames: IbGib[] = [];
  for (const [at, item] of [...items].entries()) {
    if ("frames" in item) lists.push(item);
    else if ("session" in item) vouchers.push(item);
    else if (isReservedIb(item[0]) && item[0] !== "context") records.push(decodeText(item));
    else if (isListIb(item[0])) listFrames.push(decodeText(item));
    else throw refused("kind of record");
    if ((at + 1) % sliceLimits.framesMax === 0) yield;
  }
  return { records, vouchers, lists, listFrames };
}

/** What all steps come to, without a pause. */
function drained<Value>(steps: Generator<undefined, Value>): Value {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** What of a session is known once it is proved. */
export interface ProvedSession extends Attester {
  /** Hex of its attest key, and what that signs of frames. */
  readonly attestKey: string;
  readonly signs: "senderHeads" | "receiverHeads";
}

/** What a checker has checked before, and keeps. */
export interface KnownParts {
  readonly sessions: ReadonlyMap<Address, ProvedSession>;
  /** L0s that their identity had delegated. */
  readonly lanes: ReadonlyMap<Address, IbGib>;
  readonly identities: ReadonlyMap<Address, KnownIdentity>;
}

export interface KnownIdentity {
  /** Of what it delegated, as many as proofs here rest on. */
  readonly state: IdentityState;
  /** Of the frames that are shown and not newer than that: the newest one, if it is really one of its frames. */
  readonly held: Address | undefined;
}

export const nothingKnown: KnownParts = { sessions: new Map(), lanes: new Map(), identities: new Map() };

/** A session that was shown and is not known yet, with what vouches for it. */
export interface SessionPart extends ProvedSession {
  readonly first: IbGib;
  readonly voucher: Voucher | HostVoucher;
}

/** What a checker has to keep so that it need not be shown again: what it did not know. */
export interface ProvedParts {
  readonly sessions: readonly SessionPart[];
  readonly lanes: readonly IbGib[];
  /** The frames of each identity that are new, in order. */
  readonly identities: ReadonlyMap<Address, readonly IbGib[]>;
}

export interface CheckedProofs {
  readonly attested: readonly AttestedFrame[];
  readonly counted: readonly LetIn[];
  readonly parts: ProvedParts;
}

/**
 * Checks who signed each frame that is shown, and everything that it rests on and is not known. A signature check for each
 * list, session and identity frame, and the hashes of the paths. An identity that is shown to have revoked the lane does
 * not delegate it.
 *
 * Whether the signer is the maker that a frame names (`makerOf`: the signature of anybody else proves nothing), and may
 * write the timeline, is not judged here.
 *
 * @param shown Untrusted, in any order.
 * @throws KeysagaError `attestation_refused` with the rule, also for anything that nothing rests on and for what is shown
 *   twice; `proofs_missing` where something rests on what is neither shown nor known; `duplicity` where an identity's
 *   frames are not those that are known.
 */
export function checkProofs(shown: ShownProofs, known: KnownParts): CheckedProofs {
  return drained(proofSteps(shown, known));
}

/** The same in steps: a slice of a chain each, or a signed list. */
export function proofSteps(shown: ShownProofs, known: KnownParts): Generator<undefined, CheckedProofs> {
  return new ProofCheck(shown, known).steps();
}

/**
 * Checks evidence from what is shown alone, without any store: who signed each frame.
 *
 * @throws KeysagaError as `readEvidence` and `checkProofs`.
 */
export function checkAttested(evidence: readonly Evidence[]): readonly AttestedFrame[] {
  const { listFrames, ...shown } = readEvidence(evidence);
  if (listFrames.length > 0) throw refused("kind of record");
  return checkProofs(shown, nothingKnown).attested;
}

/** The identity frames among records that prove something, by identity, in the order of their numbers. */
export function identityFramesIn(records: readonly IbGib[]): ReadonlyMap<Address, readonly IbGib[]> {
  const frames = records.filter(({ ib }) => ib === "keystone.identity");
  const chains = groupBy(frames, (frame) => tjpOf(frame) ?? frame.address);
  return new Map([...chains].map(([identity, chain]) => [identity, chain.toSorted(byNumber)]));
}

const byNumber = (a: IbGib, b: IbGib) => (nOf(a) ?? -1) - (nOf(b) ?? -1);

class ProofCheck {
  readonly #records: ReadonlyMap<Address, IbGib>;
  readonly #vouchers: ReadonlyMap<Address, Voucher | HostVoucher>;
  readonly #chains: ReadonlyMap<Address, readonly IbGib[]>;
  readonly #sessions = new Map<Address, SessionPart>();
  readonly #lanes = new Map<Address, LaneState>();
  readonly #newLanes: IbGib[] = [];
  readonly #identities = new Map<Address, { state: IdentityState; fresh: readonly IbGib[] }>();
  /** What following each chain that is shown has come to. */
  readonly #followed = new Map<Address, () => FollowedIdentity>();
  /** Attest keys of sessions, each with its lane: no lane has two sessions with one. */
  readonly #keys = new Set<string>();
  /** What something rests on. */
  readonly #used = new Set<Address>();
  readonly #isSigned = once((signed: string) => this.#signatures.get(signed)!());
  readonly #signatures = new Map<string, () => boolean>();

  constructor(
    private readonly shown: ShownProofs,
    private readonly known: KnownParts,
  ) {
    this.#records = byKey(shown.records, ({ address }) => address);
    this.#vouchers = byKey(shown.vouchers, ({ session }) => session);
    this.#chains = identityFramesIn(shown.records);
  }

  *steps(): Generator<undefined, CheckedProofs> {
    for (const [identity, chain] of this.#chains) yield* this.#follow(identity, chain);
    const attested: AttestedFrame[] = [];
    const counted: LetIn[] = [];
    for (const list of this.shown.lists) {
      for (const { entry, ...by } of this.#list(list))
        if ("entry" in entry) counted.push({ ...entry, receiver: by.identity, session: by.session });
        else attested.push({ ...entry, ...by });
      yield;
    }
    const places = byKey(attested, ({ session, frame }) => `${session} ${frame}`);
    byKey(counted, ({ session, frame, entry }) => `${session} ${frame} ${entry}`);
    this.#refuseUnused();
    const fresh = [...this.#identities].map(([identity, { fresh: frames }]) => [identity, frames] as const);
    return {
      attested: [...places.values()],
      counted,
      parts: {
        sessions: [...this.#sessions.values()],
        lanes: this.#newLanes,
        identities: new Map(fresh.filter(([, frames]) => frames.length > 0)),
      },
    };
  }

  #list({
    session,
    saga,
    count,
    signature,
    frames,
  }: AttestedFrames): readonly (Attester & Pick<ShownFrame, "entry">)[] {
    const proved = this.#session(session);
    const { identity, lane } = proved;
    byKey(frames, ({ index }) => index);
    return frames.map((shown) => {
      const root = rootFrom(shown, count);
      const { entry } = shown;
      if ("entry" in entry && proved.signs !== "receiverHeads") throw refused("counted by no receiver");
      const kind = "entry" in entry ? "receipt" : proved.signs;
      this.#checkSignature(kind, { session, saga, count, root }, proved.attestKey, signature);
      return { entry, identity, session, ...(lane && { lane }) };
    });
  }

  /** Once for a list, however many of its frames are shown. */
  #checkSignature(
    kind: ProvedSession["signs"] | "receipt",
    list: SignedList,
    attestKey: string,
    signature: string,
  ): void {
    const signed = [kind, list.session, list.saga, list.count, list.root, signature].join(" ");
    this.#signatures.set(signed, () => isListSigned(kind, list, attestKey, signature));
    if (!this.#isSigned(signed)) throw refused("signature of the session");
  }

  #session(address: Address): ProvedSession {
    this.#used.add(address);
    const known = this.known.sessions.get(address) ?? this.#sessions.get(address);
    if (known) {
      const { lane, identity } = known;
      this.#used.add(identity);
      if (lane) this.#used.add(lane);
      const isShownMore = this.#chains.has(identity);
      if (lane && isShownMore && !this.#identity(identity).delegated.has(lane))
        throw refused("lane not delegated");
      return known;
    }
    const first = this.#records.get(address);
    if (first === undefined) throw missing("session");
    const voucher = this.#vouchers.get(address);
    if (voucher === undefined) throw refused("voucher not shown");
    const proved = "host" in voucher ? this.#receiver(first, voucher) : this.#sender(first, voucher);
    const key = `${proved.lane ?? proved.identity} ${proved.attestKey}`;
    if (this.#keys.has(key)) throw refused("an attest key of two sessions");
    this.#keys.add(key);
    this.#sessions.set(address, { ...proved, first, voucher });
    return proved;
  }

  #sender(first: IbGib, voucher: Voucher): ProvedSession {
    const lane = this.#lane(proving("session", () => startSenderSession(first)).details.lane);
    const identity = this.#identity(lane.delegator);
    if (!identity.delegated.has(lane.keystone.tjp)) this.#missNewer(lane.delegator);
    return provedSession(first, voucher, lane, identity);
  }

  #receiver(first: IbGib, voucher: HostVoucher): ProvedSession {
    const { receiver } = proving("session", () => startReceiverSession(first)).details;
    const identity = this.#identity(receiver);
    if (!identity.hostKeys.has(voucher.host.key)) this.#missNewer(receiver);
    return provedReceiver(first, voucher, identity);
  }

  /** What is not in the frames that are known may be in newer ones, where none are shown. */
  #missNewer(identity: Address): void {
    if (!this.#chains.has(identity)) throw missing("identity");
  }

  #lane(address: Address): LaneState {
    this.#used.add(address);
    const checked = this.#lanes.get(address);
    if (checked) return checked;
    const known = this.known.lanes.get(address);
    const first = known ?? this.#records.get(address);
    if (first === undefined) throw missing("lane");
    const lane = proving("lane", () => startLane(first));
    this.#lanes.set(address, lane);
    if (known === undefined) this.#newLanes.push(first);
    return lane;
  }

  #identity(address: Address): IdentityState {
    this.#used.add(address);
    const checked = this.#identities.get(address);
    if (checked) return checked.state;
    const known = this.known.identities.get(address);
    const chain = this.#chains.get(address) ?? [];
    const [shown] = chain;
    if (known && shown && (nOf(shown) ?? 0) > known.state.keystone.n + 1) throw missing("identity");
    const { state, fresh, heldAsShown } = this.#followed.get(address)?.() ?? startFollowing(known?.state);
    if (heldAsShown !== known?.held) throw new KeysagaError("duplicity", { rule: "other frames are known" });
    if (state === undefined) throw missing("identity");
    this.#identities.set(address, { state, fresh });
    return state;
  }

  /** What is wrong with a chain is told where something rests on it. */
  *#follow(identity: Address, chain: readonly IbGib[]): Generator<undefined, void> {
    let followed = startFollowing(this.known.identities.get(identity)?.state);
    this.#followed.set(identity, () => followed);
    const { framesMax } = sliceLimits;
    for (let at = 0; at < chain.length; at += framesMax) {
      try {
        followed = proving("identity", () => followIdentity(followed, chain.slice(at, at + framesMax)));
      } catch (thrown) {
        this.#followed.set(identity, () => {
          throw thrown;
        });
        return;
      }
      yield;
    }
  }

  /** A proof has nothing in it that proves nothing. */
  #refuseUnused(): void {
    for (const session of this.#vouchers.keys())
      if (!this.#used.has(session)) throw refused("a voucher that nothing rests on");
    for (const [address, record] of this.#records) {
      const keystone = tjpOf(record) ?? address;
      if (record.ib === "keystone.identity") {
        if (!this.#used.has(keystone)) throw refused("an identity without a proof");
        this.#identity(keystone); // of a session that is known, its newer frames count from now on
      } else if (keystone !== address || !this.#used.has(address))
        throw refused("a record that nothing rests on");
    }
  }
}

/**
 * Who speaks in the session that `first` founds: its lane vouches for it, and the lane's identity has delegated the lane.
 *
 * @throws KeysagaError `attestation_refused`
 */
export function provedSession(
  first: IbGib,
  { n, signature }: Voucher,
  lane: LaneState,
  identity: IdentityState,
): ProvedSession {
  const { details } = proving("session", () => startSenderSession(first));
  const { tjp } = lane.keystone;
  const vouching = { lane: tjp, n, session: first.address, receiver: lane.receiver };
  if (details.lane !== tjp) throw refused("session of another lane");
  if (details.receiver !== lane.receiver) throw refused("lane to another receiver");
  if (!isVouched(vouching, lane.attestKey, signature)) throw refused("signature of the lane");
  if (identity.keystone.tjp !== lane.delegator || !identity.delegated.has(tjp))
    throw refused("lane not delegated");
  const { attestKey } = details;
  return { session: first.address, lane: tjp, identity: lane.delegator, attestKey, signs: "senderHeads" };
}

/**
 * Who speaks in the receiver's session that `first` founds: a host key has signed it that the identity has certified.
 *
 * @throws KeysagaError `attestation_refused`
 */
export function provedReceiver(first: IbGib, { host }: HostVoucher, identity: IdentityState): ProvedSession {
  const { details } = proving("session", () => startReceiverSession(first));
  const { receiver, attestKey } = details;
  if (!isHostSignature(host, first.address)) throw refused("signature of the host key");
  if (identity.keystone.tjp !== receiver || identity.hostKeys.get(host.key) !== host.certifiedBy)
    throw refused("host key not certified");
  return { session: first.address, identity: receiver, attestKey, signs: "receiverHeads" };
}

/** The root that a frame's place leads to. */
function rootFrom({ entry, index, path }: ShownFrame, count: number): string {
  const nodes = path.map((node) => fromHex(node) ?? new Uint8Array(0));
  const root = rootOfPath(entryLeaf(entry), index, count, nodes);
  if (root === undefined) throw refused("place in the list");
  return toHex(root);
}

/** @throws KeysagaError `attestation_refused` for a key that comes twice. */
function byKey<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): ReadonlyMap<Key, Item> {
  const map = new Map(items.map((item) => [keyOf(item), item]));
  if (map.size < items.length) throw refused("shown twice");
  return map;
}

/** What a keystone gets wrong is no proof, whatever it is; but two frames in one place are a proof of their own. */
function proving<Value>(kind: string, replay: () => Value): Value {
  try {
    return replay();
  } catch (thrown) {
    if (!(thrown instanceof KeysagaError)) throw thrown;
    const { code, facts } = thrown;
    if (code === "duplicity") throw thrown;
    throw new KeysagaError(
      "attestation_refused",
      { rule: `${kind}: ${String(facts["rule"] ?? code)}` },
      { cause: thrown },
    );
  }
}

/** `make`, called once for each thing. */
function once<Of, Value>(make: (of: Of) => Value): (of: Of) => Value {
  const made = new Map<Of, Value>();
  return (of) => {
    const value = made.get(of) ?? make(of);
    made.set(of, value);
    return value;
  };
}

/** What is neither shown nor known: the other side may have shown it to a state of this home that is gone. */
function missing(what: "session" | "lane" | "identity"): KeysagaError {
  return new KeysagaError("proofs_missing", { rule: `${what} not shown` });
}

function refused(rule: string): KeysagaError {
  return new KeysagaError("attestation_refused", { rule });
}

/** Names a signed list: what differs in session, saga, count, root or signature is another one. */
export function listName({ session, saga, count, signature }: Omit<AttestedFrames, "frames">): string {
  return toHex(sha256(utf8([session, saga, count, signature].join(" ")))).slice(0, 48);
}
