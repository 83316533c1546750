import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createReceiver, createSender, type Receiver, systemPlatform } from "../../src/peer/index.js";
import { createWorld, seededPlatform } from "../../src/testing/index.js";
import { dialWebSocket } from "../../src/transport/index.js";
import { createWebSocketAcceptor } from "../../src/transport/websocket-acceptor-node.js";
import { testCert, testKey } from "../transport/tls-fixture.js";

const { timers } = systemPlatform;
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A receiver behind TLS on loopback, and a sender's identity; each side binds to the channel or not. */
async function overTls({ sender, receiver }: { sender: boolean; receiver: boolean }) {
  const world = await createWorld({ seed: `${sender} ${receiver}` });
  const audiences: string[] = [];
  const answering: Receiver = await createReceiver({
    identity: world.receiver.identity,
    audiences,
    admission: { kind: "open" },
    bindChannel: receiver,
    platform: seededPlatform(`receiver ${receiver}`),
  });
  const acceptor = createWebSocketAcceptor({ timers });
  const server = createServer({ cert: testCert, key: testKey });
  server.on("upgrade", (request, socket, head) =>
    acceptor.handleUpgrade(request, socket, head, (connection) => answering.accept(connection)),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const audience = `wss://127.0.0.1:${port}`;
  audiences.push(audience);
  const [alice] = world.senders;
  const dialling = createSender({
    identity: alice!.identity,
    audience,
    dial: dialWebSocket(audience, { timers, tls: { ca: testCert } }),
    bindChannel: sender,
  });
  closers.push(
    () => world.close(),
    () => new Promise((resolve) => server.close(resolve)),
    () => acceptor.close(),
    () => answering.close(),
    () => dialling.disconnect(),
  );
  return { alice: alice!, bob: world.receiver, dialling, dialInMemory: world.dial };
}

describe("the TLS channel is signed where both sides are configured for it (threat 4)", () => {
  test("both: the saga runs", async () => {
    const { alice, bob, dialling } = await overTls({ sender: true, receiver: true });
    const note = await alice.timeline("note");
    await dialling.sync([note]);
    expect(await bob.space.tip(note)).toBeDefined();
  });

  test.each([
    { sender: true, receiver: false },
    { sender: false, receiver: true },
  ])("sender $sender, receiver $receiver: refused", async (sides) => {
    const { alice, bob, dialling } = await overTls(sides);
    const note = await alice.timeline("note");
    await expect(dialling.sync([note])).rejects.toMatchObject({ code: "auth_fail" });
    expect(await bob.space.tip(note)).toBeUndefined();
  });

  test("a connection without TLS cannot be bound", async () => {
    const world = await createWorld({ seed: "no tls" });
    closers.push(() => world.close());
    const [alice] = world.senders;
    const { dial, audience } = world;
    const unbound = createSender({ identity: alice!.identity, dial, audience, bindChannel: true });
    await expect(unbound.connect()).rejects.toMatchObject({ code: "channel_not_bound" });
  });
});
