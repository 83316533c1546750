import { join } from "node:path";
import { expect } from "vitest";
import type { Address } from "../../src/ibgib/index.js";
import { type Home, openHome } from "../../src/node/index.js";
import { freePort } from "../docs/port.js";
import { Carol, newIdentity } from "./carol.js";
import { checkAcknowledged, checkInStep, type Homes } from "./checks.js";
import { foundHomes, homeOf } from "./founding.js";
import { Ledger } from "./ledger.js";
import { nonsenseServer, sayNonsense } from "./rogue.js";
import { SaidFile } from "./said-file.js";
import { SideProcess } from "./side-process.js";
import type { Death, Role, Round, Step } from "./steps.js";

/** One kill: of whom, and at which step; without one, at a random time. */
export interface Kill {
  readonly victims: readonly Role[];
  readonly death?: Death;
  /** It dies while it opens its home. */
  readonly whileOpening?: boolean;
}

export interface StoryOptions {
  /** What a side runs: see bundle.ts. */
  readonly program: string;
  readonly dir: string;
  /** The two have never met, and both identities have a history that does not fit one message. */
  readonly isFirstMeeting?: boolean;
}

/** By then any step of `steps.ts` has come up. */
const roundsMax = 40;

/** A sender's home and a receiver's. Their processes are killed again and again, and after each death all is checked. */
export class Story {
  readonly ledger = new Ledger();
  readonly #openMs: number[] = [];
  #kills = 0;
  #rounds = 0;
  #hasMet = false;
  /** How long a round takes here. */
  #usualMs = 30;
  /** Who died while it opened its home, and a write of that was being flushed. */
  readonly #diedFlushing = new Set<Role>();
  readonly #sides = new Map<Role, { readonly process: SideProcess; readonly said: SaidFile }>();
  #spare: SideProcess;
  #started = 0;

  private constructor(
    private readonly options: StoryOptions,
    private readonly port: number,
    private readonly rogue: Awaited<ReturnType<typeof nonsenseServer>>,
    private readonly timeline: Address,
    private readonly carol: Carol,
  ) {
    this.#spare = new SideProcess(options.program);
  }

  /** Unless it is to be their first meeting, both sides have met when this resolves. */
  static async begin(options: StoryOptions): Promise<Story> {
    const port = await freePort();
    const { dir, isFirstMeeting = false } = options;
    const other = await newIdentity();
    const timeline = await foundHomes(dir, other, isFirstMeeting);
    const carol = new Carol(other, timeline, `ws://127.0.0.1:${port}`);
    const story = new Story(options, port, await nonsenseServer(), timeline, carol);
    if (!isFirstMeeting) await story.#meet();
    return story;
  }

  /** Kills, and checks what is left on both sides. */
  async kill({ victims, death, whileOpening = false }: Kill): Promise<void> {
    if (!whileOpening) await this.#runBoth();
    if (death === undefined) await this.#killAtRandom(victims);
    else if (whileOpening) for (const victim of victims) await this.#dieOpening(victim, death);
    else for (const victim of victims) await this.#dieAt(victim, death);
    for (const victim of victims) this.#bury(victim);
    this.#kills += victims.length;
    const homes = await this.#openBoth();
    try {
      await checkAcknowledged(this.ledger, homes);
    } finally {
      await closeBoth(homes);
    }
  }

  /** What it came to, for people. */
  get summary(): string {
    const { keys, acknowledged, codes } = this.ledger;
    const [median, longest] = [0.5, 1].map((part) => Math.round(quantile(this.#openMs, part)));
    return (
      `${this.#kills} deaths in ${this.#rounds} rounds, ${acknowledged} acknowledgements, ${keys} keys, ` +
      `opened in ${median} ms, at most ${longest} ms, syncs that failed: ${JSON.stringify(codes)}`
    );
  }

  /** Both sides come in step, and every proof of it is looked at. */
  async end(): Promise<void> {
    await this.#runBoth();
    await this.carol.disconnect();
    if (!this.#hasMet) await this.#senderRound({ isLarge: false, port: this.port });
    await this.carol.sync();
    const told = await this.#senderRound({ isLarge: false, port: this.port });
    expect(told.map(({ kind }) => kind)).toContain("synced");
    await this.close();
    const homes = await this.#openBoth();
    try {
      await checkAcknowledged(this.ledger, homes);
      await checkInStep(this.ledger, homes, this.timeline);
    } finally {
      await closeBoth(homes);
    }
  }

  /** Leaves no process behind. */
  async close(): Promise<void> {
    await this.carol.disconnect();
    for (const [role, { process }] of this.#sides) {
      await process.kill();
      this.#bury(role);
    }
    await this.#spare.kill();
    await this.rogue.close();
  }

  async #meet(): Promise<void> {
    await this.#runBoth();
    this.#hasMet = true;
    for (let round = 0; round < 3; round++) {
      const started = performance.now();
      await this.#round(undefined);
      this.#usualMs = performance.now() - started;
    }
  }

  async #dieOpening(victim: Role, death: Death): Promise<void> {
    await this.#sides.get(victim)?.process.kill();
    if (this.#sides.has(victim)) this.#bury(victim);
    await this.#begin(victim, death);
    const { process } = this.#side(victim);
    // A write that was being flushed when its process died may have been kept: then nothing is left to write.
    if (!process.isOver && !this.#diedFlushing.has(victim))
      throw new Error(`never came to "${death.step}" while the ${victim} opened`);
    await process.kill();
    if (death.step === "being flushed") this.#diedFlushing.add(victim);
  }

  async #killAtRandom(victims: readonly Role[]): Promise<void> {
    const rounds = this.#round(undefined);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 1.5 * this.#usualMs));
    await Promise.all(victims.map((victim) => this.#side(victim).process.kill()));
    await rounds;
  }

  async #dieAt(victim: Role, death: Death): Promise<void> {
    const { process } = this.#side(victim);
    process.order({ die: death });
    for (let round = 0; !process.isOver; round++) {
      if (round === roundsMax) throw new Error(`never came to "${death.step}" of the ${victim}`);
      await this.#round(death.step, victim);
    }
  }

  /** The sender and carol edit and sync at once; for some steps the one or the other does more. */
  async #round(step: Step | undefined, victim?: Role): Promise<void> {
    this.#rounds++;
    const needs = needsOf(step, victim);
    await Promise.all([
      this.#senderRound({
        isLarge: needs === "much from the sender",
        port: needs === "nonsense for the sender" ? this.rogue.port : this.port,
      }),
      needs === "nonsense for the receiver"
        ? sayNonsense(this.#url)
        : this.#hasMet && this.carol.round(needs === "much for the sender"),
    ]);
    if (Math.random() < 0.7) await this.carol.disconnect();
  }

  async #senderRound({ isLarge, port }: Omit<Round, "keepsConnection">) {
    const { process } = this.#side("sender");
    const keepsConnection = Math.random() < 0.3 && port === this.port;
    process.order({ round: { isLarge, keepsConnection, port } });
    const told = await process.until("round over");
    this.ledger.told(told);
    return told;
  }

  /** All that the processes have said so far, and both homes as they are then. */
  async #openBoth(): Promise<Homes> {
    for (const { said } of this.#sides.values()) this.ledger.said(said.take());
    return { sender: await this.#open("sender"), receiver: await this.#open("receiver") };
  }

  /** Opens a home as its next process will, and remembers how long that took. */
  async #open(role: Role): Promise<Home> {
    const started = performance.now();
    const home = await openHome({ dir: homeOf(this.options.dir, role) });
    this.#openMs.push(performance.now() - started);
    return home;
  }

  /** Starts whichever side does not run. */
  async #runBoth(): Promise<void> {
    const gone = (["sender", "receiver"] as const).filter((role) => !this.#sides.has(role));
    await Promise.all(gone.map((role) => this.#begin(role)));
    for (const role of gone) {
      const { process } = this.#side(role);
      if (process.isOver) throw new Error(`the ${role} did not start: exit ${process.exitCode}`);
    }
  }

  /** Resolves when it is open, or dead. */
  async #begin(role: Role, death?: Death): Promise<void> {
    const process = this.#spare;
    this.#spare = new SideProcess(this.options.program);
    const said = new SaidFile(join(this.options.dir, `said-${this.#started++}`));
    this.#sides.set(role, { process, said });
    const { port, timeline } = this;
    if (death) process.order({ die: death });
    const home = homeOf(this.options.dir, role);
    process.order({ job: { role, home, port, saidFile: said.path, timeline } });
    await process.until("open");
  }

  #side(role: Role) {
    const side = this.#sides.get(role);
    if (side === undefined) throw new Error(`the ${role} does not run`);
    return side;
  }

  /** Takes what a dead process has left to say. One that ended of itself is a fault. */
  #bury(role: Role): void {
    const { process, said } = this.#side(role);
    expect(process.exitCode).toBe(null);
    this.ledger.told(process.takeTold());
    this.ledger.said(said.take());
    said.close();
    this.#sides.delete(role);
  }

  get #url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }
}

/** What a round has to hold for some steps to come up. */
function needsOf(step: Step | undefined, victim: Role | undefined) {
  switch (step?.split(" ").at(-1)) {
    case "offer":
    case "wants":
      return "much from the sender";
    case "credit":
      return victim === "sender" ? "much for the sender" : "much from the sender";
    case "error":
      return victim === "sender" ? "nonsense for the sender" : "nonsense for the receiver";
    default:
      return undefined;
  }
}

async function closeBoth({ sender, receiver }: Homes): Promise<void> {
  await Promise.all([sender.close(), receiver.close()]);
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(part * (sorted.length - 1))] ?? 0;
}
