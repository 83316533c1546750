import { KeysagaError } from "../../src/base/index.js";
import { internalsOf } from "../../src/peer/home/identity.js";
import {
  createIdentity,
  createReceiver,
  createSender,
  type Identity,
  type PeerEvent,
  type Platform,
  type Receiver,
  type Sender,
} from "../../src/peer/index.js";
import { Peer, seededPlatform } from "../../src/testing/index.js";
import type { Connection, Dial } from "../../src/transport/index.js";
import { RewindableSpace } from "./rewindable.js";

export const audience = "innerspace://rita";
const startOfTime = 1_767_225_600_000;

/** A clock that stands still until it is set, timers that fire only then, and randomness that begins anew on demand. */
export class Stand implements Platform {
  #now = startOfTime;
  readonly #timers = new Set<{ readonly at: number; readonly fire: () => void }>();
  #random: Platform["random"];
  #sessions = 0;

  constructor(private readonly seed: string) {
    this.#random = seededPlatform(seed).random;
  }

  readonly clock = { now: () => this.#now, elapsed: () => this.#now };
  readonly random = { bytes: (length: number) => this.#random.bytes(length) };
  readonly timers = {
    after: (ms: number, fire: () => void) => {
      if (ms === 0) return soon(fire);
      const timer = { at: this.#now + ms, fire };
      this.#timers.add(timer);
      return () => void this.#timers.delete(timer);
    },
  };

  get timersRunning(): number {
    return this.#timers.size;
  }

  /** Everything draws the same again. */
  rewind(): void {
    this.#now = startOfTime;
    this.#random = seededPlatform(`${this.seed} session ${this.#sessions}`).random;
  }

  /** From the next time it begins anew, everything draws other things. */
  differ(): void {
    this.#sessions++;
  }

  /** Lets so much time pass at once, and fires what is due. */
  pass(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers]) {
      if (timer.at > this.#now || !this.#timers.delete(timer)) continue;
      timer.fire();
    }
  }
}

const resting = new Set<NodeJS.Immediate>();

/** Is somebody about to go on who only lets others have their turn? */
export const isResting = (): boolean => resting.size > 0;

/** What only lets others have their turn passes no time. */
function soon(fire: () => void): () => void {
  const immediate = setImmediate(() => {
    if (resting.delete(immediate)) fire();
  });
  resting.add(immediate);
  return () => {
    resting.delete(immediate);
    clearImmediate(immediate);
  };
}

/** Somebody of the cast: a peer whose past can be put back. */
export class Player extends Peer {
  readonly rewindable: RewindableSpace;

  constructor(
    name: string,
    identity: Identity,
    readonly stand: Stand,
  ) {
    super(name, identity, stand);
    this.rewindable = identity.space as RewindableSpace;
  }

  static async create(name: string, seed: string): Promise<Player> {
    const stand = new Stand(`${seed} ${name}`);
    const space = new RewindableSpace();
    const identity = await createIdentity({
      space,
      secret: stand.random.bytes(32),
      recoverySecret: stand.random.bytes(32),
      platform: stand,
    });
    return new Player(name, identity, stand);
  }

  /** What is so now is what `rewind` comes back to. */
  save(): void {
    this.rewindable.store.save();
    this.stand.rewind();
  }

  rewind(): void {
    this.rewindable.store.rewind();
    this.stand.rewind();
    internalsOf(this.identity).foundings.clear();
    this.events.length = 0;
  }
}

/** Sam sends, rita receives, olga is neither: her diary is no business of sam's. */
export interface Cast {
  readonly sam: Player;
  readonly rita: Player;
  readonly olga: Player;
  readonly receiver: Receiver;
  /** Sam's sender, unless it is to be another's. */
  senderOver(connection: Connection, who?: Player): Sender;
}

/** @param earlier What rita has done before she answers for the first time. */
export async function openCast(seed: string, earlier: (rita: Player) => Promise<void>): Promise<Cast> {
  const sam = await Player.create("sam", seed);
  const rita = await Player.create("rita", seed);
  const olga = await Player.create("olga", seed);
  await earlier(rita);
  const receiver = await createReceiver({
    identity: rita.identity,
    audiences: [audience],
    admission: { kind: "open" },
    platform: rita.stand,
    onEvent: (event: PeerEvent) => void rita.events.push(event),
  });
  const senderOver = (connection: Connection, { identity, stand, events }: Player = sam) =>
    createSender({
      identity,
      dial: once(connection),
      audience,
      platform: stand,
      onEvent: (event) => void events.push(event),
    });
  return { sam, rita, olga, receiver, senderOver };
}

/** There is one connection to be had: a call that comes behind its end gets none. */
function once(connection: Connection): Dial {
  let isGiven = false;
  return async () => {
    if (isGiven) throw new KeysagaError("cannot_connect");
    isGiven = true;
    return connection;
  };
}
