import { setTimeout as pause } from "node:timers/promises";
import {
  type Address,
  createSender,
  type ErrorCode,
  type Identity,
  isInviteText,
  KeysagaError,
  type PeerEvent,
  type SyncOptions,
  type SyncReport,
} from "../../index.js";

import { confirmed } from "../confirmed.js";
import { functions } from "./join-tips.js";

/** Brings roots in step with the receiver: a saga, from its first turn to the receipt. */
export type Exchange = ((
  roots: readonly Address[],
  direction: NonNullable<SyncOptions["direction"]>,
) => Promise<SyncReport>) & {
  /** Connects, where there is no connection: so it is known whether this home is up to date. */
  readonly connect?: () => Promise<void>;
};

export interface ReceiverAt {
  /** Or an invite, which says it. */
  readonly url: string;
  readonly pin?: Address | undefined;
  readonly insecure?: boolean | undefined;
  /** Try again when the connection is lost or cannot be made. */
  readonly retry?: boolean | undefined;
  readonly onEvent?: ((event: PeerEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Others were faster, at the receiver or in this home. In a moment that is over, and nobody has to do anything. */
const passing: readonly ErrorCode[] = ["tip_moved", "commit_waited", "keystone_moved"];
/** How often a saga is begun anew then. */
const triesMax = 3;

/** Sagas with the receiver at a URL, over one connection at a time, which is gone when `work` has ended. */
export async function withReceiver<Result>(
  identity: Identity,
  { url, pin, insecure = false, retry = false, onEvent, signal }: ReceiverAt,
  work: (exchange: Exchange) => Promise<Result>,
): Promise<Result> {
  const sender = createSender({
    identity,
    functions,
    ...(isInviteText(url) ? { invite: url } : { url }),
    insecure,
    ...(pin && { pin }),
    ...(retry && { reconnect: {} }),
    ...(onEvent && { onEvent }),
  });
  const run = async <Result>(call: (options: SyncOptions) => Promise<Result>) => {
    for (let tries = 1; ; tries++) {
      try {
        return await confirmed(identity, () => call(signal ? { signal } : {}), onEvent);
      } catch (thrown) {
        if (!isCode(thrown, ...passing) || tries === triesMax) throw thrown;
      }
      await pause(50 + 200 * Math.random()); // those who met once should not meet again
    }
  };
  const exchange: Exchange = Object.assign(
    (...[roots, direction]: Parameters<Exchange>) =>
      run((options) => sender.sync(roots, { ...options, direction })),
    { connect: () => run((options) => sender.connect(options)) },
  );
  try {
    return await work(exchange);
  } finally {
    await sender.disconnect();
  }
}

export function isCode(thrown: unknown, ...codes: readonly ErrorCode[]): boolean {
  return thrown instanceof KeysagaError && codes.includes(thrown.code);
}

type Totals = SyncReport["totals"];

export function sumOf(some: Totals, more: Totals): Totals {
  const both = (way: keyof Totals) => ({
    records: some[way].records + more[way].records,
    bytes: some[way].bytes + more[way].bytes,
    contexts: some[way].contexts + more[way].contexts,
  });
  return { up: both("up"), down: both("down") };
}
