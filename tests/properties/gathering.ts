import { expect } from "vitest";
import { type JsonObject, KeysagaError } from "../../src/base/index.js";
import { type Address, type IbGib, mutate, relate } from "../../src/ibgib/index.js";
import { saveRecords } from "../../src/peer/index.js";
import {
  createWorld,
  type Peer,
  type ReceiverPeer,
  type SenderPeer,
  seededPlatform,
  type World,
} from "../../src/testing/index.js";
import { forgetCanaries } from "../canary/watch.js";
import { type FrailNetwork, frailNetwork } from "./frail-network.js";

/** What a peer may change: a field, a line put in or taken out, an item, or a timeline of its own that it adds. */
export type EditKind = "title" | "line" | "remove" | "item" | "add";

/** Something in the middle of a sync, after some messages: the connection is lost, or the peer edits. */
export interface Happening {
  readonly after: number;
  readonly what: "cut" | "edit";
}

/** `by` and `at` choose among those there are. */
export type Act =
  | { readonly kind: "edit"; readonly by: number; readonly at: number; readonly how: EditKind }
  | {
      readonly kind: "sync";
      readonly by: number;
      readonly at: number;
      readonly meanwhile: Happening | undefined;
    }
  /** Everybody syncs at once, each with the receiver after the last one's. */
  | { readonly kind: "rush"; readonly at: number; readonly meanwhile: Happening | undefined }
  /** One peer syncs with every receiver at once. */
  | { readonly kind: "fan"; readonly by: number };

export interface Size {
  readonly peers: number;
  readonly receivers: number;
}

/** Senders and receivers who share a graph of timelines, edit it and meet. Whatever they show is looked at. */
export class Gathering {
  /** The first is the root: it links to all others. */
  readonly #timelines: Address[] = [];
  readonly #edits: { readonly by: Peer; readonly timeline: Address; readonly frame: Address }[] = [];
  /** What was looked at whenever a tip moved. */
  readonly #looks: Promise<unknown>[] = [];
  #count = 0;

  private constructor(
    readonly world: World,
    private readonly network: FrailNetwork,
    private readonly root: Address,
  ) {
    this.#timelines.push(root);
    for (const peer of this.everyone)
      peer.space.watch((tips) => this.#looks.push(...tips.map(({ tjp }) => peer.graph(tjp))));
  }

  /** Everybody holds the first frame of the root. */
  static async open({ peers, receivers }: Size): Promise<Gathering> {
    forgetCanaries(); // a gathering of one seed draws the bytes of the one before
    const platform = seededPlatform("a gathering");
    const network = frailNetwork(platform);
    const [first = "", ...others] = names("receiver", receivers);
    const senders = names("peer", peers);
    const world = await createWorld({ senders, receivers: [first, ...others], platform, network });
    const root = await world.senders[0]!.timeline("root", {
      data: { title: "t", text: "one\ntwo\nthree\n", list: [1, 2, 3] },
    });
    for (const peer of world.senders.slice(1)) await world.senders[0]!.share(root, peer);
    const gathering = new Gathering(world, network, root);
    for (const { name } of world.receivers) await world.senders[0]!.sync(root, { at: name });
    for (const [at, peer] of world.senders.entries()) await gathering.#sync(peer, gathering.#receiver(at));
    return gathering;
  }

  get everyone(): readonly Peer[] {
    return [...this.world.senders, ...this.world.receivers];
  }

  async act(act: Act): Promise<void> {
    switch (act.kind) {
      case "edit":
        await this.#edit(this.#sender(act.by), act.at, act.how);
        break;
      case "sync": {
        const peer = this.#sender(act.by);
        await this.#during(act.meanwhile, peer, () => [this.#sync(peer, this.#receiver(act.at))]);
        break;
      }
      case "rush":
        await this.#during(act.meanwhile, this.#sender(act.at), () =>
          this.world.senders.map((peer, at) => this.#sync(peer, this.#receiver(act.at + at))),
        );
        break;
      case "fan": {
        const peer = this.#sender(act.by);
        await Promise.all(this.world.receivers.map((receiver) => this.#sync(peer, receiver)));
      }
    }
    await this.look();
  }

  /**
   * Everybody meets every receiver, around and around, until a round moves no tip.
   *
   * @param shuffle Puts the meetings of a round in order.
   * @returns How many rounds moved something.
   * @throws Where `roundsMax` are not enough.
   */
  async settle(roundsMax: number, shuffle: <Item>(items: readonly Item[]) => Item[]): Promise<number> {
    const meetings = this.world.senders.flatMap((peer) =>
      this.world.receivers.map((receiver) => ({ peer, receiver })),
    );
    for (let rounds = 0; rounds <= roundsMax; rounds++) {
      const before = await this.#tips();
      for (const { peer, receiver } of shuffle(meetings)) await this.#sync(peer, receiver);
      await this.look();
      const after = await this.#tips();
      if (JSON.stringify(before) === JSON.stringify(after)) return rounds;
    }
    throw new Error(`still moving after ${roundsMax} rounds`);
  }

  /** Everybody shows closed graphs, and all that it has put in itself. */
  async look(): Promise<void> {
    await Promise.all(this.#looks.splice(0)); // a graph that is not closed throws
    for (const peer of this.everyone) {
      const own = this.#edits.filter(({ by }) => by === peer).map(({ frame }) => frame);
      expect(await peer.graph(this.root)).toEqual(expect.arrayContaining(own));
    }
  }

  /** Everybody shows the same tips and the same graphs, and each tip goes back to every edit that was ever made. */
  async expectOneGraph(): Promise<void> {
    const [first, ...others] = this.everyone;
    const [tips, ...otherTips] = await this.#tips();
    for (const theirs of otherTips) expect(theirs).toEqual(tips);
    const graph = await first!.graph(this.root);
    for (const peer of others) expect(await peer.graph(this.root)).toEqual(graph);
    for (const timeline of this.#timelines) {
      const history = await historyOf(timeline, first!);
      const edits = this.#edits.filter((edit) => edit.timeline === timeline);
      for (const { frame } of edits) expect(history).toContain(frame);
    }
  }

  close(): Promise<void> {
    return this.world.close();
  }

  #sender(at: number): SenderPeer {
    const { senders } = this.world;
    return senders[at % senders.length]!;
  }

  #receiver(at: number): ReceiverPeer {
    const { receivers } = this.world;
    return receivers[at % receivers.length]!;
  }

  /** The tips of everybody, in the order of `everyone`. */
  #tips() {
    return Promise.all(this.everyone.map(({ space }) => space.tips(this.#timelines)));
  }

  /** Names all that it has: what others have linked goes up from nobody else. */
  async #sync(peer: SenderPeer, { name }: ReceiverPeer): Promise<void> {
    const held = (await peer.space.tips(this.#timelines)).flatMap((tip) => tip?.tjp ?? []);
    await peer.sync([...new Set([this.root, ...held])], { at: name });
  }

  /** Runs syncs in which something may happen. Only one whose connection was cut may fail, and not for good. */
  async #during(meanwhile: Happening | undefined, peer: Peer, begin: () => Promise<void>[]): Promise<void> {
    const edits: Promise<void>[] = [];
    let isCut = false;
    if (meanwhile)
      this.network.after(meanwhile.after, (sever) => {
        if (meanwhile.what === "edit") edits.push(this.#edit(peer, 0, "line"));
        else {
          isCut = true;
          sever();
        }
      });
    const failed = (thrown: unknown) => {
      if (!isCut || !(thrown instanceof KeysagaError && thrown.retryable)) throw thrown;
    };
    await Promise.all(begin().map((sync) => sync.catch(failed)));
    this.network.calm();
    await Promise.all(edits);
  }

  async #edit(peer: Peer, at: number, how: EditKind): Promise<void> {
    const unique = `${how} ${this.#count++}`;
    if (how === "add") return this.#add(peer, unique);
    const held = (await peer.space.tips(this.#timelines)).filter((tip) => tip !== undefined);
    const { tjp } = held[at % held.length]!;
    await this.#save(peer, tjp, (tip) => mutate(tip, changed(tip, how, at, unique), { by: peer.address }));
  }

  async #add(peer: Peer, name: string): Promise<void> {
    const added = await peer.timeline(name, { data: { text: "" } });
    for (const other of this.world.senders) if (other !== peer) await peer.share(added, other);
    this.#timelines.push(added);
    await this.#save(peer, added, (tip) => mutate(tip, { text: `${name}\n` }));
    await this.#save(peer, this.root, (tip) => relate(tip, { add: { part: [added] } }, { by: peer.address }));
  }

  /** As an app saves: it reads the tip, and does so again where a sync has moved it meanwhile. */
  async #save(by: Peer, timeline: Address, next: (tip: IbGib) => IbGib): Promise<void> {
    for (;;) {
      const frame = next(await by.tip(timeline));
      try {
        await saveRecords(by, [frame]);
        this.#edits.push({ by, timeline, frame: frame.address });
        return;
      } catch (thrown) {
        if (!(thrown instanceof KeysagaError && thrown.code === "tip_moved")) throw thrown;
      }
    }
  }
}

/** All that `past` and `graftorphan` lead to from the tip, itself included. */
async function historyOf(timeline: Address, peer: Peer): Promise<ReadonlySet<Address>> {
  const { address } = await peer.tip(timeline);
  const history = new Set([address]);
  for (const met of history) {
    const { past = [], graftorphan = [] } = (await peer.space.get(met))?.rel8ns ?? {};
    for (const before of [...past, ...graftorphan]) history.add(before);
  }
  return history;
}

function changed(tip: IbGib, how: Exclude<EditKind, "add">, at: number, unique: string): JsonObject {
  const data = tip.data instanceof Uint8Array ? {} : (tip.data ?? {});
  const lines = String(data["text"]).split("\n");
  const list = Array.isArray(data["list"]) ? data["list"] : [];
  switch (how) {
    case "title":
      return { title: unique };
    case "line":
      return { text: lines.toSpliced(at % lines.length, 0, unique).join("\n") };
    case "remove":
      return { text: lines.toSpliced(at % lines.length, 1).join("\n") };
    case "item":
      return { list: list.toSpliced(at % (list.length + 1), 0, unique) };
  }
}

function names(kind: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${kind} ${at}`);
}
