import type { Receiver, Sender } from "../../src/peer/index.js";
import type { TapSide } from "../../src/testing/index.js";
import type { Bench } from "./bench.js";

/** A state that is held, and what can be done to it. */
export interface Held {
  readonly bench: Bench;
  /** The side that is in the state: what it waits for does not come. */
  readonly side: TapSide;
  readonly sender: Sender;
  readonly receiver: Receiver;
  readonly cancel: AbortController;
  /** Lets the side go on. */
  release(): void;
  /** Where no call is under way, makes one. */
  next(): void;
}

/** A way to end. */
export interface End {
  act(held: Held): void;
  /** How long it may take until both sides are closed and the caller knows. */
  readonly maxMs: number;
  /** Does the end need connections that find out by themselves that nothing arrives? */
  readonly ping?: boolean;
}

/** Closing waits on nobody longer than this, whatever hangs. */
const promptMs = 6_000;
/** The longest time-out is that of an idle session. */
const patientMs = 11 * 60_000;

export const endNames = [
  "invalid message",
  "peer's error",
  "time-out",
  "abort",
  "disconnect",
  "lost",
  "closed in order",
  "half-open",
  "half-open, pinged",
  "send throws",
  "receiver closes",
  "receiver closes with grace",
  "success",
] as const;
export type EndName = (typeof endNames)[number];

export const ends: Readonly<Record<EndName, End>> = {
  success: {
    act({ release, sender }) {
      release();
      void sender.connect().then(() => sender.disconnect()); // queued behind what is under way
    },
    maxMs: 0,
  },
  "invalid message": {
    act: ({ bench, side }) => bench.network.newest().inject(side, '{"type":"nonsense"}'),
    maxMs: promptMs,
  },
  "peer's error": {
    act: ({ bench, side }) => bench.network.newest().inject(side, '{"type":"error","code":"sync_error"}'),
    maxMs: promptMs,
  },
  "time-out": { act: () => undefined, maxMs: patientMs },
  abort: { act: ({ cancel }) => cancel.abort(), maxMs: promptMs },
  disconnect: {
    act: ({ sender }) => void Promise.all([sender.disconnect(), sender.disconnect()]),
    maxMs: promptMs,
  },
  lost: { act: ({ bench }) => bench.network.newest().sever(), maxMs: promptMs },
  "closed in order": { act: ({ bench, side }) => bench.network.newest().endTo(side), maxMs: promptMs },
  "half-open": {
    act({ bench, release, next }) {
      bench.network.newest().silence();
      release(); // calls go on, nothing else does
      next();
    },
    maxMs: patientMs + promptMs,
  },
  "half-open, pinged": {
    act: ({ bench }) => bench.network.newest().silence(),
    maxMs: 3 * 25_000 + promptMs,
    ping: true,
  },
  "send throws": {
    act({ bench, side, release }) {
      bench.network.newest().ends[side].sendsThrow = true;
      release();
    },
    maxMs: promptMs,
  },
  "receiver closes": {
    act: ({ receiver }) => void Promise.all([receiver.close(), receiver.close()]),
    maxMs: promptMs,
  },
  "receiver closes with grace": {
    act({ receiver, release }) {
      void receiver.close(10_000);
      release();
    },
    maxMs: 1_000,
  },
};

/** The first call of this name in the state fails. */
export function storeFails(call: string): End {
  return {
    act({ bench, side, release }) {
      bench.gates[side].fail(call);
      release();
    },
    maxMs: promptMs,
  };
}
