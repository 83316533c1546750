import { beforeEach, expect, test, vi } from "vitest";
import { createSender } from "../../src/peer/index.js";
import { createWorld, tapDial } from "../../src/testing/index.js";
import { nameOf } from "../protocol/faults.js";
import { expectInStep } from "./turns.js";

const limits = vi.hoisted(() => ({ framesMax: 0, headsMax: 1_000 }));

vi.mock("../../src/merge/limits.js", async (importOriginal) => ({
  ...(await importOriginal<object>()),
  mergeLimits: limits,
}));

const long = Array.from({ length: 30 }, (_, at) => ({ at }));
beforeEach(() => {
  limits.framesMax = 100_000;
});

async function twoNotes() {
  const world = await createWorld({ seed: "too long" });
  const [alice, bob] = [world.senders[0]!, world.receiver];
  const roots = [await alice.timeline("long"), await alice.timeline("short")] as const;
  await alice.edit(roots[0], ...long);
  return { alice, bob, roots };
}

test("a root whose history is too long to be followed here is left; all else goes on (O2, O4)", async () => {
  const { alice, bob, roots } = await twoNotes();
  const [first, second] = roots;
  limits.framesMax = 20;
  expect((await alice.sync(roots)).left).toEqual([{ address: first, reason: "too_long" }]);
  await expectInStep(alice, bob, [second]);
  expect(await bob.space.hasMany([first])).toEqual([false]);
  limits.framesMax = 100_000;
  expect((await alice.sync(roots)).left).toEqual([]);
  await expectInStep(alice, bob, roots);
});

test("a root whose history is too long for the receiver is left there, and named (O2, O3)", async () => {
  const { alice, bob, roots } = await twoNotes();
  const [first, second] = roots;
  const { dial, audience } = bob.listening;
  const tap = tapDial(dial, ({ message }) => {
    if (nameOf(message) === "commit") limits.framesMax = 20;
    return [message];
  });
  alice.reach(createSender({ identity: alice.identity, dial: tap.dial, audience }), "tapped");
  const { left } = await alice.sync(roots, { at: "tapped" });
  expect(left).toEqual([{ address: first, reason: "too_long", by: bob.address }]);
  await expectInStep(alice, bob, [second]);
  expect(await bob.space.hasMany([first])).toEqual([false]);
});
