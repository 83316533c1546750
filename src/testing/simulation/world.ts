import { type JsonObject, toHex } from "../../base/index.js";
import {
  type Address,
  createTimeline,
  gibOf,
  type IbGib,
  mutate,
  relate,
  sealRecord,
} from "../../ibgib/index.js";
import { type MergeFunctions, mergeFunctions } from "../../merge/index.js";
import { type PeerEvent, saveRecords, share, type SyncReport, unshare } from "../../peer/index.js";
import type { Message } from "../../transport/index.js";
import type { LinkEnd, SimulatedLink } from "./link.js";
import { Calls } from "./calls.js";
import type { App } from "./app.js";
import { Dice } from "./dice.js";
import type { Snapshot } from "./disk.js";
import { DiskWatch, knownIn } from "./disk-watch.js";
import { type Fact, Facts } from "./facts.js";
import { type Crash, Home, type Surroundings } from "./home.js";
import { KeyWatch, addressOfText } from "./key-watch.js";
import { Ledger, type Timeline } from "./ledger.js";
import { SimulatedNetwork } from "./network.js";
import { prefab } from "./prefab.js";
import type { SimulatedProcess } from "./process.js";
import type { Program, Step } from "./program.js";
import { TamperWatch } from "./tamper-watch.js";
import { fittingErrors } from "./fitting-errors.js";
import { Scheduler } from "./scheduler.js";
import { readSpoken, type Spoken } from "./spoken.js";
import { Trace } from "./trace.js";

export interface WorldSettings {
  readonly functions?: MergeFunctions;
  readonly app: App;
  readonly hear?: (line: string) => void;
}

/** What a receiver keeps of a lost connection is gone before a world ends. */
const smallLimits: Readonly<Record<string, number>> = { keptMs: 5_000 };

/** How a disk was, and what had been said of it. */
interface Kept {
  readonly snapshot: Snapshot;
  readonly facts: readonly Fact[];
}

/** A world of real peers over simulated machines, and everything that is held against what they do. */
export class World {
  readonly scheduler = new Scheduler();
  readonly trace: Trace;
  readonly ledger = new Ledger();
  readonly keys: KeyWatch;
  readonly facts: Facts;
  readonly calls: Calls;
  readonly network: SimulatedNetwork;
  readonly homes: Home[] = [];
  readonly #dice: Dice;
  readonly #watch: DiskWatch;
  readonly #tampers: TamperWatch;
  readonly #linkOf = new Map<string, SimulatedLink>();
  readonly #around: Surroundings;
  /** Sessions that their owners have asked for, by where. */
  readonly #opened = new Set<string>();
  readonly #sessionOf = new Map<SimulatedLink, Address>();
  /** How far keystones were known where a connection went when it was opened, as far as its sender is told. */
  readonly #knownAt = new Map<SimulatedLink, (keystone: Address) => number>();
  /** How each disk was before each step, for those that are put back. */
  readonly #kept: ReadonlyMap<Home, Kept>[] = [];
  #edits = 0;
  #pids = 0;

  constructor(
    readonly program: Program,
    readonly settings: WorldSettings,
  ) {
    this.#dice = new Dice(`keysaga/world/1/${program.seed}`);
    this.trace = new Trace(() => this.scheduler.now, settings.hear);
    this.keys = new KeyWatch(this.trace);
    this.facts = new Facts(this.trace, this.ledger);
    this.calls = new Calls(this.trace, fittingErrors(program));
    this.#tampers = new TamperWatch(this.trace);
    this.#watch = new DiskWatch(this.trace, this.ledger, this.keys, {
      wasOpened: (session, receiver) => this.#opened.has(`${session} ${receiver}`),
    });
    this.network = new SimulatedNetwork(
      this.scheduler,
      this.#dice.of("network"),
      this.trace,
      {
        said: (from, message) => this.#said(from, message),
        altered: (from, message, onward) => this.#tampers.altered(from, message, onward),
        misled: (to) => this.#tampers.arrived(to),
      },
      program.usualMs,
    );
    const { functions = mergeFunctions() } = settings;
    this.#around = {
      dice: this.#dice,
      scheduler: this.scheduler,
      functions,
      spaceLimits: program.smallMemory ? { stagedBytesInMemory: 512 } : {},
      receiverLimits: smallLimits,
      nextPid: () => ++this.#pids,
      flushed: (home, changes) => this.#watch.flushed(home, changes),
      crashes: (home, how) => this.crash(home, how),
      told: (process, event) => this.#told(process, event),
    };
  }

  get senders(): readonly Home[] {
    return this.homes.filter(({ kind }) => kind === "sender");
  }

  get receivers(): readonly Home[] {
    return this.homes.filter(({ kind }) => kind === "receiver");
  }

  /** Homes with their identities; nothing runs yet. */
  async found(): Promise<void> {
    const { senders, receivers } = this.program;
    for (let at = 0; at < receivers; at++) await this.#settle("receiver", at);
    for (let at = 0; at < senders; at++) await this.#settle("sender", at);
  }

  async #settle(kind: "sender" | "receiver", at: number): Promise<void> {
    const { address, secret, snapshot } = await prefab(kind, at);
    const name = `${kind[0]}${at}`;
    const home = new Home({ name, lineage: name, kind, address, secret, snapshot }, this.#around);
    this.homes.push(home);
    this.keys.belongsTo(address, name);
  }

  home(name: string): Home | undefined {
    return this.homes.find((home) => home.name === name);
  }

  /** Where the receivers of a lineage answer. */
  audienceOf({ lineage }: Home): string {
    return `sim://${lineage}`;
  }

  /** Starts one more process of a home; where its disk fails it tries again, as an operator would. */
  start(home: Home): void {
    const process = home.begin();
    this.calls.begin(
      process,
      "opens",
      async () => {
        await process.open();
        if (home.kind === "receiver") await this.#answer(home, process);
      },
      () => this.facts.check(home),
      () => {
        this.#stop(process);
        this.scheduler.after(500, () => home.alive.length === 0 && this.start(home));
      },
    );
  }

  async #answer(home: Home, process: SimulatedProcess): Promise<void> {
    const audience = this.audienceOf(home);
    const receiver = await process.answer(audience);
    if (process.isAlive)
      this.network.listen(audience, { process, accept: (connection) => receiver.accept(connection) });
  }

  /** All of a home is gone at once. */
  crash(home: Home, how: Crash, downMs = 200): void {
    this.trace.note(`${home.name} crashes (${how})`);
    this.trace.count(`fault crash (${how})`);
    for (const process of home.crash()) this.network.abandon(process, how === "kill");
    this.facts.check(home);
    this.scheduler.after(downMs, () => home.alive.length === 0 && this.start(home));
  }

  /** A process ends; nobody hears of what it had under way. */
  #stop(process: SimulatedProcess): void {
    process.crash();
    const home = this.homes.find(({ processes }) => processes.includes(process));
    home?.disk.abandon(process);
    home?.forget(process);
    this.network.abandon(process, true);
  }

  /** Does a step, or nothing where there is nobody to do it. */
  act(step: Step, at: number): void {
    this.trace.note(`step ${at} ${JSON.stringify(step)}`);
    this.trace.count("run steps");
    if (this.program.steps.some((each) => each.do === "restore")) this.#keep();
    switch (step.do) {
      case "create":
        return this.#by(step.by, (process, home) => this.#create(process, home));
      case "edit":
        return this.#by(step.by, (process, home) => {
          for (let times = 0; times < step.times; times++) this.#edit(process, home, step.which);
        });
      case "link":
        return this.#by(step.by, (process, home) => this.#link(process, home, step.which, step.to));
      case "share":
        return this.#share(step);
      case "unshare":
        return this.#unshare(step);
      case "sync":
        return this.#by(step.by, (process, home) => this.#syncStep(process, home, step));
      case "rush":
        return this.#by(step.by, (_, home) => this.#rush(home, step.at));
      case "pry":
        return this.#by(step.by, (process, home) => this.#pry(process, home, step));
      case "connect":
        return this.#by(step.by, (process) => this.#connect(process, step.at));
      case "disconnect":
        return this.#by(step.by, (process) => this.disconnect(process));
      case "crash":
        return this.#at(step.home, (home) => home.crashAfter(step.after, step.how));
      case "restart":
        return this.#at(step.home, (home) => this.restart(home));
      case "second":
        return this.#at(step.home, (home) => {
          if (home.alive.length !== 1) return;
          this.trace.count("fault second process");
          this.start(home);
        });
      case "restore":
        return this.#at(step.home, (home) => this.#restore(home, step.back));
      case "clone":
        return this.#at(step.home, (home) => this.#clone(home));
      case "jump":
        return this.#at(step.home, (home) => {
          this.trace.count("fault clock jump");
          home.jump(step.ms);
        });
      case "storage":
        return this.#at(step.home, (home) => this.#storage(home, step.fault, step.ms));
      case "network":
        return this.network.lieInAmbush({ fault: step.fault, home: step.home, to: step.to, skip: step.skip });
      case "part":
        return this.#part(step);
      case "relay":
        return this.#relay(step);
      case "stranger":
        return this.#stranger(step.at);
    }
  }

  /** Runs a saga; what it reports is held against both sides from then on. */
  sync(
    process: SimulatedProcess,
    receiver: Home,
    roots: readonly Address[],
    options: { readonly direction: "both" | "push" | "pull"; readonly signal?: AbortSignal },
    failed?: (code: string) => void,
    done?: () => void,
  ): void {
    const audience = this.audienceOf(receiver);
    const sender = process.senderTo(audience, this.network.dialFrom(process, audience));
    this.trace.count("run sagas");
    const begun = this.scheduler.now;
    this.calls.begin(
      process,
      `syncs ${roots.length} with ${receiver.name}`,
      () => sender.sync(roots, options),
      (report) => {
        if (receiver.restoredAt < begun) this.#synced(process, receiver, report, options.direction);
        done?.();
      },
      failed,
    );
  }

  disconnect(process: SimulatedProcess): void {
    for (const sender of process.senders.values())
      this.calls.begin(process, "disconnects", () => sender.disconnect());
  }

  /** Every process of it closes in good order, and one starts again. */
  restart(home: Home): void {
    const closing = [...home.open];
    let left = closing.length;
    for (const process of closing) {
      this.calls.begin(
        process,
        "closes",
        () => process.close(),
        () => {
          this.#stop(process);
          left--;
          if (left === 0 && home.alive.length === 0) this.start(home);
        },
        () => this.#stop(process),
      );
    }
  }

  #by(number: number, act: (process: SimulatedProcess, home: Home) => void): void {
    const { senders } = this;
    const home = senders[number % senders.length];
    const process = home && home.open.length > 0 ? this.#dice.pick(home.open) : undefined;
    if (home && process) act(process, home);
  }

  #at(name: string, act: (home: Home) => void): void {
    const home = this.home(name);
    if (home) act(home);
  }

  #create(process: SimulatedProcess, home: Home): void {
    const { ib, first } = this.settings.app;
    const uuid = toHex(this.#dice.bytes(16));
    const record = createTimeline({ ib, data: first, owner: home.address, uuid });
    const edit = this.settings.app.edit(first, this.#dice.of(`edit ${this.#edits++}`));
    this.#save(process, home, "creates", async () => [record, this.#edited(record, edit)]);
  }

  #edit(process: SimulatedProcess, home: Home, which: number): void {
    const timeline = this.#timeline(which);
    if (!timeline) return;
    const dice = this.#dice.of(`edit ${this.#edits++}`);
    this.#save(process, home, `edits ${which}`, async () => {
      const tip = await tipOf(process, timeline.address);
      if (!tip || tip.data instanceof Uint8Array) return [];
      return [this.#edited(tip, this.settings.app.edit({ ...tip.data }, dice))];
    });
  }

  #edited(tip: IbGib, edit: JsonObject): IbGib {
    const frame = mutate(tip, edit);
    this.ledger.edits.set(frame.address, edit);
    return frame;
  }

  #link(process: SimulatedProcess, home: Home, which: number, to: number): void {
    const [timeline, other] = [this.#timeline(which), this.#timeline(to)];
    if (!timeline || !other) return;
    if (timeline === other) return this.#linkNowhere(process, home, timeline);
    this.#save(process, home, `links ${which}`, async () => {
      const [tip, target] = [await tipOf(process, timeline.address), await tipOf(process, other.address)];
      return tip && target ? [relate(tip, { add: { part: [other.address] } })] : [];
    });
  }

  /** An app's mistake: a link to what is not there is not to be saved. */
  #linkNowhere(process: SimulatedProcess, home: Home, { address }: Timeline): void {
    const nowhere = sealRecord({ ib: "nowhere", data: { uuid: toHex(this.#dice.bytes(16)) } }).address;
    this.trace.count("fault link to nowhere");
    this.#save(process, home, "links to nowhere", async () => {
      const tip = await tipOf(process, address);
      return tip ? [relate(tip, { add: { part: [nowhere] } })] : [];
    });
  }

  #save(process: SimulatedProcess, home: Home, what: string, make: () => Promise<readonly IbGib[]>): void {
    this.calls.begin(
      process,
      what,
      async () => {
        const records = await make();
        if (!process.isAlive) return [];
        this.ledger.made(records, home.lineage);
        if (records.length > 0) await saveRecords(process.identity, records);
        return records;
      },
      (records) => {
        for (const record of records)
          this.facts.tip(home, record.rel8ns?.["tjp"]?.[0] ?? record.address, record.address);
      },
    );
  }

  #share({ which, with: other, access }: Extract<Step, { do: "share" }>): void {
    const timeline = this.#timeline(which);
    const { senders } = this;
    const grantee = senders[other % senders.length];
    const owner = timeline && this.home(timeline.owner);
    const process = owner?.open[0];
    if (!timeline || !owner || !grantee || !process || grantee.lineage === owner.lineage) return;
    this.#grant(process, owner, timeline, grantee, access);
  }

  #grant(
    process: SimulatedProcess,
    owner: Home,
    timeline: Timeline,
    to: Home,
    access: "read" | "write",
  ): void {
    timeline.readers.add(to.lineage);
    if (access === "write") timeline.writers.add(to.lineage);
    const given = { timeline: timeline.address, with: to.address, access };
    this.calls.begin(
      process,
      `shares with ${to.name}`,
      () => share(process.identity, given, process.platform),
      (grant) => this.facts.grant(owner, grant),
    );
  }

  #unshare({ which, with: other }: Extract<Step, { do: "unshare" }>): void {
    const timeline = this.#timeline(which);
    const { senders } = this;
    const from = senders[other % senders.length];
    const process = timeline && this.home(timeline.owner)?.open[0];
    if (!timeline || !from || !process) return;
    timeline.isWithdrawn = true;
    const taken = { timeline: timeline.address, from: from.address };
    this.calls.begin(process, `unshares ${which}`, () => unshare(process.identity, taken, process.platform));
  }

  #syncStep(process: SimulatedProcess, home: Home, step: Extract<Step, { do: "sync" }>): void {
    const { receivers } = this;
    const receiver = receivers[step.at % receivers.length];
    const timeline = step.which === undefined ? undefined : this.#timeline(step.which);
    const roots = timeline ? [timeline.address] : this.rootsOf(home);
    if (!receiver || roots.length === 0) return;
    const { direction, cancelMs } = step;
    const cancel = new AbortController();
    if (cancelMs !== undefined) {
      this.trace.count("fault cancel");
      this.scheduler.after(cancelMs, () => cancel.abort());
    }
    this.sync(process, receiver, roots, { direction, signal: cancel.signal });
  }

  #rush(home: Home, at: number): void {
    const { receivers } = this;
    const receiver = receivers[at % receivers.length];
    const roots = this.rootsOf(home);
    if (!receiver || roots.length === 0) return;
    for (const process of home.open) this.disconnect(process);
    for (const process of home.open) this.#grantAgain(process, home);
    for (const process of home.open) this.sync(process, receiver, roots, { direction: "both" });
  }

  /** To somebody who has it: what counts is that the identity signs. */
  #grantAgain(process: SimulatedProcess, home: Home): void {
    const own = this.ledger.timelines.find(({ owner, readers }) => owner === home.name && readers.size > 1);
    const other = this.senders.find(
      (each) => each.lineage !== home.lineage && own?.readers.has(each.lineage),
    );
    if (own && other) this.#grant(process, home, own, other, "read");
  }

  #pry(process: SimulatedProcess, home: Home, { at, which }: Extract<Step, { do: "pry" }>): void {
    const { receivers } = this;
    const receiver = receivers[at % receivers.length];
    const closed = this.ledger.timelines.filter(({ readers }) => !readers.has(home.lineage));
    const timeline = closed[which % Math.max(1, closed.length)];
    if (receiver && timeline) this.sync(process, receiver, [timeline.address], { direction: "pull" });
  }

  /** What a home may know of: what it owns, and what it was let into. */
  rootsOf({ lineage }: Home): readonly Address[] {
    return this.ledger.timelines.filter(({ readers }) => readers.has(lineage)).map(({ address }) => address);
  }

  #connect(process: SimulatedProcess, at: number): void {
    const { receivers } = this;
    const receiver = receivers[at % receivers.length];
    if (!receiver) return;
    const audience = this.audienceOf(receiver);
    const sender = process.senderTo(audience, this.network.dialFrom(process, audience));
    this.calls.begin(process, `connects to ${receiver.name}`, () => sender.connect());
  }

  #synced(process: SimulatedProcess, receiver: Home, { tips, refused }: SyncReport, direction: string): void {
    const home = this.homes.find(({ processes }) => processes.includes(process));
    const isSole = this.homes.filter(({ lineage }) => lineage === receiver.lineage).length === 1;
    for (const { address, tip } of tips) {
      if (refused.some((not) => not.address === address) || !this.ledger.timeline(address)) continue;
      if (home && direction !== "push") this.facts.tip(home, address, tip);
      if (isSole) this.facts.tip(receiver, address, tip);
    }
  }

  #told(process: SimulatedProcess, event: PeerEvent): void {
    if (event.kind === "merged") this.trace.count("run merges");
    if (event.kind === "durable") this.#atEnd(process, event.saga, (end) => this.#tampers.done(end));
    if (event.kind !== "connected") return;
    this.#atEnd(process, event.session, (end) => this.#tampers.connected(end));
    const answering = this.homes.filter(({ address }) => address === event.receiver);
    const [receiver] = answering;
    const link = this.#linkOf.get(event.session);
    if (
      process.receiver === undefined &&
      receiver &&
      answering.length === 1 &&
      receiver.restoredAt < (link?.begun ?? 0)
    )
      this.facts.session(receiver, event.lane, event.session);
  }

  /** Looks at the end that a process holds of the link of a session or saga. */
  #atEnd(process: SimulatedProcess, name: string, look: (end: LinkEnd) => void): void {
    const link = this.#linkOf.get(name);
    if (link) look(link.sender.process === process ? link.sender : link.receiver);
  }

  #keep(): void {
    const states = this.homes.map((home): [Home, Kept] => {
      return [home, { snapshot: home.disk.snapshot(), facts: this.facts.of(home) }];
    });
    this.#kept.push(new Map(states));
  }

  #restore(home: Home, back: number): void {
    const kept = this.#kept.at(-1 - back)?.get(home);
    if (kept === undefined) return;
    this.trace.count(`fault ${home.kind} restored`);
    for (const process of home.crash()) this.network.abandon(process, true);
    home.isDoubtful = true;
    home.restoredAt = this.scheduler.now;
    home.disk.restore(kept.snapshot);
    this.facts.reset(home, kept.facts);
    this.start(home);
  }

  #clone(home: Home): void {
    const name = `${home.lineage}'`;
    if (this.home(name)) return;
    this.trace.count(`fault ${home.kind} cloned`);
    const copy = new Home({ ...home.origin, name, snapshot: home.disk.snapshot() }, this.#around);
    for (const each of [home, copy]) each.isDoubtful = true;
    this.homes.push(copy);
    this.start(copy);
  }

  #storage({ disk }: Home, fault: "flush" | "full" | "slow", ms: number): void {
    this.trace.count(`fault disk ${fault}`);
    if (fault === "flush") disk.failFlushes(1 + (ms % 3));
    if (fault === "full") disk.fill(ms);
    if (fault === "slow") disk.slowDown(ms);
  }

  #part({ by, at, ms }: Extract<Step, { do: "part" }>): void {
    const { senders, receivers } = this;
    const [a, b] = [senders[by % senders.length], receivers[at % receivers.length]];
    if (!a || !b) return;
    this.trace.count("fault partition");
    this.network.part(a.name, b.name, ms);
  }

  #relay({ by, at }: Extract<Step, { do: "relay" }>): void {
    const { senders, receivers } = this;
    const [a, b] = [senders[by % senders.length], receivers[at % receivers.length]];
    if (a && b) this.network.mislead(a.name, this.audienceOf(b));
  }

  /** Says, on a connection of nobody's, what senders have said on theirs. */
  #stranger(at: number): void {
    const { receivers } = this;
    const receiver = receivers[at % receivers.length];
    const link = receiver && this.network.strangerAt(this.audienceOf(receiver));
    if (!link) return;
    this.trace.count("fault stranger");
    const said = this.network.heard.receiver.filter((message) => typeof message === "string").slice(0, 4);
    for (const [n, message] of said.entries()) this.scheduler.after(20 * n, () => link.sender.write(message));
    this.scheduler.after(30_000, () => link.sender.close(1000));
    this.scheduler.after(40_000, () => link.sender.vanish());
  }

  #timeline(which: number): Timeline | undefined {
    const { timelines } = this.ledger;
    return timelines[which % Math.max(1, timelines.length)];
  }

  /**
   * A receiver says what it knows of a sender to one that shows to know it already: by a lane that it holds, or a frame
   * of its identity behind the first. Others learn nothing, and cannot know.
   */
  #openedBy(link: SimulatedLink, { session, lane, identity }: NonNullable<Spoken["open"]>): void {
    this.#sessionOf.set(link, addressOfText(session));
    this.#linkOf.set(addressOfText(session), link);
    const disk = this.#homeOf(link.receiver.process)?.disk;
    if (!disk) return;
    const cells = new Map(disk.table("cells"));
    const isTold =
      cells.has(`lane/${lane}`) || (identity.n > 0 && disk.table("proofs").has(gibOf(identity.tip)));
    this.#knownAt.set(link, (keystone) => (isTold ? knownIn(cells, keystone) : -1));
  }

  #said(from: LinkEnd, message: Message): void {
    const { link } = from;
    const home = this.#homeOf(from.process);
    const spoken = home && readSpoken(message);
    if (!home || !spoken) return;
    const knownThere = this.#knownAt.get(link);
    const seen = {
      home: home.lineage,
      knows: (keystone: Address, n: number) => !home.isDoubtful || (knownThere?.(keystone) ?? -1) >= n,
    };
    for (const frame of spoken.frames) this.keys.seeText(frame, seen);
    if (spoken.open) this.#openedBy(link, spoken.open);
    if (spoken.turn !== undefined) this.#tampers.saysTurn(from);
    if (spoken.saga !== undefined) this.#linkOf.set(spoken.saga, link);
    if (spoken.turn === "init") this.#tampers.began(link);
    if (spoken.type !== "connect") return;
    const session = this.#sessionOf.get(link);
    for (const each of this.receivers)
      if (this.audienceOf(each) === link.audience) this.#opened.add(`${session} ${each.name}`);
  }

  #homeOf(process: SimulatedProcess | undefined): Home | undefined {
    return process && this.homes.find(({ name }) => name === process.machine.name);
  }
}

async function tipOf(
  { identity: { space } }: SimulatedProcess,
  timeline: Address,
): Promise<IbGib | undefined> {
  const tip = await space.tip(timeline);
  return tip && space.get(tip.address);
}
