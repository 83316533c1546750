import { describe, expect, test } from "vitest";
import { pauseAfterLoss } from "../../src/peer/home/backoff.js";
import { deferred } from "../../src/peer/home/deferred.js";
import { underLock } from "../../src/peer/home/exclusive.js";
import { Gate } from "../../src/peer/home/gate.js";
import { Handshakes } from "../../src/peer/home/handshakes.js";
import type { Locks } from "../../src/peer/index.js";
import { seededPlatform } from "../../src/testing/index.js";
import { fakeTimers } from "../transport/timers.js";
import { codeOf } from "./lab.js";
import { turn } from "../waiting.js";

/** A task that runs until the test ends it, and says that it has begun. */
function task() {
  const end = deferred<string>();
  let begun = 0;
  const run = () => {
    begun++;
    return end.promise;
  };
  return { run, end: end.resolve, fail: end.reject, begun: () => begun };
}

describe("a gate", () => {
  test("runs one at a time, in the order asked; who fails holds up nobody", async () => {
    const gate = new Gate(fakeTimers().timers);
    const order: string[] = [];
    let running = 0;
    const calls = Array.from({ length: 100 }, (_, i) =>
      gate.run(async () => {
        expect(++running).toBe(1);
        await turn();
        running--;
        order.push(`${i}`);
        if (i % 3 === 0) throw new Error(`${i}`);
        return i;
      }),
    );
    const outcomes = await Promise.allSettled(calls);
    expect(order).toEqual(calls.map((_, i) => `${i}`));
    for (const [i, outcome] of outcomes.entries())
      expect(outcome).toMatchObject(i % 3 === 0 ? { reason: { message: `${i}` } } : { value: i });
  });

  test("a call that waits too long is told so, and never runs; those behind it do", async () => {
    const { timers, advance, waiting } = fakeTimers();
    const gate = new Gate(timers, 1_000);
    const [long, late, last] = [task(), task(), task()];
    const first = gate.run(long.run);
    const second = codeOf(gate.run(late.run));
    await turn();
    advance(999);
    const third = gate.run(last.run);
    advance(1);
    expect(await second).toBe("queue_timeout");
    long.end("first");
    expect(await first).toBe("first");
    await turn();
    last.end("third");
    expect(await third).toBe("third");
    expect([long.begun(), late.begun(), last.begun()]).toEqual([1, 0, 1]);
    expect(waiting()).toBe(0);
  });

  test("a call that is cancelled while it waits has left the queue; one that runs sees the signal itself", async () => {
    const { timers, waiting } = fakeTimers();
    const gate = new Gate(timers, 1_000);
    const [one, two, three] = [task(), task(), task()];
    const cancel = new AbortController();
    const running = gate.run(one.run, { cancel: cancel.signal });
    const cancelled = gate.run(two.run, { cancel: cancel.signal });
    const behind = gate.run(three.run);
    await turn();
    cancel.abort(new Error("enough"));
    await expect(cancelled).rejects.toThrow("enough");
    await expect(gate.run(two.run, { cancel: cancel.signal })).rejects.toThrow("enough");
    expect(three.begun()).toBe(0); // the first one is still at it
    one.end("one");
    three.end("three");
    expect(await Promise.all([running, behind])).toEqual(["one", "three"]);
    expect([two.begun(), waiting()]).toEqual([0, 0]);
  });

  test("a call that is cancelled as its turn comes does not run, and the next one does", async () => {
    const gate = new Gate(fakeTimers().timers);
    const [one, two, three] = [task(), task(), task()];
    const cancel = new AbortController();
    const first = gate.run(one.run);
    const second = gate.run(two.run, { cancel: cancel.signal });
    const third = gate.run(three.run);
    await turn();
    one.end("one");
    void first.then(() => cancel.abort(new Error("now")));
    await expect(second).rejects.toThrow("now");
    three.end("three");
    expect(await third).toBe("three");
    expect(two.begun()).toBe(0);
  });

  test("a task that waits for the gate it stands in is told in time, and the gate goes on", async () => {
    const { timers, advance } = fakeTimers();
    const gate = new Gate(timers, 1_000);
    const outer = codeOf(gate.run(() => gate.run(async () => "inner")));
    const behind = gate.run(async () => "behind");
    await turn();
    advance(1_000);
    expect(await outer).toBe("queue_timeout");
    expect(await codeOf(behind)).toBe("queue_timeout");
    expect(await gate.run(async () => "later")).toBe("later");
  });

  test("a patient call waits for as long as it takes", async () => {
    const { timers, advance, waiting } = fakeTimers();
    const gate = new Gate(timers, 1_000);
    const [one, two] = [task(), task()];
    void gate.run(one.run);
    const patient = gate.run(two.run, { isPatient: true });
    await turn();
    advance(1_000_000);
    expect(waiting()).toBe(0);
    one.end("one");
    two.end("two");
    expect(await patient).toBe("two");
  });
});

describe("handshakes with one receiver", () => {
  test("queue by origin; whoever does not end is overtaken when its time is over", async () => {
    const { timers, advance, waiting } = fakeTimers();
    const handshakes = new Handshakes(timers, 60_000);
    const endFirst = await handshakes.begin("wss://a", 10_000);
    const endOther = await handshakes.begin("wss://b", 10_000);
    let isSecond = false;
    const second = handshakes.begin("wss://a", 10_000).finally(() => {
      isSecond = true;
    });
    await turn();
    expect(isSecond).toBe(false);
    advance(10_000);
    const endSecond = await second;
    const third = handshakes.begin("wss://a", 10_000);
    endFirst(); // much too late: not the second one's turn
    await turn();
    expect(waiting()).toBe(2); // the second one's longest, and the third one's wait
    endSecond();
    endSecond();
    (await third)();
    endOther();
    await turn();
    expect(waiting()).toBe(0);
  });

  test("one that is cancelled leaves the queue", async () => {
    const { timers, waiting } = fakeTimers();
    const handshakes = new Handshakes(timers, 60_000);
    const end = await handshakes.begin("wss://a", 10_000);
    const cancel = new AbortController();
    const cancelled = handshakes.begin("wss://a", 10_000, cancel.signal);
    const third = handshakes.begin("wss://a", 10_000);
    cancel.abort(new Error("enough"));
    await expect(cancelled).rejects.toThrow("enough");
    end();
    (await third)();
    await turn();
    expect(waiting()).toBe(0);
  });
});

describe("a lock saves work, and nothing rests on it", () => {
  const refused = new Error("no lock");
  const never = () => new Promise<never>(() => undefined);
  const locks: Record<string, Locks["exclusive"]> = {
    "is given": (_, task) => task(),
    "is refused": () => Promise.reject(refused),
    "is refused at once": () => {
      throw refused;
    },
    "is never given": never,
    "is never given, and says so when it is given up": (_, __, signal) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    "is given twice": async (_, task) => (await Promise.all([task(), task()]))[0],
    "is given, and nothing comes back": (_, task) => {
      void task().catch(() => undefined);
      return never();
    },
    "is lost at once": (_, task) => {
      void task().catch(() => undefined);
      return Promise.reject(refused);
    },
    "says it is done, and was not": () => Promise.resolve() as Promise<never>,
  };

  test.each(Object.entries(locks))("that %s", async (_, exclusive) => {
    const { timers, advance, waiting } = fakeTimers();
    for (const outcome of ["done", new Error("failed")]) {
      let runs = 0;
      const work = async () => {
        runs++;
        await turn();
        if (outcome instanceof Error) throw outcome;
        return outcome;
      };
      const result = underLock({ locks: { exclusive }, timers }, "name", work);
      await turn();
      advance(2_000);
      if (outcome instanceof Error) await expect(result).rejects.toBe(outcome);
      else expect(await result).toBe(outcome);
      expect([runs, waiting()]).toEqual([1, 0]);
    }
  });
});

test("pauses are random, and as long as a quarter of a second at most", async () => {
  const { timers: real, random } = seededPlatform("pauses");
  const asked: number[] = [];
  const timers = {
    after(ms: number, fire: () => void) {
      asked.push(ms);
      return real.after(0, fire);
    },
  };
  for (let losses = 1; losses <= 20; losses++) await pauseAfterLoss({ random, timers }, losses);
  expect(asked[0]).toBeLessThan(4);
  expect(Math.max(...asked)).toBeGreaterThan(100);
  expect(Math.max(...asked)).toBeLessThanOrEqual(250);
  expect(new Set(asked).size).toBe(20);
  const cancel = new AbortController();
  const pause = pauseAfterLoss({ random, timers: fakeTimers().timers }, 1, cancel.signal);
  cancel.abort(new Error("enough"));
  await expect(pause).rejects.toThrow("enough");
});
