import { describe, expect, test } from "vitest";
import { startHeartbeat } from "../../src/transport/heartbeat.js";
import { fakeTimers } from "./timers.js";

/** A heartbeat of one second whose other side does what the test makes of it. */
function beating(isReading: () => boolean = () => true) {
  const clock = fakeTimers();
  const pings: (() => void)[] = [];
  let lost = 0;
  let bytesRead = 0;
  const heartbeat = startHeartbeat({
    timers: clock.timers,
    intervalMs: 1_000,
    missesMax: 2,
    ping: (written) => pings.push(written),
    bytesRead: () => bytesRead,
    isReading,
    lost: () => lost++,
  });
  const read = () => bytesRead++;
  return { ...clock, pings, heartbeat, read, lost: () => lost };
}

describe("the heartbeat", () => {
  test("pings once an interval, and two silent intervals after a ping are the end, once", () => {
    const { advance, pings, lost, waiting } = beating();
    advance(1_000);
    expect(pings).toHaveLength(1);
    pings[0]?.();
    advance(1_000);
    expect([pings.length, lost()]).toEqual([2, 0]);
    pings[1]?.();
    advance(999);
    expect(lost()).toBe(0);
    advance(1);
    expect([lost(), waiting()]).toEqual([1, 0]);
    advance(10_000);
    expect(lost()).toBe(1);
  });

  test("any byte that comes starts the count anew, be it a part of a message", () => {
    const { advance, pings, read, lost } = beating();
    for (let second = 0; second < 100; second++) {
      advance(1_000);
      pings.at(-1)?.();
      if (second % 2 === 1) read();
    }
    expect(lost()).toBe(0);
  });

  test("a ping that waits behind data which moves is no miss; behind data which stands still it is", () => {
    const { advance, pings, heartbeat, lost } = beating();
    for (let second = 0; second < 10; second++) {
      heartbeat.moved();
      advance(1_000);
    }
    expect([pings.length, lost()]).toEqual([1, 0]); // one ping waits, no second is queued behind it
    advance(2_000);
    expect(lost()).toBe(1);
  });

  test("data that moves after the ping has left excuses nothing: a dead peer's kernel takes it too", () => {
    const { advance, pings, heartbeat, lost } = beating();
    for (let second = 0; second < 3; second++) {
      heartbeat.moved();
      advance(1_000);
      pings.at(-1)?.();
    }
    expect(lost()).toBe(1);
  });

  test("nothing counts while this side does not read, and stop leaves no timer", () => {
    let reading = false;
    const { advance, pings, heartbeat, lost, waiting } = beating(() => reading);
    advance(1_000);
    pings[0]?.();
    advance(100_000);
    expect(lost()).toBe(0);
    reading = true;
    advance(1_000);
    expect(lost()).toBe(0);
    heartbeat.stop();
    expect(waiting()).toBe(0);
  });
});
