/** Who is told that something is done acts on it at once. No call here waits for anything but the call before. */
import { expect, test } from "vitest";
import type { Address } from "../../src/ibgib/index.js";
import {
  createIdentity,
  createInvite,
  createSender,
  type Identity,
  type Platform,
  type Receiver,
  type Sender,
} from "../../src/peer/index.js";
import { InnerSpace, type Space } from "../../src/space/index.js";
import { createWorld, Peer, seededPlatform, type World } from "../../src/testing/index.js";
import type { Dial } from "../../src/transport/index.js";
import { spaceWith } from "../protocol/lab.js";
import { webSocketNetwork } from "../scenarios/scenario.js";
import { jitterOf, jitteryDial } from "./jitter.js";
import { patient } from "../waiting.js";

/** A thousand and more for a long look: each costs some 40 ms. */
const rounds = Number(process.env["KEYSAGA_NEWCOMERS"] ?? 80);
/** Newcomers at the same time. */
const atOnce = 25;
const limits = {
  ...patient,
  newIdentitiesPerAddressPerHour: 2 * rounds,
  newIdentitiesPerHour: 2 * rounds,
  sessionsPerIdentityMax: 1,
};

interface Newcomer {
  readonly peer: Peer;
  readonly sender: Sender;
  readonly note: Address;
}

/** A receiver whose calls are looked at the moment they say that they are done. */
class Answering {
  /** @param stored What is in the receiver's store, with nothing in between. */
  constructor(
    private readonly receiver: Receiver,
    private readonly stored: Space,
  ) {}

  async admit(identity: Address): Promise<void> {
    await this.receiver.admit(identity);
    await this.expectKept(identity, "admitted");
  }

  async expel(identity: Address): Promise<void> {
    await this.receiver.expel(identity);
    await this.expectKept(identity, "expelled");
  }

  async expectKept(identity: Address, state: string): Promise<void> {
    const kept = await this.stored.cell(`admission/${identity}`);
    expect(new TextDecoder().decode(kept)).toContain(`"${state}"`);
  }
}

/** How somebody new comes in and does what it came for, without a pause between any two steps. */
const ways: Readonly<Record<string, (newcomer: Newcomer, answering: Answering) => Promise<unknown>>> = {
  "admit, connect, sync": async ({ peer, sender, note }, answering) => {
    await answering.admit(peer.address);
    await sender.connect();
    await sender.sync([note]);
  },
  "admit, sync": async ({ peer, sender, note }, answering) => {
    await answering.admit(peer.address);
    await sender.sync([note]);
  },
  "admit, connect and sync at once": async ({ peer, sender, note }, answering) => {
    await answering.admit(peer.address);
    await Promise.all([sender.connect(), sender.sync([note])]);
  },
  "admit, connect, disconnect, sync": async ({ peer, sender, note }, answering) => {
    await answering.admit(peer.address);
    await sender.connect();
    await sender.disconnect();
    await sender.sync([note]);
  },
  "admit, sync, expel, admit, sync": async ({ peer, sender, note }, answering) => {
    await answering.admit(peer.address);
    await sender.sync([note]);
    await answering.expel(peer.address);
    await answering.admit(peer.address);
    await peer.edit(note, { text: "again" });
    await sender.disconnect();
    await sender.sync([note]);
  },
};

async function comeIn(
  world: World,
  { platform, dial, at, stored }: { platform: Platform; dial: Dial; at: number; stored: Space },
): Promise<void> {
  const jitter = jitterOf(`newcomer ${at}`);
  const own = new InnerSpace();
  const space = spaceWith(own, { before: jitter, after: jitter });
  const identity = await newIdentity(space, platform);
  expect(await own.cell("self/")).toBeDefined();
  const peer = new Peer(`newcomer ${at}`, identity, platform);
  const byInvite = at % 6 === 5;
  const invite = byInvite
    ? await createInvite(world.receiver.identity, {
        url: "wss://sync.example",
        expiresInMs: 60_000,
        platform,
      })
    : undefined;
  const sender = createSender({
    identity,
    dial: jitteryDial(dial, jitter),
    audience: world.audience,
    platform,
    limits: patient,
    ...(invite && { invite: invite.text }),
  });
  const note = await peer.timeline("note", { data: { at } });
  const newcomer = { peer, sender, note };
  if (byInvite) await sender.sync([note]);
  else await Object.values(ways)[at % 6]!(newcomer, new Answering(world.answering, stored));
  // What was said to be there is there: now, not soon.
  expect(await stored.tip(note)).toEqual(await own.tip(note));
  expect(await own.tip(note)).toBeDefined();
  expect(await sender.status(note)).toBe("durable");
  await sender.disconnect();
}

function newIdentity(space: Space, platform: Platform): Promise<Identity> {
  const { random } = platform;
  return createIdentity({ space, secret: random.bytes(32), recoverySecret: random.bytes(32), platform });
}

for (const [transport, network, count] of [
  ["innerspace", undefined, rounds],
  ["websocket", webSocketNetwork, Math.ceil(rounds / 10)],
] as const) {
  test(
    `${count} newcomers act at once on what they are told: over ${transport}`,
    async () => {
      const platform = seededPlatform(`newcomers over ${transport}`);
      const jitter = jitterOf(`receiver over ${transport}`);
      const stored = new InnerSpace();
      const world = await createWorld({
        senders: [],
        platform,
        limits,
        admission: { kind: "invite" },
        space: () => spaceWith(stored, { before: jitter, after: jitter }),
        ...(network && { network: network() }),
      });
      let next = 0;
      const work = async () => {
        for (let at = next++; at < count; at = next++)
          await comeIn(world, { platform, dial: world.dial, at, stored });
      };
      await Promise.all(Array.from({ length: atOnce }, work));
      expect(await world.receiver.space.cells("admission/")).toHaveLength(count);
      await world.close();
    },
    600_000 + 2_000 * count,
  );
}
