import { expect } from "vitest";
import { KeysagaError } from "../../src/base/index.js";
import {
  type Address,
  createTimeline,
  decodeRecord,
  type IbGib,
  isMerge,
  isTjp,
  mutate,
  ownerOf,
  relate,
  sealRecord,
  tjpOf,
} from "../../src/ibgib/index.js";
import { isListAddress } from "../../src/lists/index.js";
import { cellKinds, newCell } from "../../src/peer/home/cells.js";
import { createSender, type SyncReport } from "../../src/peer/index.js";
import { type Direction, readPayload } from "../../src/saga/index.js";
import {
  createWorld,
  type Peer,
  type ReceiverPeer,
  type SenderPeer,
  tapDial,
  type World,
} from "../../src/testing/index.js";
import { forgetCanaries } from "../canary/watch.js";
import {
  awayFrom,
  type Declared,
  declaredName,
  linkedOf,
  mayComeDown,
  mayGoUp,
  Records,
} from "./scope-oracle.js";

/** `from` and `to` choose among what there is. */
export type Act =
  | {
      readonly kind: "link";
      readonly by: Who;
      readonly from: number;
      readonly to: number;
      readonly name: "see" | "identity";
    }
  | { readonly kind: "unlink"; readonly from: number; readonly to: number }
  | { readonly kind: "edit"; readonly by: "alice" | "carol"; readonly from: number }
  /** A stone that links something, linked from the folder. */
  | { readonly kind: "stone"; readonly by: Who; readonly to: number; readonly isLinked: boolean }
  /** A file of alice's that somebody else adds: within something of hers, and with a link of its own. */
  | { readonly kind: "file"; readonly by: "carol" | "bob"; readonly within: number; readonly to: number }
  /** A timeline of one's own, within the folder or not, with a link of its own, linked from the folder. */
  | {
      readonly kind: "own";
      readonly by: "carol" | "bob";
      readonly isWithin: boolean;
      readonly isShared: boolean;
      readonly to: number;
    }
  | {
      readonly kind: "sync";
      readonly by: "alice" | "carol";
      readonly direction: Direction;
      /** How many timelines may come that links alone lead to. */
      readonly linkedMax?: number | undefined;
      /** What else bob says that it belongs to the folder, and sends to alice. */
      readonly along: readonly number[];
    };

export type Who = "alice" | "carol" | "bob";

/**
 * A folder of alice's that carol and bob, her receiver, may write, and in each home much that is nobody else's: each text
 * of it is a canary. What crosses the wire, and what is there afterwards, is held against the oracle.
 */
export class ScopedHome {
  /** Every record that was made, anywhere. */
  readonly #known = new Map<Address, IbGib>();
  /** Links by who lacks the target, and by who has it: by `declaredName`. */
  readonly #declared = new Set<string>();
  readonly #linked = new Set<string>();
  /** Timelines that are not alice's and that she may read. */
  readonly #shared = new Set<Address>();
  #count = 0;

  private constructor(
    private readonly world: World,
    private readonly folder: Address,
  ) {}

  static async open(): Promise<ScopedHome> {
    forgetCanaries();
    const world = await createWorld({
      senders: ["alice", "carol"],
      receivers: ["bob", "dave"],
      seed: "canaries",
    });
    const [alice] = world.senders;
    const folder = await alice!.timeline("folder");
    const home = new ScopedHome(world, folder);
    await home.#furnish();
    return home;
  }

  get alice(): SenderPeer {
    return this.world.senders[0]!;
  }
  get carol(): SenderPeer {
    return this.world.senders[1]!;
  }
  get bob(): ReceiverPeer {
    return this.world.receivers[0]!;
  }
  get dave(): ReceiverPeer {
    return this.world.receivers[1]!;
  }

  /**
   * What each has beside the folder: alice private timelines, one within another, stones, one that bob has an old version
   * of, and what dave has shared.
   */
  async #furnish(): Promise<void> {
    const { alice, carol, bob, dave, folder } = this;
    for (const writer of [carol, bob]) await alice.share(folder, writer);
    await alice.timeline("file", { within: folder, data: { text: this.#canary() } });
    await this.#private(alice);
    const old = await alice.timeline("old", { data: { text: this.#canary() } });
    await alice.sync([folder, old]);
    await alice.edit(old, { text: this.#canary() });
    const daves = await this.#private(dave);
    await dave.share(daves, alice, "read");
    this.#shared.add(daves);
    await alice.sync(daves, { at: "dave", direction: "pull" });
    await this.#private(bob);
    await carol.sync(folder, { direction: "pull" });
    for (const peer of [alice, carol, bob, dave]) await this.#learn(peer);
  }

  /** A timeline with frames, a stone that one links, and a timeline within. */
  async #private(peer: Peer): Promise<Address> {
    const photo = await peer.stone("photo", { data: { text: this.#canary() } });
    const diary = await peer.timeline("diary", { data: { text: this.#canary() } });
    await peer.edit(diary, { text: this.#canary() });
    await peer.link(diary, "photo", [photo]);
    await peer.edit(diary, { text: this.#canary() });
    await peer.timeline("page", { within: diary, data: { text: this.#canary() } });
    return diary;
  }

  #canary(): string {
    return `canary ${this.#count++} of nobody else`;
  }

  async act(act: Act): Promise<void> {
    if (act.kind === "sync") return this.#sync(act);
    const made = await this.#make(act);
    for (const record of made) this.#known.set(record.address, record);
  }

  /** Carol and alice sync until what anybody linked has reached the others. */
  async settle(): Promise<void> {
    for (const by of ["carol", "alice", "carol", "alice"] as const)
      await this.#sync({ kind: "sync", by, direction: "both", along: [] });
  }

  close(): Promise<void> {
    return this.world.close();
  }

  async #make(act: Exclude<Act, { kind: "sync" }>): Promise<readonly IbGib[]> {
    const who = this[act.kind === "unlink" ? "alice" : act.by];
    const by = who.address;
    switch (act.kind) {
      case "link": {
        const [tip, target] = [await this.#writable(who, act.from), this.#target(act.to)];
        if (tip === undefined || (tjpOf(target) ?? target.address) === tjpOf(tip)) return [];
        if (Object.values(tip.rel8ns ?? {}).some((links) => links?.includes(target.address))) return [];
        return this.#save(
          who,
          [relate(tip, { add: { [act.name]: [target.address] } }, { by })],
          [target.address],
        );
      }
      case "unlink": {
        const tip = await this.#writable(who, act.from);
        const links = tip?.rel8ns?.["see"] ?? [];
        const target = links[act.to % Math.max(1, links.length)];
        return tip && target ? this.#save(who, [relate(tip, { remove: { see: [target] } }, { by })], []) : [];
      }
      case "edit": {
        const tip = await this.#writable(who, act.from);
        return tip ? this.#save(who, [mutate(tip, { text: this.#canary() }, { by })], []) : [];
      }
      case "stone": {
        const target = this.#target(act.to).address;
        const stone = sealRecord({ ib: "stone", data: { text: this.#canary() }, rel8ns: { of: [target] } });
        return this.#saveLinked(who, stone, [target], act.isLinked);
      }
      case "file": {
        const [owner, target] = [this.alice.address, this.#target(act.to).address];
        const outers = [...this.#known.values()].filter((each) => isTjp(each) && ownerOf(each) === owner);
        const within = outers[act.within % outers.length]!.address;
        const uuid = this.#canary();
        const rel8ns = { see: [target] };
        return this.#saveLinked(who, createTimeline({ ib: "file", owner, by, within, rel8ns, uuid }), [
          target,
        ]);
      }
      case "own": {
        const target = this.#target(act.to).address;
        const within = act.isWithin ? { within: this.folder } : {};
        const rel8ns = { see: [target] };
        const first = createTimeline({ ib: "own", owner: by, ...within, rel8ns, uuid: this.#canary() });
        const made = await this.#saveLinked(who, first, [target]);
        if (act.isShared) await who.share(first.address, this.alice, "read");
        if (act.isShared) this.#shared.add(first.address);
        return made;
      }
    }
  }

  #target(at: number): IbGib {
    const all = [...this.#known.values()];
    return all[at % all.length]!;
  }

  /** The newest frame of one of the timelines that somebody may write and holds. */
  async #writable(who: Peer, at: number): Promise<IbGib | undefined> {
    const firsts = [...this.#known.values()].filter(
      (each) =>
        isTjp(each) && !isListAddress(each.address) && (ownerOf(each) === who.address || this.#isIn(each)),
    );
    const tips = (await who.space.tips(firsts.map(({ address }) => address))).flatMap((tip) => tip ?? []);
    const tip = tips[at % Math.max(1, tips.length)];
    return tip && who.space.get(tip.address);
  }

  /** Is it the folder, or straight within it, and alice's? */
  #isIn({ address, data }: IbGib): boolean {
    const said = data as { owner?: string; within?: string } | undefined;
    return address === this.folder || (said?.owner === this.alice.address && said.within === this.folder);
  }

  async #saveLinked(
    who: Peer,
    record: IbGib,
    targets: readonly Address[],
    isLinked = true,
  ): Promise<readonly IbGib[]> {
    const by = who.address;
    const link = relate(await who.tip(this.folder), { add: { see: [record.address] } }, { by });
    return this.#save(who, isLinked ? [record, link] : [record], targets);
  }

  /**
   * Saves past all that an app may do: what is linked and not there is declared to stay away. Alice links only what she
   * has.
   */
  async #save(who: Peer, puts: readonly IbGib[], targets: readonly Address[]): Promise<readonly IbGib[]> {
    const held = await who.space.hasMany(targets);
    const away = targets.filter((_, at) => !held[at]);
    if (who === this.alice && away.length > 0) return [];
    for (const put of puts) {
      const links = Object.values(put.rel8ns ?? {}).flatMap((targets) => targets ?? []);
      const areHere = await who.space.hasMany(links);
      for (const [at, target] of links.entries()) {
        const name = declaredName(tjpOf(put) ?? put.address, target);
        if (away.includes(target)) this.#declared.add(name);
        else if (areHere[at] || puts.some(({ address }) => address === target)) this.#linked.add(name);
      }
    }
    const frames = puts.filter((put) => tjpOf(put) !== undefined);
    const tips = await Promise.all(
      frames.map(async (frame) => {
        const tjp = tjpOf(frame)!;
        return { tjp, from: (await who.space.tip(tjp))?.address, to: frame.address };
      }),
    );
    const done = await who.space.commit({
      ...{ holder: who.address, sight: "anyone", puts, tips, references: new Set(away) },
      roots: puts.filter((put) => tjpOf(put) === undefined).map(({ address }) => address),
      cells: frames.map(({ gib }) => newCell(cellKinds.made, gib, {})),
    });
    expect(done).toEqual({ kind: "committed" });
    return puts;
  }

  /** Bob says of some of his timelines that they belong to whatever he is asked for. */
  async #sendAlong(along: readonly number[]): Promise<() => void> {
    const { space } = this.bob;
    const reachableTips = space.reachableTips.bind(space);
    const tipsOf = space.tips.bind(space);
    const firsts = [...this.#known.values()].filter(isTjp).map(({ address }) => address);
    const tips = (await space.tips(firsts)).flatMap((tip) => tip ?? []);
    const more = along.map((at) => tips[at % tips.length]!);
    if (along.length > 0) {
      space.reachableTips = async (...asked) => [...(await reachableTips(...asked)), ...more];
      space.tips = async (...asked) => [...(await tipsOf(...asked)), ...more]; // where there is a limit
    }
    return () => {
      space.reachableTips = reachableTips;
      space.tips = tipsOf;
    };
  }

  async #sync({ by, direction, linkedMax, along }: Extract<Act, { kind: "sync" }>): Promise<void> {
    const who = this[by];
    const { bob, folder } = this;
    const [mine, theirs] = [await this.#learn(who), await this.#learn(bob)];
    const declared: Declared = this.#declared;
    const up = mayGoUp(await this.#recordsOf(who), who.address, [folder], declared);
    const tap = tapDial(bob.listening.dial);
    const sender = createSender({ identity: who.identity, dial: tap.dial, audience: bob.listening.audience });
    const down = mayComeDown(
      await this.#recordsOf(bob, who),
      [folder],
      (first) => along.length > 0 || this.#mayRead(first),
      // What one has declared to stay away comes all the same where another has it and links it as well.
      new Set([...declared].filter((name) => !this.#linked.has(name))),
    );
    const isHonest = along.length === 0 || by !== "alice";
    let open: SyncReport["references"] = [];
    const stop = await this.#sendAlong(isHonest ? [] : along);
    const limit = linkedMax === undefined ? {} : { linkedMax };
    const ended = await sender.sync([folder], { direction, ...limit }).then(
      ({ references }) => {
        open = references;
        return "done";
      },
      (thrown: unknown) => codeOf(thrown),
    );
    await sender.disconnect();
    stop();
    if (by !== "alice") return; // whoever plants what it likes may well be refused
    const isFit = direction === "push" ? /^(done|diverged)/ : /^done$/;
    if (isHonest) expect(ended).toMatch(isFit);

    const heard = tap.said.filter(({ to }) => to === "receiver").map(({ message }) => message);
    const mayLeave = (address: Address) => up.has(address) || theirs.has(address) || isListAddress(address);
    // Merges that this saga makes are of what both have.
    const mayBeSaid = (record: IbGib) => mayLeave(isMerge(record) ? tjpOf(record)! : record.address);
    for (const message of heard)
      if (typeof message !== "string")
        for (const record of readPayload(message).records)
          expect(mayBeSaid(record) ? "" : record.address).toBe("");
    const secrets = [...this.#known.values()].filter(
      ({ address }) => mine.has(address) && !mayLeave(address),
    );
    const openTexts = new Set(
      [...this.#known.values()].filter(({ address }) => mayLeave(address)).flatMap(textsOf),
    );
    const canaries = secrets.flatMap(textsOf).filter((text) => !openTexts.has(text));
    const wire = heard
      .map((message) => (typeof message === "string" ? message : Buffer.from(message).toString("latin1")))
      .join("\n");
    expect(canaries.filter((text) => wire.includes(text))).toEqual([]);
    for (const address of await this.#learn(bob))
      expect(mayLeave(address) || isMergeIn(this.#known, address) ? "" : address).toBe("");

    const mayEnter = (address: Address) =>
      down.has(address) || mine.has(address) || isListAddress(address) || isMergeIn(this.#known, address);
    const now = await this.#learn(who);
    for (const address of now) expect(mayEnter(address) ? "" : address).toBe("");
    const home = await this.#recordsOf(who);
    const came = [...now].filter((address) => !mine.has(address));
    // Whoever syncs names what it brings, too.
    const named = [folder, ...[...up].filter((address) => isTjp(this.#known.get(address)!))];
    expect(linkedOf(home, named, came).length).toBeLessThanOrEqual(linkedMax ?? came.length);
    if (ended !== "done" || direction === "push") return;
    const isNamed = new Set(open.map(({ holder, target }) => declaredName(holder, target)));
    for (const [holder, target] of awayFrom(home, [folder]))
      expect(isNamed).toContain(declaredName(holder, target));
  }

  /** Does alice's reading follow from what was shared with her? */
  #mayRead(first: IbGib): boolean {
    const owner = ownerOf(first);
    return owner === this.alice.address || this.#shared.has(first.address);
  }

  /** Every record of a home; what it has made is known from then on. */
  async #learn({ space }: Peer): Promise<ReadonlySet<Address>> {
    const all = new Set<Address>();
    for await (const each of space.scan()) {
      if (each.kind !== "record") continue;
      const record = decodeRecord(each.bytes);
      all.add(record.address);
      this.#known.set(record.address, record);
    }
    return all;
  }

  #recordsOf(...peers: readonly Peer[]): Promise<Records> {
    return Records.of(peers[0]!.space, [...this.#known.keys()]);
  }
}

const isMergeIn = (known: ReadonlyMap<Address, IbGib>, address: Address) => {
  const record = known.get(address);
  return record !== undefined && isMerge(record);
};

function codeOf(thrown: unknown): string {
  if (!(thrown instanceof KeysagaError)) throw thrown;
  return `${thrown.code} ${JSON.stringify(thrown.facts)}`;
}

function textsOf({ data }: IbGib): readonly string[] {
  return JSON.stringify(data ?? {}).match(/canary \d+ of nobody else/g) ?? [];
}
