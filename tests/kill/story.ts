import { join } from "node:path";
import { expect } from "vitest";
import { type Address, closure, createTimeline } from "../../src/ibgib/index.js";
import { createHome, type Home, openHome } from "../../src/node/index.js";
import { type Identity, saveRecords, share, verifySpace } from "../../src/peer/index.js";
import { freePort } from "../docs/port.js";
import { Carol, newIdentity } from "./carol.js";
import { Ledger } from "./ledger.js";
import { nonsenseServer, sayNonsense } from "./rogue.js";
import { SaidFile } from "./said-file.js";
import { SideProcess } from "./side-process.js";
import type { Death, Role, Round, Step } from "./steps.js";

/** One kill: of whom, and at which step; without one, at a random time. */
export interface Kill {
  readonly victims: readonly Role[];
  readonly death?: Death;
  /** It is killed, and its next process dies while it opens the home. */
  readonly whileOpening?: boolean;
}

export interface StoryOptions {
  /** What a side runs: see bundle.ts. */
  readonly program: string;
  readonly dir: string;
  /** The two have never met, and both identities have a history that does not fit one message. */
  readonly isFirstMeeting?: boolean;
}

/** Sync failures that a death of the other side may cause; any other is a fault. */
const endings = ["connection_lost", "cannot_connect", "turn_timeout", "bad_hello", "malformed_message"];
/** By then any step of `steps.ts` has come up. */
const roundsMax = 40;
/** More than one message shows. */
const framesTooMany = 70;

/** A sender's home and a receiver's. Their processes are killed again and again, and after each death all is checked. */
export class Story {
  readonly ledger = new Ledger();
  readonly #openMs: number[] = [];
  #kills = 0;
  #rounds = 0;
  #hasMet = false;
  /** How long a round takes here. */
  #usualMs = 30;
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

  /** Both sides run when this resolves. */
  static async begin(options: StoryOptions): Promise<Story> {
    const port = await freePort();
    const [sender, receiver, other] = await Promise.all([
      newHome(homeOf(options, "sender")),
      newHome(homeOf(options, "receiver")),
      newIdentity(),
    ]);
    const { isFirstMeeting = false } = options;
    const timeline = await newTimeline(sender.identity, other, isFirstMeeting ? framesTooMany : 1);
    if (isFirstMeeting) await newTimeline(receiver.identity, other, framesTooMany);
    await Promise.all([sender.close(), receiver.close()]);
    const carol = new Carol(other, timeline, `ws://127.0.0.1:${port}`);
    const story = new Story(options, port, await nonsenseServer(), timeline, carol);
    await Promise.all([story.#run("receiver"), story.#run("sender")]);
    if (!isFirstMeeting) await story.#meet();
    return story;
  }

  /** Kills, checks what is left on both sides, and starts the victims again. */
  async kill({ victims, death, whileOpening = false }: Kill): Promise<void> {
    if (death === undefined || whileOpening) await this.#killAtRandom(victims);
    else for (const victim of victims) await this.#dieAt(victim, death);
    for (const victim of victims) this.#bury(victim);
    if (death !== undefined && whileOpening)
      for (const victim of victims) await this.#dieOpening(victim, death);
    await this.#check();
    await Promise.all(victims.map((victim) => this.#run(victim)));
    this.#kills += victims.length;
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
    await this.carol.disconnect();
    if (!this.#hasMet) await this.#senderRound({ isLarge: false, port: this.port });
    await this.carol.sync();
    const told = await this.#senderRound({ isLarge: false, port: this.port });
    expect(told.map(({ kind }) => kind)).toContain("synced");
    await this.close();
    const [sender, receiver] = await Promise.all([this.#open("sender"), this.#open("receiver")]);
    try {
      await this.#checkStores(sender, receiver);
      expect(await graphOf(sender, this.timeline)).toEqual(await graphOf(receiver, this.timeline));
      await this.#checkWhole(sender, receiver);
    } finally {
      await Promise.all([sender.close(), receiver.close()]);
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
    this.#hasMet = true;
    for (let round = 0; round < 3; round++) {
      const started = performance.now();
      await this.#round(undefined);
      this.#usualMs = performance.now() - started;
    }
  }

  async #dieOpening(victim: Role, death: Death): Promise<void> {
    await this.#begin(victim, death);
    const { process } = this.#side(victim);
    if (!process.isOver) throw new Error(`never came to "${death.step}" while the ${victim} opened`);
    this.#bury(victim);
    this.#kills += 1;
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

  async #check(): Promise<void> {
    const [sender, receiver] = [await this.#open("sender"), await this.#open("receiver")];
    try {
      await this.#checkStores(sender, receiver);
    } finally {
      await Promise.all([sender.close(), receiver.close()]);
    }
  }

  async #checkStores(sender: Home, receiver: Home): Promise<void> {
    for (const { said } of this.#sides.values()) this.ledger.said(said.take());
    await this.ledger.checkHeld("sender", sender.space);
    await this.ledger.checkHeld("receiver", receiver.space);
    await this.ledger.checkJournals(sender);
    expect(Object.keys(this.ledger.codes).filter((code) => !endings.includes(code))).toEqual([]);
  }

  async #checkWhole(sender: Home, receiver: Home): Promise<void> {
    for (const { space } of [sender, receiver]) {
      await this.ledger.checkProofs(space);
      for await (const found of verifySpace(space))
        if (found.kind === "problem") expect(found).toBe(undefined);
    }
    const lanes = (await sender.space.cells("lane-to/")).map(
      ({ value }) => JSON.parse(String(Buffer.from(value))).lane,
    );
    for (const keystone of [sender.identity.address, ...lanes])
      await this.ledger.checkChain(keystone, receiver.space);
  }

  /** Opens a home as its next process will, and remembers how long that took. */
  async #open(role: Role): Promise<Home> {
    const started = performance.now();
    const home = await openHome({ dir: homeOf(this.options, role) });
    this.#openMs.push(performance.now() - started);
    return home;
  }

  async #run(role: Role): Promise<void> {
    await this.#begin(role);
    const { process } = this.#side(role);
    if (process.isOver) throw new Error(`the ${role} did not start: exit ${process.exitCode}`);
  }

  /** Resolves when it is open, or dead. */
  async #begin(role: Role, death?: Death): Promise<void> {
    const process = this.#spare;
    this.#spare = new SideProcess(this.options.program);
    const said = new SaidFile(join(this.options.dir, `said-${this.#started++}`));
    this.#sides.set(role, { process, said });
    const { port, timeline } = this;
    if (death) process.order({ die: death });
    process.order({ job: { role, home: homeOf(this.options, role), port, saidFile: said.path, timeline } });
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

function homeOf({ dir }: StoryOptions, role: Role): string {
  return join(dir, role);
}

async function newHome(dir: string): Promise<Home> {
  await createHome({ dir });
  return openHome({ dir });
}

/** A timeline that is shared with `other`, so many times: each is a frame of the identity. */
async function newTimeline(identity: Identity, other: Identity, times: number): Promise<Address> {
  const first = createTimeline({
    ib: "note",
    owner: identity.address,
    data: { text: "shared" },
    uuid: "note",
  });
  await saveRecords(identity, [first]);
  const given = { timeline: first.address, with: other.address, access: "write" } as const;
  for (let time = 0; time < times; time++) await share(identity, given);
  return first.address;
}

async function graphOf({ space }: Home, root: Address): Promise<readonly Address[]> {
  const { present, missing } = await closure([root], space);
  expect(missing).toEqual([]);
  return present.map(({ address }) => address).sort();
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(part * (sorted.length - 1))] ?? 0;
}
