import { connect, type Socket } from "node:net";
import { until } from "../waiting.js";

/** One WebSocket frame as a client may, or may not, send it. */
export interface RawFrame {
  readonly payload?: Uint8Array | string;
  /** 0 goes on, 1 is text, 2 is binary, 8 closes, 9 pings. */
  readonly opcode?: number;
  readonly isLast?: boolean;
  /** Says that the payload is compressed. */
  readonly isCompressed?: boolean;
  /** The length that is announced, where it is not the payload's. */
  readonly length?: number;
}

export function encodeFrame({
  payload = "",
  opcode = 1,
  isLast = true,
  isCompressed = false,
  length,
}: RawFrame): Buffer {
  const bytes = Buffer.from(payload);
  const said = length ?? bytes.length;
  const head = Buffer.alloc(said < 126 ? 2 : said < 65_536 ? 4 : 10);
  head[0] = (isLast ? 0x80 : 0) | (isCompressed ? 0x40 : 0) | opcode;
  if (said < 126) head[1] = 0x80 | said;
  else if (said < 65_536) {
    head[1] = 0x80 | 126;
    head.writeUInt16BE(said, 2);
  } else {
    head[1] = 0x80 | 127;
    head.writeBigUInt64BE(BigInt(said), 2);
  }
  return Buffer.concat([head, Buffer.alloc(4), bytes]); // masked with zeros: as it is
}

/** The lines with which a browser, or something like it, asks for a WebSocket. */
export function upgradeRequest(headers: Readonly<Record<string, string>> = {}): string {
  const lines = {
    Host: "here",
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "keysaga.v1",
    ...headers,
  };
  const text = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET / HTTP/1.1\r\n${text.join("")}\r\n`;
}

let clients = 0;

/** Loopback is a whole network, so there is an address for everybody. */
function nextAddress(): string {
  const at = clients++ % 60_000;
  return `127.1.${at >> 8}.${(at & 255) + 1 > 254 ? 254 : (at & 255) + 1}`;
}

/** A client that keeps no rule but its own: what it writes are bytes on a TCP socket. */
export class RawClient {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #isOver = false;
  #isClosed = false;
  /** Lets the other side wait for an answer to its close. */
  isRude = false;

  /** @param from An address of this machine: each counts as a network of its own. */
  constructor(port: number, from = nextAddress()) {
    this.socket = connect({ port, host: "127.0.0.1", localAddress: from });
    this.socket.on("error", () => {}); // a reset is one way to be refused
    this.socket.on("data", (data) => {
      this.#received = Buffer.concat([this.#received, data]);
      this.#answerClose();
    });
    this.socket.on("close", () => {
      this.#isOver = true;
    });
  }

  /** A connection that has been upgraded; what follows are frames. */
  static async upgraded(port: number, headers: Readonly<Record<string, string>> = {}): Promise<RawClient> {
    const client = new RawClient(port);
    client.write(upgradeRequest(headers));
    await client.until(() => client.head !== undefined || client.isOver);
    return client;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  #answerClose(): void {
    if (this.isRude || this.#isClosed || !this.head?.includes(" 101 ")) return;
    this.#isClosed = this.frames().some(({ opcode }) => opcode === 8);
    if (this.#isClosed) this.socket.end(encodeFrame({ opcode: 8 }));
  }

  write(bytes: Uint8Array | string): void {
    if (this.socket.writable) this.socket.write(bytes);
  }

  send(frame: RawFrame): void {
    this.write(encodeFrame(frame));
  }

  /** Status line and headers of the answer. */
  get head(): string | undefined {
    const end = this.#received.indexOf("\r\n\r\n");
    return end < 0 ? undefined : this.#received.subarray(0, end).toString("latin1");
  }

  /** What came behind the head, frame by frame. A server masks nothing. */
  frames(): { readonly opcode: number; readonly payload: Buffer }[] {
    const found: { opcode: number; payload: Buffer }[] = [];
    let rest = this.#received.subarray((this.head ?? "").length + 4);
    while (rest.length >= 2) {
      const short = rest[1]! & 0x7f;
      const at = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (rest.length < at) break;
      const length =
        short < 126 ? short : short === 126 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
      if (rest.length < at + length) break;
      found.push({ opcode: rest[0]! & 0x0f, payload: rest.subarray(at, at + length) });
      rest = rest.subarray(at + length);
    }
    return found;
  }

  /** The text messages that came. */
  texts(): readonly string[] {
    return this.frames().flatMap(({ opcode, payload }) => (opcode === 1 ? [payload.toString("utf8")] : []));
  }

  /** How it ended: the status of a refusal, or the code that was told and the close code; "cut" without either. */
  async end(): Promise<string> {
    await this.until(() => this.isOver);
    const status = /^HTTP\/1\.1 (\d+)/.exec(this.head ?? "")?.[1];
    if (status !== "101") return status ?? "cut";
    const told = this.texts().flatMap((text) =>
      text.startsWith('{"type":"error"') ? [JSON.parse(text).code] : [],
    );
    const close = this.frames().find(({ opcode }) => opcode === 8);
    return [...told, close ? close.payload.readUInt16BE(0) : "cut"].join(" ");
  }

  until(holds: () => boolean): Promise<void> {
    return until(holds, "a server");
  }

  destroy(): void {
    this.socket.destroy();
  }
}
