import { once } from "node:events";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import {
  type Admission,
  type Commit,
  type CommitResult,
  createIdentity,
  createReceiver,
  createSender,
  createTimeline,
  dialWebSocket,
  type Identity,
  InnerSpace,
  KeysagaError,
  type Space,
  saveRecords,
} from "../../src/index.js";
import { type ServeOptions, type ServerEvent, serve } from "../../src/node/index.js";
import { systemPlatform } from "../../src/peer/index.js";
import { testCert, testKey } from "../transport/tls-fixture.js";
import { settled } from "../waiting.js";

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

/** Holds every commit that moves a tip until it is released. */
class SlowSpace extends InnerSpace {
  release = () => {};
  readonly #released = new Promise<void>((resolve) => {
    this.release = resolve;
  });
  #tell = () => {};
  readonly committing = new Promise<void>((resolve) => {
    this.#tell = resolve;
  });

  override async commit(commit: Commit): Promise<CommitResult> {
    if ((commit.tips ?? []).length > 0) {
      this.#tell();
      await this.#released;
    }
    return super.commit(commit);
  }
}

let made = 0;
async function makeIdentity(space: Space = new InnerSpace()): Promise<Identity> {
  made++;
  return createIdentity({
    space,
    secret: new Uint8Array(32).fill(made),
    recoverySecret: new Uint8Array(32).fill(made),
  });
}

async function serving(options: Partial<ServeOptions> = {}, admission: Admission = { kind: "open" }) {
  const identity = await makeIdentity();
  const events: ServerEvent[] = [];
  const server = await serve({
    host: "127.0.0.1",
    port: 0,
    receiver: (url) => createReceiver({ identity, audiences: [url], admission }),
    log: (event) => events.push(event),
    ...options,
  });
  cleanUp.push(() => server.close());
  return { ...server, events };
}

async function get(port: number, path: string, method = "GET") {
  const asked = request({ host: "127.0.0.1", port, path, method, agent: false }).end();
  const [response] = await once(asked, "response");
  let text = "";
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, text };
}

/** What an upgrade is answered with: `open`, or the status of the refusal. */
async function upgrade(url: string, protocols: string[], headers: Record<string, string> = {}) {
  const socket = new WebSocket(url, protocols, { headers });
  cleanUp.push(() => socket.terminate());
  const answered = await Promise.race([
    once(socket, "open").then(() => "open"),
    once(socket, "unexpected-response").then(([, response]) => response.statusCode),
  ]);
  socket.on("error", () => {});
  socket.terminate();
  return answered;
}

function rawSocket(port: number, text = ""): Socket {
  const socket = connect(port, "127.0.0.1", () => socket.write(text));
  socket.on("error", () => {});
  cleanUp.push(() => socket.destroy());
  return socket;
}

/** Resolves when the socket is gone, reset or in order. */
function ended(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.resume().once("close", () => resolve());
  });
}

const halfUpgrade = "GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgr";

async function senderTo(url: string, identity: Identity) {
  const sender = createSender({
    identity,
    audience: new URL(url).origin,
    dial: dialWebSocket(url, { timers: systemPlatform.timers }),
  });
  cleanUp.push(() => sender.disconnect());
  return sender;
}

async function note(identity: Identity) {
  const record = createTimeline({ ib: "note", data: { text: "hello" }, owner: identity.address, uuid: "1" });
  const { address } = record;
  await saveRecords(identity, [record]);
  return address;
}

describe("HTTP", () => {
  test("answers health and readiness, and nothing else (W8)", async () => {
    const { port } = await serving();
    expect(await get(port, "/healthz")).toEqual({ status: 200, text: "ok\n" });
    expect(await get(port, "/readyz")).toEqual({ status: 200, text: "ready\n" });
    for (const path of ["/", "/healthz/", "/readyz?x", "/metrics", "/../healthz", "/keystone.identity^gib"]) {
      expect(await get(port, path)).toEqual({ status: 404, text: "" });
    }
    expect(await get(port, "/healthz", "POST")).toEqual({ status: 404, text: "" });
    expect(await get(port, "/healthz", "DELETE")).toEqual({ status: 404, text: "" });
  });

  test("is not ready before its receiver is made, and refuses upgrades until then", async () => {
    let make = () => {};
    const isMade = new Promise<void>((resolve) => {
      make = resolve;
    });
    const identity = await makeIdentity();
    let told: (url: string) => void = () => {};
    const listening = new Promise<string>((resolve) => {
      told = resolve;
    });
    const started = serving({
      receiver: async (url) => {
        told(url);
        await isMade;
        return createReceiver({ identity, audiences: [url], admission: { kind: "open" } });
      },
    });
    const url = await listening;
    const port = Number(new URL(url).port);
    expect(await get(port, "/healthz")).toEqual({ status: 200, text: "ok\n" });
    expect(await get(port, "/readyz")).toEqual({ status: 503, text: "starting\n" });
    expect(await upgrade(url, ["keysaga.v1"])).toBe(503);
    make();
    await started;
    expect(await get(port, "/readyz")).toEqual({ status: 200, text: "ready\n" });
    expect(await upgrade(url, ["keysaga.v1"])).toBe("open");
  });
});

/** A space on a disk that can be full. */
class FullSpace extends InnerSpace {
  isFull = false;
  hasRoom = true;

  override async commit(commit: Commit): Promise<CommitResult> {
    if (this.isFull) throw new KeysagaError("disk_full", { path: "/home/secret/store" });
    return super.commit(commit);
  }

  override checkRoom(): void {
    if (!this.hasRoom) throw new KeysagaError("disk_full");
  }
}

test("readiness means that something can be stored: it says why not, and comes back by itself", async () => {
  const space = new FullSpace();
  const identity = await makeIdentity(space);
  const { url, port } = await serving({
    receiver: (at) => createReceiver({ identity, audiences: [at], admission: { kind: "open" } }),
  });
  const full = { status: 503, text: expect.stringMatching(/^disk_full: There is no space left on the disk/) };
  space.hasRoom = false;
  expect(await get(port, "/readyz")).toEqual(full);
  space.hasRoom = true;
  expect(await get(port, "/readyz")).toEqual({ status: 200, text: "ready\n" });

  space.isFull = true;
  const sender = await senderTo(url, await makeIdentity());
  await expect(sender.connect()).rejects.toMatchObject({ retryable: true });
  const answer = await get(port, "/readyz");
  expect(answer).toEqual(full);
  expect(answer.text).not.toContain("secret");
  space.isFull = false;
  await expect.poll(() => get(port, "/readyz"), { timeout: 600_000 }).toMatchObject({ status: 200 });
  await sender.connect();
});

describe("an upgrade", () => {
  test("needs the subprotocol", async () => {
    const { url } = await serving();
    expect(await upgrade(url, ["keysaga.v1"])).toBe("open");
    expect(await upgrade(url, ["other", "keysaga.v1"])).toBe("open");
    expect(await upgrade(url, [])).toBe(400);
    expect(await upgrade(url, ["keysaga.v2"])).toBe(400);
  });

  test("by a page needs an origin that is allowed (threat 21)", async () => {
    const { url, events } = await serving({ origins: ["https://app.example"] });
    const from = (origin: string) => upgrade(url, ["keysaga.v1"], { origin });
    expect(await from("https://app.example")).toBe("open");
    for (const origin of [
      "https://evil.example",
      "http://app.example",
      "https://app.example.evil",
      "null",
      url,
    ]) {
      expect(await from(origin)).toBe(403);
    }
    expect(events).toContainEqual({
      kind: "refused",
      from: "127.0.0.1",
      reason: "origin",
      origin: "https://evil.example",
    });
  });
});

test("however an address is spelled, it is one audience with one pin, and nobody else's (threat 4)", async () => {
  const { url, port } = await serving();
  /** What dialling comes to: the code, and the pins that are left. */
  const dialled = async (spelling: string, audience?: string) => {
    const identity = await makeIdentity();
    const { timers } = systemPlatform;
    const code = (async () => {
      const sender = createSender(
        audience === undefined
          ? { identity, url: spelling }
          : { identity, audience, dial: dialWebSocket(spelling, { timers }) },
      );
      await sender.connect();
      await sender.disconnect();
    })().then(
      () => "in",
      (thrown: unknown) => (thrown instanceof KeysagaError ? thrown.code : String(thrown)),
    );
    return [await code, ...(await identity.space.cells("pin/")).map(({ key }) => key)];
  };
  const same = [`${url}/`, url.replace("ws", "WS"), ` ${url} `, `${url}/a/../b?x=1`].concat(
    ["127.1", "0x7f.1", "2130706433", "127.0.0.1.", "１２７.0.0.1", "127.0.0.1\t"].map(
      (host) => `ws://${host}:${port}`,
    ),
  );
  for (const spelling of [url, ...same]) expect(await dialled(spelling)).toEqual(["in", `pin/${url}`]);
  for (const other of [`ws://user:pw@127.0.0.1:${port}`, `${url}#f`, url.replace("ws", "http")])
    expect(await dialled(other)).toEqual(["cannot_connect"]);
  expect(await dialled(`ws://0.0.0.0:${port}`)).toEqual(["insecure_url"]);
  for (const audience of [`ws://localhost:${port}`, `${url}/`, url.replace("ws:", "wss:")])
    expect(await dialled(url, audience)).toEqual(["auth_fail"]);
});

describe("limits on who holds a connection", () => {
  const limits = { headersTimeoutMs: 300_000, requestTimeoutMs: 300_000, unauthenticatedPerAddressMax: 4 };

  test("half-open upgrades and silent sockets from one address are cut beyond the limit (threat 24)", async () => {
    const { port, url, events } = await serving({ limits });
    const held = [halfUpgrade, halfUpgrade, "", ""].map((text) => rawSocket(port, text));
    await Promise.all(held.map((socket) => once(socket, "connect")));
    const flood = Array.from({ length: 50 }, () => rawSocket(port, halfUpgrade));
    await Promise.all(flood.map(ended));
    expect(held.filter((socket) => !socket.closed)).toHaveLength(4);
    const busy = { kind: "refused", reason: "busy", limit: "unauthenticatedPerAddressMax", max: 4 };
    const refused = events.filter((event) => event.kind === "refused");
    expect(refused.length).toBeGreaterThan(0); // those that were gone already are not refused
    for (const event of refused) expect(event).toEqual({ from: "127.0.0.1", ...busy });
    for (const socket of held) socket.destroy();
    await Promise.all(held.map(ended));
    await settled(); // the server has seen it
    expect(await upgrade(url, ["keysaga.v1"])).toBe("open");
  });

  test("and those within it in time (threat 24)", async () => {
    const { port } = await serving({ limits: { headersTimeoutMs: 100, connectionsCheckingIntervalMs: 50 } });
    await Promise.all([halfUpgrade, ""].map((text) => ended(rawSocket(port, text))));
  });

  test("who has proved an identity no longer counts among the unauthenticated", async () => {
    const { url, port } = await serving({ limits: { ...limits, unauthenticatedPerAddressMax: 1 } });
    for (let at = 0; at < 3; at++) await (await senderTo(url, await makeIdentity())).connect();
    expect(await get(port, "/healthz")).toEqual({ status: 200, text: "ok\n" });
  });

  test("but among all, in all and per address", async () => {
    for (const limit of [{ connectionsMax: 2 }, { connectionsPerAddressMax: 2 }]) {
      const { url } = await serving({ limits: limit });
      for (let at = 0; at < 2; at++) await (await senderTo(url, await makeIdentity())).connect();
      const third = await senderTo(url, await makeIdentity());
      await expect(third.connect()).rejects.toMatchObject({ code: "cannot_connect" });
    }
  });

  test("headers beyond the limit are refused", async () => {
    const { port } = await serving({ limits: { headerBytesMax: 1024 } });
    const socket = rawSocket(port, `GET /healthz HTTP/1.1\r\nHost: here\r\nX: ${"x".repeat(4096)}\r\n\r\n`);
    const [answer] = await once(socket, "data");
    expect(String(answer)).toMatch(/^HTTP\/1\.1 431 /);
  });
});

test("whoever dials the moment it resolves gets in: twenty times", async () => {
  for (let at = 0; at < 20; at++) {
    const { url, close } = await serving();
    const sender = await senderTo(url, await makeIdentity());
    await sender.connect();
    await close();
  }
});

describe("closing", () => {
  test("says so, lets a saga under way finish and nobody in, and leaves nothing", async () => {
    const space = new SlowSpace();
    const identity = await makeIdentity(space);
    const { url, port, close, receiver } = await serving({
      receiver: (at) => createReceiver({ identity, audiences: [at], admission: { kind: "open" } }),
    });
    const alice = await makeIdentity();
    const idle = await senderTo(url, await makeIdentity());
    await idle.connect();
    const syncing = (await senderTo(url, alice)).sync([await note(alice)]);
    await space.committing;

    const closed = close(20_000);
    const again = close(0);
    expect(await get(port, "/readyz")).toEqual({ status: 503, text: "draining\n" });
    expect(await get(port, "/healthz")).toEqual({ status: 200, text: "ok\n" });
    expect(await upgrade(url, ["keysaga.v1"])).toBe(503);
    space.release();
    expect((await syncing).tips).toHaveLength(1);
    await Promise.all([closed, again]);
    expect(receiver.sessionCount).toBe(0);
    await expect(get(port, "/healthz")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  test("cuts what hangs on: a silent socket, a half upgrade, a session that nobody reads (threat 24)", async () => {
    const { port, url, close } = await serving();
    const hanging = [rawSocket(port), rawSocket(port, halfUpgrade)];
    await Promise.all(hanging.map((socket) => once(socket, "connect")));
    await (await senderTo(url, await makeIdentity())).connect();
    await close();
    await Promise.all(hanging.map(ended));
  });
});

describe("what cannot be served is a typed error, and leaves nothing listening", () => {
  test("a port that is taken, an address that is not ours, a certificate that is none", async () => {
    const { port } = await serving();
    await expect(serving({ port })).rejects.toMatchObject({ code: "port_in_use", facts: { port } });
    await expect(serving({ host: "192.0.2.1" })).rejects.toMatchObject({ code: "cannot_listen" });
    await expect(serving({ tls: { cert: "no", key: "pem" } })).rejects.toMatchObject({ code: "tls_refused" });
  });

  test("a receiver that cannot be made", async () => {
    let port = 0;
    const receiver = (url: string) => {
      port = Number(new URL(url).port);
      throw new Error("no receiver");
    };
    await expect(serving({ receiver })).rejects.toThrow("no receiver");
    await expect(get(port, "/healthz")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});

test("over TLS it is wss://, and a sender that trusts the certificate gets in", async () => {
  const { url, port } = await serving({ tls: { cert: testCert, key: testKey } });
  expect(url).toBe(`wss://127.0.0.1:${port}`);
  const dial = dialWebSocket(url, { timers: systemPlatform.timers, tls: { ca: testCert } });
  const sender = createSender({ identity: await makeIdentity(), audience: url, dial });
  await sender.connect();
  await sender.disconnect();
});
