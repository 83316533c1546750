import type { Address } from "../../ibgib/index.js";
import { type MergeFunctions, mergeFunctions } from "../../merge/index.js";
import { cellKinds } from "../../peer/home/cells.js";
import type { Sender, SyncReport } from "../../peer/index.js";
import type { Direction } from "../../saga/index.js";
import type { App } from "./app.js";
import { Calls } from "./calls.js";
import { Deeds } from "./deeds.js";
import { Dice } from "./dice.js";
import type { Snapshot } from "./disk.js";
import { DiskWatch } from "./disk-watch.js";
import { type Fact, Facts } from "./facts.js";
import { fittingErrors } from "./fitting-errors.js";
import { type CrashPlan, Home, type Surroundings } from "./home.js";
import { KeyWatch } from "./key-watch.js";
import { Ledger } from "./ledger.js";
import { SimulatedNetwork } from "./network.js";
import { prefab } from "./prefab.js";
import type { SimulatedProcess } from "./process.js";
import type { Program, Step } from "./program.js";
import { Scheduler } from "./scheduler.js";
import { Trace } from "./trace.js";
import { audienceOf, Witness } from "./witness.js";

/** What a world is run with. */
export interface RunSettings {
  /** Default: the built-in merge function alone. */
  readonly functions?: MergeFunctions;
  /** Default: `notes`. */
  readonly app?: App;
  /** Told each line of the world's trace. */
  readonly hear?: (line: string) => void;
}

type WorldSettings = RunSettings & { readonly app: App };

/** What a receiver keeps of a lost connection is gone before a world ends. */
const smallLimits: Readonly<Record<string, number>> = { keptMs: 5_000 };

/** In some worlds a saga carries a record or two, so that a sync takes several. */
const smallParts = { partBytes: 1_500 };
const smallPartsChance = 0.25;

/** In some, whatever makes a set is compared as one. */
const smallSets = { comparedMin: 1 };
const smallSetsChance = 0.25;

/** How a disk was, and what had been said of it. */
interface Kept {
  readonly snapshot: Snapshot;
  readonly facts: readonly Fact[];
}

/** Who hears how a saga ended. */
export interface SyncEnd {
  readonly done?: (report: SyncReport) => void;
  readonly failed?: (code: string) => void;
}

/** A world of real peers over simulated machines, and everything that is held against what they do. */
export class World {
  readonly scheduler = new Scheduler();
  readonly trace: Trace;
  readonly ledger = new Ledger();
  readonly facts: Facts;
  readonly calls: Calls;
  readonly network: SimulatedNetwork;
  readonly homes: Home[] = [];
  readonly #keys: KeyWatch;
  readonly #deeds: Deeds;
  readonly #around: Surroundings;
  /** How each disk was before each step, for those that are put back. */
  readonly #kept: ReadonlyMap<Home, Kept>[] = [];
  #pids = 0;

  constructor(
    readonly program: Program,
    readonly settings: WorldSettings,
  ) {
    const { scheduler, ledger, homes } = this;
    const dice = new Dice(`keysaga/world/1/${program.seed}`);
    this.trace = new Trace(() => scheduler.now, settings.hear);
    this.#keys = new KeyWatch(this.trace);
    this.facts = new Facts(this.trace, ledger);
    this.calls = new Calls(this.trace, fittingErrors(program));
    const witness = new Witness(this.trace, this.#keys, this.facts, homes, ledger);
    const watch = new DiskWatch(this.trace, ledger, this.#keys, witness);
    this.network = new SimulatedNetwork(scheduler, dice.of("network"), this.trace, witness, program.usualMs);
    this.#deeds = new Deeds(this, dice.of("deeds"));
    const { functions = mergeFunctions() } = settings;
    this.#around = {
      dice,
      scheduler,
      functions,
      spaceLimits: program.smallMemory ? { stagedBytesInMemoryMax: 512 } : {},
      receiverLimits: smallLimits,
      sessionLimits: {
        ...(dice.of("parts").chance(smallPartsChance) && smallParts),
        ...(dice.of("sets").chance(smallSetsChance) && smallSets),
      },
      nextPid: () => ++this.#pids,
      flushed: (home, changes) => watch.flushed(home, changes),
      crashes: (home, plan) => this.#crash(home, plan),
      told: (process, event) => witness.told(process, event),
    };
  }

  get senders(): readonly Home[] {
    return this.homes.filter(({ kind }) => kind === "sender");
  }

  get receivers(): readonly Home[] {
    return this.homes.filter(({ kind }) => kind === "receiver");
  }

  home(name: string): Home | undefined {
    return this.homes.find((home) => home.name === name);
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
    this.homes.push(new Home({ name, lineage: name, kind, address, secret, snapshot }, this.#around));
    this.#keys.belongsTo(address, name);
  }

  act(step: Step, at: number): void {
    if (this.program.steps.some((each) => each.do === "restore")) this.#keep();
    this.#deeds.act(step, at);
  }

  /** What a home may know of: what it owns, and what it was let into. */
  rootsOf({ lineage }: Home): readonly Address[] {
    return this.ledger.timelines.filter(({ readers }) => readers.has(lineage)).map(({ address }) => address);
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
        this.#stop(home, process);
        this.scheduler.after(500, () => home.alive.length === 0 && this.start(home));
      },
    );
  }

  async #answer(home: Home, process: SimulatedProcess): Promise<void> {
    const audience = audienceOf(home);
    const receiver = await process.answer(audience);
    if (process.isAlive)
      this.network.listen(audience, { process, accept: (connection) => receiver.accept(connection) });
  }

  /** All of a home is gone at once. */
  #crash(home: Home, { how, downMs }: CrashPlan): void {
    this.trace.note(`${home.name} crashes (${how})`);
    this.trace.count(`fault crash (${how})`);
    for (const process of home.crash()) this.network.abandon(process, how === "kill");
    this.facts.check(home);
    this.scheduler.after(downMs, () => home.alive.length === 0 && this.start(home));
  }

  /** A process ends; nobody hears of what it had under way. */
  #stop(home: Home, process: SimulatedProcess): void {
    process.crash();
    home.disk.abandon(process);
    home.forget(process);
    this.network.abandon(process, true);
  }

  /** Every process of it closes in good order, and one starts again. */
  restart(home: Home): void {
    for (const process of home.open) {
      const stop = () => {
        this.#stop(home, process);
        if (home.alive.length === 0) this.start(home);
      };
      this.calls.begin(process, "closes", () => process.close(), stop, stop);
    }
  }

  /** Puts a home back to how its disk was so many steps before. */
  restore(home: Home, back: number): void {
    const kept = this.#kept.at(-1 - back)?.get(home);
    if (kept === undefined) return;
    this.trace.count(`fault ${home.kind} restored`);
    for (const process of home.crash()) this.network.abandon(process, true);
    home.isDoubtful = true;
    home.restoredAt = this.scheduler.now;
    home.disk.restore(kept.snapshot);
    home.isForgetful ||= ![...home.disk.table("cells").keys()].some((key) =>
      key.startsWith(cellKinds.laneTo.prefix),
    );
    this.facts.reset(home, kept.facts);
    this.start(home);
  }

  /** A copy of a home runs beside it from now on. */
  clone(home: Home): void {
    const name = `${home.lineage}'`;
    if (this.home(name)) return;
    this.trace.count(`fault ${home.kind} cloned`);
    const copy = new Home({ ...home.origin, name, snapshot: home.disk.snapshot() }, this.#around);
    for (const each of [home, copy]) each.isDoubtful = true;
    this.homes.push(copy);
    this.start(copy);
  }

  connect(process: SimulatedProcess, receiver: Home): void {
    const sender = this.#senderTo(process, receiver);
    this.calls.begin(process, `connects to ${receiver.name}`, () => sender.connect());
  }

  disconnect(process: SimulatedProcess): void {
    for (const sender of process.senders.values())
      this.calls.begin(process, "disconnects", () => sender.disconnect());
  }

  /** Runs a saga; what it reports is held against both sides from then on. */
  sync(
    process: SimulatedProcess,
    receiver: Home,
    roots: readonly Address[],
    options: { readonly direction: Direction; readonly signal?: AbortSignal },
    { done, failed }: SyncEnd = {},
  ): void {
    const sender = this.#senderTo(process, receiver);
    const begun = this.scheduler.now;
    this.trace.count("run sagas");
    this.calls.begin(
      process,
      `syncs ${roots.length} with ${receiver.name}`,
      () => sender.sync(roots, options),
      (report) => {
        if (receiver.restoredAt < begun) this.#synced(process, receiver, report, options.direction);
        done?.(report);
      },
      failed,
    );
  }

  #senderTo(process: SimulatedProcess, receiver: Home): Sender {
    const audience = audienceOf(receiver);
    return process.senderTo(audience, this.network.dialFrom(process, audience));
  }

  #synced(process: SimulatedProcess, receiver: Home, report: SyncReport, direction: Direction): void {
    const home = this.home(process.machine.name);
    const isSole = this.homes.filter(({ lineage }) => lineage === receiver.lineage).length === 1;
    for (const { address, tip } of report.tips) {
      if (report.left.some((each) => each.address === address) || !this.ledger.timeline(address)) continue;
      if (home && direction !== "push") this.facts.tip(home, address, tip);
      if (isSole) this.facts.tip(receiver, address, tip);
    }
  }

  #keep(): void {
    const states = this.homes.map((home): [Home, Kept] => {
      return [home, { snapshot: home.disk.snapshot(), facts: this.facts.of(home) }];
    });
    this.#kept.push(new Map(states));
  }
}
