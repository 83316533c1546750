import { describe, expect, test } from "vitest";
import { errorTable, KeysagaError } from "../../src/base/index.js";
import type { PeerEvent, ReconnectOptions, SenderSettings } from "../../src/peer/index.js";
import { reconnectDefaults } from "../../src/peer/index.js";
import type { Dial } from "../../src/transport/index.js";
import { codeOf } from "../protocol/lab.js";
import { type Bench, freshRoots, openBench } from "./bench.js";
import { turn } from "./time.js";

/** A sender of alice's whose dials are counted, and fail while they are told to. */
async function stage(reconnect?: ReconnectOptions, settings: Partial<SenderSettings> = {}) {
  const bench = await openBench("reconnect");
  const dials = { made: 0, failing: 0, code: "cannot_connect" as const };
  const dial: Dial = async (signal) => {
    dials.made++;
    if (dials.failing-- > 0) throw new KeysagaError(dials.code);
    return bench.world.dial(signal);
  };
  const asked = { ...settings, ...(reconnect && { reconnect }) };
  const { sender, events } = bench.dialling(asked, dial);
  const roots = await freshRoots(bench, "note");
  return { bench, dials, sender, events, roots, ofRetries: () => events.filter(isOfRetries) };
}

const isOfRetries = ({ kind }: PeerEvent) => ["reconnecting", "reconnected", "gaveUp"].includes(kind);
const kindsOf = (events: readonly PeerEvent[]) => events.map(({ kind }) => kind);

/** How a call ends, with as much time as that takes. */
async function ending(bench: Bench, call: Promise<unknown>, maxMs = 10 * 60_000): Promise<string> {
  let code: string | undefined;
  void codeOf(call).then((is) => {
    code = is;
  });
  await bench.time.until(() => code !== undefined, "the call to end", maxMs);
  return code ?? "";
}

async function expectAllGone({ bench, sender }: Awaited<ReturnType<typeof stage>>): Promise<void> {
  await sender.disconnect();
  await bench.time.until(() => bench.network.live() === 0, "no connection to be left", 6_000);
  bench.expectNothingLeft();
  await bench.world.close();
}

describe("a sender that is to reconnect", () => {
  test("does nothing of the kind unless asked", async () => {
    const scene = await stage();
    scene.dials.failing = 1;
    expect(await codeOf(scene.sender.sync(scene.roots))).toBe("cannot_connect");
    expect([scene.dials.made, scene.ofRetries()]).toEqual([1, []]);
    await expectAllGone(scene);
  });

  test("tries until the receiver is there, and says so", async () => {
    const scene = await stage({});
    scene.dials.failing = 3;
    expect(await ending(scene.bench, scene.sender.sync(scene.roots))).toBe("none");
    expect(scene.ofRetries()).toMatchObject([
      { kind: "reconnecting", tries: 1, code: "cannot_connect" },
      { kind: "reconnecting", tries: 2, code: "cannot_connect" },
      { kind: "reconnecting", tries: 3, code: "cannot_connect" },
      { kind: "reconnected", tries: 3 },
    ]);
    await expectAllGone(scene);
  });

  test("waits a random time each, whose longest doubles up to a limit", async () => {
    const pace = { firstDelayMs: 1_000, delayMsMax: 5_000, triesMax: 40, timeMsMax: 10 ** 9 };
    const scene = await stage(pace);
    scene.dials.failing = 40;
    expect(await ending(scene.bench, scene.sender.sync(scene.roots), 10 ** 9)).toBe("none");
    const delays = scene.events.flatMap((event) => (event.kind === "reconnecting" ? [event.delayMs] : []));
    const longest = delays.map((_, at) => Math.min(5_000, 1_000 * 2 ** at));
    expect(delays).toHaveLength(40);
    expect(delays.every((delay, at) => delay >= 0 && delay < longest[at]!)).toBe(true);
    const shares = delays.map((delay, at) => delay / longest[at]!);
    expect([Math.min(...shares) < 0.2, Math.max(...shares) > 0.8]).toEqual([true, true]); // all of the range
    await expectAllGone(scene);
  });

  test("gives up after so many tries, with what the last one failed with", async () => {
    const scene = await stage({ triesMax: 2 });
    scene.dials.failing = 100;
    expect(await ending(scene.bench, scene.sender.sync(scene.roots))).toBe("cannot_connect");
    expect(kindsOf(scene.ofRetries())).toEqual(["reconnecting", "reconnecting", "gaveUp"]);
    expect(scene.events.at(-1)).toEqual({ kind: "gaveUp", tries: 2, code: "cannot_connect" });
    expect(scene.dials.made).toBe(3);
    await expectAllGone(scene);
  });

  test("begins no try later than its time", async () => {
    const scene = await stage({ triesMax: 1_000, timeMsMax: 60_000, firstDelayMs: 10_000 });
    scene.dials.failing = 1_000;
    const start = scene.bench.time.clock.now();
    expect(await ending(scene.bench, scene.sender.sync(scene.roots))).toBe("cannot_connect");
    expect(scene.bench.time.clock.now() - start).toBeLessThanOrEqual(60_000);
    expect(scene.events.at(-1)).toMatchObject({ kind: "gaveUp" });
    expect(scene.dials.made).toBeLessThan(50);
    await expectAllGone(scene);
  });

  test("makes nothing again that has to be changed first, least of all what was not valid", async () => {
    const scene = await stage({});
    await scene.sender.connect();
    const call = scene.sender.sync(scene.roots);
    scene.bench.network.newest().inject("sender", '{"type":"nonsense"}');
    expect(await ending(scene.bench, call)).toBe("malformed_message");
    const { network } = scene.bench;
    const before = network.newest();
    const other = scene.sender.sync(scene.roots);
    while (network.newest() === before) await turn();
    network.newest().inject("sender", '{"type":"error","code":"auth_fail"}');
    expect(await ending(scene.bench, other)).toBe("auth_fail");
    expect([scene.dials.made, scene.ofRetries()]).toEqual([2, []]);
    await expectAllGone(scene);
  });

  test("a call that is cancelled, or a disconnect, ends the waiting at once", async () => {
    const scene = await stage({ firstDelayMs: 30_000, delayMsMax: 30_000 });
    const { bench, sender, roots } = scene;
    const isWaiting = () => scene.events.at(-1)?.kind === "reconnecting" && bench.time.waiting() === 1;
    const cancel = new AbortController();
    const ends: readonly [() => unknown, string][] = [
      [() => cancel.abort(), "aborted"],
      [() => sender.disconnect(), "connection_closed"],
    ];
    for (const [end, code] of ends) {
      scene.dials.failing = 1;
      const call = sender.sync(roots, code === "aborted" ? { signal: cancel.signal } : {});
      await bench.time.until(isWaiting, "it to wait");
      const behind = sender.sync(roots);
      void behind.catch(() => undefined);
      end();
      expect(await ending(bench, call, 0)).toBe(code);
      expect(scene.ofRetries().at(-1)).toEqual({ kind: "gaveUp", tries: 1, code });
      expect(await codeOf(behind)).toBe(code === "aborted" ? "none" : "connection_closed");
      await sender.disconnect();
    }
    await expectAllGone(scene);
  });

  test("calls behind it wait for it, and are tried anew themselves", async () => {
    const scene = await stage({});
    scene.dials.failing = 2;
    const calls = [scene.sender.connect(), scene.sender.sync(scene.roots), scene.sender.sync(scene.roots)];
    expect(await ending(scene.bench, Promise.all(calls))).toBe("none");
    expect(kindsOf(scene.ofRetries())).toEqual(["reconnecting", "reconnecting", "reconnected"]);
    await expectAllGone(scene);
  });

  test("does not open by itself what is lost while nothing runs", async () => {
    const scene = await stage({});
    await scene.sender.connect();
    scene.bench.network.newest().sever();
    await scene.bench.time.until(() => scene.events.at(-1)?.kind === "closed", "it to be lost");
    await expectAllGone(scene);
    expect([scene.dials.made, scene.ofRetries()]).toEqual([1, []]);
  });
});

test("a sync that lost its connection runs again on a new session, and nothing of the old one is used", async () => {
  const scene = await stage({});
  const { bench, sender, events, roots } = scene;
  await sender.connect();
  const call = sender.sync(roots);
  const first = bench.network.newest();
  while (!kindsOf(events).includes("payload")) await turn(); // records are on their way
  first.sever();
  expect(await ending(bench, call)).toBe("none");

  const sessions = events.filter((event) => event.kind === "connected");
  expect(sessions).toHaveLength(2);
  for (const member of ["session", "receiverSession"] as const)
    expect(sessions[0]![member]).not.toBe(sessions[1]![member]);
  expect(sessions[0]!.lane).toBe(sessions[1]!.lane);
  const sagas = events.flatMap((event) => (event.kind === "started" ? [event.saga] : []));
  expect(new Set(sagas).size).toBe(2);
  expect(first.isGone).toBe(true);
  for (const root of roots) expect(await bench.bob.graph(root)).toEqual(await bench.alice.graph(root));
  await expectAllGone(scene);
});

test("the defaults are those of the page, and every failure that is tried again is one that may be", () => {
  expect(reconnectDefaults).toEqual({
    firstDelayMs: 500,
    delayMsMax: 30_000,
    triesMax: 8,
    timeMsMax: 300_000,
  });
  const ofValidation = [
    "auth_fail",
    "wrong_context",
    "out_of_turn",
    "malformed_message",
    "sync_error",
  ] as const;
  for (const code of ofValidation) expect(errorTable[code].retryable).toBe(false);
});
