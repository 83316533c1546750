import type { Address } from "../../ibgib/index.js";
import type { Dice } from "./dice.js";
import { Disk, type Snapshot } from "./disk.js";
import type { Watched } from "./disk-watch.js";
import type { RowChange } from "./draft.js";
import { epoch, type Machine, SimulatedProcess } from "./process.js";
import type { Scheduler } from "./scheduler.js";

/** What the homes of a world share. */
export interface Surroundings
  extends Pick<
    Machine,
    "functions" | "spaceLimits" | "receiverLimits" | "sessionLimits" | "told" | "scheduler"
  > {
  readonly dice: Dice;
  /** No two processes of a world have one number, as if all ran on one machine. */
  nextPid(): number;
  flushed(home: Home, changes: readonly RowChange[]): void;
  /** A process of it has come to where it was to crash. */
  crashes(home: Home, plan: CrashPlan): void;
}

/** `kill`: the process is gone, its machine goes on. `power`: the machine is gone, and nobody is told. */
export type Crash = "kill" | "power";

export interface CrashPlan {
  readonly how: Crash;
  /** How long until a process starts again. */
  readonly downMs: number;
}

export interface Origin {
  readonly name: string;
  readonly kind: "sender" | "receiver";
  readonly lineage: string;
  readonly address: Address;
  readonly secret: Uint8Array;
  readonly snapshot: Snapshot;
}

/** A machine with a disk, a clock, an identity, and any number of processes that run, crash and start again. */
export class Home implements Watched, Machine {
  readonly name: string;
  readonly lineage: string;
  readonly kind: "sender" | "receiver";
  readonly address: Address;
  readonly secret: Uint8Array;
  readonly disk: Disk;
  isDoubtful = false;
  /** When it was put back to an older state, last. */
  restoredAt = -1;
  /** Was it put back to before it had met a receiver? Then none tells it what it has signed. */
  isForgetful = false;
  processes: SimulatedProcess[] = [];
  #skewMs = 0;
  /** Crashes that wait for their place: so many more things have to be done first. */
  #crashes: { left: number; readonly plan: CrashPlan }[] = [];

  constructor(
    readonly origin: Origin,
    private readonly around: Surroundings,
  ) {
    const { name, lineage, kind, address, secret, snapshot } = origin;
    this.name = name;
    this.lineage = lineage;
    this.kind = kind;
    this.address = address;
    this.secret = secret;
    this.disk = new Disk(
      around.scheduler,
      around.dice.of(`disk ${name}`),
      (changes) => around.flushed(this, changes),
      snapshot,
    );
  }

  get functions() {
    return this.around.functions;
  }

  get spaceLimits() {
    return this.around.spaceLimits;
  }

  get receiverLimits() {
    return this.around.receiverLimits;
  }

  get sessionLimits() {
    return this.around.sessionLimits;
  }

  get scheduler(): Scheduler {
    return this.around.scheduler;
  }

  /** Those that take calls. */
  get open(): readonly SimulatedProcess[] {
    return this.processes.filter(({ isOpen }) => isOpen);
  }

  get alive(): readonly SimulatedProcess[] {
    return this.processes.filter(({ isAlive }) => isAlive);
  }

  readonly elapsed = (): number => this.around.scheduler.now;

  readonly now = (): number => epoch + this.elapsed() + this.#skewMs;

  readonly isRunning = (pid: number): boolean => this.alive.some((process) => process.pid === pid);

  /** The clock is set; timers go on. */
  jump(ms: number): void {
    this.#skewMs += ms;
  }

  begin(): SimulatedProcess {
    const pid = this.around.nextPid();
    const process = new SimulatedProcess(this, pid, this.around.dice.of(`process ${this.name} ${pid}`));
    this.processes.push(process);
    return process;
  }

  /** Every process is gone, at once; nothing is written any more. */
  crash(): readonly SimulatedProcess[] {
    const gone = this.alive;
    for (const process of gone) process.crash();
    for (const process of gone) this.disk.abandon(process);
    this.processes = [];
    this.#crashes = [];
    return gone;
  }

  forget(process: SimulatedProcess): void {
    this.processes = this.processes.filter((other) => other !== process);
  }

  crashAfter({ after, how, downMs }: CrashPlan & { readonly after: number }): void {
    this.#crashes.push({ left: after, plan: { how, downMs } });
  }

  calm(): void {
    this.#crashes = [];
    this.disk.calm();
  }

  readonly breathed = (): void => {
    const due = this.#crashes.find((crash) => crash.left-- <= 0);
    if (due) this.around.crashes(this, due.plan);
  };

  readonly told: Machine["told"] = (process, event) => this.around.told(process, event);
}
