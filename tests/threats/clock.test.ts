import { expect, test } from "vitest";
import { KeysagaError } from "../../src/base/index.js";
import { createSender, type Platform } from "../../src/peer/index.js";
import { createWorld, type SenderPeer, seededPlatform, tapDial } from "../../src/testing/index.js";
import { countedTimers } from "../protocol/lab.js";

const day = 24 * 3_600_000;
/** The loops of both sides look at the time every few milliseconds instead of every second. */
const speed = 500;
/** How a sync may end that waits at that moment. */
const allowed = ["done", "turn_timeout", "connection_lost", "peer_failed"];

test.each([
  ["forward", day],
  ["back", -day],
])(
  "a clock that jumps a day %s at any message lets nobody in and keeps nobody out (threat 18)",
  async (_, jump) => {
    let offset = 0;
    const { timers } = countedTimers(speed);
    const platform: Platform = {
      ...seededPlatform("clock"),
      timers,
      clock: { now: () => Date.now() + offset },
    };
    const world = await createWorld({ platform });
    const [alice] = world.senders as [SenderPeer];
    const note = await alice.timeline("note");
    let left = -1;
    const { dial } = tapDial(world.dial, ({ message }) => {
      if (left-- === 0) offset += jump;
      return [message];
    });
    const { identity } = alice;
    const sender = createSender({ identity, dial, audience: world.audience, platform });
    const outcomes: string[] = [];
    let messages = 0;
    for (let at = 0; at <= messages; at++) {
      await alice.edit(note, { at });
      left = at;
      const error = await sender.sync([note]).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      messages = Math.max(messages, at - left - 1);
      await sender.disconnect();
      // What waits may be taken for late. Nothing is taken for wrong, and the next try is as good as ever.
      if (error !== undefined)
        expect(error instanceof KeysagaError && error.retryable, String(error)).toBe(true);
      outcomes.push(error instanceof KeysagaError ? error.code : "done");
      await sender.sync([note]);
      await sender.disconnect();
      expect(await world.receiver.graph(note)).toEqual(await alice.graph(note));
    }
    expect(outcomes.length).toBeGreaterThan(8);
    expect(outcomes.filter((outcome) => !allowed.includes(outcome))).toEqual([]);
    await world.close();
  },
);
