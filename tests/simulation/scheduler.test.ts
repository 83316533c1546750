import { expect, test } from "vitest";
import { Dice } from "../../src/testing/simulation/dice.js";
import { Scheduler } from "../../src/testing/simulation/scheduler.js";

const never = () => false;

test("things happen by time, and at one time in the order they were asked for", async () => {
  const scheduler = new Scheduler();
  const happened: string[] = [];
  const dice = new Dice("an order");
  const due = Array.from({ length: 200 }, (_, at) => ({ at, ms: dice.below(20) }));
  for (const { at, ms } of due) scheduler.after(ms, () => happened.push(`${scheduler.now} ${ms} ${at}`));
  await scheduler.run(never, 1_000, () => undefined);
  const expected = due
    .toSorted((a, b) => a.ms - b.ms || a.at - b.at)
    .map(({ at, ms }) => `${ms} ${ms} ${at}`);
  expect(happened).toEqual(expected);
  expect(scheduler.now).toBe(1_000);
});

test("what is taken back does not happen, and promises come to rest in between", async () => {
  const scheduler = new Scheduler();
  const happened: string[] = [];
  const settle = async (name: string) => {
    for (let turns = 0; turns < 50; turns++) await Promise.resolve();
    happened.push(name);
  };
  scheduler.after(1, () => void settle("first"));
  const cancel = scheduler.after(2, () => happened.push("never"));
  scheduler.after(2, () => happened.push("second"));
  cancel();
  const looks: number[] = [];
  await scheduler.run(never, 10, () => looks.push(happened.length));
  expect(happened).toEqual(["first", "second"]);
  expect(looks).toEqual([0, 1, 2]);
});

test("time stops where it is told to, and where it is over", async () => {
  const scheduler = new Scheduler();
  let count = 0;
  for (let ms = 1; ms <= 10; ms++) scheduler.after(ms, () => count++);
  await scheduler.run(never, 4, () => undefined);
  expect([scheduler.now, count]).toEqual([4, 4]);
  await scheduler.run(
    () => count === 7,
    100,
    () => undefined,
  );
  expect([scheduler.now, count]).toEqual([7, 7]);
});
