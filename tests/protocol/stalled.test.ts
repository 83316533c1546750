import { expect, test } from "vitest";
import { createSender, type PeerEvent } from "../../src/peer/index.js";
import { sessionLimits } from "../../src/saga/index.js";
import { tapDial } from "../../src/testing/index.js";
import { nameOf } from "./faults.js";
import { codeOf, expectQuiet, openLab } from "./lab.js";
import { benchOf, tell } from "./matrix.js";
import { eventually } from "../waiting.js";
import { turnTime } from "../turn-time.js";

const patient = 10 * sessionLimits.turnTimeoutMs;
const impatient = sessionLimits.turnTimeoutMs / 3;

/** Each time it is the one with less patience that has to find out; the other would wait on. */
test.each([
  ["a receiver", { stalled: "sender", story: "big", turnTimeoutMs: impatient }],
  ["a sender", { stalled: "receiver", story: "big pull", turnTimeoutMs: patient }],
] as const)(
  "%s that takes no payload is not waited for longer than for a turn, though it lives",
  async (_, { stalled, story, turnTimeoutMs }) => {
    const lab = await openLab(`stalled ${stalled}`, { time: turnTime(2) });
    const { world, platform } = lab;
    const bench = benchOf(lab);
    const { alice, bob } = bench;
    // More frames than either side may send unasked.
    const roots = [...(await tell(story, bench, alice)), ...(await tell(story, bench, alice))];
    const events: PeerEvent[] = [];
    const { dial } = tapDial(world.dial, ({ to, message }) =>
      to === stalled && nameOf(message) === "credit" ? [] : [message],
    );
    const sender = createSender({
      ...{ identity: alice.identity, dial, audience: world.audience, access: "open", platform },
      limits: { turnTimeoutMs },
      onEvent: (event) => events.push(event),
    });
    expect(await codeOf(sender.sync(roots))).toBe("turn_timeout");
    const end = () => (stalled === "sender" ? events : bob.events).find(({ kind }) => kind === "closed");
    expect(await eventually(() => end() !== undefined)).toBe(true);
    expect(end()).toMatchObject({ error: { code: "turn_timeout", facts: { awaited: "credit" } } });
    await expectQuiet(lab);
    await world.close();
  },
);
