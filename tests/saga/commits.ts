/** People with real keystones, and commits that they sign: turn by turn, as in a session, with no peer around it. */
import { sha256, utf8 } from "../../src/base/index.js";
import { type Address, createTimeline, type IbGib, mutate, toText } from "../../src/ibgib/index.js";
import {
  advance,
  foundIdentity,
  foundLane,
  foundReceiverSession,
  foundSenderSession,
  type KeystoneKind,
  type KeystoneState,
  type NextFrameOptions,
  nextFrame,
  attestKeyOf,
  signFrame,
  signVoucher,
  startReplay,
} from "../../src/keystone/index.js";
import {
  type CommitEntry,
  type AttestedFrames,
  type Dialogue,
  type Evidence,
  type MadeFrame,
  placesOf,
  type Role,
  signMade,
  signTurn,
  type Voucher,
} from "../../src/saga/index.js";
import { startDialogue, type TurnDraft } from "../../src/saga/turn.js";

const bytesFrom = (seed: string) => sha256(utf8(seed));

/** A keystone whose frames are signed as they are asked for. */
export class Chain {
  readonly frames: IbGib[];
  #state: KeystoneState;

  constructor(
    readonly genesis: IbGib,
    kind: KeystoneKind,
    readonly secretFor: () => Uint8Array,
  ) {
    this.frames = [genesis];
    this.#state = startReplay(genesis, kind);
  }

  get address(): Address {
    return this.genesis.address;
  }

  get state(): KeystoneState {
    return this.#state;
  }

  add(options: NextFrameOptions): IbGib {
    const frame = signFrame(nextFrame(this.#state, options, this.secretFor), this.#state, this.secretFor);
    this.take(frame);
    return frame;
  }

  take(frame: IbGib): void {
    this.#state = advance(this.#state, frame).state;
    this.frames.push(frame);
  }
}

/** Somebody with an identity, and the keys of everything of theirs. */
export class Person {
  readonly identity: Chain;
  readonly secretFor: () => Uint8Array;

  constructor(readonly name: string) {
    const secret = bytesFrom(`${name}'s secret`);
    this.secretFor = () => secret;
    const secrets = { secret, recoverySecret: bytesFrom(`${name}'s recovery secret`) };
    this.identity = new Chain(foundIdentity(bytesFrom(name), secrets), "identity", this.secretFor);
  }

  get address(): Address {
    return this.identity.address;
  }

  /** A lane to a receiver, which the identity has delegated. */
  laneTo(receiver: Person, delegator: Person = this): Chain {
    const lane = this.undelegatedLaneTo(receiver, delegator);
    this.identity.add({ verb: "delegate", target: lane.address });
    return lane;
  }

  undelegatedLaneTo(receiver: Person, delegator: Person = this): Chain {
    const names = { delegator: delegator.address, receiver: receiver.address };
    const nonce = bytesFrom(`lane ${this.name} ${receiver.name}`);
    return new Chain(foundLane(nonce, names, this.secretFor), "lane", this.secretFor);
  }
}

/** Both voices of a session that has just been established. */
export class Session {
  readonly s: Chain;
  readonly r: Chain;
  readonly contexts: IbGib[] = [];
  readonly voucher: Voucher;
  #dialogue: Dialogue;
  #sagas = 0;

  constructor(
    readonly sender: Person,
    readonly receiver: Person,
    readonly lane: Chain,
    { name = "session", vouched = true } = {},
  ) {
    const caps = { records: 100, bytes: 100_000, turns: 100 };
    const nonce = bytesFrom(`${name} ${lane.address}`);
    const names = { lane: lane.address, receiver: receiver.address, audience: "innerspace://receiver", caps };
    this.s = new Chain(foundSenderSession(nonce, names, sender.secretFor), "session", sender.secretFor);
    const of = { sender: sender.address, session: this.s.address, receiver: receiver.address };
    this.r = new Chain(foundReceiverSession(nonce, of, receiver.secretFor), "session", receiver.secretFor);
    this.r.add({ verb: "challenge", target: "00".repeat(32) });
    if (vouched) lane.add({ verb: "vouch", target: this.s.address, scope: receiver.address });
    this.voucher = vouch(lane, this.s.address, receiver);
    this.s.add({ verb: "connect", target: "00".repeat(32), demanded: [1, 3] });
    this.#dialogue = startDialogue(this.s.state, this.r.state, caps);
  }

  /** Says the next turn of one side, and returns its context. */
  say(role: Role, draft: TurnDraft): IbGib {
    const voice = role === "sender" ? this.s : this.r;
    const { dialogue, proofs } = signTurn(this.#dialogue, role, draft, voice.secretFor);
    this.#dialogue = dialogue;
    voice.take(proofs.frame);
    this.contexts.push(proofs.context);
    return proofs.context;
  }

  /** A whole saga whose commit has this list: what it proves of the frames in it. */
  commit(entries: readonly CommitEntry[]): AttestedFrames {
    const saga = (this.#sagas++).toString(16).padStart(32, "0");
    this.say("sender", { type: "init", saga, direction: "push", entries: [] });
    this.say("receiver", { type: "ack", entries: [] });
    const { keystone } = this.#dialogue.voices.sender;
    this.say("sender", { type: "commit", entries });
    this.say("receiver", { type: "receipt", time: 0, entries: [] });
    const made = entries.filter((entry) => "frame" in entry);
    const signed = signMade(keystone, saga, made, this.s.secretFor);
    const { session, signature } = signed;
    return { session, saga, count: made.length, signature, frames: [...placesOf(made)] };
  }

  /** What every proof of this session rests on. */
  get parts(): readonly Evidence[] {
    const records = [...this.sender.identity.frames, this.lane.genesis, this.s.genesis];
    return [...records.map(toText), this.voucher];
  }
}

/** The lane's word for a session, by its newest frame. */
export function vouch(lane: Chain, session: Address, receiver: Person, n = lane.state.n): Voucher {
  const vouching = { lane: lane.address, n, session, receiver: receiver.address };
  return { session, n, signature: signVoucher(vouching, attestKeyOf(lane.state, lane.secretFor)) };
}

/** A timeline of a few frames, and the entry of a commit that adds the last of them. */
export function newNotes(owner: Person, uuid: string) {
  const first = createTimeline({ ib: "note", owner: owner.address, uuid, data: { text: "0" } });
  const second = mutate(first, { text: "1" });
  const third = mutate(second, { text: "2" });
  const entry: MadeFrame = { tjp: first.address, frame: third.address };
  return { first, second, third, entry };
}

/** What a commit's list begins with. */
export function tipOf({ tjp, frame }: MadeFrame): CommitEntry {
  return { address: tjp, tip: frame, n: 2 };
}
