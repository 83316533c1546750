import { expect, test } from "vitest";
import { createSender, type Platform } from "../../src/peer/index.js";
import { createWorld, type SenderPeer, seededPlatform, tapDial } from "../../src/testing/index.js";
import { turnTime } from "../turn-time.js";

const day = 24 * 3_600_000;
test.each([
  ["forward", day],
  ["back", -day],
])("a clock that jumps a day %s at any message changes no verdict (W14) (threat 18)", async (_, jump) => {
  let offset = 0;
  const { timers } = turnTime(100); // the loops of both sides look at the clock all the time, not every second
  const { clock: steady, ...rest } = seededPlatform("clock");
  const clock = { ...steady, now: () => steady.now() + offset };
  const platform: Platform = { ...rest, timers, clock };
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
  let messages = 0;
  for (let at = 0; at <= messages; at++) {
    await alice.edit(note, { at });
    left = at;
    await sender.sync([note]);
    messages = Math.max(messages, at - left - 1);
    expect(await world.receiver.graph(note)).toEqual(await alice.graph(note));
    await sender.disconnect();
  }
  expect(messages).toBeGreaterThan(8);
  await world.close();
});
