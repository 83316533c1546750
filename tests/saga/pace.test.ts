import { expect, test } from "vitest";
import { afterMovement, type Pace, startPace } from "../../src/saga/index.js";

const limits = { turnTimeoutMs: 60_000, payloadBytesPerSecondMin: 4_096 };

/** Frames of so many bytes, each so long after the one before: the pace after them, and when the last one moved. */
function moving(
  frames: number,
  bytes: number,
  everyMs: number,
): { readonly pace: Pace; readonly at: number } {
  let pace = startPace(0, limits);
  let at = 0;
  for (let frame = 0; frame < frames; frame++) {
    at += everyMs;
    pace = afterMovement(pace, bytes, at, limits);
  }
  return { pace, at };
}

test.each([
  ["full frames at 24 kB/s", 12, 256 * 1024, 10_900],
  ["full frames at a little over the least pace", 12, 256 * 1024, 59_000],
  ["small frames at the least pace", 1_000, 4_096, 1_000],
  ["a few bytes often", 10_000, 410, 100],
  ["one frame that is large enough by itself", 1, 40_960, 50_000],
])("%s: the deadline moves along", (_, frames, bytes, everyMs) => {
  const { pace, at } = moving(frames, bytes, everyMs);
  expect(pace.deadline).toBe(at + limits.turnTimeoutMs);
});

test.each([
  ["nothing", 0, 0, 0],
  ["100 bytes a second", 600, 100, 1_000],
  ["an entry each 300 ms", 200, 120, 300],
  ["a little under the least pace", 50, 4_095, 1_000],
  ["one frame that is too small by itself", 1, 40_959, 50_000],
])("%s: the deadline stays", (_, frames, bytes, everyMs) => {
  expect(moving(frames, bytes, everyMs).pace.deadline).toBe(limits.turnTimeoutMs);
});

test("a frame that is whole after half a minute was no faster than that", () => {
  const first = afterMovement(startPace(0, limits), 100_000, 1_000, limits);
  expect(first.deadline).toBe(61_000);
  expect(afterMovement(first, 100_000, 31_000, limits).deadline).toBe(61_000);
  expect(afterMovement(first, 123_000, 31_000, limits).deadline).toBe(91_000);
});

test("what moved long ago counts for nothing", () => {
  const burst = afterMovement(startPace(0, limits), 10_000_000, 0, limits);
  expect(afterMovement(burst, 1, 10_001, limits).deadline).toBe(60_000);
});

test("it stays small, however fast payload moves", () => {
  expect(moving(100_000, 1_000, 1).pace.moved.length).toBeLessThanOrEqual(11);
});
