import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import type { PeerEvent } from "../../src/peer/index.js";
import type { Connection, Dial } from "../../src/transport/index.js";
import { codeOf } from "../protocol/lab.js";
import { type Bench, expectConverges, freshRoots, openBench } from "./bench.js";

/** The code that a call ends with, in no more time than that. */
async function within(bench: Bench, maxMs: number, call: Promise<unknown>): Promise<string> {
  let code: string | undefined;
  void codeOf(call).then((is) => {
    code = is;
  });
  await bench.time.until(() => code !== undefined, "the call to end", maxMs);
  return code ?? "";
}

const never = () => new Promise<never>(() => undefined);

describe("a dial that does not heed its signal", () => {
  /** A dial that ends when the test says so. */
  async function slowDial() {
    const bench = await openBench("slow dial");
    let isClosed = false;
    let isDialled = false;
    let come: () => void = () => undefined;
    const dial: Dial = async () => {
      isDialled = true;
      await new Promise<void>((resolve) => {
        come = resolve;
      });
      const connection: Connection = await bench.world.dial();
      const { close } = connection;
      connection.close = () => {
        isClosed = true;
        return close.call(connection);
      };
      return connection;
    };
    return {
      bench,
      come: () => come(),
      isDialled: () => isDialled,
      isClosed: () => isClosed,
      ...bench.dialling({}, dial),
    };
  }

  test.each([
    ["disconnect", "connection_closed"],
    ["abort", "aborted"],
  ])("holds up no %s, and its connection is closed when it comes", async (end, code) => {
    const { bench, come, isDialled, isClosed, sender, events } = await slowDial();
    const cancel = new AbortController();
    const call = sender.connect({ signal: cancel.signal });
    await bench.time.until(isDialled, "it to dial");
    const ended = end === "abort" ? cancel.abort() : sender.disconnect();
    expect(await within(bench, 0, call)).toBe(code);
    await ended;
    expect([bench.time.waiting(), bench.network.live()]).toEqual([0, 0]);
    come();
    await bench.time.until(isClosed, "the late connection to be closed");
    await bench.time.until(() => bench.network.live() === 0, "nothing to be left", 6_000);
    expect(events).toEqual([]);
    bench.expectNothingLeft();
    await bench.world.close();
  });

  test("and never ends is given up after the handshake's time", async () => {
    const bench = await openBench("no dial");
    const { sender } = bench.dialling({}, never);
    const call = sender.connect();
    expect(await within(bench, 10_000, call)).toBe("cannot_connect");
    await sender.disconnect();
    bench.expectNothingLeft();
    await bench.world.close();
  });
});

describe("what never returns holds up no end (threat 24)", () => {
  test("the store, before there is a connection", async () => {
    const bench = await openBench("pin");
    const { sender } = bench.dialling();
    bench.gates.sender.hold();
    const call = sender.connect();
    const ended = sender.disconnect();
    expect(await within(bench, 0, call)).toBe("connection_closed");
    await ended;
    bench.gates.sender.release();
    bench.expectNothingLeft();
    await bench.world.close();
  });

  test("whoever is asked whether to admit somebody", async () => {
    const bench = await openBench("admit");
    const { sender } = bench.dialling();
    bench.gates.receiver.hold("admit");
    const call = sender.connect();
    call.catch(() => undefined); // it may end before anybody looks at it
    await bench.time.until(() => true, "it to be asked");
    expect(await within(bench, 0, bench.receiver().close())).toBe("none");
    expect(await within(bench, 0, call)).toBe("connection_lost");
    bench.gates.receiver.release();
    await bench.time.until(() => bench.network.live() === 0, "nothing to be left");
    bench.expectNothingLeft();
    await bench.world.close();
  });

  test("a peer that takes no records: who sends them ends the session", async () => {
    const bench = await openBench("stalled");
    const { sender, events } = bench.dialling();
    const roots = [...(await freshRoots(bench, "big")), ...(await freshRoots(bench, "big"))]; // more than the credit
    await sender.connect();
    const call = sender.sync(roots);
    while (!events.some(({ kind }) => kind === "payload")) await new Promise(setImmediate);
    bench.network.newest().silence();
    expect(await within(bench, 3 * 60_000, call)).toBe("turn_timeout");
    expect(events.at(-1)).toMatchObject({ kind: "closed", error: { facts: { awaited: "credit" } } });
    await bench.time.until(() => bench.receiver().sessionCount === 0, "the other side to end", 3 * 60_000);
    await expectConverges(bench, bench.alice, roots);
    await bench.world.close();
  });
});

test("a commit under way when the connection is lost is waited for, and told as what it became", async () => {
  const bench = await openBench("commit");
  const { sender } = bench.dialling();
  const roots = await freshRoots(bench, "note");
  await sender.connect();
  let isCommitting = false;
  bench.gates.receiver.onCall = (name) => {
    isCommitting ||= name === "commit";
  };
  bench.gates.receiver.hold("commit");
  const call = sender.sync(roots);
  await bench.time.until(() => isCommitting, "the commit");
  bench.network.newest().sever();
  expect(await within(bench, 6_000, call)).toBe("connection_lost");
  bench.gates.receiver.release();
  await bench.time.until(() => bench.receiver().sessionCount === 0, "the session to end");
  expect(bench.bob.events.slice(-2).map(({ kind }) => kind)).toEqual(["durable", "closed"]);
  expect(await bench.bob.graph(roots[0]!)).toEqual(await bench.alice.graph(roots[0]!));
  await expectConverges(bench, bench.alice, roots);
  await bench.world.close();
});

describe("a watcher that throws ends the session it watches, and nothing else", () => {
  const kinds: readonly PeerEvent["kind"][] = [
    "connected",
    "started",
    "turn",
    "waiting",
    "durable",
    "closed",
  ];

  test.each(kinds)("at %s", async (kind) => {
    const bench = await openBench(`watcher ${kind}`);
    const roots = await freshRoots(bench, "note");
    let thrown = 0;
    const onEvent = (event: PeerEvent) => {
      if (event.kind !== kind) return;
      thrown++;
      throw new Error("a bug of the watcher");
    };
    const { sender } = bench.dialling({ onEvent });
    if (kind === "waiting") await sender.connect();
    if (kind === "waiting") bench.gates.receiver.hold();
    const call = sender.sync(roots);
    call.catch(() => undefined); // it may end before anybody looks at it
    if (kind === "waiting") await bench.time.until(() => thrown > 0, "the wait to be told", 1_000);
    const code = await within(bench, 6_000, call);
    expect(code).toBe(["durable", "closed"].includes(kind) ? "none" : "internal");
    bench.gates.receiver.release();
    await sender.disconnect();
    expect(thrown).toBeGreaterThan(0);
    await bench.time.until(() => bench.receiver().sessionCount === 0, "the receiver to see it", 6_000);
    await expectConverges(bench, bench.alice, roots);
    await bench.world.close();
  });

  test("at the receiver as well: its place is given back", async () => {
    const bench = await openBench("receiver's watcher");
    const roots = await freshRoots(bench, "note");
    const { push } = bench.bob.events;
    bench.bob.events.push = (...events) => {
      if (events[0]?.kind === "closed") throw new Error("a bug of the watcher");
      return push.apply(bench.bob.events, events);
    };
    for (let round = 0; round < 20; round++) await bench.alice.sync(roots); // more than one may have at a time
    await bench.time.until(() => bench.receiver().sessionCount === 0, "no session to be left");
    bench.expectNothingLeft();
    await bench.world.close();
  });
});

test("a signal that outlives many calls keeps no listener of theirs", async () => {
  const bench = await openBench("one signal");
  const { sender } = bench.dialling();
  const { signal } = new AbortController();
  const roots = await freshRoots(bench, "note");
  const calls = Array.from({ length: 30 }, () => sender.sync(roots, { signal }));
  expect(getEventListeners(signal, "abort")).toHaveLength(1); // and no warning of a leak
  await Promise.all(calls);
  expect(getEventListeners(signal, "abort")).toEqual([]);
  await sender.disconnect();
  bench.expectNothingLeft();
  await bench.world.close();
});
