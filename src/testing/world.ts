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
} from "../ibgib/index.js";
import {
  type Admission,
  createIdentity,
  createReceiver,
  createSender,
  type Identity,
  type PeerEvent,
  type Platform,
  type Receiver,
  saveRecords,
  type Sender,
  type SyncOptions,
  type SyncReport,
  systemPlatform,
} from "../peer/index.js";
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
  /** Makes `receiver` reachable; resolves when it is. */
  listen(
    receiver: Receiver,
  ): Promise<{ readonly audience: string; readonly dial: Dial; close(): Promise<void> }>;
}

/** Connections in memory: no socket, no disk. */
export function innerspaceNetwork({ timers }: Pick<Platform, "timers"> = systemPlatform): Network {
  return {
    async listen(receiver) {
      const { listen, dial } = createInnerspace({ timers });
      const stop = listen((connection) => receiver.accept(connection));
      return {
        audience: "innerspace://receiver",
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
    private readonly random: Platform["random"],
  ) {}

  get space(): Space {
    return this.identity.space;
  }

  get address(): Address {
    return this.identity.address;
  }

  /** A committed timeline with its first frame. */
  async timeline(ib: string, first: Omit<NewTimeline, "ib" | "uuid" | "owner"> = {}): Promise<Address> {
    const uuid = toHex(this.random.bytes(16));
    const record = createTimeline({ ib, ...first, owner: this.address, uuid });
    await saveRecords(this, [record]);
    return record.address;
  }

  /** Appends a frame for each patch. */
  async edit(tjp: Address, ...patches: readonly Patch[]): Promise<IbGib> {
    const tip = await this.tip(tjp);
    const frames: IbGib[] = [];
    for (const patch of patches) frames.push(mutate(frames.at(-1) ?? tip, patch));
    await saveRecords(this, frames);
    return frames.at(-1) ?? tip;
  }

  /** Appends a frame that links to `targets` under `name`. */
  async link(tjp: Address, name: string, targets: readonly Address[]): Promise<void> {
    const tip = await this.tip(tjp);
    await saveRecords(this, [relate(tip, { add: { [name]: targets } })]);
  }

  /** A committed stone. */
  async constant(
    ib: string,
    content: { data?: Patch; rel8ns?: Record<string, Address[]> },
  ): Promise<Address> {
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

  /** The closure of `root`: every address in it, sorted, and none that is missing. */
  async graph(root: Address): Promise<readonly Address[]> {
    const { present, missing } = await closure([root], this.space);
    if (missing.length > 0)
      throw new KeysagaError("record_missing", { peer: this.name, missing: missing.length });
    return present.map(({ address }) => address).sort();
  }

  /** What is kept of the newest session: the frames of S and R, oldest first, and the lane frame that vouches. */
  async session(): Promise<{ s: readonly IbGib[]; r: readonly IbGib[]; vouching: IbGib | undefined }> {
    const connected = this.events.findLast((event) => event.kind === "connected");
    if (!connected) throw new KeysagaError("record_missing", { peer: this.name, what: "session" });
    const { lane, session, receiverSession } = connected;
    const framesOf = async (group: Address) =>
      (await this.space.proofs(group)).filter(({ ib }) => ib === "keystone.session");
    const vouching = (await this.space.proofs(lane)).findLast((frame) =>
      JSON.stringify(frame.data).includes(session),
    );
    return { s: await framesOf(session), r: await framesOf(receiverSession), vouching };
  }
}

/** A peer that can sync with a receiver of the world. */
export class SenderPeer extends Peer {
  #sender: Sender | undefined;

  /** Where this peer syncs to. */
  reach(sender: Sender): void {
    this.#sender = sender;
  }

  get sender(): Sender {
    if (!this.#sender) throw new KeysagaError("cannot_connect", { peer: this.name });
    return this.#sender;
  }

  /** Syncs over a fresh connection, and disconnects. */
  async sync(roots: Address | readonly Address[], options: SyncOptions = {}): Promise<SyncReport> {
    try {
      return await this.sender.sync(typeof roots === "string" ? [roots] : roots, options);
    } finally {
      await this.sender.disconnect();
    }
  }
}

/** Options of a world: names of the senders, who is admitted, and how they are connected. */
export interface WorldOptions {
  readonly senders?: readonly string[];
  readonly receiver?: string;
  readonly seed?: string;
  /** Instead of a seeded one. */
  readonly platform?: Platform;
  readonly network?: Network;
  readonly admission?: Admission;
  readonly space?: () => Space;
}

/** One receiver, and senders that reach it: everything in memory unless the network says otherwise. */
export interface World {
  readonly receiver: Peer;
  readonly answering: Receiver;
  readonly senders: readonly SenderPeer[];
  readonly dial: Dial;
  readonly audience: string;
  /** Who said what, turn by turn, as the senders sent and verified it. */
  transcript(): readonly string[];
  close(): Promise<void>;
}

export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const {
    senders = ["alice"],
    receiver: name = "bob",
    seed = "a world",
    platform = seededPlatform(seed),
    network = innerspaceNetwork(platform),
  } = options;
  const { admission = { kind: "open" }, space = () => new InnerSpace() } = options;
  const audiences: string[] = [];
  const receiver = new Peer(name, await newIdentity(space(), platform), platform.random);
  const answering = await createReceiver({
    identity: receiver.identity,
    audiences,
    admission,
    platform,
    onEvent: (event) => receiver.events.push(event),
  });
  const { audience, dial, close } = await network.listen(answering);
  audiences.push(audience);

  const lines: string[] = [];
  const peers: SenderPeer[] = [];
  for (const sender of senders) {
    const peer = new SenderPeer(sender, await newIdentity(space(), platform), platform.random);
    const onEvent = (event: PeerEvent) => {
      peer.events.push(event);
      const line = describe(event, sender, name);
      if (line) lines.push(line);
    };
    peer.reach(createSender({ identity: peer.identity, dial, audience, platform, onEvent }));
    peers.push(peer);
  }
  return {
    receiver,
    answering,
    senders: peers,
    dial,
    audience,
    transcript: () => lines.splice(0),
    async close() {
      await Promise.all(peers.map((peer) => peer.sender.disconnect()));
      await close();
      await Promise.all([receiver, ...peers].map((peer) => peer.space.close()));
    },
  };
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
