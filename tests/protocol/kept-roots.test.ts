import { expect, test } from "vitest";
import { type Address, createTimeline, type IbGib, mutate, sealRecord } from "../../src/ibgib/index.js";
import { withKept } from "../../src/peer/receiver/kept-roots.js";
import type { RootStatus } from "../../src/saga/index.js";

/** What the saga has staged, and what else its sender has here. */
function viewOf(...records: readonly IbGib[]) {
  const there = new Map(records.map((record) => [record.address, record]));
  return {
    getMany: async (wanted: readonly Address[]) => wanted.map((one) => there.get(one)),
    hasMany: async (wanted: readonly Address[]) => wanted.map((one) => there.has(one)),
  };
}

const note = createTimeline({ ib: "note", uuid: "note" });
const edit = mutate(note, { text: "x" });
const diary = createTimeline({ ib: "diary", uuid: "diary" });
const [stone, other] = [
  sealRecord({ ib: "stone", data: { a: 1 } }),
  sealRecord({ ib: "stone", data: { a: 2 } }),
];
const roots = [note, diary, stone, other].map(({ address }) => ({ address, tip: address, n: 0 }));
const statuses: readonly RootStatus[] = roots.map(() => ({ status: "unknown" }));
const taken = {
  records: 3,
  bytes: 900,
  tips: [{ tjp: note.address, address: edit.address, n: 1 }],
};

test("says of each root that is going to be sent what is there; only stones count as such", async () => {
  // Of the diary the sender has sent the first frame at another time: nothing of it is staged.
  const view = viewOf(note, edit, diary, stone);
  expect(await withKept(view, roots, statuses, taken)).toEqual({
    kept: 3,
    statuses: [
      { status: "unknown", kept: edit.address },
      { status: "unknown" },
      { status: "unknown", kept: stone.address },
      { status: "unknown" },
    ],
  });
});

test("says nothing of roots that are not sent, and nothing at all where nothing was taken over", async () => {
  const told: readonly RootStatus[] = [
    { status: "same" },
    { status: "ahead", tip: diary.address, n: 0 },
    ...statuses.slice(2),
  ];
  const view = viewOf(note, edit, diary);
  expect((await withKept(view, roots, told, taken)).statuses).toEqual(told);
  const nothing = await withKept(view, roots, statuses, { records: 0, bytes: 0, tips: [] });
  expect(nothing).toEqual({ kept: 0, statuses });
});
