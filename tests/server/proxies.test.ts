import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import {
  createIdentity,
  createReceiver,
  createSender,
  dialWebSocket,
  type Identity,
  InnerSpace,
  type ReceiverLimits,
} from "../../src/index.js";
import { type ServeOptions, type ServerEvent, serve } from "../../src/node/index.js";
import { systemPlatform } from "../../src/peer/index.js";
import { Proxies } from "../../src/server/proxies.js";
import { testCert, testKey } from "../transport/tls-fixture.js";
import { until } from "../waiting.js";
import { binaryHeader } from "./proxy-headers.js";

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

let made = 0;
function makeIdentity(): Promise<Identity> {
  made++;
  const secret = new Uint8Array(32).fill(made);
  return createIdentity({ space: new InnerSpace(), secret, recoverySecret: secret });
}

/** Stands behind proxies at 127.0.0.2. */
async function serving(by: "x-forwarded-for" | "proxy-protocol", options: Partial<ServeOptions> = {}) {
  const identity = await makeIdentity();
  const events: ServerEvent[] = [];
  const limits: Partial<ReceiverLimits> = { newIdentitiesPerAddressPerHour: 2 };
  const server = await serve({
    ...{ host: "127.0.0.1", port: 0 },
    receiver: (url) => createReceiver({ identity, audiences: [url], admission: { kind: "open" }, limits }),
    trustProxy: { addresses: ["127.0.0.2"], by },
    log: (event) => events.push(event),
    ...options,
  });
  cleanUp.push(() => server.close());
  const refused = () => events.filter((event) => event.kind === "refused");
  return { ...server, events, refused };
}

/** A proxy that connects from `localAddress` and says `ahead` before what its client says. */
async function proxy(port: number, localAddress: string, ahead: Uint8Array | string) {
  const server = createServer((client) => {
    const onward = connect({ port, host: "127.0.0.1", localAddress });
    onward.write(ahead);
    client.pipe(onward).pipe(client);
    for (const socket of [client, onward]) socket.on("error", () => client.destroy());
    onward.on("close", () => client.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUp.push(() => server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** What a new person's connect to `url` over `port` ends in, and how a log names that person. */
async function newcomer(server: Awaited<ReturnType<typeof serving>>, port: number, tls?: { ca: string }) {
  const url = new URL(server.url);
  url.port = `${port}`;
  const dial = dialWebSocket(url.href, { timers: systemPlatform.timers, ...(tls && { tls }) });
  const sender = createSender({ identity: await makeIdentity(), audience: server.url, dial });
  cleanUp.push(() => sender.disconnect());
  const code = await sender.connect().then(
    () => "none",
    (thrown: { code: string }) => thrown.code,
  );
  return { code, from: server.events.at(-1)?.from };
}

const line = (client: string) => `PROXY TCP4 ${client} 192.0.2.1 1 2\r\n`;

describe("behind a proxy that speaks the PROXY protocol, its clients count, each for itself (threat 11)", () => {
  test.each(["ws", "wss"])("over %s", async (scheme) => {
    const tls = scheme === "wss" ? { cert: testCert, key: testKey } : undefined;
    const server = await serving("proxy-protocol", tls && { tls });
    for (const client of ["198.51.100.1", "198.51.100.2"]) {
      const port = await proxy(server.port, "127.0.0.2", line(client));
      const ca = tls && { ca: testCert };
      expect(await newcomer(server, port, ca)).toEqual({ code: "none", from: client });
      expect((await newcomer(server, port, ca)).code).toBe("none");
      expect((await newcomer(server, port, ca)).code).not.toBe("none");
    }
  });

  test("in binary, and by IPv6 network", async () => {
    const server = await serving("proxy-protocol");
    const from = (last: number) => [0x20, 0x01, 0x0d, 0xb8, ...Array(11).fill(0), last];
    const codes: string[] = [];
    for (const last of [1, 2, 3]) {
      const header = binaryHeader(0x21, 0x21, [...from(last), ...from(0), 0, 1, 0, 2]);
      codes.push((await newcomer(server, await proxy(server.port, "127.0.0.2", header))).code);
    }
    expect(codes.slice(0, 2)).toEqual(["none", "none"]);
    expect(codes[2]).not.toBe("none");
  });

  test("what is no such header is cut, and so is what says nothing; nobody else is believed", async () => {
    const server = await serving("proxy-protocol", { limits: { headersTimeoutMs: 300 } });
    const at = (localAddress: string, text: string) => rawSocket(server.port, localAddress, text);
    await Promise.all([at("127.0.0.2", "GET / HTTP/1.1\r\n\r\n"), at("127.0.0.2", "PROXY ")].map(ended));
    expect(server.refused()).toEqual(Array(2).fill({ kind: "refused", from: "127.0.0.2", reason: "proxy" }));
    const [answer] = await once(at("127.0.0.3", line("198.51.100.9")), "data");
    expect(String(answer)).toMatch(/^HTTP\/1\.1 400 /);
  });

  test("a header that comes byte by byte, with what follows in the same packet", async () => {
    const server = await serving("proxy-protocol");
    const socket = rawSocket(server.port, "127.0.0.2", "");
    await once(socket, "connect");
    socket.setNoDelay(true);
    for (const byte of line("198.51.100.1").slice(0, -1)) {
      socket.write(byte);
      await new Promise(setImmediate);
    }
    socket.write("\nGET /healthz HTTP/1.1\r\nHost: here\r\n\r\n");
    const [answer] = await once(socket, "data");
    expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /);
  });

  test("unauthenticated connections count for their client, and for all before the proxy has said whose they are", async () => {
    const limits = { unauthenticatedPerAddressMax: 1, unauthenticatedMax: 4 };
    const server = await serving("proxy-protocol", { limits });
    const held = [1, 2, 3].map((last) => rawSocket(server.port, "127.0.0.2", line(`198.51.100.${last}`)));
    await Promise.all(held.map((socket) => once(socket, "connect")));
    await ended(rawSocket(server.port, "127.0.0.2", line("198.51.100.3")));
    await until(() => server.refused().length === 1, "the second of one client to be refused");
    rawSocket(server.port, "127.0.0.2", "");
    await ended(rawSocket(server.port, "127.0.0.2", ""));
    expect(server.refused().map(({ from }) => from)).toEqual(["198.51.100.3", "127.0.0.2"]);
  });
});

describe("behind a proxy that says X-Forwarded-For, its clients count, each for itself (threat 11)", () => {
  const upgradeFrom = (forwarded: string) =>
    [
      "GET / HTTP/1.1",
      "Host: here",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
      "Sec-WebSocket-Protocol: keysaga.v1",
      `X-Forwarded-For: ${forwarded}`,
      "\r\n",
    ].join("\r\n");

  test("connections that nobody has proved, by client; a header of anybody else counts for nothing", async () => {
    const server = await serving("x-forwarded-for", { limits: { unauthenticatedPerAddressMax: 1 } });
    const answer = async (localAddress: string, forwarded: string) => {
      const [data] = await once(rawSocket(server.port, localAddress, upgradeFrom(forwarded)), "data");
      return String(data).split(" ")[1];
    };
    expect(await answer("127.0.0.2", "198.51.100.1")).toBe("101");
    expect(await answer("127.0.0.2", "198.51.100.2")).toBe("101");
    expect(await answer("127.0.0.2", "203.0.113.1, 198.51.100.2")).toBe("503");
    expect(server.refused()).toMatchObject([{ from: "198.51.100.2", limit: "unauthenticatedPerAddressMax" }]);
    expect(await answer("127.0.0.3", "198.51.100.3")).toBe("101");
    await ended(rawSocket(server.port, "127.0.0.3", upgradeFrom("198.51.100.4")));
    expect(server.refused().at(-1)).toMatchObject({ from: "127.0.0.3", reason: "busy" });
  });

  test.each([
    ["198.51.100.1", "198.51.100.1"],
    ["203.0.113.9, 198.51.100.1", "198.51.100.1"],
    ["198.51.100.1, 10.1.2.3", "198.51.100.1"],
    ["203.0.113.9,198.51.100.1 ,10.1.2.3, 127.0.0.2", "198.51.100.1"],
    ["10.1.2.3", "10.1.2.3"],
    ["198.51.100.1:4711", "198.51.100.1"],
    ["[2001:db8::6]:4711", "2001:db8::6"],
    ["2001:db8::6", "2001:db8::6"],
    ["198.51.100.1, unknown", "127.0.0.2"],
    ["198.51.100.1, unknown, 10.1.2.3", "10.1.2.3"],
    ["", "127.0.0.2"],
    [",,", "127.0.0.2"],
    ["1".repeat(8_000), "127.0.0.2"],
    [undefined, "127.0.0.2"],
  ])("%s: it is %s", (forwarded, client) => {
    const proxies = new Proxies({ addresses: ["127.0.0.2", "10.0.0.0/8"], by: "x-forwarded-for" });
    expect(proxies.clientOf("127.0.0.2", forwarded)).toBe(client);
    expect(proxies.clientOf("192.0.2.7", forwarded)).toBe("192.0.2.7");
  });
});

test.each([
  "",
  "example",
  "10.0.0.0/33",
  "10.0.0.0/",
  "2001:db8::/129",
  "10.0.0.0/8/8",
  "fe80::1%eth0",
  "10.0.0",
])("'%s' is no address of a proxy", (address) => {
  expect(() => new Proxies({ addresses: [address], by: "x-forwarded-for" })).toThrow(
    expect.objectContaining({ code: "wrong_proxy_address" }),
  );
});

function rawSocket(port: number, localAddress: string, text: string): Socket {
  const socket = connect({ port, host: "127.0.0.1", localAddress }, () => socket.write(text));
  socket.on("error", () => {});
  cleanUp.push(() => socket.destroy());
  return socket;
}

function ended(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.resume().once("close", () => resolve());
  });
}
