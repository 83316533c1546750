import { KeysagaError } from "../../src/base/index.js";
import type { Receiver } from "../../src/peer/index.js";
import type { Network, TapSide } from "../../src/testing/index.js";
import { closeCodes } from "../../src/transport/close-codes.js";
import { type Heartbeat, startHeartbeat } from "../../src/transport/heartbeat.js";
import type { Message } from "../../src/transport/index.js";
import { settingsFrom, type TransportSettings } from "../../src/transport/limits.js";
import { type Wire, WireConnection, type WireReports } from "../../src/transport/wire-connection.js";
import type { SimulatedTime } from "./time.js";

type Parcel = { readonly message: Message } | { readonly closeCode: number };

const sides = ["sender", "receiver"] as const;
const otherOf = (side: TapSide): TapSide => (side === "sender" ? "receiver" : "sender");

/** One end of a link: real connections run over it, and what becomes of what they write is the link's affair. */
class FrailWire implements Wire {
  readonly bufferedBytes = 0;
  readonly remoteAddress = "frail";
  readonly channelBinding = undefined;
  endSent = false;
  endReceived = false;
  isGone = false;
  readonly heartbeat: Heartbeat | undefined;
  pongs = 0;

  constructor(
    readonly side: TapSide,
    private readonly link: FrailLink,
    readonly reports: WireReports,
    settings: TransportSettings | undefined,
  ) {
    this.heartbeat =
      settings &&
      startHeartbeat({
        timers: settings.timers,
        intervalMs: settings.pingIntervalMs,
        missesMax: settings.pingMissesMax,
        ping: (written) => this.link.ping(written),
        bytesRead: () => this.pongs,
        isReading: () => true,
        lost: () => this.reports.lost(new KeysagaError("connection_lost", { reason: "no answer to ping" })),
      });
  }

  write(message: Message): void {
    if (!this.endSent) this.link.carry(otherOf(this.side), { message });
  }

  pause(): void {}
  resume(): void {}

  close(closeCode: number): void {
    if (this.endSent) return;
    this.endSent = true;
    this.link.carry(otherOf(this.side), { closeCode });
  }

  cut(): void {
    this.link.cut(this.side);
  }

  leave(closeCode: number): void {
    if (this.isGone) return;
    this.isGone = true;
    this.heartbeat?.stop();
    this.reports.gone(closeCode);
  }
}

class FrailConnection extends WireConnection {
  sendsThrow = false;

  override send(message: Message): void {
    if (this.sendsThrow) throw new Error("the cable is cut");
    super.send(message);
  }
}

/** A connection's two ends with everything that can go wrong between them. One message arrives in a turn of the loop. */
export class FrailLink {
  readonly ends: Record<TapSide, FrailConnection>;
  readonly #wires: Partial<Record<TapSide, FrailWire>> = {};
  readonly #parcels: Record<TapSide, Parcel[]> = { sender: [], receiver: [] };
  readonly #held = new Set<TapSide>();
  #isSilent = false;

  constructor(
    private readonly settings: TransportSettings,
    hasPing: boolean,
  ) {
    const end = (side: TapSide) =>
      new FrailConnection((reports) => {
        const wire = new FrailWire(side, this, reports, hasPing ? settings : undefined);
        this.#wires[side] = wire;
        return wire;
      }, this.settings);
    this.ends = { sender: end("sender"), receiver: end("receiver") };
  }

  get isGone(): boolean {
    return Object.values(this.#wires).every(({ isGone }) => isGone);
  }

  get isBusy(): boolean {
    return sides.some((side) => this.#parcels[side].length > 0 && !this.#held.has(side));
  }

  /** Nothing arrives at a side for now. */
  hold(side: TapSide): void {
    this.#held.add(side);
  }

  release(): void {
    this.#held.clear();
    for (const side of sides) this.#pump(side);
  }

  /** Something arrives at a side that the other has not said. */
  inject(to: TapSide, message: Message): void {
    setImmediate(() => this.#wireOf(to).reports.received(message, message.length));
  }

  /** The network is gone, and both sides see it. */
  sever(): void {
    this.#parcels.sender = [];
    this.#parcels.receiver = [];
    for (const side of sides) this.#leave(side, closeCodes.lost);
  }

  /** Nothing arrives at either side any more, and nobody says so. */
  silence(): void {
    this.#isSilent = true;
    this.#parcels.sender = [];
    this.#parcels.receiver = [];
  }

  /** The other side has closed in order, and said nothing more. */
  endTo(side: TapSide): void {
    this.#parcels[side] = [{ closeCode: closeCodes.normal }];
    this.#held.delete(side);
    this.#pump(side);
  }

  carry(to: TapSide, parcel: Parcel): void {
    if (this.#isSilent) return;
    this.#parcels[to].push(parcel);
    this.#pump(to);
  }

  ping(written: () => void): void {
    setImmediate(() => {
      written();
      if (!this.#isSilent) for (const wire of Object.values(this.#wires)) wire.pongs++;
    });
  }

  cut(side: TapSide): void {
    this.#leave(side, closeCodes.lost);
    if (!this.#isSilent) this.#leave(otherOf(side), closeCodes.lost);
  }

  #pump(to: TapSide): void {
    setImmediate(() => {
      const parcel = this.#held.has(to) ? undefined : this.#parcels[to].shift();
      if (!parcel) return;
      this.#deliver(this.#wireOf(to), parcel);
      this.#pump(to);
    });
  }

  #deliver(wire: FrailWire, parcel: Parcel): void {
    if (wire.isGone) return;
    if ("message" in parcel) return wire.reports.received(parcel.message, parcel.message.length);
    wire.endReceived = true;
    wire.close(parcel.closeCode); // the answer; nothing where this side has closed itself
    const other = this.#wireOf(otherOf(wire.side));
    if (!other.endReceived) return;
    for (const each of [wire, other]) each.leave(parcel.closeCode);
  }

  #leave(side: TapSide, closeCode: number): void {
    queueMicrotask(() => this.#wireOf(side).leave(closeCode));
  }

  #wireOf(side: TapSide): FrailWire {
    const wire = this.#wires[side];
    if (!wire) throw new Error("a link has two ends");
    return wire;
  }
}

/** A network in memory that fails as it is told. */
export interface FrailNetwork extends Network {
  /** The newest connection. */
  newest(): FrailLink;
  /** Connections that are not gone. */
  live(): number;
  /** Is anything about to arrive? */
  isBusy(): boolean;
  /** Another receiver answers from now on. */
  answerWith(receiver: Receiver): void;
}

/** @param hasPing Whether its connections find out by themselves that nothing arrives, as those of a page cannot. */
export function frailNetwork(time: Pick<SimulatedTime, "timers">, hasPing: () => boolean): FrailNetwork {
  const settings = settingsFrom(time);
  const links = new Set<FrailLink>();
  let answering: Receiver | undefined;
  let newest: FrailLink | undefined;
  const sweep = () => {
    for (const link of links) if (link.isGone) links.delete(link);
    return links;
  };
  return {
    newest: () => newest ?? new FrailLink(settings, false),
    live: () => sweep().size,
    isBusy: () => [...links].some((link) => link.isBusy),
    answerWith: (receiver) => {
      answering = receiver;
    },
    async listen(receiver) {
      answering = receiver;
      return {
        audience: "frail://receiver",
        async dial(signal) {
          await Promise.resolve();
          if (signal?.aborted) throw new KeysagaError("aborted");
          newest = new FrailLink(settings, hasPing());
          links.add(newest);
          answering?.accept(newest.ends.receiver);
          return newest.ends.sender;
        },
        close: async () => answering?.close(),
      };
    },
  };
}
