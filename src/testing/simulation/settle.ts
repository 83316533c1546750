import type { Address } from "../../ibgib/index.js";
import { type Left, type LeftReason, verifySpace } from "../../peer/index.js";
import { sessionLimits } from "../../saga/index.js";
import { transportLimits } from "../../transport/index.js";
import { recordOn, tipOn } from "./disk-watch.js";
import type { Home } from "./home.js";
import type { Timeline } from "./ledger.js";
import type { SimulatedProcess } from "./process.js";
import { wronglyShown } from "./shown.js";
import type { World } from "./world.js";

/** What a call may wait for the other side, and for what was before it, when nothing goes wrong any more. */
const told = 20 * 60_000;
/** Half-open connections are found, sessions that hang run into their limits. */
const quietMs = 150_000;
/** A stranger who came last and says nothing is sent away, which is looked at every second, and has a while to close. */
const silenceMs = sessionLimits.handshakeTimeoutMs + transportLimits.closeGraceMs + 2_000;
/** In so many milliseconds all peers are of one mind again. */
const convergeMs = 60_000;
const roundsMax = 8;

/** Why a peer may stay out, for good: it says so instead of syncing. */
const reasons = new Set(["restored_backup", "duplicity", "unknown_root"]);

/**
 * Why a home may stay out that was put back or copied: nobody could tell it what it has signed, and so it is refused at
 * the door; or it was told, and does not dare to sign for another.
 */
const doubts = new Set(["auth_fail", "tip_unconfirmed"]);
/** Why a head is left that the lists decide on. */
const listed = new Set<LeftReason>(["may_not_write", "set_aside"]);
/** What goes away by trying again. */
const retryable = new Set([
  "connection_lost",
  "lane_replaced",
  "tip_moved",
  "commit_waited",
  "keystone_moved",
]);

/** The faults are over: everybody is told, comes to one state, and leaves nothing behind. */
export class Settling {
  /** Pairs of sender and receiver that have a reason. */
  readonly #apart = new Set<string>();

  constructor(private readonly world: World) {}

  async run(): Promise<void> {
    this.#calm();
    await this.#until(() => this.world.calls.running.length === 0, told);
    const { running } = this.world.calls;
    this.world.trace.check("everybody is told", running.length === 0, () => running.join(", "));
    await this.#until(() => this.#areSound(), quietMs);
    await this.#converge();
    this.#askApp();
    this.#askLists();
    await this.#pry();
    await this.#close();
  }

  /** No connection has lost an end that the other does not know of. */
  #areSound(): boolean {
    return [...this.world.network.links].every(
      (link) => !link.isMute && !link.sender.isGone && !link.receiver.isGone,
    );
  }

  #calm(): void {
    const { network, homes, trace } = this.world;
    trace.note("faults are over");
    network.calm();
    for (const home of homes) {
      home.calm();
      if (home.alive.length === 0) this.world.start(home);
    }
  }

  async #converge(): Promise<void> {
    const { scheduler, trace } = this.world;
    const begun = scheduler.now;
    let rounds = 0;
    while (rounds < roundsMax && trace.violations.length === 0) {
      rounds++;
      await this.#round();
      if (this.#differences().length === 0) break;
    }
    if (trace.violations.length > 0) return;
    const left = this.#differences();
    trace.check("all are of one mind again", left.length === 0, () => `after ${rounds} rounds: ${left[0]}`);
    const ms = scheduler.now - begun;
    trace.check("all are of one mind soon", ms <= convergeMs, () => `after ${ms} ms`);
    trace.count("run rounds to converge", rounds);
    const back = this.world.senders.filter((home) =>
      this.world.receivers.some((receiver) => this.#goesOn(home, receiver)),
    );
    trace.count("run homes put back that go on", back.length);
  }

  /** Everybody syncs with every receiver, one after another. Copies of a receiver answer at one place. */
  async #round(): Promise<void> {
    const originals = this.world.receivers.filter(({ name, lineage }) => name === lineage);
    for (const home of this.world.senders) for (const receiver of originals) await this.#meet(home, receiver);
  }

  /** All at once; one by one where something is in the way of some. */
  async #meet(home: Home, receiver: Home): Promise<void> {
    const roots = this.world.rootsOf(home);
    const process = home.open[0];
    if (!process || roots.length === 0) return;
    if ((await this.#sync(process, receiver, roots)) === undefined) return;
    for (const root of roots) {
      const reason = await this.#sync(process, receiver, [root]);
      if (reason !== undefined) this.#staysApart(home, receiver, root, reason);
    }
  }

  #staysApart(home: Home, receiver: Home, root: Address, reason: string): void {
    if (!home.isDoubtful && reason === "tip_unconfirmed") return; // until it has met one it knows, later in the round
    const isSaid = this.#goesOn(home, receiver)
      ? reason === "unknown_root"
      : reasons.has(reason) || (home.isDoubtful && doubts.has(reason));
    this.world.trace.check("or say why not", isSaid, () => `${home.name} with ${receiver.name}: ${reason}`);
    this.#apart.add(`${home.name} ${receiver.name} ${root}`);
  }

  /**
   * A home that was put back, and not copied, comes back to one mind with the only receiver that there is, which knows all
   * that it has signed: unless that is from before they had met, or the receiver was put back as well.
   */
  #goesOn(home: Home, receiver: Home): boolean {
    const isOnly = this.world.receivers.length === 1 && !receiver.isDoubtful;
    return home.isDoubtful && isOnly && !this.#isCopied(home) && !home.isForgetful;
  }

  /** What is left for now for what its maker did is not here or not there, and the sync says so. */
  #staysLeft({ machine, identity }: SimulatedProcess, to: Home, { address, reason, by }: Left): void {
    // Of another's frames the lists say the same to both.
    if (by === identity.address || !listed.has(reason))
      this.#apart.add(`${machine.name} ${to.name} ${address}`);
  }

  /** @returns what it ended in for good; undefined where all went well. */
  async #sync(
    process: SimulatedProcess,
    to: Home,
    roots: readonly Address[],
    tries = 4,
  ): Promise<string | undefined> {
    let code: string | undefined;
    this.world.sync(
      process,
      to,
      roots,
      { direction: "both" },
      {
        done: (report) => {
          code = "done";
          for (const left of report.left) this.#staysLeft(process, to, left);
        },
        failed: (failed) => {
          code = failed;
        },
      },
    );
    await this.#until(() => code !== undefined, convergeMs);
    if (code === "done") return undefined;
    if (code !== undefined && retryable.has(code) && tries > 1)
      return this.#sync(process, to, roots, tries - 1);
    return code ?? "nothing";
  }

  /** Who may show a timeline, has not said why not, and shows something else than a receiver. */
  #differences(): readonly string[] {
    const { ledger, receivers, senders } = this.world;
    const lasting = ledger.timelines.filter(({ isWithdrawn }) => !isWithdrawn);
    return receivers
      .filter((receiver) => !this.#isCopied(receiver))
      .flatMap((receiver) =>
        senders.flatMap((home) => lasting.flatMap((each) => this.#difference(receiver, home, each))),
      );
  }

  #difference(receiver: Home, home: Home, { address, owner, readers, writers }: Timeline): readonly string[] {
    const isOut = !readers.has(home.lineage) || this.#apart.has(`${home.name} ${receiver.name} ${address}`);
    // What somebody was told of rights may be gone with an older state.
    const owners = this.world.home(owner);
    const isBack = home.isDoubtful && !this.#goesOn(home, receiver);
    const isOwnerBack = owners?.isDoubtful && owners !== home;
    if (isOut || isOwnerBack || isBack || (receiver.isDoubtful && home !== owners)) return [];
    const [theirs, ours] = [tipOn(receiver.disk, address), tipOn(home.disk, address)];
    if (ours === theirs || (theirs === undefined && !writers.has(home.lineage))) return [];
    return [`${home.name} shows ${ours}, ${receiver.name} ${theirs}`];
  }

  #isCopied({ lineage }: Home): boolean {
    return this.world.homes.filter((home) => home.lineage === lineage).length > 1;
  }

  /** What each tip says is what the app says that its edits come to. */
  #askApp(): void {
    const { homes, ledger, settings, trace } = this.world;
    const { holds } = settings.app;
    if (!holds) return;
    for (const { name, disk } of homes)
      for (const { address } of ledger.timelines) {
        const tip = tipOn(disk, address);
        const data = tip && recordOn(disk, tip)?.data;
        if (tip === undefined || data === undefined || data instanceof Uint8Array) continue;
        const edits = [...ledger.historyOf(tip)].flatMap((frame) => {
          const edit = ledger.edits.get(frame);
          return edit ? [edit] : [];
        });
        trace.check(
          "the app's own",
          holds(data, edits),
          () => `${name} shows ${tip}: ${JSON.stringify(data)}`,
        );
      }
  }

  /** Each home shows what counts by the lists that it has, whatever came first. */
  #askLists(): void {
    const { homes, ledger, trace } = this.world;
    for (const { name, disk, address: self } of homes)
      for (const { address, ruler } of ledger.timelines) {
        const head = wronglyShown(disk, address, ruler?.address ?? address, self);
        trace.check("what is shown counts", head === undefined, () => `${name} shows ${head}`);
      }
  }

  /** Whoever was not let in, and has nothing of it, is told that there is no such thing, whether there is or not. */
  async #pry(): Promise<void> {
    const { ledger, receivers, senders, trace } = this.world;
    for (const home of senders.filter(({ isDoubtful }) => !isDoubtful)) {
      // What links brought along of it, its first record, it has.
      const isHidden = ({ address, readers }: Timeline) =>
        !readers.has(home.lineage) && recordOn(home.disk, address) === undefined;
      const hidden = ledger.timelines.find(isHidden);
      const [process, receiver] = [home.open[0], receivers[0]];
      if (!hidden || !process || !receiver || trace.violations.length > 0) continue;
      const code = await this.#sync(process, receiver, [hidden.address]);
      trace.check(
        "presence is not permission",
        code === "unknown_root",
        () => `${home.name} with ${receiver.name}: ${code ?? "done"}`,
      );
    }
  }

  async #close(): Promise<void> {
    const { homes, network, trace } = this.world;
    for (const home of homes) for (const process of home.open) this.world.disconnect(process);
    await this.#until(() => false, silenceMs);
    for (const home of homes) for (const process of home.open) this.#isQuiet(process);
    trace.check("nothing is left", network.links.size === 0, () => `${network.links.size} connections`);
    if (this.world.program.verifies) for (const home of homes) await this.#verify(home);
    for (const home of homes)
      for (const process of home.open) {
        this.world.calls.begin(
          process,
          "closes",
          () => process.close(),
          () => this.#isQuiet(process),
        );
      }
    await this.#until(() => this.world.calls.running.length === 0, 10_000);
    const { running } = this.world.calls;
    trace.check("everybody is told", running.length === 0, () => running.join(", "));
    for (const home of homes) {
      this.world.facts.check(home);
      const left = home.disk.table("stages").size;
      trace.check("nothing is left", left === 0, () => `${left} stages of ${home.name}`);
    }
  }

  #isQuiet(process: SimulatedProcess): void {
    const { timersRunning, stagesHeld, name } = process;
    const left = `${timersRunning} timers, ${stagesHeld} stages`;
    this.world.trace.check("nothing is left", timersRunning + stagesHeld === 0, () => `${name}: ${left}`);
  }

  async #verify(home: Home): Promise<void> {
    const process = home.open[0];
    if (!process) return;
    const { trace } = this.world;
    let isDone = false;
    const look = async () => {
      for await (const found of verifySpace(process.identity.space, { owner: home.address }))
        if (found.kind === "problem")
          trace.violate("every store is in order", `${home.name}: ${JSON.stringify(found.problem)}`);
        else trace.count("check every store is in order", found.counts.records + found.counts.proofs);
    };
    this.world.calls.begin(process, "verifies", look, () => {
      isDone = true;
    });
    await this.#until(() => isDone, 60_000);
  }

  #until(isOver: () => boolean, ms: number): Promise<void> {
    const { scheduler, trace } = this.world;
    return scheduler.run(
      () => isOver() || trace.violations.length > 0,
      scheduler.now + ms,
      () => undefined,
    );
  }
}
