import { deflateRawSync } from "node:zlib";
import { encodeFrame, RawClient, upgradeRequest } from "./raw-client.js";
import { sleep } from "../waiting.js";

/** One kind of abuse: what a stranger does, and how that ends. */
export interface Abuse {
  readonly ends: string;
  run(port: number): Promise<string>;
}

const deep = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;

/** Says hello's answer wrong: opens a WebSocket, does what it does, and waits for the end. */
function upgraded(ends: string, act: (client: RawClient) => Promise<void> | void): Abuse {
  return {
    ends,
    async run(port) {
      const client = await RawClient.upgraded(port);
      await client.until(() => client.texts().length > 0 || client.isOver);
      await act(client);
      return client.end();
    },
  };
}

/** Speaks from the first byte on as it likes. */
function bare(ends: string, act: (client: RawClient) => Promise<void> | void): Abuse {
  return {
    ends,
    async run(port) {
      const client = new RawClient(port);
      await act(client);
      return client.end();
    },
  };
}

/** A byte now and a byte then, for as long as anybody listens. */
async function drip(client: RawClient, bytes: Buffer): Promise<void> {
  for (const byte of bytes) {
    if (client.isOver) return;
    client.write(Uint8Array.of(byte));
    await sleep(20);
  }
}

const open = '{"type":"open"';
const long = `${open},"nonce":"${"0".repeat(2_000)}"}`;
const mebibyte = 1024 * 1024;

/** What strangers do to a receiver, one by one; nobody here has proved who they are. */
export const abuses: Readonly<Record<string, Abuse>> = {
  "nests twenty thousand deep": upgraded("auth_fail 1000", (client) =>
    client.send({ payload: `${open},"nonce":${deep(20_000)}}` }),
  ),
  "nests a hundred thousand deep": upgraded("auth_fail 1000", (client) =>
    client.send({ payload: deep(100_000) }),
  ),
  "says a text that is too long for a message": upgraded("auth_fail 1000", (client) =>
    client.send({ payload: `${open},"nonce":"${"0".repeat(mebibyte / 4)}"}` }),
  ),
  "names eighty thousand versions": upgraded("auth_fail 1000", (client) =>
    client.send({ payload: `${open},"versions":[${"-1,".repeat(80_000)}-1]}` }),
  ),
  "says twenty thousand things that nobody asked": upgraded("auth_fail 1000", (client) =>
    client.send({ payload: `${open},${Array.from({ length: 20_000 }, (_, at) => `"k${at}":1`).join()}}` }),
  ),
  "shows forty thousand frames that are none": upgraded("auth_fail 1000", (client) =>
    client.send({ payload: `{"type":"frames","frames":[${"[1],".repeat(40_000)}[1]]}` }),
  ),
  "sends more than a message may have": upgraded("1009", (client) =>
    client.send({ payload: Buffer.alloc(mebibyte + 1), opcode: 2 }),
  ),
  "announces 8 EiB and sends none of it": upgraded("1009", (client) =>
    client.send({ opcode: 2, length: 2 ** 62 }),
  ),
  "sends a message in a thousand pieces": upgraded("1008", (client) => {
    client.send({ payload: "{", isLast: false });
    for (let at = 0; at < 1_000; at++) client.send({ payload: " ", opcode: 0, isLast: false });
  }),
  "begins a message of many pieces and never ends it": upgraded("1000", (client) =>
    client.send({ payload: open, isLast: false }),
  ),
  "sends what inflates a thousandfold, though nobody agreed to it": upgraded("1002", (client) =>
    client.send({ payload: deflateRawSync(Buffer.alloc(8 * mebibyte)), isCompressed: true }),
  ),
  "offers compression and uses it": {
    ends: "no extension, 1002",
    async run(port) {
      const client = await RawClient.upgraded(port, {
        "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
      });
      const isAgreed = /sec-websocket-extensions/i.test(client.head ?? "");
      client.send({ payload: deflateRawSync(Buffer.alloc(8 * mebibyte)), isCompressed: true });
      return `${isAgreed ? "an" : "no"} extension, ${await client.end()}`;
    },
  },
  "sends a byte at a time": upgraded("1000", (client) => drip(client, encodeFrame({ payload: long }))),
  "sends its upgrade a byte at a time": bare("408", (client) =>
    drip(client, Buffer.from(upgradeRequest({ x: "x".repeat(1_000) }))),
  ),
  "never ends its upgrade": bare("408", (client) => client.write(upgradeRequest().slice(0, -2))),
  "sends garbage in place of an upgrade": bare("400", (client) =>
    client.write("\x16\x03\x01\0\xff garbage\r\n\r\n"),
  ),
  "gives one request two lengths, and hides another in it": bare("400", (client) =>
    client.write(
      "POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
        "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n",
    ),
  ),
  "sends garbage behind its upgrade": bare("1002", (client) =>
    client.write(Buffer.concat([Buffer.from(upgradeRequest()), Buffer.alloc(100, 0xff)])),
  ),
  "sends frames that are not masked": upgraded("1002", (client) =>
    client.write(Buffer.from([0x81, 1, 0x7b])),
  ),
  "sends headers without end": bare("431", (client) =>
    client.write(`GET / HTTP/1.1\r\n${"X: y\r\n".repeat(20_000)}`),
  ),
  "asks for another protocol": bare("400", (client) =>
    client.write(upgradeRequest({ "Sec-WebSocket-Protocol": "keysaga.v0" })),
  ),
  "comes from a page of another site": bare("403", (client) =>
    client.write(upgradeRequest({ Origin: "https://evil.example" })),
  ),
  "sends records before it has said who it is": upgraded("auth_fail 1000", (client) =>
    client.send({ payload: Buffer.from([1, 0, 0, 0, 1, 0]), opcode: 2 }),
  ),
  "sends text that is no UTF-8": upgraded("1007", (client) =>
    client.send({ payload: Buffer.from([0xc3, 0x28]) }),
  ),
  "says a hundred words at once": upgraded("auth_fail 1000", (client) => {
    for (let at = 0; at < 100; at++)
      client.send({ payload: '{"type":"frames","frames":[["a","b","c","d"]]}' });
  }),
  "grants credit that nobody wants": upgraded("auth_fail 1000", (client) => {
    for (let at = 0; at < 100; at++) client.send({ payload: '{"type":"credit","frames":1024}' });
  }),
  "pings faster than it can be answered": upgraded("cut", (client) => {
    const ping = encodeFrame({ payload: "x".repeat(100), opcode: 9 });
    client.write(Buffer.concat(Array.from({ length: 10_000 }, () => ping)));
  }),
  "says nothing": upgraded("1000", () => undefined),
  "is refused, and does not answer the close": upgraded("auth_fail 1000", (client) => {
    client.isRude = true;
    client.send({ payload: "{}" });
  }),
  "goes without a word": {
    ends: "gone",
    async run(port) {
      const client = await RawClient.upgraded(port);
      client.socket.resetAndDestroy();
      await client.until(() => client.isOver);
      return "gone";
    },
  },
  "closes, and does not wait for an answer": upgraded("1000", (client) =>
    client.send({ opcode: 8, payload: Buffer.from([0x03, 0xe8]) }),
  ),
  "closes with a code that does not exist": upgraded("1002", (client) =>
    client.send({ opcode: 8, payload: Buffer.from([0xff, 0xff]) }),
  ),
};
