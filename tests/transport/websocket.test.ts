import { createServer as createTlsServer } from "node:https";
import { createServer as createTcpServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { createSender, systemPlatform } from "../../src/peer/index.js";
import { createWorld } from "../../src/testing/index.js";
import type { Connection } from "../../src/transport/transport.js";
import { dialWebSocket } from "../../src/transport/websocket.js";
import { dialWebSocket as dialFromBrowser } from "../../src/transport/websocket-browser.js";
import { dialWebSocket as dialFromNode } from "../../src/transport/websocket-node.js";
import { codeOf } from "../protocol/lab.js";
import { httpServer, type Listening, listening, receiverServer } from "./http-server.js";
import { Recorder } from "./recorder.js";
import { fakeTimers, realTimers } from "./timers.js";
import { testCert, testKey } from "./tls-fixture.js";
import { settled, until } from "../waiting.js";

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

const options = { timers: realTimers, closeGraceMs: 60_000 };

async function serving(server: Listening): Promise<Listening> {
  cleanUp.push(() => server.stop());
  return server;
}

/** A receiver whose accepted connections are waited for one by one. */
async function receiver(limits: Partial<Parameters<typeof receiverServer>[0]> = {}) {
  let hand: (connection: Connection) => void = () => {};
  const accepted = new Promise<Connection>((resolve) => {
    hand = resolve;
  });
  const server = await receiverServer({ ...options, ...limits }, (connection) => hand(connection));
  cleanUp.push(() => server.stop());
  return { ...server, accepted };
}

/** A `ws` server of its own, for what our acceptor never does. */
async function bareServer(settings: object) {
  const server = httpServer();
  const webSockets = new WebSocketServer({ server, ...settings });
  return { webSockets, ...(await serving(await listening(server))) };
}

/** A `ws` client of its own, for what our dialling side never does. */
async function bareClient(url: string, extra: { autoPong?: boolean } = {}): Promise<WebSocket> {
  const client = new WebSocket(url, "keysaga.v1", extra);
  await new Promise((resolve, reject) => client.once("open", resolve).once("error", reject));
  return client;
}

const dialers = [
  ["Node", (url: string, extra = {}) => dialFromNode(url, { ...options, ...extra })],
  ["a page", (url: string, extra = {}) => dialFromBrowser(url, { ...options, ...extra }, WebSocket)],
] as const;

describe.each(dialers)("dialling from %s", (_name, dial) => {
  test("refuses ws:// to another machine unless told insecure", async () => {
    await expect(dial("ws://192.0.2.1:9/")()).rejects.toMatchObject({
      code: "insecure_url",
      facts: { host: "192.0.2.1:9" },
    });
    for (const near of ["ws://localhost:1/", "ws://127.1.2.3:1/", "ws://[::1]:1/"]) {
      await expect(dial(near)()).rejects.toMatchObject({ code: "cannot_connect" });
    }
    const told = dial("ws://192.0.2.1:9/", { insecure: true, handshakeTimeoutMs: 20 });
    await expect(told()).rejects.toMatchObject({ code: "cannot_connect" });
  });

  test.each(["nonsense", "https://localhost/", "wss://name:swordfish@localhost/", "wss://localhost/#part"])(
    "refuses the address %s, and never repeats what was in it",
    async (url) => {
      const error = await dial(url)().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "cannot_connect" });
      expect(String(error)).not.toMatch(/swordfish|nonsense/);
    },
  );

  test("gives up after the handshake time, and when aborted meanwhile", async () => {
    const silent = await serving(await listening(createTcpServer((socket) => socket.resume())));
    await expect(dial(silent.url, { handshakeTimeoutMs: 30 })()).rejects.toMatchObject({
      code: "cannot_connect",
      facts: { reason: "timeout", host: `127.0.0.1:${silent.port}` },
    });
    const abort = new AbortController();
    const dialling = dial(silent.url)(abort.signal);
    await until(() => silent.sockets.size > 0, "the server to see it");
    abort.abort();
    await expect(dialling).rejects.toMatchObject({ code: "aborted" });
    await until(() => silent.sockets.size === 0, "both sockets to end");
  });

  test("refuses a server that does not speak keysaga.v1", async () => {
    const other = await bareServer({ handleProtocols: () => false });
    await expect(dial(other.url)()).rejects.toMatchObject({ code: "cannot_connect" });
    await until(() => other.webSockets.clients.size === 0, "the socket to end");
  });
});

test("a sender's handshakeTimeoutMs is also that of the dial of its url", async () => {
  const silent = await serving(await listening(createTcpServer((socket) => socket.resume())));
  const { timers, advance } = fakeTimers();
  const { senders, close } = await createWorld({ senders: ["alice"] });
  cleanUp.push(close);
  const sender = createSender({
    identity: senders[0]!.identity,
    url: silent.url,
    platform: { ...systemPlatform, timers },
    limits: { handshakeTimeoutMs: 60_000 },
  });
  let code: string | undefined;
  const told = codeOf(sender.connect()).then((is) => {
    code = is;
  });
  await until(() => silent.sockets.size > 0, "the server to see it");
  advance(59_000);
  await settled();
  expect(code).toBeUndefined();
  advance(1_000);
  await told;
  expect(code).toBe("cannot_connect");
  await sender.disconnect();
});

describe("dialling from Node says why it failed", () => {
  test("a closed port, HTTP statuses, a redirect that is not followed, something else than HTTP", async () => {
    const closed = await listening(createTcpServer());
    await closed.stop();
    let visited = 0;
    const redirecting = httpServer((_request, response) => {
      visited++;
      response.writeHead(302, { location: `${forbidding.url}` }).end();
    });
    const forbidding = await serving(
      await listening(httpServer((_request, response) => response.writeHead(403).end())),
    );
    const elsewhere = await serving(await listening(redirecting));
    const babbling = await serving(
      await listening(createTcpServer((socket) => socket.end("220 mail.example ESMTP\r\n"))),
    );
    const reasons = [];
    for (const { url } of [closed, forbidding, elsewhere, babbling]) {
      reasons.push(
        await dialWebSocket(url, options)().catch((error) => `${error.code}: ${error.facts.reason}`),
      );
    }
    expect(reasons).toEqual([
      "cannot_connect: ECONNREFUSED",
      "cannot_connect: HTTP 403",
      "cannot_connect: HTTP 302",
      "cannot_connect: HPE_INVALID_CONSTANT",
    ]);
    expect(visited).toBe(1);
  });

  test("wss:// needs a certificate that is trusted", async () => {
    const server = createTlsServer({ cert: testCert, key: testKey });
    const { port, stop } = await receiverServer(options, (right) => right.send("private"), server);
    cleanUp.push(stop);
    const url = `wss://localhost:${port}/`;
    await expect(dialFromNode(url, options)()).rejects.toMatchObject({
      facts: { reason: "DEPTH_ZERO_SELF_SIGNED_CERT" },
    });
    const left = await dialFromNode(url, { ...options, tls: { ca: testCert } })();
    expect(await new Recorder(left).received(1)).toEqual(["private"]);
    await left.close();
    const page = dialFromBrowser(url, { ...options, tls: { ca: testCert } }, WebSocket);
    await expect(page()).rejects.toMatchObject({ code: "cannot_connect" });
  });
});

describe("the acceptor", () => {
  test("refuses an upgrade without the subprotocol, and any once it is closing", async () => {
    const server = await receiver();
    const upgrade = (protocols: string[]) =>
      new Promise((resolve) => {
        const client = new WebSocket(server.url, protocols).on("error", resolve);
        client.on("open", () => resolve(client.protocol));
        cleanUp.push(async () => client.terminate());
      });
    expect(await upgrade([])).toMatchObject({ message: "Unexpected server response: 400" });
    expect(await upgrade(["other.v1"])).toMatchObject({ message: "Unexpected server response: 400" });
    expect(await upgrade(["other.v1", "keysaga.v1"])).toBe("keysaga.v1");
    await server.acceptor.close();
    expect(await upgrade(["keysaga.v1"])).toMatchObject({ message: "Unexpected server response: 503" });
  });

  test("close ends the connections that are still open, in order", async () => {
    const server = await receiver();
    const left = new Recorder(await dialFromNode(server.url, options)());
    const right = new Recorder(await server.accepted);
    await server.acceptor.close();
    expect([await left.ended(), await right.ended()]).toEqual(["in order", "in order"]);
    await until(() => server.sockets.size === 0, "no socket to be left");
  });

  test("tells an IPv4 address apart by its usual spelling", async () => {
    const server = await receiver();
    const left = await dialFromNode(server.url, options)();
    expect([left.remoteAddress, (await server.accepted).remoteAddress]).toEqual(["127.0.0.1", "127.0.0.1"]);
    await left.close();
  });

  test("answers what breaks a rule with the close code that says so", async () => {
    const hostile: [string, number, string, (client: WebSocket) => void][] = [
      ["too large", 1009, "limit_exceeded", (client) => client.send(new Uint8Array(2_000))],
      [
        "no UTF-8",
        1007,
        "malformed_message",
        (client) => client.send(Buffer.from([0xff]), { binary: false }),
      ],
      [
        "too many fragments",
        1008,
        "limit_exceeded",
        (client) => {
          for (let at = 0; at < 9; at++) client.send("x", { fin: false });
        },
      ],
    ];
    for (const [what, closeCode, code, act] of hostile) {
      const server = await receiver({ messageBytesMax: 1_000, fragmentsMax: 8 });
      const client = await bareClient(server.url);
      const right = new Recorder(await server.accepted);
      const closed = new Promise((resolve) => client.on("close", resolve));
      act(client);
      expect([what, await closed, await right.ended()]).toEqual([what, closeCode, code]);
    }
  });
});

describe("a half-open connection", () => {
  test("is found by the dialling side, and by the accepting side, after two pings without an answer (threat 24)", async () => {
    const clock = fakeTimers();
    const mute = await bareServer({ autoPong: false, handleProtocols: () => "keysaga.v1" });
    let pings = 0;
    mute.webSockets.on("connection", (socket) => socket.on("ping", () => pings++));
    const left = new Recorder(await dialFromNode(mute.url, { timers: clock.timers })());
    clock.advance(25_000);
    await until(() => pings === 1, "the first ping");
    clock.advance(25_000);
    await until(() => pings === 2, "the second ping");
    expect(left.ends).toEqual([]);
    clock.advance(25_000);
    expect(await left.ended()).toBe("connection_lost");
    expect([left.ends[0]?.facts["reason"], clock.waiting()]).toEqual(["no answer to ping", 0]);

    const server = await receiver({ timers: clock.timers });
    const client = new WebSocket(server.url, "keysaga.v1", { autoPong: false } as object);
    const right = new Recorder(await server.accepted);
    for (let at = 1; at <= 3; at++) {
      clock.advance(25_000);
      await settled();
    }
    expect(await right.ended()).toBe("connection_lost");
    await until(() => client.readyState === WebSocket.CLOSED, "the socket to be cut");
  });

  test("is not what a slow one is: a large message that arrives bit by bit is a sign of life", async () => {
    const clock = fakeTimers();
    const server = await receiver({ timers: clock.timers });
    const client = await bareClient(server.url, { autoPong: false });
    const right = new Recorder(await server.accepted);
    const read = () => [...server.sockets].reduce((sum, socket) => sum + socket.bytesRead, 0);
    for (let at = 1; at <= 8; at++) {
      const before = read();
      client.send(new Uint8Array(1_000), { fin: at === 8 });
      await until(() => read() >= before + 1_000, "a part to arrive");
      clock.advance(25_000);
    }
    await until(() => right.messages.length === 1, "the message to be whole");
    expect(right.ends).toEqual([]);
    client.close();
    expect(await right.ended()).toBe("in order");
  });

  test("is not what a quiet one is: a peer that answers pings stays", async () => {
    const clock = fakeTimers();
    const server = await receiver({ timers: clock.timers });
    let pings = 0;
    const client = (await bareClient(server.url)).on("ping", () => pings++);
    const right = new Recorder(await server.accepted);
    for (let at = 1; at <= 6; at++) {
      clock.advance(25_000);
      await until(() => pings === at, `ping ${at}`);
      await settled(); // for the answer to arrive
    }
    expect(right.ends).toEqual([]);
    client.close();
    expect(await right.ended()).toBe("in order");
    expect(clock.waiting()).toBe(0);
  });
});

describe("a page, which cannot stop reading and is not told what was written", () => {
  test("looks now and then while much waits to go out, and no longer once it has let go", async () => {
    const clock = fakeTimers();
    const server = await receiver();
    const left = await dialFromBrowser(server.url, { timers: clock.timers }, WebSocket)();
    await server.accepted; // and never started: it stops reading
    for (let at = 0; at < 100; at++) left.send(new Uint8Array(64 * 1024));
    expect(clock.waiting()).toBe(1);
    clock.advance(1_000);
    expect(clock.waiting()).toBe(1);
    const closing = left.close();
    clock.advance(5_000);
    await closing;
    expect(clock.waiting()).toBe(0);
  });

  test("ends with limit_exceeded when more is kept than keptBytesMax", async () => {
    const server = await receiver();
    const left = await dialFromBrowser(server.url, { ...options, keptBytesMax: 100_000 }, WebSocket)();
    const right = await server.accepted;
    const sender = new Recorder(right);
    for (let at = 0; at < 20; at++) right.send(new Uint8Array(10_000));
    expect(await sender.ended()).toBe("limit_exceeded");
    const late = new Recorder(left);
    expect([await late.ended(), late.messages]).toEqual(["limit_exceeded", []]);
  });
});
