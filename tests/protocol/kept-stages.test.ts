import { beforeEach, expect, test } from "vitest";
import { KeysagaError } from "../../src/base/index.js";
import { type Address, addressOf, sealRecord } from "../../src/ibgib/index.js";
import { KeptStages, type KeptStagesLimits } from "../../src/peer/receiver/kept-stages.js";
import { fakeTimers } from "../transport/timers.js";
import { codeOf, WatchedSpace } from "./lab.js";
import { turn } from "../waiting.js";

const limits: KeptStagesLimits = {
  keptBytesPerIdentityMax: 1_000,
  keptBytesMax: 2_500,
  keptStagesMax: 3,
  keptMs: 60_000,
};
const person = (name: string) => addressOf(name, "A".repeat(64));
const [alice, bob, carol, dave] = ["alice", "bob", "carol", "dave"].map(person) as [
  Address,
  Address,
  Address,
  Address,
];

let clock = fakeTimers();
let space = new WatchedSpace();
let stages: KeptStages;
let sagas = 0;

beforeEach(() => {
  clock = fakeTimers();
  space = new WatchedSpace();
  stages = new KeptStages(space, limits, clock.timers);
});

/** A saga that has staged about so many bytes for somebody, and whose connection is lost. */
async function lose(who: Address, bytes: number): Promise<string> {
  const saga = `saga ${sagas++}`;
  const record = sealRecord({ ib: "x", data: { saga, text: "x".repeat(Math.max(0, bytes - 150)) } });
  const totals = await space.stage(saga, who, { holders: [who] }, [record]);
  expect(Math.abs(totals.bytes - bytes)).toBeLessThan(60);
  try {
    expect(await stages.keep(who, saga, totals)).toBe(true);
  } catch (thrown) {
    await space.drop(saga); // as a session does
    throw thrown;
  }
  return saga;
}

test("one stage of an identity: the newest; it is given out once, and to nobody else", async () => {
  await lose(alice, 300);
  const newer = await lose(alice, 200);
  expect([...space.staged]).toEqual([newer]);
  expect(stages.take(bob)).toBeUndefined();
  expect(stages.take(alice)).toBe(newer);
  expect(stages.take(alice)).toBeUndefined();
  expect([stages.size, clock.waiting()]).toEqual([0, 0]);
});

test("more than an identity may have is not kept, and what was kept of it before stays", async () => {
  const small = await lose(alice, 300);
  const tooMuch = lose(alice, 1_200);
  await expect(tooMuch).rejects.toMatchObject({
    code: "limit_exceeded",
    facts: { limit: "keptBytesPerIdentityMax" },
  });
  expect([...space.staged]).toEqual([small]);
});

test("what all have together is bounded, by bytes and by number: the oldest go (threat 11)", async () => {
  await lose(alice, 900);
  const [second, third] = [await lose(bob, 900), await lose(carol, 900)];
  expect([...space.staged]).toEqual([second, third]);
  await lose(alice, 200);
  const last = await lose(dave, 200);
  expect(stages.size).toBe(limits.keptStagesMax);
  expect([...space.staged]).toContain(last);
  expect([...space.staged]).not.toContain(second);
});

test("losing a connection on purpose again and again leaves one stage, however often (threat 11)", async () => {
  for (let i = 0; i < 200; i++) await lose(alice, 900);
  expect([stages.size, space.staged.size, clock.waiting()]).toEqual([1, 1, 1]);
});

test("it is kept for a time, and no longer", async () => {
  await lose(alice, 300);
  clock.advance(limits.keptMs - 1);
  await lose(bob, 300);
  clock.advance(1);
  await turn();
  expect([stages.take(alice), space.staged.size, clock.waiting()]).toEqual([undefined, 1, 1]);
});

test("close leaves nothing: no stage, no timer", async () => {
  await lose(alice, 300);
  await lose(bob, 300);
  await stages.close();
  expect([stages.size, space.staged.size, clock.waiting()]).toEqual([0, 0, 0]);
});

test("what the space cannot keep is not remembered either", async () => {
  const broken = new KeysagaError("store_failed");
  space.keep = () => Promise.reject(broken);
  const keeping = stages.keep(alice, "s", { records: 1, bytes: 1 });
  expect(await codeOf(keeping)).toBe("store_failed");
  space.keep = () => Promise.resolve(false);
  expect(await stages.keep(alice, "s", { records: 1, bytes: 1 })).toBe(false);
  expect([stages.size, clock.waiting()]).toEqual([0, 0]);
});
