import { KeysagaError, lengthPrefixed, sha256, toHex, u32 } from "../base/index.js";
import {
  type Address,
  closure,
  createTimeline,
  type IbGib,
  mutate,
  type NewTimeline,
  type Patch,
  relate,
  sealRecord,
  decodeText,
} from "../ibgib/index.js";
import type { Access } from "../lists/index.js";
import {
  type Admission,
  createIdentity,
  createReceiver,
  createSender,
  type Identity,
  type PeerEvent,
  type Platform,
  type Receiver,
  type ReceiverOptions,
  type Sender,
  type SyncOptions,
  type SyncReport,
  saveRecords,
  share,
  systemPlatform,
  type Writing,
} from "../peer/index.js";
import { cellKinds, readCell } from "../peer/home/cells.js";
import { internalsOf } from "../peer/home/identity.js";
import { InnerSpace, type Space } from "../space/index.js";
import { createInnerspace, type Dial } from "../transport/index.js";

/** The platform's clock and timers, with randomness that follows from `seed`: two runs meet the same keys. */
export function seededPlatform(seed: string): Platform {
  let drawn = 0;
  const block = () => sha256(lengthPrefixed("keysaga/testing/1", seed, u32(drawn++)));
  return {
    ...systemPlatform,
    random: {
      bytes(length) {
        const bytes = new Uint8Array(length);
        for (let at = 0; at < length; at += 32) bytes.set(block().subarray(0, length - at), at);
        return bytes;
      },
    },
  };
}

/** How a world's peers reach its receivers. */
export interface Network {
  /** Makes `receiver` reachable, at an audience of its own; resolves when it is. */
  listen(receiver: Receiver): Promise<Listening>;
}

/** Where a receiver is reached. */
export interface Listening {
  readonly audience: string;
  readonly dial: Dial;
  /** Resolves when nothing of the receiver is left. */
  close(): Promise<void>;
}

/** Connections in memory: no socket, no disk. */
export function innerspaceNetwork({ timers }: Pick<Platform, "timers"> = systemPlatform): Network {
  let receivers = 0;
  return {
    async listen(receiver) {
      const { listen, dial } = createInnerspace({ timers });
      const stop = listen((connection) => receiver.accept(connection));
      receivers += 1;
      return {
        audience: receivers === 1 ? "innerspace://receiver" : `innerspace://receiver-${receivers}`,
        dial,
        async close() {
          stop();
          await receiver.close();
        },
      };
    },
  };
}

/** A peer of a world: an identity with a space of its own. */
export class Peer {
  readonly events: PeerEvent[] = [];

  constructor(
    readonly name: string,
    readonly identity: Identity,
    private readonly platform: Writing,
  ) {}

  get space(): Space {
    return this.identity.space;
  }

  get address(): Address {
    return this.identity.address;
  }

  /** A committed timeline with its first frame. */
  async timeline(ib: string, first: Omit<NewTimeline, "ib" | "uuid" | "owner"> = {}): Promise<Address> {
    const uuid = toHex(this.platform.random.bytes(16));
    const record = createTimeline({ ib, ...first, owner: this.address, uuid });
    await saveRecords(this, [record]);
    return record.address;
  }

  /** Appends a frame for each patch. */
  async edit(tjp: Address, ...patches: readonly Patch[]): Promise<IbGib> {
    const tip = await this.tip(tjp);
    const frames: IbGib[] = [];
    for (const patch of patches) frames.push(mutate(frames.at(-1) ?? tip, patch, { by: this.address }));
    await saveRecords(this, frames);
    return frames.at(-1) ?? tip;
  }

  /** Appends a frame that links to `targets` under `name`. */
  async link(tjp: Address, name: string, targets: readonly Address[]): Promise<void> {
    const tip = await this.tip(tjp);
    await saveRecords(this, [relate(tip, { add: { [name]: targets } }, { by: this.address })]);
  }

  /** Shares a timeline of this peer's, and what is within it, with `other`; a receiver is told with the next saga. */
  async share(timeline: Address, other: Pick<Peer, "address">, access: Access = "write"): Promise<void> {
    await share(this.identity, { timeline, with: other.address, access }, this.platform);
  }

  /** A committed stone. */
  async stone(ib: string, content: { data?: Patch; rel8ns?: Record<string, Address[]> }): Promise<Address> {
    const record = sealRecord({ ib, ...content });
    await saveRecords(this, [record]);
    return record.address;
  }

  async tip(tjp: Address): Promise<IbGib> {
    const tip = await this.space.tip(tjp);
    const record = tip && (await this.space.get(tip.address));
    if (!record) throw new KeysagaError("record_missing", { peer: this.name });
    return record;
  }

  /** The closure of `root`: every address in it, sorted; what is missing stays away by references. */
  async graph(root: Address): Promise<readonly Address[]> {
    const { present } = await closure([root], this.space);
    const missing = await this.space.missing([root], "anyone");
    if (missing.length > 0)
      throw new KeysagaError("record_missing", { peer: this.name, missing: missing.length });
    return present.map(({ address }) => address).sort();
  }

  /** What is kept of the newest session: the frames of S and R, oldest first, and the newest frame of its lane. */
  async session(): Promise<{ s: readonly IbGib[]; r: readonly IbGib[]; vouching: IbGib | undefined }> {
    const connected = this.events.findLast((event) => event.kind === "connected");
    if (!connected) throw new KeysagaError("record_missing", { peer: this.name, what: "session" });
    const { lane, session, receiverSession } = connected;
    const framesOf = async (group: Address) =>
      (await this.space.proofs(group)).filter(({ ib }) => ib === "keystone.session");
    const { value } = await readCell(this.space, cellKinds.lane, lane);
    const vouching = value
      ? decodeText(value.newest)
      : (await internalsOf(this.identity).signer.load(lane, "lane")).newest;
    return { s: await framesOf(session), r: await framesOf(receiverSession), vouching };
  }
}

/** A peer that answers, and where. */
export class ReceiverPeer extends Peer {
  #place: { readonly answering: Receiver; readonly listening: Listening } | undefined;

  /** What answers for this peer, and where it is reached. */
  answer(answering: Receiver, listening: Listening): void {
    this.#place = { answering, listening };
  }

  get answering(): Receiver {
    return this.#answers().answering;
  }

  get listening(): Listening {
    return this.#answers().listening;
  }

  #answers() {
    if (!this.#place) throw new KeysagaError("cannot_connect", { peer: this.name });
    return this.#place;
  }
}

/** A peer that can sync with the receivers of the world. */
export class SenderPeer extends Peer {
  readonly #senders = new Map<string, Sender>();

  /** How this peer syncs with the receiver `at`; without a name, with the first. */
  reach(sender: Sender, at = this.#first): void {
    this.#senders.set(at, sender);
  }

  /** Where this peer syncs to unless told otherwise. */
  get sender(): Sender {
    return this.senderTo();
  }

  /** @param at The receiver's name; without one, the first. */
  senderTo(at = this.#first): Sender {
    const sender = this.#senders.get(at);
    if (!sender) throw new KeysagaError("cannot_connect", { peer: this.name, receiver: at });
    return sender;
  }

  /** Syncs over a fresh connection, and disconnects. */
  async sync(
    roots: Address | readonly Address[],
    { at, ...options }: SyncOptions & { readonly at?: string } = {},
  ): Promise<SyncReport> {
    const sender = this.senderTo(at);
    try {
      return await sender.sync(typeof roots === "string" ? [roots] : roots, options);
    } finally {
      await sender.disconnect();
    }
  }

  /** Ends the connections to all receivers. */
  async disconnect(): Promise<void> {
    await Promise.all([...this.#senders.values()].map((sender) => sender.disconnect()));
  }

  get #first(): string {
    return this.#senders.keys().next().value ?? "receiver";
  }
}

/** Options of a world: names of the senders and receivers, who is admitted, and how they are connected. */
export interface WorldOptions<Senders extends readonly string[] = readonly string[]> {
  readonly senders?: Senders;
  readonly receivers?: readonly [string, ...string[]];
  readonly seed?: string;
  /** Instead of a seeded one. */
  readonly platform?: Platform;
  readonly network?: Network;
  readonly admission?: Admission;
  /** Who may read and write which timelines; for senders, whose word they take. Default: `owners`. */
  readonly access?: NonNullable<ReceiverOptions["access"]>;
  /** Where not the usual ones: of the receivers, and for sessions of the senders too. */
  readonly limits?: NonNullable<ReceiverOptions["limits"]>;
  /** Called for each receiver, then for each sender. */
  readonly space?: () => Space;
  /** What each receiver has done earlier, before it answers for the first time. */
  readonly earlier?: (receiver: Peer) => Promise<void>;
}

/** Receivers, and senders that reach all of them: everything in memory unless the network says otherwise. */
export interface World<Senders extends readonly string[] = readonly string[]> {
  readonly receivers: readonly ReceiverPeer[];
  /** One for each name, in their order. */
  readonly senders: { readonly [At in keyof Senders]: SenderPeer };
  /** The first receiver, and where it is reached. */
  readonly receiver: ReceiverPeer;
  readonly answering: Receiver;
  readonly dial: Dial;
  readonly audience: string;
  /** Who said what, turn by turn, as the senders sent and verified it. */
  transcript(): readonly string[];
  close(): Promise<void>;
}

/** A world with one sender, `alice`, and one receiver, `bob`, where no others are named. */
export function createWorld<const Senders extends readonly string[] = readonly ["alice"]>(
  options?: WorldOptions<Senders>,
): Promise<World<Senders>>;
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const {
    senders = ["alice"],
    receivers: [first, ...others] = ["bob"],
    seed = "a world",
    platform = seededPlatform(seed),
    network = innerspaceNetwork(platform),
  } = options;
  const { admission = { kind: "open" }, access = "owners", limits = {} } = options;
  const { space = () => new InnerSpace(), earlier = async () => undefined } = options;
  const foundation = { platform, network, admission, access, limits, space, earlier };
  const receiver = await openReceiver(first, foundation);
  const receivers = [receiver];
  for (const name of others) receivers.push(await openReceiver(name, foundation));
  const lines: string[] = [];
  const peers: SenderPeer[] = [];
  for (const name of senders) peers.push(await openSender(name, receivers, foundation, lines));
  return {
    receivers,
    senders: peers,
    receiver,
    answering: receiver.answering,
    dial: receiver.listening.dial,
    audience: receiver.listening.audience,
    transcript: () => lines.splice(0),
    async close() {
      await Promise.all(peers.map((peer) => peer.disconnect()));
      await Promise.all(receivers.map(({ listening }) => listening.close()));
      await Promise.all([...receivers, ...peers].map((peer) => peer.space.close()));
    },
  };
}

/** What all peers of a world are made with. */
type Foundation = Required<Omit<WorldOptions, "senders" | "receivers" | "seed">>;

async function openReceiver(
  name: string,
  { platform, network, admission, access, limits, space, earlier }: Foundation,
): Promise<ReceiverPeer> {
  const peer = new ReceiverPeer(name, await newIdentity(space(), platform), platform);
  await earlier(peer);
  const audiences: string[] = [];
  const answering = await createReceiver({
    identity: peer.identity,
    audiences,
    admission,
    access,
    limits,
    platform,
    onEvent: (event) => peer.events.push(event),
  });
  const listening = await network.listen(answering);
  audiences.push(listening.audience);
  peer.answer(answering, listening);
  return peer;
}

/** @param lines What the peer hears and says is told here. */
async function openSender(
  name: string,
  receivers: readonly ReceiverPeer[],
  { platform, access, limits, space }: Foundation,
  lines: string[],
): Promise<SenderPeer> {
  const peer = new SenderPeer(name, await newIdentity(space(), platform), platform);
  const { identity } = peer;
  for (const receiver of receivers) {
    const { dial, audience } = receiver.listening;
    const onEvent = (event: PeerEvent) => {
      peer.events.push(event);
      const line = describe(event, name, receiver.name);
      if (line) lines.push(line);
    };
    peer.reach(createSender({ identity, dial, audience, access, limits, platform, onEvent }), receiver.name);
  }
  return peer;
}

function newIdentity(space: Space, platform: Platform): Promise<Identity> {
  const { random } = platform;
  return createIdentity({ space, secret: random.bytes(32), recoverySecret: random.bytes(32), platform });
}

function describe(event: PeerEvent, sender: string, receiver: string): string | undefined {
  if (event.kind !== "turn" && event.kind !== "payload") return undefined;
  const [from, to] = event.from === "sender" ? [sender, receiver] : [receiver, sender];
  const what =
    event.kind === "turn" ? `${event.type.padEnd(7)} ${event.note}` : `payload ${event.records} records`;
  return `${from} -> ${to} | ${what}`.trimEnd();
}
