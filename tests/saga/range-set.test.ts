import fc from "fast-check";
import { expect, test } from "vitest";
import { createTimeline } from "../../src/ibgib/index.js";
import { type FinalTip, RangeSet, sagaLimits, setFingerprint } from "../../src/saga/index.js";
import {
  answer,
  askOn,
  askWhole,
  fingerprintsOf,
  mayAsk,
  startAnswering,
  tipsOf,
  type Said,
  withAlike,
} from "../../src/saga/ranges.js";

const of = createTimeline({ ib: "folder", uuid: "0" }).address;
/** Tips are only compared: another timeline's address will do. */
const addresses = Array.from(
  { length: 3_000 },
  (_, at) => createTimeline({ ib: "note", uuid: `${at}` }).address,
);
const tipOf = (at: number, edit = 0): FinalTip => ({
  address: addresses[at]!,
  tip: addresses[at + edit]!,
  n: edit,
});

/** Both sides of a comparison: what each takes to be alike, and what went over the wire for it. */
async function compared(mine: readonly FinalTip[], theirs: readonly FinalTip[]) {
  let [turns, nodes] = [0, 0];
  let asking = askWhole({ of, set: await RangeSet.of(mine) });
  let answering = startAnswering({ of, set: await RangeSet.of(theirs) });
  for (let said: Said = [["", asking.set.fingerprint("")]]; said.length > 0; ) {
    turns += 1;
    nodes += said.length;
    const answered = answer(answering, said);
    answering = answered.answering;
    const next = askOn(asking, answered.same);
    asking = next.asking;
    expect(next.ranges.length === 0 || mayAsk(answering, next.ranges)).toBe(true);
    said = fingerprintsOf(next.ranges);
  }
  return { turns, nodes, mine: tipsOf(withAlike([], asking)), theirs: tipsOf(withAlike([], answering)) };
}

/** Of each timeline: only here, only there, on both sides and different, or the same. */
const places = fc.array(
  fc.constantFrom("mine", "theirs", "different", ...Array.from("sssss", () => "same")),
  {
    maxLength: 400,
  },
);

test("both sides find the same timelines alike, and only such that are (X2, X7)", async () => {
  await fc.assert(
    fc.asyncProperty(places, async (where) => {
      const [mine, theirs, same]: FinalTip[][] = [[], [], []];
      for (const [at, place] of where.entries()) {
        if (place !== "theirs") mine!.push(tipOf(at));
        if (place !== "mine") theirs!.push(tipOf(at, place === "different" ? 1 : 0));
        if (place === "same") same!.push(tipOf(at));
      }
      const found = await compared(mine!, theirs!);
      expect(found.theirs).toEqual(found.mine);
      expect(same).toEqual(expect.arrayContaining([...found.mine]));
    }),
    { numRuns: 60 },
  );
});

test("what differs costs by how much differs, not by the size (X1)", async () => {
  const all = addresses.slice(0, 2_900).map((_, at) => tipOf(at));
  expect(await compared(all, all)).toMatchObject({ turns: 1, nodes: 1 });
  const some = all.map((tip, at) => (at % 290 === 0 ? tipOf(at, 1) : tip));
  const { turns, nodes, mine } = await compared(some, all);
  expect(all.length - mine.length).toBeLessThan(20);
  expect(nodes).toBeLessThan(10 * 3 * 16 + 17);
  expect(turns).toBeLessThan(6);
});

test("one who has nothing, or nothing alike, is named everything, and told no more", async () => {
  const all = addresses.slice(0, 300).map((_, at) => tipOf(at));
  const others = all.map((_, at) => tipOf(at, 1));
  for (const [mine, theirs] of [
    [all, []],
    [[], all],
    [all, others],
  ] as const)
    expect(await compared(mine, theirs)).toMatchObject({ mine: [], theirs: [] });
});

test("a turn divides no more ranges than it may: what is in the others is named", async () => {
  const all = addresses.slice(0, 300).map((_, at) => tipOf(at));
  const set = await RangeSet.of(all);
  const asked = Array.from({ length: sagaLimits.rangesMax + 1 }, () => "");
  const { ranges, asking } = askOn(
    { of, set, asked, found: [] },
    asked.map(() => false),
  );
  expect([ranges.length, asking.found]).toEqual([sagaLimits.rangesMax, []]);
});

test("the fingerprint is that of the set, in whatever order, and of no other (X7)", async () => {
  const all = addresses.slice(0, 40).map((_, at) => tipOf(at));
  const whole = await setFingerprint(all);
  expect(await setFingerprint(all.toReversed())).toBe(whole);
  const others = [all.slice(1), [...all, tipOf(40)], all.with(3, tipOf(3, 1)), []];
  const prints = await Promise.all(others.map(setFingerprint));
  expect(new Set([whole, ...prints]).size).toBe(5);
});
