import { describe, expect, test } from "vitest";
import { KeysagaError } from "../../src/base/index.js";
import type { Address } from "../../src/ibgib/index.js";
import { createSender } from "../../src/peer/index.js";
import type { SenderPeer, TapSide } from "../../src/testing/index.js";
import type { Dial } from "../../src/transport/index.js";
import { nameOf } from "./faults.js";
import { codeOf, delays, expectQuiet, type Lab, openLab, spaceWith, tapped } from "./lab.js";
import { benchOf, tell } from "./matrix.js";

/** Every message of a push with an offer, in order: each stands for the states of both sides around it. */
const moments: readonly (readonly [to: TapSide, name: string])[] = [
  ["sender", "hello"],
  ["receiver", "open"],
  ["sender", "challenge"],
  ["receiver", "connect"],
  ["receiver", "init"],
  ["sender", "ready"],
  ["sender", "ack"],
  ["receiver", "offer"],
  ["sender", "wants"],
  ["receiver", "records"],
  ["receiver", "commit"],
  ["sender", "receipt"],
];

/** A sender of alice that does something when a message comes by. */
function atMoment(lab: Lab, [to, name]: readonly [TapSide, string], act: () => void) {
  let isDone = false;
  return tapped(lab, benchOf(lab).alice, (passing) => {
    const isIt = !isDone && passing.to === to && nameOf(passing.message) === name;
    if (isIt) {
      isDone = true;
      act();
    }
    return [passing.message];
  });
}

/** Whatever went wrong, the next sync of the same roots brings both sides in step. */
async function expectConverges(lab: Lab, alice: SenderPeer, roots: readonly Address[]): Promise<void> {
  await alice.sync(roots);
  const { bob } = benchOf(lab);
  for (const root of roots) expect(await bob.graph(root)).toEqual(await alice.graph(root));
  await expectQuiet(lab);
}

describe("disconnect, from any state, any number of times (threat 24)", () => {
  test.each(moments)("as the %s hears %s", async (to, name) => {
    const lab = await openLab(`disconnect ${to} ${name}`);
    const { alice } = benchOf(lab);
    const roots = await tell("branches", benchOf(lab), alice);
    const ends: Promise<void>[] = [];
    const { sender, events } = atMoment(lab, [to, name], () => {
      ends.push(sender.disconnect(), sender.disconnect());
    });
    const told: string[] = [];
    const calls = [sender.sync(roots), sender.sync(roots), sender.connect()].map((call) =>
      codeOf(call).then((code) => told.push(code)),
    );
    await Promise.all(calls);
    await Promise.all([...ends, sender.disconnect()]);
    expect(told).toEqual(["connection_closed", "connection_closed", "connection_closed"]);
    expect(events.filter(({ kind }) => kind === "closed")).toHaveLength(1);
    await expectQuiet(lab);
    await expectConverges(lab, alice, roots);
    await lab.world.close();
  });

  test("before anything was dialled, and again after the end", async () => {
    const lab = await openLab("idle");
    const { sender } = tapped(lab, benchOf(lab).alice);
    await Promise.all([sender.disconnect(), sender.disconnect()]);
    await sender.connect();
    await Promise.all([sender.disconnect(), sender.disconnect()]);
    await sender.disconnect();
    await expectQuiet(lab);
    await lab.world.close();
  });

  test("while dialling: a dial that waits, and one that comes too late", async () => {
    const lab = await openLab("dialling");
    const { alice } = benchOf(lab);
    const waiting: Dial = (signal) =>
      new Promise((_, reject) =>
        signal?.addEventListener("abort", () => reject(new KeysagaError("aborted")), { once: true }),
      );
    const late: Dial = async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return lab.world.dial();
    };
    for (const dial of [waiting, late]) {
      const { platform, world } = lab;
      const sender = createSender({ identity: alice.identity, dial, audience: world.audience, platform });
      const told = codeOf(sender.connect());
      await Promise.resolve();
      await sender.disconnect();
      expect(await told).toBe("connection_closed");
      await expectQuiet(lab);
    }
    await lab.world.close();
  });
});

/** What is under way: tests/teardown aborts it in every state. */
describe("an AbortSignal cancels whatever waits", () => {
  test("a call that waits behind another is told at once and disturbs nobody", async () => {
    const lab = await openLab("queued");
    const { alice } = benchOf(lab);
    const roots = await tell("note", benchOf(lab), alice);
    const { sender } = tapped(lab, alice);
    const cancel = new AbortController();
    const first = sender.sync(roots);
    const second = codeOf(sender.sync(roots, { signal: cancel.signal }));
    cancel.abort();
    expect(await second).toBe("aborted");
    expect((await first).tips).toHaveLength(1);
    expect(await codeOf(sender.sync(roots, { signal: AbortSignal.abort() }))).toBe("aborted");
    expect((await sender.sync(roots)).tips).toHaveLength(1);
    await sender.disconnect();
    await expectQuiet(lab);
    await lab.world.close();
  });
});

/** The calls of a space that the sessions of each side make. */
const callsOf: Record<TapSide, readonly string[]> = {
  sender: ["getMany", "get", "frames", "reachableTips", "stage", "commit", "cell", "proof", "proofs"],
  receiver: ["hasMany", "tips", "frames", "reachableTips", "stage", "commit", "cell", "proofs"],
};
const failing = (["sender", "receiver"] as const).flatMap((side) =>
  callsOf[side].map((method) => [side, method] as const),
);

describe("a store that fails (threat 24)", () => {
  test.each(failing)("of the %s, in %s", async (side, method) => {
    let left = Number.POSITIVE_INFINITY;
    const before = (called: string) => {
      if (called === method && left-- === 0) throw new KeysagaError("store_failed", { test: method });
    };
    const lab = await openLab(`store ${side} ${method}`, {
      around: (space, of) => ((of === 0) === (side === "receiver") ? spaceWith(space, { before }) : space),
    });
    const bench = benchOf(lab);
    const codes: string[] = [];
    for (let nth = 0; nth < 2; nth++) {
      const stories = (["note", "branches", "pull"] as const).map((story) => tell(story, bench, bench.alice));
      const roots = (await Promise.all(stories)).flat();
      const { sender } = tapped(lab, bench.alice);
      left = nth;
      codes.push(await codeOf(sender.sync(roots)));
      await sender.disconnect();
      left = Number.POSITIVE_INFINITY;
      await expectQuiet(lab);
      await expectConverges(lab, bench.alice, roots);
    }
    expect(codes[0]).not.toBe("none");
    for (const code of codes)
      expect(["none", "store_failed", "sync_error", "connection_lost"]).toContain(code);
    await lab.world.close();
  });
});

describe("a receiver that closes", () => {
  test("idle: the sender's session ends, the next call cannot connect", async () => {
    const lab = await openLab("close idle");
    const { alice } = benchOf(lab);
    const { sender, events } = tapped(lab, alice);
    await sender.connect();
    await Promise.all([lab.world.answering.close(), lab.world.answering.close(1_000)]);
    await expectQuiet(lab);
    expect(events.at(-1)).toMatchObject({ kind: "closed", error: { code: "shutting_down" } });
    expect(await codeOf(sender.connect())).not.toMatch(/^(none|untyped)/);
    await sender.disconnect();
    await expectQuiet(lab);
    await lab.world.close();
  });

  test.each(moments)(
    "with a grace, as the %s hears %s: what is under way is finished or untouched",
    async (to, name) => {
      const lab = await openLab(`close ${to} ${name}`);
      const { alice, bob } = benchOf(lab);
      const roots = await tell("branches", benchOf(lab), alice);
      const { sender } = atMoment(lab, [to, name], () => void lab.world.answering.close(2_000));
      const code = await codeOf(sender.sync(roots));
      const hasIt = (await bob.space.hasMany(roots)).every(Boolean);
      if (code === "none") expect(hasIt).toBe(true);
      else expect(["shutting_down", "connection_lost"]).toContain(code);
      if (["ack", "offer", "wants", "records", "commit", "receipt"].includes(name)) expect(code).toBe("none");
      await sender.disconnect();
      await expectQuiet(lab);
      await lab.world.close();
    },
  );
});

test("connect, then sync at once, 200 times over a slow store: nothing is lost", async () => {
  const wait = delays("slow receiver", 4);
  let calls = 0;
  const before = () => (calls++ % 4 === 0 ? wait() : undefined);
  const lab = await openLab("at once", {
    senders: ["alice", "carol", "dave", "erin"],
    around: (space, of) => (of === 0 ? spaceWith(space, { before }) : space),
  });
  const stones = await Promise.all(lab.world.senders.map((peer) => syncAtOnce(lab, peer, 50)));
  expect(await lab.world.receiver.space.hasMany(stones.flat())).toEqual(Array(200).fill(true));
  await expectQuiet(lab);
  await lab.world.close();
});

async function syncAtOnce(lab: Lab, peer: SenderPeer, times: number): Promise<readonly Address[]> {
  const stones: Address[] = [];
  for (let i = 0; i < times; i++) {
    const { sender } = tapped(lab, peer);
    const stone = await peer.stone("stone", { data: { by: peer.name, i } });
    await sender.connect();
    await sender.sync([stone]);
    await sender.disconnect();
    stones.push(stone);
  }
  return stones;
}
