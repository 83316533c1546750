import { listsOf } from "../../lists/index.js";
import { Authorship } from "./authorship.js";
import type { Dice } from "./dice.js";
import { recordOn } from "./disk-watch.js";
import type { Home } from "./home.js";
import type { Timeline } from "./ledger.js";
import type { SimulatedProcess } from "./process.js";
import type { Step } from "./program.js";
import { audienceOf } from "./witness.js";
import type { World } from "./world.js";

type On<Do extends Step["do"]> = Extract<Step, { do: Do }>;

/** Does the steps of a program, as far as there is somebody to do them. */
export class Deeds {
  readonly #authorship: Authorship;

  constructor(
    private readonly world: World,
    private readonly dice: Dice,
  ) {
    this.#authorship = new Authorship(world, dice);
  }

  act(step: Step, at: number): void {
    const { trace, network } = this.world;
    trace.note(`step ${at} ${JSON.stringify(step)}`);
    trace.count("run steps");
    switch (step.do) {
      case "create":
        return this.#create(step);
      case "edit":
        return this.#edit(step);
      case "link":
        return this.#link(step);
      case "share":
        return this.#share(step);
      case "unshare":
        return this.#unshare(step);
      case "adopt":
      case "setAside":
        return this.#decide(step);
      case "sync":
        return this.#by(step.by, (process, home) => this.#sync(process, home, step));
      case "rush":
        return this.#by(step.by, (_, home) => this.#rush(home, step));
      case "pry":
        return this.#by(step.by, (process, home) => this.#pry(process, home, step));
      case "connect":
        return this.#by(step.by, (process) => this.world.connect(process, this.#receiver(step.at)));
      case "disconnect":
        return this.#by(step.by, (process) => this.world.disconnect(process));
      case "crash":
        return this.#at(step.home, (home) => home.crashAfter(step));
      case "restart":
        return this.#at(step.home, (home) => this.world.restart(home));
      case "second":
        return this.#at(step.home, (home) => this.#second(home));
      case "restore":
        return this.#at(step.home, (home) => this.world.restore(home, step.back));
      case "clone":
        return this.#at(step.home, (home) => this.world.clone(home));
      case "jump":
        return this.#at(step.home, (home) => this.#jump(home, step));
      case "storage":
        return this.#at(step.home, (home) => this.#storage(home, step));
      case "network":
        return network.lieInAmbush({ fault: step.fault, home: step.home, to: step.to, skip: step.skip });
      case "part":
        return this.#part(step);
      case "relay":
        return network.mislead(this.#sender(step.by).name, audienceOf(this.#receiver(step.at)));
      case "stranger":
        return this.#stranger(step);
      case "forge":
        return this.#at(step.home, (home) => this.#forge(home, step));
    }
  }

  /** One of the processes of a sender, where any takes calls. */
  #by(number: number, act: (process: SimulatedProcess, home: Home) => void): void {
    const home = this.#sender(number);
    if (home.open.length > 0) act(this.dice.pick(home.open), home);
  }

  #at(name: string, act: (home: Home) => void): void {
    const home = this.world.home(name);
    if (home) act(home);
  }

  #sender(number: number): Home {
    const { senders } = this.world;
    return senders[number % senders.length]!;
  }

  #receiver(number: number): Home {
    const { receivers } = this.world;
    return receivers[number % receivers.length]!;
  }

  #timeline(which: number): Timeline | undefined {
    const { timelines } = this.world.ledger;
    return timelines[which % Math.max(1, timelines.length)];
  }

  /** Within another one only where that is known. */
  #create({ by, within }: On<"create">): void {
    const outer = within === undefined ? undefined : this.#timeline(within)?.address;
    this.#by(by, (process, home) => {
      const isKnown = outer !== undefined && recordOn(home.disk, outer) !== undefined;
      this.#authorship.create(process, home, isKnown ? outer : undefined);
    });
  }

  /** A timeline as its rights go: the one that has the lists. */
  #ruler(which: number): Timeline | undefined {
    const timeline = this.#timeline(which);
    return timeline?.ruler ?? timeline;
  }

  #decide({ do: what, which }: On<"adopt" | "setAside">): void {
    const timeline = this.#ruler(which);
    const process = timeline && this.world.home(timeline.owner)?.open[0];
    if (timeline && process) this.#authorship[what](process, timeline);
  }

  #edit({ by, which, times }: On<"edit">): void {
    const timeline = this.#timeline(which);
    if (!timeline) return;
    this.#by(by, (process, home) => {
      for (let time = 0; time < times; time++) this.#authorship.edit(process, home, timeline);
    });
  }

  #link({ by, which, to }: On<"link">): void {
    const [timeline, other] = [this.#timeline(which), this.#timeline(to)];
    if (timeline && other)
      this.#by(by, (process, home) => this.#authorship.link(process, home, timeline, other));
  }

  #share({ which, with: other, access }: On<"share">): void {
    const timeline = this.#ruler(which);
    const owner = timeline && this.world.home(timeline.owner);
    const [process, to] = [owner?.open[0], this.#sender(other)];
    if (timeline && owner && process && to.lineage !== owner.lineage)
      this.#authorship.share(process, owner, timeline, to, access);
  }

  #unshare({ which, with: other }: On<"unshare">): void {
    const timeline = this.#ruler(which);
    const process = timeline && this.world.home(timeline.owner)?.open[0];
    if (timeline && process) this.#authorship.unshare(process, timeline, this.#sender(other));
  }

  #sync(process: SimulatedProcess, home: Home, { at, which, direction, cancelMs }: On<"sync">): void {
    const timeline = which === undefined ? undefined : this.#timeline(which);
    const roots = timeline ? [timeline.address] : this.world.rootsOf(home);
    if (roots.length === 0) return;
    const cancel = new AbortController();
    if (cancelMs !== undefined) {
      this.world.trace.count("fault cancel");
      this.world.scheduler.after(cancelMs, () => cancel.abort());
    }
    this.world.sync(process, this.#receiver(at), roots, { direction, signal: cancel.signal });
  }

  #rush(home: Home, { at }: On<"rush">): void {
    const roots = this.world.rootsOf(home);
    if (roots.length === 0) return;
    for (const process of home.open) this.world.disconnect(process);
    for (const process of home.open) this.#authorship.shareAgain(process, home);
    for (const process of home.open)
      this.world.sync(process, this.#receiver(at), roots, { direction: "both" });
  }

  #pry(process: SimulatedProcess, home: Home, { at, which }: On<"pry">): void {
    const { ledger } = this.world;
    const others = ledger.timelines.filter(({ owner }) => owner !== home.lineage);
    const closed = others.filter(({ readers }) => !readers.has(home.lineage)).map(({ address }) => address);
    const lists = others.flatMap(({ address, owner }) => {
      const maker = this.world.home(owner)?.address;
      return maker === undefined ? [] : [listsOf(address, maker).readers];
    });
    const asked = [...closed, ...lists];
    const root = asked[which % Math.max(1, asked.length)];
    if (root) this.world.sync(process, this.#receiver(at), [root], { direction: "pull" });
  }

  #forge(home: Home, { which }: On<"forge">): void {
    const timeline = this.#timeline(which);
    const [process] = home.open;
    if (timeline && process && timeline.owner !== home.lineage)
      this.#authorship.forge(process, home, timeline);
  }

  #second(home: Home): void {
    if (home.alive.length !== 1) return;
    this.world.trace.count("fault second process");
    this.world.start(home);
  }

  #jump(home: Home, { ms }: On<"jump">): void {
    this.world.trace.count("fault clock jump");
    home.jump(ms);
  }

  #storage({ disk }: Home, { fault, ms }: On<"storage">): void {
    this.world.trace.count(`fault disk ${fault}`);
    if (fault === "flush") disk.failFlushes(1 + (ms % 3));
    if (fault === "full") disk.fill(ms);
    if (fault === "slow") disk.slowDown(ms);
  }

  #part({ by, at, ms }: On<"part">): void {
    this.world.trace.count("fault partition");
    this.world.network.part(this.#sender(by).name, this.#receiver(at).name, ms);
  }

  /** Says, on a connection of nobody's, what senders have said on theirs. */
  #stranger({ at }: On<"stranger">): void {
    const { network, scheduler, trace } = this.world;
    const link = network.strangerAt(audienceOf(this.#receiver(at)));
    if (!link) return;
    trace.count("fault stranger");
    const said = network.heard.receiver.filter((message) => typeof message === "string").slice(0, 4);
    for (const [n, message] of said.entries()) scheduler.after(20 * n, () => link.sender.write(message));
    scheduler.after(30_000, () => link.sender.close(1000));
    scheduler.after(40_000, () => link.sender.vanish());
  }
}
