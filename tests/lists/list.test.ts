import { describe, expect, test } from "vitest";
import { KeysagaError } from "../../src/base/index.js";
import { createTimeline, type IbGib, mutate, relate, sealRecord } from "../../src/ibgib/index.js";
import {
  type Change,
  changeList,
  changesOf,
  checkEntries,
  emptyList,
  entriesIn,
  foldChanges,
  foldList,
  firstOfList,
  listLimits,
  listsOf,
  readChanges,
  readListFirst,
} from "../../src/lists/index.js";
import { mergeFunctions, mergeTips } from "../../src/merge/index.js";
import {
  alice,
  bob,
  carol,
  chain,
  eve,
  list,
  receiver,
  setAside,
  share,
  timeline,
  withdraw,
} from "./cast.js";

function refusal(work: () => unknown): unknown {
  try {
    work();
    return "taken";
  } catch (thrown) {
    if (!(thrown instanceof KeysagaError)) throw thrown;
    return { code: thrown.code, ...thrown.facts };
  }
}

const refused = (rule: string) => ({ code: "list_refused", rule });

describe("the first frame of a list (AL2)", () => {
  const note = timeline();

  test("is computed from the timeline's own, so everybody has the same", () => {
    const { writers, readers } = listsOf(note.address, alice);
    expect(list(note).address).toBe(writers);
    expect(list(note, "readers").address).toBe(readers);
    expect(writers).not.toBe(readers);
    expect(readListFirst(list(note))).toEqual({ kind: "writers", owner: alice, of: note.address });
    expect(readListFirst(note)).toBeUndefined();
  });

  test("is refused where it is another than the computed one", () => {
    const data = { isTjp: true, n: 0, owner: alice, of: note.address };
    const tries: IbGib[] = [
      sealRecord({ ib: "list.writers", data: { ...data, more: 1 } }),
      sealRecord({ ib: "list.writers", data: { isTjp: true, owner: alice, of: note.address } }),
      sealRecord({ ib: "list.writers", data, rel8ns: { item: [note.address] } }),
      sealRecord({ ib: "list.writers", data: { isTjp: true, n: 0, of: note.address } }),
      createTimeline({ ib: "list.readers", owner: alice, data: { of: "nothing" }, uuid: "" }),
    ];
    for (const first of tries) expect(refusal(() => readListFirst(first))).toEqual(refused("first"));
  });

  test("by another owner is another list", () => {
    expect(firstOfList("writers", note.address, eve).address).not.toBe(list(note).address);
  });
});

describe("a frame of a list (AL33)", () => {
  const first = list(timeline());
  const frame = timeline().address;

  test("holds the changes that it makes, and none of those before", () => {
    const [, one, two] = chain(first, share(bob), withdraw(bob));
    expect(readChanges(one!)).toEqual([share(bob)]);
    expect(readChanges(two!)).toEqual([withdraw(bob)]);
  });

  test("is refused where it says something else, or in another form (AL11, AL17)", () => {
    const bad: object[] = [
      { ...share(bob), access: "read" },
      { ...share(bob), no: 0 },
      { ...share(frame), no: 1 },
      { ...share(bob), expires: -1 },
      { ...share(bob), uses: 1 },
      { ...share(bob), receiver },
      { ...share(bob), uses: 0, receiver },
      { ...share(bob), uses: 1, receiver: frame },
      { ...withdraw(bob), names: ["nothing"] },
      { ...withdraw(bob), names: ["note^gib"] },
      { ...setAside(frame), no: 0.5 },
      { ...setAside(frame), why: "x".repeat(listLimits.whyCharsMax + 1) },
      { do: "forget", frame },
    ];
    for (const change of bad)
      expect(refusal(() => changeList(first, [change as Change]))).toEqual(refused("shape"));
    expect(refusal(() => changeList(first, []))).toEqual(refused("shape"));
    const [, right] = chain(first, share(bob));
    expect(refusal(() => readChanges(mutate(right!, { text: "more" })))).toEqual(refused("shape"));
    const linked = relate(right!, { add: { item: [frame] } });
    expect(refusal(() => readChanges(linked))).toEqual(refused("shape"));
  });

  test("is refused where it makes or names more than it may", () => {
    const many = Array.from({ length: listLimits.namesMax + 1 }, () => timeline().address);
    expect(refusal(() => changeList(first, [withdraw(bob, 1, many)]))).toEqual(refused("shape"));
    expect(refusal(() => changeList(first, [withdraw(bob, 1, many.slice(1))]))).toBe("taken");
    const changes = Array.from({ length: listLimits.changesMax + 1 }, () => setAside(timeline().address));
    expect(refusal(() => changeList(first, changes))).toEqual(refused("shape"));
  });

  test("is refused where it says two things of one identity or frame", () => {
    const twice = [
      [share(bob), share(bob, 2)],
      [share(bob), withdraw(bob)],
      [setAside(frame), { do: "adopt", frame, no: 1 } as const],
      [withdraw(bob, 1, [frame, frame])],
    ];
    for (const changes of twice)
      expect(refusal(() => changeList(first, changes))).toEqual(refused("repeats"));
    expect(refusal(() => changeList(first, [share(bob), share(carol)]))).toBe("taken");
  });

  test("by somebody else says nothing: only the owner writes a list (AL3)", () => {
    const [, right] = chain(first, share(bob));
    const eves = mutate(right!, { changes: [{ ...share(eve) }] }, { by: eve });
    expect(changesOf(first, [right!, eves])).toHaveLength(1);
    expect(foldList(first, [eves])).toEqual(emptyList);
  });
});

describe("a list", () => {
  test("is merged by a frame that holds nothing", async () => {
    const first = list(timeline());
    const [left, right] = [changeList(first, [share(bob)]), changeList(first, [share(carol)])];
    const frames = new Map([first, left, right].map((frame) => [frame.address, frame]));
    const reader = { getMany: async (all: readonly IbGib["address"][]) => all.map((at) => frames.get(at)) };
    const merged = await mergeTips([left.address, right.address], reader, mergeFunctions());
    if ("same" in merged) throw new Error("there is something to merge");
    expect(merged.frame.data).not.toHaveProperty("changes");
    expect(merged.frame.data).not.toHaveProperty("conflicts");
    const state = foldList(first, [...frames.values(), merged.frame]);
    expect([...state.identities.keys()].sort()).toEqual([bob, carol].sort());
    const next = changeList(merged.frame, [withdraw(bob)]);
    expect(readChanges(next)).toEqual([withdraw(bob)]);
  });

  test("has so many entries in force, and a list with more of them still takes a withdrawal (AL36)", () => {
    const people = (from: number, count: number) =>
      Array.from({ length: count }, (_, at) => {
        const hex = (from + at).toString(16).toUpperCase().padStart(64, "0");
        return share(`keystone.identity^${hex}` as typeof bob);
      });
    const fold = (state = emptyList, changes: readonly Change[] = [], from = 0) =>
      foldChanges(
        state,
        changes.map((change, at) => ({ change, key: `${from + at}` })),
      );
    const max = listLimits.entriesInForceMax;
    const full = fold(emptyList, people(0, max));
    expect(checkEntries(emptyList, full, 0)).toBe(max);
    const over = fold(full, people(max, 1), max);
    expect(refusal(() => checkEntries(full, over, max))).toMatchObject({
      code: "limit_exceeded",
      limit: "entriesInForceMax",
    });
    const [someone] = over.identities.keys();
    const less = fold(over, [withdraw(someone!)]);
    expect(checkEntries(over, less, max + 1)).toBe(max);
    expect(entriesIn(less)).toBe(max);
  });

  test("has so many entries of one identity", () => {
    const first = list(timeline());
    const max = listLimits.entriesOfOneMax;
    const all = chain(first, ...Array.from({ length: max + 1 }, () => share(bob)));
    const [some, more] = [foldList(first, all.slice(0, -1)), foldList(first, all)];
    expect(checkEntries(emptyList, some, 0)).toBe(max);
    expect(refusal(() => checkEntries(some, more, max))).toMatchObject({ limit: "entriesOfOneMax" });
  });
});
