import { expect } from "vitest";
import type { Address } from "../../src/ibgib/index.js";
import {
  createReceiver,
  createSender,
  type PeerEvent,
  type Platform,
  type Receiver,
  type Sender,
  type SenderSettings,
} from "../../src/peer/index.js";
import {
  createWorld,
  type ReceiverPeer,
  type SenderPeer,
  seededPlatform,
  type TapSide,
  type World,
} from "../../src/testing/index.js";
import type { Dial } from "../../src/transport/index.js";
import { spaceWith, WatchedSpace } from "../protocol/lab.js";
import { type StoryName, tell } from "../protocol/matrix.js";
import { type FrailNetwork, frailNetwork } from "./frail-network.js";
import { CallGate } from "./gate.js";
import { isIdle, type Reach } from "./states.js";
import { type SimulatedTime, simulatedTime, turn } from "./time.js";

/** Alice and bob over a network that fails as it is told, in simulated time, with everything counted. */
export interface Bench {
  readonly world: World;
  readonly alice: SenderPeer;
  readonly bob: ReceiverPeer;
  readonly time: SimulatedTime;
  readonly platform: Platform;
  readonly network: FrailNetwork;
  /** What each side calls. */
  readonly gates: Readonly<Record<TapSide, CallGate>>;
  /** Whether new connections find out that nothing arrives. */
  setPing(hasPing: boolean): void;
  receiver(): Receiver;
  /** Bob answers again, after a close: as a process that was started anew. */
  restart(): Promise<void>;
  /** A sender of alice's, and what it is told. */
  dialling(
    settings?: Partial<SenderSettings>,
    dial?: Dial,
  ): { readonly sender: Sender; readonly events: PeerEvent[] };
  /** Fails where anything is left: a timer, a connection, a session, a stage. */
  expectNothingLeft(): void;
}

export async function openBench(seed: string): Promise<Bench> {
  let hasPing = false;
  const time = simulatedTime(settle);
  const platform: Platform = { ...seededPlatform(seed), clock: time.clock, timers: time.timers };
  const network = frailNetwork(time, () => hasPing);
  const gates = { receiver: new CallGate(), sender: new CallGate() };
  const spaces: WatchedSpace[] = [];
  const admission = {
    kind: "ask",
    admit: async () => {
      await gates.receiver.before("admit");
      return true;
    },
  } as const;
  const world = await createWorld({
    seed,
    platform,
    network,
    admission,
    access: "open", // rights have tests of their own
    space: () => {
      const space = new WatchedSpace();
      spaces.push(space);
      return spaceWith(space, spaces.length === 1 ? gates.receiver : gates.sender);
    },
  });
  const [alice] = world.senders;
  const bob = world.receiver;
  let receiver = world.answering;

  return {
    world,
    alice: alice!,
    bob,
    time,
    platform,
    network,
    gates,
    setPing: (has) => {
      hasPing = has;
    },
    receiver: () => receiver,
    async restart() {
      receiver = await createReceiver({
        identity: bob.identity,
        audiences: [world.audience],
        admission,
        access: "open",
        platform,
        onEvent: (event) => bob.events.push(event),
      });
      network.answerWith(receiver);
    },
    dialling(settings = {}, dial = world.dial) {
      const events: PeerEvent[] = [];
      const { audience } = world;
      const onEvent = (event: PeerEvent) => events.push(event);
      const { identity } = alice!;
      const made = { identity, dial, audience, access: "open" as const, platform, onEvent, ...settings };
      return { sender: createSender(made), events };
    },
    expectNothingLeft() {
      const left = {
        timers: time.waiting(),
        connections: network.live(),
        sessions: receiver.sessionCount,
        staged: spaces.flatMap(({ staged }) => [...staged]),
      };
      expect(left).toEqual({ timers: 0, connections: 0, sessions: 0, staged: [] });
    },
  };

  async function settle(): Promise<void> {
    await turn();
    while (network.isBusy() || time.isBusy()) await turn();
    await turn();
  }
}

/** Content that both sides do not share yet, so that a sync of it takes the way that is wanted. */
export function freshRoots(
  { alice, bob, platform }: Bench,
  story: Reach["story"],
): Promise<readonly Address[]> {
  const cast = { lab: { platform }, alice, carol: alice, bob };
  return tell(isIdle({ story }) ? "note" : (story as StoryName), cast, alice);
}

/** Whatever went wrong, the next sync of the same roots brings both sides in step. */
export async function expectConverges(
  bench: Bench,
  alice: SenderPeer,
  roots: readonly Address[],
): Promise<void> {
  const { bob } = bench;
  await alice.sync(roots);
  for (const root of roots) expect(await bob.graph(root)).toEqual(await alice.graph(root));
  bench.expectNothingLeft();
}
