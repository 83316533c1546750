import type { Role } from "../../saga/index.js";
import { closeCodes } from "../../transport/close-codes.js";
import { type Heartbeat, startHeartbeat } from "../../transport/heartbeat.js";
import { type Message, transportLimits } from "../../transport/index.js";
import { settingsFrom } from "../../transport/limits.js";
import { type Wire, WireConnection, type WireReports } from "../../transport/wire-connection.js";
import type { SimulatedProcess } from "./process.js";
import type { Scheduler } from "./scheduler.js";

/** What travels: a message, a sign of life, or the end of this direction. */
export type Parcel =
  | {
      readonly kind: "message";
      readonly message: Message;
      readonly bytes: number;
      readonly isAltered?: boolean;
    }
  | { readonly kind: "ping" }
  | { readonly kind: "pong" }
  | { readonly kind: "end"; readonly closeCode: number };

/** The network as a link sees it. */
export interface Carrier {
  readonly scheduler: Scheduler;
  /** Puts on its way what `from` says: sooner or later, changed or not at all. */
  carry(from: LinkEnd, parcel: Parcel): void;
  /** What a change of state takes to be noticed at the other end; undefined: it is not. */
  noticeMs(link: SimulatedLink): number | undefined;
  over(link: SimulatedLink): void;
}

/** One connection of a simulated network. */
export class SimulatedLink {
  readonly sender: LinkEnd;
  readonly receiver: LinkEnd;
  /** Nothing passes any more, and nobody is told. */
  isMute = false;
  readonly begun: number;

  constructor(
    readonly carrier: Carrier,
    readonly id: number,
    /** The origin that was dialled. */
    readonly audience: string,
    processes: { readonly sender: SimulatedProcess | undefined; readonly receiver: SimulatedProcess },
  ) {
    this.begun = carrier.scheduler.now;
    this.sender = new LinkEnd(this, "sender", processes.sender);
    this.receiver = new LinkEnd(this, "receiver", processes.receiver);
  }

  other({ side }: LinkEnd): LinkEnd {
    return side === "sender" ? this.receiver : this.sender;
  }

  get isOver(): boolean {
    return this.sender.isGone && this.receiver.isGone;
  }

  /** As when a cable breaks, or a process is killed: each end that is still there notices after a while. */
  lose(): void {
    const ms = this.carrier.noticeMs(this);
    this.isMute = true;
    if (ms === undefined) return;
    for (const end of [this.sender, this.receiver])
      this.carrier.scheduler.after(ms, () => end.leave(closeCodes.lost));
  }

  /** A process is gone: what it held of this link is gone with it. */
  abandon(process: SimulatedProcess): void {
    for (const end of [this.sender, this.receiver]) if (end.process === process) end.vanish();
  }
}

/** One end of a link, in the hands of a process, or of a stranger. */
export class LinkEnd implements Wire {
  readonly channelBinding = undefined;
  bufferedBytes = 0;
  readonly connection: WireConnection | undefined;
  #reports: WireReports | undefined;
  #heartbeat: Heartbeat | undefined;
  #isReading = true;
  #taken = 0;
  #kept: Parcel[] = [];
  #hasEnded = false;
  #endReceived: number | undefined;
  #isGone = false;

  constructor(
    readonly link: SimulatedLink,
    readonly side: Role,
    readonly process: SimulatedProcess | undefined,
  ) {
    if (!process) return;
    const { timers } = process.platform;
    this.connection = new WireConnection((reports) => {
      this.#reports = reports;
      return this;
    }, settingsFrom({ timers }));
    this.#heartbeat = startHeartbeat({
      timers,
      intervalMs: transportLimits.pingIntervalMs,
      missesMax: transportLimits.pingMissesMax,
      ping: (written) => {
        this.#carry({ kind: "ping" });
        written();
      },
      bytesRead: () => this.#taken,
      isReading: () => this.#isReading,
      lost: () => this.leave(closeCodes.lost),
    });
  }

  get remoteAddress(): string {
    return this.link.other(this).process?.machine.name ?? "a stranger";
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  write(message: Message): void {
    if (this.#hasEnded || this.#isGone || this.process?.isAlive === false) return;
    const bytes = message.length;
    this.bufferedBytes += bytes;
    this.#carry({ kind: "message", message, bytes });
  }

  pause(): void {
    this.#isReading = false;
  }

  resume(): void {
    this.#isReading = true;
    this.link.carrier.scheduler.after(0, () => this.#readOn());
  }

  close(closeCode: number): void {
    if (this.#hasEnded || this.#isGone) return;
    this.#hasEnded = true;
    this.#carry({ kind: "end", closeCode });
  }

  cut(): void {
    this.link.carrier.scheduler.after(0, () => this.leave(closeCodes.lost));
    this.link.lose();
  }

  /** The other end, or the network, has handed it over. */
  arrived(bytes: number): void {
    this.bufferedBytes -= bytes;
    this.#heartbeat?.moved();
    if (!this.#isGone) this.#reports?.written();
  }

  take(parcel: Parcel): void {
    if (this.#isGone) return;
    this.#taken++;
    if (parcel.kind === "ping") this.#carry({ kind: "pong" });
    else if (parcel.kind !== "pong") {
      this.#kept.push(parcel);
      this.#readOn();
    }
  }

  leave(closeCode: number): void {
    if (this.#isGone) return;
    this.vanish();
    this.#reports?.gone(closeCode);
  }

  /** Gone, with nobody told. */
  vanish(): void {
    this.#isGone = true;
    this.#heartbeat?.stop();
    this.#kept = [];
    if (this.link.isOver) this.link.carrier.over(this.link);
  }

  #carry(parcel: Parcel): void {
    this.link.carrier.carry(this, parcel);
  }

  #readOn(): void {
    while (this.#isReading && !this.#isGone) {
      const parcel = this.#kept.shift();
      if (parcel === undefined) return;
      if (parcel.kind === "message") this.#reports?.received(parcel.message, parcel.bytes);
      if (parcel.kind === "end") this.#ended(parcel.closeCode);
    }
  }

  /** The other side has said its last: this one as well, behind what it has sent. */
  #ended(closeCode: number): void {
    this.#endReceived = closeCode;
    this.close(closeCode);
    const other = this.link.other(this);
    if (other.#endReceived === undefined) return;
    this.leave(closeCode);
    other.leave(other.#endReceived);
  }
}
