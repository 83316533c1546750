import { afterEach, describe, expect, test } from "vitest";
import { toHex } from "../../src/base/index.js";
import type { TransportLimits, TransportOptions } from "../../src/transport/limits.js";
import type { Connection, Dial, Message } from "../../src/transport/transport.js";
import { Recorder } from "./recorder.js";
import { realTimers } from "./timers.js";
import { settled, sleep, turn, until } from "../waiting.js";

/** A place to connect to, and a way to let the network fail. */
export interface Network {
  readonly dial: Dial;
  onConnection: (connection: Connection) => void;
  /** The link of every connection is gone at once, with no word of goodbye. */
  vanish(): void;
  /** Stops listening. */
  stop(): Promise<void>;
}

export type OpenNetwork = (options: TransportOptions) => Promise<Network>;

const chunk = new Uint8Array(64 * 1024).fill(7);

/** What holds for every transport. `left` dials, `right` is accepted. */
export function transportContract(name: string, openNetwork: OpenNetwork): void {
  const opened: Network[] = [];
  const connections: Connection[] = [];

  async function network(limits: Partial<TransportLimits> = {}): Promise<Network> {
    const made = await openNetwork({ closeGraceMs: 60_000, ...limits, timers: realTimers });
    opened.push(made);
    return made;
  }

  async function connect(limits: Partial<TransportLimits> = {}) {
    const place = await network(limits);
    const accepted = new Promise<Connection>((resolve) => {
      place.onConnection = resolve;
    });
    const [left, right] = await Promise.all([place.dial(), accepted]);
    connections.push(left, right);
    return { left, right, vanish: () => place.vanish() };
  }

  afterEach(async () => {
    await Promise.all(connections.splice(0).map((connection) => connection.close()));
    await Promise.all(opened.splice(0).map((place) => place.stop()));
  });

  describe(`transport contract: ${name}`, () => {
    test("texts and bytes arrive as they were sent, in order, both ways", async () => {
      const { left, right } = await connect();
      const sent: Message[] = [
        "",
        "text",
        new Uint8Array(0),
        new Uint8Array([0, 255]),
        "\uFEFFBOM, NUL \0, é, 漢, 🜚",
        chunk,
      ];
      const ends = [new Recorder(left), new Recorder(right)];
      for (const message of sent) for (const end of ends) end.connection.send(message);
      for (const end of ends) expectSame(await end.received(sent.length), sent);
    });

    test("a message of the largest size arrives; one byte more ends both sides with limit_exceeded", async () => {
      const { left, right } = await connect({ messageBytesMax: 300_000 });
      const ends = [new Recorder(left), new Recorder(right)] as const;
      const largest = new Uint8Array(300_000).fill(1);
      left.send(largest);
      expectSame(await ends[1].received(1), [largest]);
      left.send("é".repeat(150_001));
      expect(await ends[1].ended()).toBe("limit_exceeded");
      expect(await ends[0].ended()).toBe("limit_exceeded");
      expect(ends[1].messages).toHaveLength(1);
    });

    test("bytes that were received are the taker's own", async () => {
      const { left, right } = await connect();
      const sent = [new Uint8Array([1, 2, 3]), new Uint8Array(5_000).fill(4), chunk.slice()];
      for (const bytes of sent) left.send(bytes);
      for (const message of await new Recorder(right).received(3)) {
        if (typeof message === "string") throw new Error("bytes expected");
        expect(message.buffer.byteLength).toBe(message.length); // a view would keep its neighbours alive
        expect(message.constructor).toBe(Uint8Array);
        message.fill(0);
      }
      expect(sent.map((bytes) => bytes.at(-1))).toEqual([3, 4, 7]); // no memory is shared between the ends
    });

    test("what arrives before start is kept, also when the other side has closed meanwhile", async () => {
      const { left, right } = await connect();
      left.send("first");
      left.send(new Uint8Array([2]));
      await left.close();
      const end = new Recorder(right);
      expect(await end.ended()).toBe("in order");
      expect(end.messages).toEqual(["first", new Uint8Array([2])]);
    });

    test("handlers never run inside a call on the connection", async () => {
      const { left, right } = await connect();
      let inCall = false;
      const call = (what: () => unknown) => {
        inCall = true;
        what();
        inCall = false;
      };
      const seen: boolean[] = [];
      right.send("kept for the start");
      await settled();
      call(() => left.start({ message: () => seen.push(inCall), closed: () => seen.push(inCall) }));
      call(() => left.pause());
      right.send("kept for the resume");
      await settled();
      call(() => left.resume());
      await until(() => seen.length === 2, "two messages");
      const echo = new Recorder(right, () => call(() => right.send("answer")));
      call(() => left.send("question"));
      await echo.received(1);
      await until(() => seen.length === 3, "the answer");
      call(() => void left.close());
      await until(() => seen.length === 4, "closed");
      expect(seen).toEqual([false, false, false, false]);
    });

    test("pause stops at once, within a burst, and resume goes on without loss", async () => {
      const { left, right } = await connect();
      const end: Recorder = new Recorder(right, () => right.pause());
      for (let at = 0; at < 50; at++) left.send(`${at}`);
      for (let at = 0; at < 50; at++) {
        await end.received(at + 1);
        await turn();
        expect(end.messages).toHaveLength(at + 1);
        right.resume();
      }
      expect(end.messages).toEqual(Array.from({ length: 50 }, (_, at) => `${at}`));
    });

    test("a slow reader fills the sender's buffer, drained waits, and nothing is lost", async () => {
      const { left, right } = await connect();
      await left.drained();
      const sent = await fill(left, 1024 * 1024);
      let hasDrained = false;
      const drained = left.drained().then(() => {
        hasDrained = true;
      });
      await settled();
      expect(hasDrained).toBe(false);
      const end = new Recorder(right);
      await drained;
      expect(left.bufferedBytes).toBeLessThan(256 * 1024);
      expect((await end.received(sent)).every((message) => message.length === chunk.length)).toBe(true);
    });

    test("a sender that does not wait is cut at bufferedBytesMax", async () => {
      const { left } = await connect({ bufferedBytesMax: 512 * 1024 });
      const end = new Recorder(left);
      await fill(left, 512 * 1024);
      left.send(chunk);
      expect(await end.ended()).toBe("limit_exceeded");
      expect(left.bufferedBytes).toBe(0);
    });

    test("close flushes, tells the other side, and ends each side once and in order", async () => {
      const { left, right } = await connect();
      const ends = [new Recorder(left), new Recorder(right)] as const;
      for (let at = 0; at < 100; at++) left.send(at % 2 === 0 ? `${at}` : chunk);
      await Promise.all([left.close(), left.close()]);
      expect(await ends[0].ended()).toBe("in order");
      expect(await ends[1].ended()).toBe("in order");
      expect(ends[1].messages).toHaveLength(100);
      for (const { connection } of ends) {
        expect(() => connection.send("late")).toThrowError(
          expect.objectContaining({ code: "connection_closed" }),
        );
        await connection.drained();
        await connection.close();
      }
      await turn();
      expect([ends[0].ends.length, ends[1].ends.length]).toEqual([1, 1]);
    });

    test("close at any moment: before start, within a message, within closed, on both sides at once", async () => {
      const unstarted = await connect();
      await unstarted.left.close();
      expect(await new Recorder(unstarted.left).ended()).toBe("in order");

      const within = await connect();
      const left: Recorder = new Recorder(within.left, () => void within.left.close());
      within.right.send("one");
      within.right.send("two");
      expect(await left.ended()).toBe("in order");
      expect(left.messages).toEqual(["one"]);

      const again = await connect();
      const closedTwice = new Promise<void>((resolve) => {
        again.right.start({ message: () => {}, closed: () => resolve(again.right.close()) });
      });
      await again.left.close();
      await closedTwice;

      const both = await connect();
      const ends = [new Recorder(both.left), new Recorder(both.right)];
      for (const { connection } of ends) connection.send(chunk);
      await Promise.all(ends.map(({ connection }) => connection.close()));
      expect(ends.map((end) => end.ends)).toEqual([[undefined], [undefined]]);
    });

    test("close while paused over messages drops them", async () => {
      const { left, right } = await connect();
      right.pause();
      const end = new Recorder(right);
      left.send("never seen");
      await settled();
      await right.close();
      expect(end.messages).toEqual([]);
      expect(await end.ended()).toBe("in order");
    });

    test("a side that has stopped reading can still close in order", async () => {
      const { left, right } = await connect();
      const end = new Recorder(left);
      await fill(left, 64 * 1024);
      await right.close();
      expect(await end.ended()).toBe("in order");
    });

    test("a connection that is paused over a message reports its end behind it", async () => {
      const { left, right } = await connect();
      right.pause();
      const end = new Recorder(right);
      left.send("last words");
      await left.close();
      await settled();
      expect([end.messages, end.ends]).toEqual([[], []]);
      right.resume();
      expect(await end.ended()).toBe("in order");
      expect(end.messages).toEqual(["last words"]);
    });

    test("when the other side never answers, close cuts after the grace (threat 24)", async () => {
      const { left } = await connect({ closeGraceMs: 60 });
      const end = new Recorder(left);
      await fill(left, 64 * 1024); // the other side has stopped reading and will not see the close
      const before = performance.now();
      await left.close();
      expect(performance.now() - before).toBeGreaterThan(50);
      expect(await end.ended()).toBe("in order");
    });

    test("a network that vanishes ends both sides once with connection_lost, behind what had arrived", async () => {
      const { left, right, vanish } = await connect();
      const started = new Recorder(left);
      left.send("arrived");
      await settled();
      vanish();
      expect(await started.ended()).toBe("connection_lost");
      const late = new Recorder(right);
      expect(await late.ended()).toBe("connection_lost");
      expect(late.messages).toEqual(["arrived"]);
      expect(() => right.send("late")).toThrowError(expect.objectContaining({ code: "connection_closed" }));
      await Promise.all([left.close(), right.close()]);
      expect([started.ends.length, late.ends.length]).toEqual([1, 1]);
    });

    test("sending into a link that has just gone never throws", async () => {
      const { left, vanish } = await connect();
      const end = new Recorder(left);
      vanish();
      for (let at = 0; at < 20 && end.ends.length === 0; at++) {
        try {
          left.send(chunk);
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: "connection_closed" });
        }
        await turn();
      }
      expect(await end.ended()).toBe("connection_lost");
    });

    test("a handler that throws ends its own connection and no other (threat 23)", async () => {
      const { left, right } = await connect();
      const thrower = new Recorder(right, () => {
        throw new TypeError("a bug of the taker");
      });
      const sender = new Recorder(left);
      left.send("boom");
      left.send("never delivered");
      expect(await thrower.ended()).toBe("internal");
      expect(thrower.ends[0]?.cause).toBeInstanceOf(TypeError);
      expect(thrower.messages).toEqual(["boom"]);
      expect(await sender.ended()).toBe("connection_lost");
    });

    test("an aborted dial rejects and connects nobody", async () => {
      const place = await network();
      await expect(place.dial(AbortSignal.abort())).rejects.toMatchObject({ code: "aborted" });
      const abort = new AbortController();
      const dialling = place.dial(abort.signal);
      abort.abort();
      await expect(dialling).rejects.toMatchObject({ code: "aborted" });
    });

    test("dialling where nobody listens rejects with cannot_connect", async () => {
      const place = await network();
      await place.stop();
      await expect(place.dial()).rejects.toMatchObject({ code: "cannot_connect" });
    });

    test("nothing is left behind: no socket, no timer (threat 24)", async () => {
      await until(() => networkHandles().length === 0, "the tests before to have ended");
      const { left, right } = await connect();
      const ends = [new Recorder(left), new Recorder(right)];
      left.send("something");
      await ends[1]?.received(1);
      const other = await connect();
      other.vanish();
      await Promise.all([left.close(), right.close(), other.left.close(), other.right.close()]);
      await Promise.all(opened.map((place) => place.stop()));
      await until(() => networkHandles().length === 0, "all to be closed"); // the timers of the runner end as well
    });

    test("200 connections that send at once, with random delays, lose nothing", async () => {
      const place = await network();
      const random = seeded(20261104);
      place.onConnection = async (right) => {
        right.send("hello");
        await delay(random());
        right.start({ message: (message) => right.send(message), closed: () => {} });
      };
      const visit = async (number: number) => {
        const left = await place.dial();
        connections.push(left);
        const sent = [`${number}`, new Uint8Array([number]), "last"];
        for (const message of sent) left.send(message);
        await delay(random());
        const end = new Recorder(left);
        expect(await end.received(4)).toEqual(["hello", ...sent]);
        await left.close();
      };
      for (let batch = 0; batch < 10; batch++) {
        await Promise.all(Array.from({ length: 20 }, (_, at) => visit(20 * batch + at)));
      }
    });
  });
}

/** What keeps this process alive, without the pipes of the test runner. */
function networkHandles(): string[] {
  return process.getActiveResourcesInfo().filter((name) => name !== "PipeWrap");
}

/** Sends, giving the network its turns, until more than `bytes` wait; returns how many messages that took. */
async function fill(connection: Connection, bytes: number): Promise<number> {
  let sent = 0;
  for (; connection.bufferedBytes <= bytes; sent++) {
    if (sent === 1_000) throw new Error("the network takes everything: there is no backpressure");
    connection.send(chunk);
    await turn();
  }
  return sent;
}

/** Byte for byte; `toEqual` takes seconds for megabytes. */
function expectSame(got: readonly Message[], sent: readonly Message[]): void {
  const inHex = (message: Message) => (typeof message === "string" ? message : toHex(message));
  expect(got.map((message) => typeof message)).toEqual(sent.map((message) => typeof message));
  expect(got.map(inHex)).toEqual(sent.map(inHex));
}

/** Not at all, one turn of the loop, or up to 3 ms. */
async function delay(random: number): Promise<void> {
  if (random < 0.25) return;
  await (random < 0.5 ? turn() : sleep(random * 3));
}

/** mulberry32: numbers from 0 to 1, the same for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
