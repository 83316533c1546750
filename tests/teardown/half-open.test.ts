import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { createReceiver, createSender, type PeerEvent, systemPlatform } from "../../src/peer/index.js";
import { createWorld } from "../../src/testing/index.js";
import { createWebSocketAcceptor } from "../../src/transport/websocket-acceptor-node.js";
import { dialWebSocket as dialFromBrowser } from "../../src/transport/websocket-browser.js";
import { dialWebSocket as dialFromNode } from "../../src/transport/websocket-node.js";
import { codeOf } from "../protocol/lab.js";
import { tcpProxy } from "./tcp-proxy.js";
import { eventually } from "../waiting.js";
import { turnTime } from "../turn-time.js";

const time = turnTime(1);
const platform = { ...systemPlatform, ...time };
/** Ping finds what is gone before a turn would be waited for in vain. */
const quick = { ...time, pingIntervalMs: 5_000 };

type DialKind = "Node" | "a page";

/** A receiver over a real WebSocket, behind a proxy. */
async function setting(kind: DialKind) {
  const world = await createWorld({ senders: ["alice"], access: "open" });
  const [alice] = world.senders;
  const [mine, theirs]: [PeerEvent[], PeerEvent[]] = [[], []];
  const acceptor = createWebSocketAcceptor(quick);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxy = await tcpProxy((server.address() as AddressInfo).port);
  const receiver = await createReceiver({
    identity: world.receiver.identity,
    audiences: [proxy.url],
    admission: { kind: "open" },
    access: "open",
    platform,
    onEvent: (event) => theirs.push(event),
  });
  server.on("upgrade", (request, socket, head) =>
    acceptor.handleUpgrade(request, socket, head, (connection) => receiver.accept(connection)),
  );
  const dial =
    kind === "Node" ? dialFromNode(proxy.url, quick) : dialFromBrowser(proxy.url, quick, WebSocket);
  const onEvent = (event: PeerEvent) => void mine.push(event);
  const sender = createSender({
    identity: alice!.identity,
    audience: proxy.url,
    dial,
    access: "open",
    platform,
    onEvent,
  });
  onTestFinished(async () => {
    await sender.disconnect();
    await receiver.close();
    await acceptor.close();
    await proxy.close();
    await new Promise((resolve) => server.close(resolve));
    await world.close();
  });
  return { alice: alice!, sender, receiver, proxy, mine, theirs };
}

const endOf = (events: readonly PeerEvent[]) => events.find((event) => event.kind === "closed")?.error?.code;
const stones = (alice: Pick<Awaited<ReturnType<typeof setting>>["alice"], "stone">, count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, at) =>
      alice.stone("stone", { data: { at, text: "x".repeat(200_000) } }),
    ),
  );

describe("a connection that passes nothing any more, over a real WebSocket (threat 24)", () => {
  test("idle: ping finds it on both sides", async () => {
    const { sender, receiver, proxy, mine, theirs } = await setting("Node");
    await sender.connect();
    proxy.stop();
    expect(await eventually(() => endOf(mine) !== undefined && endOf(theirs) !== undefined)).toBe(true);
    expect([endOf(mine), endOf(theirs)]).toEqual(["connection_lost", "connection_lost"]);
    expect(receiver.sessionCount).toBe(0);
  });

  test("with a call under way: ping finds it, the caller is told, the next call gets through", async () => {
    const { alice, sender, proxy, theirs } = await setting("Node");
    const note = await alice.timeline("note");
    await sender.connect();
    proxy.stop();
    expect(await codeOf(sender.sync([note]))).toBe("connection_lost");
    expect((await sender.sync([note])).tips).toHaveLength(1);
    expect(await eventually(() => endOf(theirs) !== undefined)).toBe(true);
  });

  test("from a page, which has no ping: the receiver finds it by ping, the page by its next turn", async () => {
    const { alice, sender, proxy, theirs } = await setting("a page");
    const note = await alice.timeline("note");
    await sender.connect();
    proxy.stop();
    expect(await eventually(() => endOf(theirs) !== undefined)).toBe(true);
    expect(await codeOf(sender.sync([note]))).toBe("turn_timeout");
    expect((await sender.sync([note])).tips).toHaveLength(1);
  });

  test("from a page, with records on their way: it does not wait for credit for ever", async () => {
    const { alice, sender, proxy, mine } = await setting("a page");
    const roots = await stones(alice, 12);
    await sender.connect();
    const call = codeOf(sender.sync(roots));
    expect(await eventually(() => mine.some(({ kind }) => kind === "payload"))).toBe(true);
    proxy.stop();
    expect(await call).toBe("turn_timeout");
    expect((await sender.sync(roots)).tips).toHaveLength(12);
  });
});
