import { assert, KeysagaError, sha256Hex } from "../../base/index.js";
import type { Role } from "../../saga/index.js";
import { type Connection, type Dial, type Message, transportLimits } from "../../transport/index.js";
import type { Dice } from "./dice.js";
import { type Carrier, type LinkEnd, type Parcel, SimulatedLink } from "./link.js";
import { type MessageFault, meddle, type NetworkFault, type Onward } from "./meddling.js";
import type { SimulatedProcess } from "./process.js";
import type { Scheduler } from "./scheduler.js";
import type { Trace } from "./trace.js";

/** Something that is to happen to a message. */
export interface Ambush {
  readonly fault: NetworkFault;
  /** The home whose messages count, whichever side it is. */
  readonly home: string;
  /** Only those on their way to this side; either, where it is left out. */
  readonly to?: Role;
  /** So many that match pass before. */
  skip: number;
}

/** Hears what is said, and what becomes of it. */
export interface Listener {
  said(from: LinkEnd, message: Message): void;
  /** This goes on in its place. */
  altered(from: LinkEnd, message: Message, onward: readonly Message[]): void;
  /** And has arrived. */
  misled(to: LinkEnd): void;
}

type Said = Extract<Parcel, { kind: "message" }>;

interface Door {
  readonly process: SimulatedProcess;
  readonly accept: (connection: Connection) => void;
}

/** Said messages that a man in the middle remembers, of each direction. */
const rememberedMax = 256;

/** A network between simulated processes: everything on it takes its time, and much can go wrong. */
export class SimulatedNetwork implements Carrier {
  readonly links = new Set<SimulatedLink>();
  /** What was said in each direction, over all connections. */
  readonly heard: Record<Role, Message[]> = { sender: [], receiver: [] };
  readonly #doors = new Map<string, Door[]>();
  #ambushes: Ambush[] = [];
  /** Pairs of homes that do not reach each other, until when. */
  readonly #partitions = new Map<string, number>();
  /** When what a partition has held back arrives, by the side that has sent it. */
  readonly #sentAgain = new WeakMap<LinkEnd, number>();
  /** Homes whose next dial ends elsewhere. */
  readonly #misled = new Map<string, string>();
  readonly #lastArrival = new Map<LinkEnd, number>();
  #links = 0;
  #isCalm = false;

  constructor(
    readonly scheduler: Scheduler,
    private readonly dice: Dice,
    private readonly trace: Trace,
    private readonly listener: Listener,
    /** The usual way of a message, in milliseconds. */
    private readonly usualMs: { readonly low: number; readonly high: number },
  ) {}

  lieInAmbush(ambush: Ambush): void {
    this.#ambushes.push(ambush);
  }

  part(a: string, b: string, ms: number): void {
    this.#partitions.set(pairOf(a, b), this.scheduler.now + ms);
  }

  /** The next dial of `home` is answered by whoever listens at `audience`. */
  mislead(home: string, audience: string): void {
    this.#misled.set(home, audience);
  }

  /** No more faults, and little delay. What is half-open already stays so. */
  calm(): void {
    this.#ambushes = [];
    this.#partitions.clear();
    this.#misled.clear();
    this.#isCalm = true;
  }

  listen(audience: string, door: Door): () => void {
    const doors = this.#doors.get(audience) ?? [];
    this.#doors.set(audience, doors);
    doors.push(door);
    return () => {
      const at = doors.indexOf(door);
      if (at >= 0) doors.splice(at, 1);
    };
  }

  /** How `process` gets to whoever listens at `audience`. */
  dialFrom(process: SimulatedProcess, audience: string): Dial {
    return (signal) =>
      new Promise((resolve, reject) => {
        if (!process.isAlive) return;
        const give = (error: KeysagaError) => {
          stop();
          signal?.removeEventListener("abort", onAbort);
          if (process.isAlive) reject(error);
        };
        const onAbort = () => give(new KeysagaError("aborted"));
        const stop = this.scheduler.after(this.#way(), () => {
          signal?.removeEventListener("abort", onAbort);
          if (!process.isAlive) return;
          const door = this.#doorFor(process, audience);
          if (door === undefined) return give(new KeysagaError("cannot_connect"));
          if (this.#partedMs(process.machine.name, door.process.machine.name) > 0) return void late();
          const link = this.#connect(audience, process, door);
          if (link.sender.connection) resolve(link.sender.connection);
        });
        const late = () =>
          this.scheduler.after(transportLimits.handshakeTimeoutMs, () =>
            give(new KeysagaError("cannot_connect", { reason: "no answer" })),
          );
        if (signal?.aborted) onAbort();
        signal?.addEventListener("abort", onAbort, { once: true });
      });
  }

  /** A connection of somebody who is nobody, and says what it is told. */
  strangerAt(audience: string): SimulatedLink | undefined {
    const [door] = this.#doors.get(audience) ?? [];
    return door && this.#connect(audience, undefined, door);
  }

  /**
   * What a process that stops leaves of its connections. @param isSeen Are the other ends told, as by a system that goes
   * on?
   */
  abandon(process: SimulatedProcess, isSeen: boolean): void {
    for (const doors of this.#doors.values()) {
      const at = doors.findIndex((door) => door.process === process);
      if (at >= 0) doors.splice(at, 1);
    }
    for (const link of this.links) {
      if (link.sender.process !== process && link.receiver.process !== process) continue;
      link.abandon(process);
      if (isSeen) link.lose();
      else link.isMute = true;
    }
  }

  carry(from: LinkEnd, parcel: Parcel): void {
    if (parcel.kind !== "message") return this.#send(from, parcel);
    this.#hear(from, parcel.message);
    const ambush = this.#ambushFor(from);
    if (ambush === undefined) return this.#send(from, parcel);
    this.#count(ambush.fault);
    if (ambush.fault === "cut") return from.link.lose();
    if (ambush.fault === "half-open") {
      from.link.isMute = true;
      return;
    }
    const onward = this.#meddled(ambush.fault, from, parcel.message);
    this.#sendInstead(from, parcel, onward, ambush.fault !== "reorder");
  }

  noticeMs(link: SimulatedLink): number | undefined {
    return link.isMute ? undefined : this.#way();
  }

  over(link: SimulatedLink): void {
    this.links.delete(link);
    this.#lastArrival.delete(link.sender);
    this.#lastArrival.delete(link.receiver);
  }

  #connect(audience: string, process: SimulatedProcess | undefined, door: Door): SimulatedLink {
    const link = new SimulatedLink(this, ++this.#links, audience, {
      sender: process,
      receiver: door.process,
    });
    this.links.add(link);
    this.trace.note(`link ${link.id} ${process?.name ?? "a stranger"} -> ${door.process.name}`);
    this.trace.count("run connections");
    const { connection } = link.receiver;
    assert(connection, "a receiver's end is a process's");
    door.accept(connection);
    return link;
  }

  #doorFor({ machine: { name } }: SimulatedProcess, audience: string): Door | undefined {
    const misled = this.#misled.get(name);
    this.#misled.delete(name);
    if (misled !== undefined && misled !== audience) this.#count("relay");
    const doors = this.#doors.get(misled ?? audience) ?? [];
    return doors.length > 0 ? this.dice.pick(doors) : undefined;
  }

  #hear(from: LinkEnd, message: Message): void {
    const to = from.side === "sender" ? "receiver" : "sender";
    this.trace.note(`say ${from.link.id} to ${to} ${labelOf(message)}`);
    this.trace.count("run messages");
    this.listener.said(from, message);
    this.heard[to].push(message);
    if (this.heard[to].length > rememberedMax) this.heard[to].shift();
  }

  #ambushFor(from: LinkEnd): Ambush | undefined {
    const other = from.link.other(from);
    const names = [from.process?.machine.name, other.process?.machine.name];
    const at = this.#ambushes.findIndex(
      ({ home, to, skip }) => names.includes(home) && (to ?? other.side) === other.side && skip === 0,
    );
    for (const ambush of this.#ambushes)
      if (ambush.skip > 0 && names.includes(ambush.home) && (ambush.to ?? other.side) === other.side)
        ambush.skip--;
    return at < 0 ? undefined : this.#ambushes.splice(at, 1)[0];
  }

  #meddled(fault: MessageFault, from: LinkEnd, message: Message): readonly Onward[] {
    const to = from.side === "sender" ? "receiver" : "sender";
    this.trace.note(`${fault} on ${from.link.id} to ${to}`);
    const onward = meddle(fault, message, this.heard[to].slice(0, -1), this.dice);
    this.listener.altered(
      from,
      message,
      onward.map((each) => each.message),
    );
    return onward;
  }

  /** What arrives in its place arrives as what was sent: the sender's buffer is free of it either way. */
  #sendInstead(from: LinkEnd, sent: Said, onward: readonly Onward[], inOrder: boolean): void {
    if (onward.length === 0) this.scheduler.after(this.#way(), () => from.arrived(sent.bytes));
    for (const [at, { message, late }] of onward.entries()) {
      const bytes = at === 0 ? sent.bytes : 0;
      const isAltered = message !== sent.message;
      this.#send(from, { kind: "message", message, bytes, isAltered }, late, inOrder);
    }
  }

  /** @param inOrder What comes after it waits for it. */
  #send(from: LinkEnd, parcel: Parcel, late = 0, inOrder = true): void {
    if (from.link.isMute) return;
    const due = Math.max(this.scheduler.now + this.#way(), this.#lastArrival.get(from) ?? 0) + late;
    if (inOrder) this.#lastArrival.set(from, due);
    this.scheduler.after(due - this.scheduler.now, () => this.#arrive(from, parcel));
  }

  #arrive(from: LinkEnd, parcel: Parcel): void {
    const { link } = from;
    const other = link.other(from);
    if (link.isMute) return;
    const parted = this.#partedMs(from.process?.machine.name, other.process?.machine.name);
    // Sent again, as TCP does, and what comes after it waits for it.
    const wait = Math.max(parted, (this.#sentAgain.get(from) ?? 0) - this.scheduler.now);
    if (wait > 0) {
      this.#sentAgain.set(from, this.scheduler.now + wait);
      return void this.scheduler.after(wait, () => this.#arrive(from, parcel));
    }
    if (parcel.kind === "message") from.arrived(parcel.bytes);
    other.process?.breathe();
    if (parcel.kind === "message" && parcel.isAltered) this.listener.misled(other);
    other.take(parcel);
  }

  /** How long two homes will not reach each other. */
  #partedMs(a = "", b = ""): number {
    return Math.max(0, (this.#partitions.get(pairOf(a, b)) ?? 0) - this.scheduler.now);
  }

  #way(): number {
    return this.#isCalm ? 1 : this.dice.between(this.usualMs.low, this.usualMs.high);
  }

  #count(fault: string): void {
    this.trace.count(`fault ${fault}`);
  }
}

const pairOf = (a: string, b: string): string => [a, b].sort().join(" ");

/** What a message is, in a line: enough to tell it from any other. */
function labelOf(message: Message): string {
  if (typeof message !== "string") return `${message.length} bytes ${sha256Hex(message).slice(0, 12)}`;
  const [, type = "?"] = /"type":"(\w+)"/.exec(message) ?? [];
  const [, turn] = /^\{"type":"turn","body":"\{\\"type\\":\\"(\w+)/.exec(message) ?? [];
  return `${turn ?? type} ${sha256Hex(message).slice(0, 12)}`;
}
