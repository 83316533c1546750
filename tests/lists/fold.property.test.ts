import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Address, IbGib } from "../../src/ibgib/index.js";
import {
  type Change,
  changeList,
  changesOf,
  emptyList,
  foldChanges,
  foldList,
  isSetAside,
  type ListState,
  nextAdoptionNo,
  nextSetAsideNo,
  nextShareNo,
  nextWithdrawalNo,
  noFrameRow,
  noIdentityRow,
} from "../../src/lists/index.js";
import { adopt, bob, carol, chain, list, setAside, share, timeline, withdraw } from "./cast.js";
import { Said } from "./model.js";

const note = timeline();
const first = list(note);
const people = [bob, carol];
const frames = [timeline().address, timeline().address];

/** What a state says, in a form that two of them can be compared by. */
function picture({ identities, frames }: ListState): unknown {
  const sorted = <Row>(rows: ReadonlyMap<Address, Row>) => [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
  return { identities: sorted(identities), frames: sorted(frames) };
}

function permutations<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  if (items.length < 2) return [items];
  return items.flatMap((item, at) => permutations(items.toSpliced(at, 1)).map((rest) => [item, ...rest]));
}

/** Does the state say what all the changes together say, by the rules? */
function expectAsSaid(state: ListState, changes: readonly Change[]): void {
  const said = new Said(changes);
  for (const who of people) {
    const { entries } = state.identities.get(who) ?? noIdentityRow;
    const numbers = said.inForce(who).map(({ no }) => no);
    expect(entries.map(({ no }) => no).sort()).toEqual(numbers.sort());
  }
  for (const frame of frames) {
    const row = state.frames.get(frame) ?? noFrameRow;
    expect(isSetAside(row)).toBe(said.isAside(frame));
    expect(row.isNamed).toBe(said.names().includes(frame));
  }
}

const number = fc.integer({ min: 1, max: 3 });
const person = fc.constantFrom(...people);
const frame = fc.constantFrom(...frames);
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(person, number, fc.boolean()).map(([who, no, ends]) => share(who, no, ends ? { expires: 5 } : {})),
  fc.tuple(person, number, fc.subarray(frames)).map(([who, no, names]) => withdraw(who, no, names)),
  fc.tuple(frame, number).map(([which, no]) => adopt(which, no - 1)),
  fc.tuple(frame, number).map(([which, no]) => setAside(which, no - 1, `why ${no}`)),
);

describe("the fold of a list's frames (AL34)", () => {
  test("is the same in all orders of a few changes, and what the rules say of all of them", () => {
    const few = [
      share(bob),
      share(bob, 2),
      withdraw(bob, 1, frames),
      setAside(frames[0]!, 1),
      adopt(frames[0]!, 1),
      setAside(frames[1]!),
    ];
    const all = chain(first, ...few).slice(1);
    const whole = picture(foldList(first, all));
    expectAsSaid(foldList(first, all), few);
    for (const order of permutations(all)) expect(picture(foldList(first, order))).toEqual(whole);
  });

  test("is the same in any order, in parts, and where a frame comes twice (AL19)", () => {
    const orders = fc
      .array(change, { maxLength: 14 })
      .chain((changes) => fc.tuple(fc.constant(changes), fc.shuffledSubarray(changes), fc.nat(14)));
    fc.assert(
      fc.property(orders, fc.infiniteStream(fc.nat(1000)), ([changes, , cut], draws) => {
        const all: IbGib[] = chain(first, ...changes).slice(1);
        const order = shuffled(all, draws);
        const whole = foldList(first, all);
        expectAsSaid(whole, changes);
        expect(picture(foldList(first, order))).toEqual(picture(whole));
        const part = foldList(first, order.slice(0, cut));
        const rest = foldChanges(part, changesOf(first, order)); // what is in the part comes again
        expect(picture(rest)).toEqual(picture(whole));
      }),
    );
  });
});

describe("numbers, where two homes of the owner do not know of each other", () => {
  /** What a home writes that knows this much. */
  const shareBy = ({ identities }: ListState) =>
    share(bob, nextShareNo(identities.get(bob) ?? noIdentityRow));
  const withdrawBy = ({ identities }: ListState) =>
    withdraw(bob, nextWithdrawalNo(identities.get(bob) ?? noIdentityRow));
  const adoptBy = (state: ListState) => adopt(frames[0]!, nextAdoptionNo(rowOf(state)));
  const asideBy = (state: ListState) => setAside(frames[0]!, nextSetAsideNo(rowOf(state)));
  const rowOf = (state: ListState) => state.frames.get(frames[0]!) ?? noFrameRow;
  const folded = (...changes: readonly Change[]) =>
    foldChanges(
      emptyList,
      changes.map((change, at) => ({ change, key: `${at}` })),
    );
  const inForce = (...changes: readonly Change[]) => folded(...changes).identities.get(bob)?.entries.length;

  test("a share that did not know of a withdrawal ends with the rest, one that did does not (AL13, AL14)", () => {
    const one = shareBy(emptyList);
    const phone = withdrawBy(folded(one));
    const laptop = shareBy(folded(one));
    expect(inForce(one, phone, laptop)).toBe(0);
    expect(inForce(one, phone, shareBy(folded(one, phone)))).toBe(1);
  });

  test("a set-aside wins over an adoption of the same time, and loses to one that knew of it (AL22, AL23)", () => {
    const aside = asideBy(emptyList);
    const [again, back] = [asideBy(folded(aside)), adoptBy(folded(aside))];
    expect(isSetAside(rowOf(folded(aside, again, back)))).toBe(false);
    const [phone, laptop] = [asideBy(folded(aside, back)), adoptBy(folded(aside, back))];
    expect(isSetAside(rowOf(folded(aside, back, phone, laptop)))).toBe(true);
    expect(isSetAside(rowOf(folded(aside, back, phone, adoptBy(folded(aside, back, phone)))))).toBe(false);
  });

  test("a name in a withdrawal loses against a set-aside, whichever came first (AL24)", () => {
    const named = withdraw(bob, 1, frames);
    for (const order of permutations([named, asideBy(emptyList)]))
      expect(isSetAside(rowOf(folded(...order)))).toBe(true);
  });
});

test("a frame of ten thousand shares and withdrawals folds into one row", () => {
  let state = emptyList;
  for (let at = 0; at < 10_000; at++) {
    const changes = at % 2 === 0 ? [share(bob, at / 2 + 1)] : [withdraw(bob, (at - 1) / 2 + 1)];
    state = foldChanges(state, [{ change: changes[0]!, key: `${at}` }]);
  }
  expect(state.identities.get(bob)).toEqual({ entries: [], shared: 5000, withdrawn: 5000 });
  expect(() => changeList(first, [share(bob, 5001)])).not.toThrow();
});

function shuffled<Item>(items: readonly Item[], draws: Iterable<number>): readonly Item[] {
  const rest = [...items];
  const order: Item[] = [];
  for (const draw of draws) {
    if (rest.length === 0) break;
    order.push(...rest.splice(draw % rest.length, 1));
  }
  return order;
}
