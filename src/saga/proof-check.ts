import { fromHex, KeysagaError, toHex } from "../base/index.js";
import { type Address, type IbGib, tjpOf } from "../ibgib/index.js";
import {
  isListSigned,
  type LaneState,
  rootOfPath,
  type SignedList,
  startLane,
  startReceiverSession,
  startSenderSession,
} from "../keystone/index.js";
import {
  type AttestedFrame,
  type Attester,
  type CheckedProofs,
  drained,
  type KnownParts,
  type LetIn,
  nothingKnown,
  type ProvedSession,
  provedReceiver,
  provedSession,
  proving,
  readEvidence,
  refused,
  type SessionPart,
  type ShownProofs,
} from "./attestation.js";
import type { AttestedFrames, Evidence, HostVoucher, ShownFrame, Voucher } from "./turn-bodies.js";
import { followShown, identityFramesIn, type ShownIdentity } from "./shown-identity.js";
import { entryLeaf } from "./turn.js";

/**
 * Checks who signed each frame that is shown, and everything that it rests on and is not known. A signature check for each
 * list, session and identity frame, and the hashes of the paths.
 *
 * Whether the signer is the maker that a frame names (`makerOf`: the signature of anybody else proves nothing), and may
 * write the timeline, is not judged here.
 *
 * @param shown Untrusted, in any order.
 * @throws KeysagaError `attestation_refused` with the rule, also for anything that nothing rests on and for what is shown
 *   twice; `proofs_missing` where something rests on what is neither shown nor known.
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

class ProofCheck {
  readonly #records: ReadonlyMap<Address, IbGib>;
  readonly #vouchers: ReadonlyMap<Address, Voucher | HostVoucher>;
  readonly #chains: ReadonlyMap<Address, readonly IbGib[]>;
  readonly #sessions = new Map<Address, SessionPart>();
  readonly #lanes = new Map<Address, LaneState>();
  readonly #newLanes: IbGib[] = [];
  readonly #identities = new Map<Address, ShownIdentity>();
  /** What following the frames of each that are shown has come to. */
  readonly #followed = new Map<Address, () => ShownIdentity>();
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
      return known;
    }
    const first = this.#records.get(address);
    if (first === undefined) throw missing("session");
    const voucher = this.#vouchers.get(address);
    if (voucher === undefined) throw refused("voucher not shown");
    const proved = "host" in voucher ? this.#receiver(first, voucher) : this.#sender(first, voucher);
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
    if (!identity.certificates.has(voucher.host.certifiedBy)) this.#missNewer(receiver);
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

  #identity(address: Address): ShownIdentity {
    this.#used.add(address);
    const checked = this.#identities.get(address);
    if (checked) return checked;
    const known = this.known.identities.get(address);
    const identity = this.#followed.get(address)?.() ?? (known && { ...known.state, fresh: [] });
    if (identity === undefined) throw missing("identity");
    this.#identities.set(address, identity);
    return identity;
  }

  /** What is wrong with frames is told where something rests on them. */
  *#follow(identity: Address, shown: readonly IbGib[]): Generator<undefined, void> {
    const steps = followShown(this.known.identities.get(identity), shown);
    try {
      for (;;) {
        const step = proving("identity", () => steps.next());
        if (step.done) return void this.#followed.set(identity, () => step.value);
        yield;
      }
    } catch (thrown) {
      this.#followed.set(identity, () => {
        throw thrown;
      });
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
