import { expect, test } from "vitest";
import type { Address, IbGib } from "../../src/ibgib/index.js";
import { createTimeline, sealRecord } from "../../src/ibgib/index.js";
import {
  awaitSaga,
  type ReceiverSagaState,
  sessionLimits,
  stepReceiverSaga,
  stepSenderSaga,
  startSenderSaga,
} from "../../src/saga/index.js";
import { openBench } from "../teardown/bench.js";
import { codeOf } from "./lab.js";
import { type StoryName, tell } from "./matrix.js";
import { type Speeds, slowDial } from "./slow-dial.js";

const hourMs = 3_600_000;

/** Twice the story, which is more than either side may have under way, over a link that is slow. */
async function syncOver(seed: string, story: StoryName, slow: Partial<Speeds>) {
  const bench = await openBench(seed);
  const { alice, bob, platform, time, world } = bench;
  const cast = { lab: { platform }, alice, carol: alice, bob };
  const roots: Address[] = [];
  for (let times = 0; times < 3; times++) roots.push(...(await tell(story, cast, alice)));
  const speeds: Speeds = { up: Number.POSITIVE_INFINITY, down: Number.POSITIVE_INFINITY };
  const { sender, events } = bench.dialling({}, slowDial(world.dial, time.timers, speeds));
  await sender.connect();
  Object.assign(speeds, slow);
  const call = codeOf(sender.sync(roots));
  let code: string | undefined;
  void call.then((ended) => {
    code = ended;
  });
  const tookMs = await time.until(() => code !== undefined, "the sync to end", hourMs);
  await time.until(() => bench.receiver().sessionCount === 0 || code === "none", "both to end", hourMs);
  const ends = [...events, ...bob.events].filter(({ kind }) => kind === "closed");
  await sender.disconnect();
  await world.close();
  return { code, tookMs, ends };
}

/** Slower than a turn's time in all, and each frame within it. */
test.each([
  ["24 kB/s up, a push", "big", { up: 24_000 }],
  ["24 kB/s down, a pull", "big pull", { down: 24_000 }],
  ["5 kB/s up, a push", "big", { up: 5_000 }],
  ["5 kB/s down, a pull", "big pull", { down: 5_000 }],
] as const)("%s behind a proxy that takes everything at once: it gets through", async (_, story, speeds) => {
  const { code, tookMs } = await syncOver(`slow ${story}`, story, speeds);
  expect(code).toBe("none");
  expect(tookMs).toBeGreaterThan(sessionLimits.turnTimeoutMs);
});

test.each([
  ["a push", "big", { up: 100 }],
  ["a pull", "big pull", { down: 100 }],
] as const)("100 bytes a second, %s: it ends in turn_timeout", async (_, story, speeds) => {
  const { code, ends } = await syncOver(`drip ${story}`, story, speeds);
  expect(code).toBe("turn_timeout");
  expect(ends).toContainEqual(expect.objectContaining({ error: expect.objectContaining({ code }) }));
});

const stone: IbGib = sealRecord({ ib: "stone", data: { text: "x" } });
const root = createTimeline({ ib: "note", uuid: "1" }).address;

/** A receiver that has answered at 0 and waits for the sender. */
function awaiting(): ReceiverSagaState {
  const verified = <Message>(message: Message) => ({ message }) as never;
  const init = { type: "init", saga: "00", turn: 1, direction: "both", entries: [{ address: root }] };
  const begun = stepReceiverSaga(awaitSaga(sessionLimits, 0), { kind: "init", turn: verified(init), now: 0 });
  return stepReceiverSaga(begun.state, {
    ...{
      kind: "compared",
      statuses: [{ status: "unknown" }],
      kept: 0,
      later: false,
      full: false,
      more: false,
      stones: [],
      found: [],
      made: [],
      open: [],
      evidence: [],
    },
    ...{ plan: { timelines: [], branches: [], stones: [], held: [] }, now: 0 },
  }).state;
}

/** What becomes of it where frames of so many bytes come each so often, until the time of a turn has passed twice. */
function afterFrames(state: ReceiverSagaState, records: readonly IbGib[], bytes: number, everyMs: number) {
  let next = state;
  for (let now = everyMs; now < 2 * sessionLimits.turnTimeoutMs; now += everyMs) {
    next = stepReceiverSaga(next, { kind: "payload", records, bytes, now }).state;
    next = stepReceiverSaga(next, { kind: "tick", now }).state;
    if (next.kind === "failed") return { code: next.error.code, now };
  }
  return { code: next.kind, now: 0 };
}

test.each([
  ["a part of a list each 300 ms", [], 120, 300],
  ["a full part of a list each second", [], 64 * 1024, 1_000],
  ["a record each 300 ms", [stone], 120, 300],
] as const)(
  "%s moves no deadline: a receiver that waits ends at that of its turn (threat 24)",
  (_, records, bytes, everyMs) => {
    expect(afterFrames(awaiting(), records, bytes, everyMs)).toEqual({
      code: "turn_timeout",
      now: sessionLimits.turnTimeoutMs,
    });
  },
);

test("records at 24 kB/s move it on", () => {
  expect(afterFrames(awaiting(), [stone], 256 * 1024, 10_900)).toMatchObject({ code: "awaitingCommit" });
});

test("a list ahead of init has the time between sagas, whatever comes of it (threat 24)", () => {
  const idle = awaitSaga({ ...sessionLimits, idleTimeoutMs: 60_000 }, 0);
  expect(afterFrames(idle, [], 64 * 1024, 1_000)).toEqual({ code: "turn_timeout", now: 60_000 });
});

test("a sender that waits goes on while the other side deals with what is on its way", () => {
  const { state } = startSenderSaga("00", [root], "both", sessionLimits);
  const waiting = stepSenderSaga(state, {
    kind: "planned",
    linkedMax: undefined,
    sets: [],
    roots: [{ address: root }],
    evidence: [],
    now: 0,
  });
  const later = (bytes: number) => {
    const moved = stepSenderSaga(waiting.state, { kind: "credit", bytes, now: 50_000 }).state;
    return stepSenderSaga(moved, { kind: "tick", now: 109_999 }).state.kind;
  };
  expect([later(256 * 1024), later(100)]).toEqual(["awaitingAck", "failed"]);
});
