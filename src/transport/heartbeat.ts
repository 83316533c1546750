import type { Timers } from "../base/index.js";

export interface HeartbeatOptions {
  readonly timers: Timers;
  readonly intervalMs: number;
  /** Intervals in a row without a sign of life after which the other side counts as lost. */
  readonly missesMax: number;
  /** Sends a ping and calls `written` once it was handed to the network. */
  ping(written: () => void): void;
  /** What has come from the network so far: a part of a large message is a sign of life. */
  bytesRead(): number;
  /** Is this end reading? While it is not, it cannot see an answer, and nothing counts as missed. */
  isReading(): boolean;
  /** Called once. */
  lost(): void;
}

export interface Heartbeat {
  /** Something was handed to the network. */
  moved(): void;
  stop(): void;
}

/**
 * Finds a half-open connection: asks for a sign of life every `intervalMs` and reports the other side lost after
 * `missesMax` intervals without one. On a slow link a ping waits behind data; as long as that data moves, the
 * silence is not the other side's.
 */
export function startHeartbeat(options: HeartbeatOptions): Heartbeat {
  let misses = 0;
  let read = -1; // the first interval excuses itself: nobody was asked before it
  let movedSince = false;
  let pingWaits = false;
  let cancel = options.timers.after(options.intervalMs, beat);

  function beat(): void {
    const excused = hasRead() || !options.isReading() || (pingWaits && movedSince);
    misses = excused ? 0 : misses + 1;
    if (misses >= options.missesMax) options.lost();
    else goOn();
  }

  function hasRead(): boolean {
    const before = read;
    read = options.bytesRead();
    return read !== before;
  }

  function goOn(): void {
    cancel = options.timers.after(options.intervalMs, beat);
    movedSince = false;
    if (!pingWaits) sendPing();
  }

  function sendPing(): void {
    pingWaits = true;
    options.ping(() => {
      pingWaits = false;
    });
  }

  return {
    moved: () => {
      movedSince = true;
    },
    stop: () => cancel(),
  };
}
