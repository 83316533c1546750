/** Whoever is called in the middle of something may call back: it ends, in time, with what was asked for or a code. */
import { expect, test } from "vitest";
import { internalsOf } from "../../src/peer/home/identity.js";
import { createSender, type Sender } from "../../src/peer/index.js";
import { codeOf, expectQuiet, openLab, tapped } from "./lab.js";
import { turnTime } from "../turn-time.js";

test("a plan to sign has no way to sign", async () => {
  const lab = await openLab("a plan");
  const { address } = lab.world.senders[0]!.identity;
  const { signer } = internalsOf(lab.world.senders[0]!.identity);
  const names: string[] = [];
  await signer.sign(async (view) => {
    names.push(...Object.keys(view));
    expect(Object.getPrototypeOf(view)).toBe(Object.prototype);
    expect((await view.load(address, "identity")).state.n).toBe(0);
    return { requests: [] };
  });
  expect(new Set(names)).toEqual(new Set(["found", "framesAfter", "load"]));
  await lab.world.close();
});

test("a plan that signs all the same, with the signer it was not given, is told in time", async () => {
  const lab = await openLab("a plan that signs", { time: turnTime(5) });
  const { address } = lab.world.senders[0]!.identity;
  const { signer } = internalsOf(lab.world.senders[0]!.identity);
  const nothing = async () => ({ requests: [] });
  const outer = codeOf(
    signer.sign(async () => {
      await signer.sign(nothing);
      return { requests: [] };
    }),
  );
  expect(await outer).toBe("queue_timeout");
  expect(await signer.sign(nothing)).toEqual([]);
  expect((await signer.load(address, "identity")).state.n).toBe(0);
  await expectQuiet(lab);
  await lab.world.close();
});

test("a watcher of a sender may sync, connect and disconnect at every event", async () => {
  const lab = await openLab("a watcher");
  const { world, platform } = lab;
  const alice = world.senders[0]!;
  const stones = await Promise.all([0, 1, 2].map((i) => alice.stone("stone", { data: { i } })));
  const kinds = new Set<string>();
  const asked: Promise<string>[] = [];
  const sender: Sender = createSender({
    identity: alice.identity,
    dial: world.dial,
    audience: world.audience,
    access: "open",
    platform,
    onEvent(event) {
      if (kinds.has(event.kind)) return;
      kinds.add(event.kind);
      asked.push(codeOf(sender.sync(stones)), codeOf(sender.connect()), codeOf(sender.disconnect()));
    },
  });
  for (let round = 0; round < 8; round++) await codeOf(sender.sync(stones));
  for (let done = 0; done < asked.length; done++)
    expect(["none", "connection_closed"]).toContain(await asked[done]);
  expect([...kinds]).toEqual(expect.arrayContaining(["connected", "turn", "started", "durable", "closed"]));
  await sender.sync(stones);
  await sender.disconnect();
  await expectQuiet(lab);
  await lab.world.close();
});

test("who is asked to admit may close the receiver, and wait for it", async () => {
  const lab = await openLab("admit closes", {
    admission: {
      kind: "ask",
      async admit() {
        await lab.world.answering.close();
        return true;
      },
    },
  });
  const { sender } = tapped(lab, lab.world.senders[0]!);
  expect(await codeOf(sender.connect())).toBe("connection_lost");
  await sender.disconnect();
  await expectQuiet(lab);
  await lab.world.close();
});

test("who is asked to admit may connect as the one it is asked about: both end in time, and the next call gets through", async () => {
  let inner: Promise<string> | undefined;
  const lab = await openLab("admit connects", {
    time: turnTime(1),
    admission: {
      kind: "ask",
      async admit() {
        if (inner) return true;
        inner = codeOf(second.sender.connect());
        await inner;
        return true;
      },
    },
  });
  const alice = lab.world.senders[0]!;
  const [first, second] = [tapped(lab, alice), tapped(lab, alice)];
  for (const code of [await codeOf(first.sender.connect()), await inner])
    expect(code).toMatch(/^(none|handshake_timeout|connection_lost|auth_fail)$/);
  expect(await codeOf(first.sender.connect())).toBe("none");
  await Promise.all([first.sender.disconnect(), second.sender.disconnect()]);
  await expectQuiet(lab);
  await lab.world.close();
});

test("a dial may ask the sender that dials: it is told in time, or runs behind it", async () => {
  const lab = await openLab("dial asks", { time: turnTime(5) });
  const { world, platform } = lab;
  const alice = world.senders[0]!;
  const inner: Promise<string>[] = [];
  const sender: Sender = createSender({
    identity: alice.identity,
    audience: world.audience,
    platform,
    async dial(signal) {
      if (inner.length === 0) {
        inner.push(codeOf(sender.connect()));
        await inner[0];
      }
      return world.dial(signal);
    },
  });
  expect(await codeOf(sender.connect())).toMatch(/^(none|cannot_connect|handshake_timeout)$/);
  expect(await inner[0]).toMatch(/^(none|queue_timeout)$/);
  expect(await codeOf(sender.connect())).toBe("none");
  await sender.disconnect();
  await expectQuiet(lab);
  await world.close();
});
