import { type Address, gibOf } from "../../ibgib/index.js";
import type { PeerEvent } from "../../peer/index.js";
import type { Message } from "../../transport/index.js";
import { knownIn } from "./disk-watch.js";
import type { Facts } from "./facts.js";
import type { Home } from "./home.js";
import { addressOfText, type KeyWatch } from "./key-watch.js";
import type { Ledger } from "./ledger.js";
import type { LinkEnd, SimulatedLink } from "./link.js";
import type { Listener } from "./network.js";
import type { SimulatedProcess } from "./process.js";
import { readSpoken, type Spoken } from "./spoken.js";
import { TamperWatch } from "./tamper-watch.js";
import type { Trace } from "./trace.js";

/** Where the receivers of a lineage answer. */
export function audienceOf({ lineage }: Pick<Home, "lineage">): string {
  return `sim://${lineage}`;
}

/** Hears everything that peers say to each other and to whoever watches them, and holds it against what it may be. */
export class Witness implements Listener {
  readonly #tampers: TamperWatch;
  /** By the sessions and sagas that run on them. */
  readonly #linkOf = new Map<string, SimulatedLink>();
  readonly #sessionOf = new Map<SimulatedLink, Address>();
  /** Sessions that their owners have asked for, by where. */
  readonly #opened = new Set<string>();
  /** How far keystones were known where a connection went when it was opened, as far as its sender is told. */
  readonly #knownAt = new Map<SimulatedLink, (keystone: Address) => number>();

  constructor(
    private readonly trace: Trace,
    private readonly keys: KeyWatch,
    private readonly facts: Facts,
    private readonly homes: readonly Home[],
    private readonly ledger: Ledger,
  ) {
    this.#tampers = new TamperWatch(trace);
  }

  /** Did the owner of this session say `connect` to this very receiver? */
  wasOpened(session: Address, receiver: string): boolean {
    return this.#opened.has(`${session} ${receiver}`);
  }

  said(from: LinkEnd, message: Message): void {
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
    if (spoken.opened) this.keys.seeOpened(spoken.opened, seen);
    for (const frame of spoken.signed ?? []) this.#signs(home, frame);
    if (spoken.open) this.#openedBy(link, spoken.open);
    if (spoken.turn !== undefined) this.#turn(from, spoken.turn, spoken.saga);
    if (spoken.type === "connect") this.#connects(link);
  }

  /** A peer signs what a local call has made there, under its own name, and merges of its app's own that it has made. */
  #signs({ lineage, name }: Home, frame: Address): void {
    const makers = this.ledger.makersOf(frame);
    if (makers.length === 0) return; // a merge: what is kept is looked at on the disks
    const named = this.ledger.makerNamedBy(frame);
    const isNamed = named !== undefined && this.keys.ownerOf(named) === lineage;
    const isOwn = isNamed && makers.includes(lineage);
    this.trace.check("signed by its maker", isOwn, () => `${name} signs ${frame}`);
  }

  altered(from: LinkEnd, message: Message, onward: readonly Message[]): void {
    this.#tampers.altered(from, message, onward);
  }

  misled(to: LinkEnd): void {
    this.#tampers.arrived(to);
  }

  told(process: SimulatedProcess, event: PeerEvent): void {
    if (event.kind === "merged") this.trace.count("run merges");
    if (event.kind === "durable") this.#atEnd(process, event.saga, (end) => this.#tampers.done(end));
    if (event.kind !== "connected") return;
    this.#atEnd(process, event.session, (end) => {
      this.#tampers.connected(end);
      if (end.side === "sender") this.#isLive(end.link, event);
    });
  }

  /** A sender was told that its session is kept. */
  #isLive({ begun }: SimulatedLink, event: Extract<PeerEvent, { kind: "connected" }>): void {
    const answering = this.homes.filter(({ address }) => address === event.receiver);
    const [receiver] = answering;
    if (receiver && answering.length === 1 && receiver.restoredAt < begun)
      this.facts.session(receiver, event.lane, event.session);
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

  #turn(from: LinkEnd, turn: string, saga = ""): void {
    this.#tampers.saysTurn(from, turn);
    this.#linkOf.set(saga, from.link);
    if (turn === "init") this.#tampers.began(from.link);
  }

  #connects(link: SimulatedLink): void {
    const session = this.#sessionOf.get(link);
    for (const home of this.homes)
      if (home.kind === "receiver" && audienceOf(home) === link.audience)
        this.#opened.add(`${session} ${home.name}`);
  }

  /** Looks at the end that a process holds of the link of a session or saga. */
  #atEnd(process: SimulatedProcess, name: string, look: (end: LinkEnd) => void): void {
    const link = this.#linkOf.get(name);
    if (link) look(link.sender.process === process ? link.sender : link.receiver);
  }

  #homeOf(process: SimulatedProcess | undefined): Home | undefined {
    return process && this.homes.find(({ name }) => name === process.machine.name);
  }
}
