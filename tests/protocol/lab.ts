import { expect } from "vitest";
import { KeysagaError, type Timers, toHex } from "../../src/base/index.js";
import {
  type Admission,
  createSender,
  type PeerEvent,
  type Platform,
  type ReceiverLimits,
  type Sender,
  systemPlatform,
} from "../../src/peer/index.js";
import type { SessionLimits } from "../../src/saga/index.js";
import type { Commit, Space } from "../../src/space/index.js";
import { InnerSpace } from "../../src/space/index.js";
import {
  createWorld,
  type Network,
  type Peer,
  type SenderPeer,
  seededPlatform,
  type Tap,
  type TapRule,
  tapDial,
  type World,
} from "../../src/testing/index.js";
import { eventually } from "../waiting.js";
import type { TurnTime } from "../turn-time.js";

export { type AroundCall, spaceWith } from "./spaces.js";

/** Timers that say how many are running. */
export function countedTimers(inner = systemPlatform.timers): { readonly timers: Timers; running(): number } {
  const running = new Set<object>();
  const timers: Timers = {
    after(ms, fire) {
      const timer = {};
      running.add(timer);
      const stop = inner.after(ms, () => {
        running.delete(timer);
        fire();
      });
      return () => {
        running.delete(timer);
        stop();
      };
    },
  };
  return { timers, running: () => running.size };
}

/** A space in memory that knows which sagas have something staged. */
export class WatchedSpace extends InnerSpace {
  readonly staged = new Set<string>();

  override stage(...args: Parameters<InnerSpace["stage"]>): ReturnType<InnerSpace["stage"]> {
    this.staged.add(args[0]);
    return super.stage(...args);
  }

  override async takeOver(...args: Parameters<InnerSpace["takeOver"]>): ReturnType<InnerSpace["takeOver"]> {
    const [saga, kept] = args;
    this.staged.add(saga);
    const taken = await super.takeOver(...args);
    this.staged.delete(kept);
    return taken;
  }

  override async drop(saga: string): Promise<void> {
    await super.drop(saga);
    this.staged.delete(saga);
  }

  override async commit(commit: Commit): ReturnType<InnerSpace["commit"]> {
    const result = await super.commit(commit);
    if (result.kind === "committed" && commit.saga !== undefined) this.staged.delete(commit.saga);
    return result;
  }
}

/** Everything a space holds, as lines that compare: the graph (tips and records), and the proofs and cells beside it. */
export async function contentsOf(space: Space): Promise<{ graph: string[]; proofs: string[] }> {
  const graph: string[] = [];
  const proofs: string[] = [];
  for await (const found of space.scan()) {
    if (found.kind === "tip") graph.push(`tip ${found.tip.tjp} ${found.tip.address}`);
    else if (found.kind === "record") graph.push(`record ${found.gib} ${found.bytes.length}`);
    else if (found.kind === "proof") proofs.push(`proof ${found.group} ${found.gib}`);
    else if (found.kind === "reference") graph.push(`reference ${JSON.stringify(found.reference)}`);
    else if (found.kind === "cell") proofs.push(`cell ${found.key} ${toHex(found.value)}`);
    else throw new KeysagaError("store_damaged", { table: found.table });
  }
  const byText = (a: string, b: string) => (a < b ? -1 : 1);
  return { graph: graph.sort(byText), proofs: proofs.sort(byText) };
}

/** A world whose timers and stages are counted. */
export interface Lab {
  readonly world: World;
  readonly platform: Platform;
  /** Of receivers and senders, where not the usual ones. */
  readonly limits: Partial<SessionLimits & ReceiverLimits>;
  /** Timers running now, of every peer and every connection. */
  timersRunning(): number;
  /** Sagas with something staged, in any space. */
  staged(): readonly string[];
}

export async function openLab(
  seed: string,
  options: {
    senders?: readonly string[];
    network?: (platform: Platform) => Network;
    admission?: Admission;
    /** Put around the space of each peer; `of` is 0 for the receiver. */
    around?: (space: Space, of: number) => Space;
    /** What the receiver has done earlier, before it answers for the first time. */
    earlier?: (receiver: Peer) => Promise<void>;
    /** See `Lab`. */
    limits?: Lab["limits"];
    /** The platform's clock and timers, where time-outs are to be waited for. */
    time?: TurnTime;
  } = {},
): Promise<Lab> {
  const { time = systemPlatform, limits = {} } = options;
  const { timers, running } = countedTimers(time.timers);
  const platform = { ...seededPlatform(seed), timers, clock: time.clock };
  const spaces: WatchedSpace[] = [];
  const world = await createWorld({
    seed,
    platform,
    access: "open", // rights have tests of their own
    limits,
    ...(options.senders && { senders: options.senders }),
    ...(options.network && { network: options.network(platform) }),
    ...(options.admission && { admission: options.admission }),
    ...(options.earlier && { earlier: options.earlier }),
    space: () => {
      const space = new WatchedSpace();
      spaces.push(space);
      return options.around?.(space, spaces.length - 1) ?? space;
    },
  });
  return {
    world,
    platform,
    limits,
    timersRunning: running,
    staged: () => spaces.flatMap(({ staged }) => [...staged]),
  };
}

/** Nothing of any session is left: no timer, nothing staged, no connection. */
export async function expectQuiet({ timersRunning, staged, world }: Lab): Promise<void> {
  const left = () => ({
    timers: timersRunning(),
    staged: staged().length,
    sessions: world.answering.sessionCount,
  });
  await eventually(() => Object.values(left()).every((count) => count === 0));
  expect(left()).toEqual({ timers: 0, staged: 0, sessions: 0 });
}

/** Random waits of up to `ms`, the same ones for the same seed. */
export function delays(seed: string, ms: number): () => Promise<void> {
  const { random } = seededPlatform(seed);
  return () => new Promise((resolve) => setTimeout(resolve, (random.bytes(1)[0]! * ms) / 256));
}

/** A sender of `peer` behind a tap. */
export interface Tapped {
  readonly sender: Sender;
  readonly tap: Tap;
  readonly events: readonly PeerEvent[];
}

export function tapped(
  { world, platform, limits }: Pick<Lab, "world" | "platform" | "limits">,
  peer: SenderPeer,
  rule?: TapRule,
): Tapped {
  const tap = tapDial(world.dial, rule);
  const events: PeerEvent[] = [];
  const sender = createSender({
    identity: peer.identity,
    dial: tap.dial,
    audience: world.audience,
    access: "open",
    limits,
    platform,
    onEvent: (event) => events.push(event),
  });
  return { sender, tap, events };
}

/** The code of what a promise rejects with; "none" where it resolves. */
export async function codeOf(outcome: Promise<unknown>): Promise<string> {
  return outcome.then(
    () => "none",
    (thrown: unknown) => (thrown instanceof KeysagaError ? thrown.code : `untyped: ${String(thrown)}`),
  );
}
