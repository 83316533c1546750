import type { MergeFunctions } from "../../merge/index.js";
import {
  createReceiver,
  createSender,
  type Identity,
  openIdentity,
  type PeerEvent,
  type Platform,
  type Receiver,
  type ReceiverOptions,
  type Sender,
} from "../../peer/index.js";
import type { SessionLimits } from "../../saga/index.js";
import { type SpaceLimits, spaceLimits } from "../../space/index.js";
import { enterOpener } from "../../space/openers.js";
import { StoreSpace } from "../../space/store-space.js";
import type { Dial } from "../../transport/index.js";
import type { Dice } from "./dice.js";
import { type Disk, type DiskUser, SimulatedStore } from "./disk.js";
import type { Scheduler } from "./scheduler.js";
import { type SlowSpace, slowSpace } from "./slow-space.js";

/** Where a process runs: what it shares with the others of its home, and with its world. */
export interface Machine {
  readonly name: string;
  readonly secret: Uint8Array;
  readonly disk: Disk;
  readonly scheduler: Scheduler;
  /** What its clock says, and how much time has passed. */
  now(): number;
  elapsed(): number;
  readonly functions: MergeFunctions;
  readonly spaceLimits: Partial<SpaceLimits>;
  readonly receiverLimits: NonNullable<ReceiverOptions["limits"]>;
  /** Of both sides. */
  readonly sessionLimits: Partial<SessionLimits>;
  /** Does a process with this number run? */
  isRunning(pid: number): boolean;
  /** Something was done for `process`: a place where it may crash. */
  breathed(process: SimulatedProcess): void;
  told(process: SimulatedProcess, event: PeerEvent): void;
}

/** Epoch of the simulated clocks: some day, the same in every world. */
export const epoch = 1_800_000_000_000;

/**
 * One process of a home: the real peers, over ports that go dead when it crashes. What its code does after that has no
 * effect, and nobody hears of it.
 */
export class SimulatedProcess implements DiskUser {
  readonly platform: Platform;
  readonly senders = new Map<string, Sender>();
  receiver: Receiver | undefined;
  #isAlive = true;
  #timers = 0;
  #opened: { readonly identity: Identity; readonly slow: SlowSpace } | undefined;

  constructor(
    readonly machine: Machine,
    readonly pid: number,
    private readonly dice: Dice,
  ) {
    this.platform = {
      clock: { now: () => machine.now(), elapsed: () => machine.elapsed() },
      random: dice.of("keys"),
      timers: { after: (ms, fire) => this.#after(ms, fire) },
    };
  }

  get name(): string {
    return `${this.machine.name}#${this.pid}`;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Is it as far as taking calls? */
  get isOpen(): boolean {
    return this.#isAlive && this.#opened !== undefined;
  }

  get timersRunning(): number {
    return this.#timers;
  }

  get stagesHeld(): number {
    return this.#opened?.slow.staged.size ?? 0;
  }

  get identity(): Identity {
    if (!this.#opened) throw new Error(`${this.name} is not open`);
    return this.#opened.identity;
  }

  breathe(): void {
    if (this.#isAlive) this.machine.breathed(this);
  }

  /** Opens what the disk holds, as any process does that starts. */
  async open(): Promise<Identity> {
    const { disk, secret, spaceLimits: own, isRunning } = this.machine;
    const store = new SimulatedStore(disk, this);
    const opener = await enterOpener(store, { pid: this.pid, isAlive: isRunning });
    const space = new StoreSpace(store, { limits: { ...spaceLimits, ...own }, opener });
    const slow = slowSpace(space, () => this.#moment());
    const identity = await openIdentity({ space: slow.space, secret });
    this.#opened = { identity, slow };
    return identity;
  }

  async answer(audience: string): Promise<Receiver> {
    const { functions, receiverLimits, sessionLimits } = this.machine;
    this.receiver = await createReceiver({
      identity: this.identity,
      audiences: [audience],
      admission: { kind: "open" },
      functions,
      limits: { ...receiverLimits, ...sessionLimits },
      platform: this.platform,
      onEvent: (event) => this.#tell(event),
    });
    return this.receiver;
  }

  /** Its sender to the receiver at `audience`; one for all calls. */
  senderTo(audience: string, dial: Dial): Sender {
    const known = this.senders.get(audience);
    if (known) return known;
    const sender = createSender({
      identity: this.identity,
      dial,
      audience,
      functions: this.machine.functions,
      limits: this.machine.sessionLimits,
      platform: this.platform,
      onEvent: (event) => this.#tell(event),
    });
    this.senders.set(audience, sender);
    return sender;
  }

  crash(): void {
    this.#isAlive = false;
    this.#timers = 0;
  }

  /** Stops in good order. */
  async close(): Promise<void> {
    await this.receiver?.close();
    await Promise.all([...this.senders.values()].map((sender) => sender.disconnect()));
    await this.#opened?.identity.space.close();
    this.#opened = undefined;
  }

  /** Passes on what happens to those who wait for it, as long as it lives. */
  outcomeOf<Result>(
    call: Promise<Result>,
    done: (result: Result) => void,
    failed: (thrown: unknown) => void,
  ): void {
    call.then(
      (result) => this.#isAlive && done(result),
      (thrown: unknown) => this.#isAlive && failed(thrown),
    );
  }

  #tell(event: PeerEvent): void {
    if (this.#isAlive) this.machine.told(this, event);
  }

  #after(ms: number, fire: () => void): () => void {
    if (!this.#isAlive) return () => undefined;
    let isRunning = true;
    this.#timers++;
    const end = () => {
      if (!isRunning) return;
      isRunning = false;
      if (this.#isAlive) this.#timers--;
    };
    const cancel = this.machine.scheduler.after(Math.ceil(ms), () => {
      if (!isRunning || !this.#isAlive) return;
      end();
      fire();
    });
    return () => {
      end();
      cancel();
    };
  }

  /** What a call of the space takes beside its work. A process that has crashed in it never gets the answer. */
  async #moment(): Promise<void> {
    const ms = this.dice.chance(0.6) ? 0 : this.dice.between(0, 3);
    if (ms > 0) await this.machine.scheduler.pause(ms);
    this.breathe();
    if (!this.#isAlive) await new Promise(() => undefined);
  }
}
